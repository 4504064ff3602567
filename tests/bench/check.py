"""``make bench-check``: measure what is quick again, and compare it with what is kept.

Exits with 1 where a ratio is more than 15 % worse than in docs/benchmarks.json, or a query was
added. What seems worse is measured twice: a machine may have had a bad minute.
"""

import sys
from collections.abc import Callable
from typing import Any

from tests.bench import login, page, report
from tests.bench.report import Section


def check(measure: Callable[[], Section], figures: Any) -> list[str]:
    """Return what is worse than in ``figures``, as it is the second time, a line each."""
    section = measure()
    found = report.worse(section, figures)
    print(f"\n{section.shown()}", flush=True)
    return report.worse(measure(), figures) if found else []


def main() -> int:
    figures = report.load()
    bad = [line for bench in (login, page) for line in check(bench.measure, figures)]
    print("\n".join(bad or ["Nothing is worse than it was."]))
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())

"""``make bench-check``: measure what is quick again, and compare it with what is kept.

Exits with 1 where a ratio is more than 15 % worse than in docs/benchmarks.json, or a query was
added. What seems worse is measured twice: a machine may have had a bad minute.
"""

import sys

from tests.bench import login, page, report


def main() -> int:
    figures, bad = report.load(), []
    for bench in (login, page):
        section = bench.measure()
        found = report.worse(section, figures)
        if found:
            again = bench.measure()
            # What is worse both times, as it is the second time.
            found = report.worse(again, figures)
        print(f"\n{section.shown()}", flush=True)
        bad += found
    print("\n".join(bad or ["Nothing is worse than it was."]))
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())

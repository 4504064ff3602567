"""What was measured: printed, a section of docs/benchmarks.md, and ratios to compare with later."""

import importlib.metadata
import json
import os
import platform
import re
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.turns import PEERS_PYTHON, PROJECT, Rounds

PAGE, FIGURES = PROJECT / "docs/benchmarks.md", PROJECT / "docs/benchmarks.json"
# How much worse a ratio may become. Counts may not.
TOLERANCE = 1.15
# The last one is written by hand.
_ORDER = (
    "login",
    "page",
    "pages",
    "python",
    "load",
    "start",
    "suite",
    "triggers",
    "timing",
    "ways",
    "growth",
    "tried",
)
_HEAD = """# How fast it is

This site and other projects are measured in alternating rounds of one run on one machine. Seconds
differ from machine to machine, ratios hardly do. `make bench WHAT=…` measures again and writes its
section here. `make bench-check` repeats the quick ones. It fails if a ratio is more than 15 % worse
than the one in [benchmarks.json](benchmarks.json), or if a query was added. Each figure is the
median of all rounds, with the lowest and the highest. This site looks for garbage as seldom as
`config/wsgi.py` says, the others as often as Python does by itself.
"""


@dataclass
class Section:
    """``tables`` are lists of rows, the first one of which is the head.

    ``ratios`` are ours to another's, so less is better, as it is with ``counts``.
    """

    name: str
    title: str
    text: str
    tables: list[list[list[str]]]
    ratios: dict[str, Rounds] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    versions: str = ""

    def shown(self) -> str:
        tables = "\n\n".join(_table(rows) for rows in self.tables)
        return f"## {self.title}\n\n{self.text}\n\n{tables}\n\n{machine()}{self.versions}\n"


def machine() -> str:
    """Return what it was measured on, and when."""
    cores = len(os.sched_getaffinity(0))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {cores} cores, load "
        f"{os.getloadavg()[1]:.1f}, {platform.system()} {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, {versions('Django', 'boto3')}"
    )


def versions(*packages: str) -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)


def versions_of_peers(*packages: str) -> str:
    """Return the same of the environment of the peers."""
    ask = (
        "import importlib.metadata, sys;"
        "print(', '.join(f'{n} {importlib.metadata.version(n)}' for n in sys.argv[1:]))"
    )
    done = subprocess.run(
        [PEERS_PYTHON, "-c", ask, *packages], capture_output=True, text=True, check=True
    )
    return ", " + done.stdout.strip()


def keep(section: Section, page: Path = PAGE, store: Path = FIGURES) -> None:
    """Write the section, and its figures, in the place of the earlier ones."""
    print(f"\n{section.shown()}")
    sections = _kept(page)
    sections[section.name] = section.shown()
    ordered = sorted(sections, key=_ORDER.index)
    marked = [f"<!-- {name} -->\n{sections[name]}" for name in ordered]
    page.write_text("\n".join([_HEAD, *marked]))
    figures = load(store)
    figures[section.name] = {
        "ratios": {name: round(each.middle, 3) for name, each in section.ratios.items()},
        "counts": section.counts,
    }
    ordered_figures = {name: figures[name] for name in _ORDER if name in figures}
    store.write_text(json.dumps(ordered_figures, indent=2) + "\n")


def load(path: Path = FIGURES) -> Any:
    return json.loads(path.read_text()) if path.exists() else {}


def worse(section: Section, figures: Any) -> list[str]:
    """Return what is worse than in ``figures``, a line each."""
    before = figures[section.name]
    found = []
    for name, ratio in section.ratios.items():
        kept = before["ratios"][name]
        if ratio.middle > kept * TOLERANCE:
            found.append(f"{section.name}: {name} is {ratio.shown(digits=2)}, and was {kept:.2f}")
    for name, count in section.counts.items():
        if count > before["counts"][name]:
            found.append(f"{section.name}: {name} are {count}, and were {before['counts'][name]}")
    return found


def _kept(page: Path) -> dict[str, str]:
    if not page.exists():
        return {}
    parts = re.split(r"<!-- (\w+) -->\n", page.read_text())[1:]
    return {name: f"{text.strip()}\n" for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _table(rows: list[list[str]]) -> str:
    head, *others = rows
    widths = [max(3, *(len(row[n]) for row in rows)) for n in range(len(head))]
    align = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [head, align, *others]
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()

"""``make bench WHAT=pages``: the cost of each page, next to a bare one of Django's."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import report, turns
from tests.bench.report import Section

ROUNDS, PAGES = 7, 20
# Path, and whether somebody is signed in.
_ASKED = {
    "the phone": ("/accounts/login/", False),
    "an old number": ("/changed", False),
    "health": ("/healthz", False),
    "brand": ("/accounts/brand.css", False),
    "the first page": ("/", True),
    "devices": ("/accounts/devices/", True),
    "not found": ("/nothing-here", True),
}


def measure(rounds: int) -> Section:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as scratch,
        turns.sites(Path(scratch), "ours", "plain") as sites,
    ):
        asked = {
            name: (sites["ours"], {"path": path, "signed_in": signed_in})
            for name, (path, signed_in) in _ASKED.items()
        }
        asked["bare page of Django"] = (sites["plain"], {"path": "/", "signed_in": True})
        answers = {name: site.do("page_queries", **how) for name, (site, how) in asked.items()}
        took = turns.by_turns(
            {
                name: lambda site=site, how=how: site.do("page", times=PAGES, **how)
                for name, (site, how) in asked.items()
            },
            rounds,
        )
    bare = took["bare page of Django"]
    return Section(
        "pages",
        "Every page",
        (
            "In process, on SQLite, next to a page of one line for somebody who is signed in with"
            f" Django alone. {rounds} rounds of {PAGES} pages each."
        ),
        [
            [
                ["", "CPU, ms", "queries", "kB", "status", "CPU to the bare page's"],
                *(
                    [
                        name,
                        each.shown(1000, 2),
                        str(len(answers[name]["rows"])),
                        f"{answers[name]['bytes'] / 1000:.1f}",
                        str(answers[name]["status"]),
                        (each / bare).shown(digits=2),
                    ]
                    for name, each in took.items()
                ),
            ]
        ],
        ratios={f"CPU of {name}": each / bare for name, each in took.items() if each is not bare},
        counts={f"queries of {name}": len(answers[name]["rows"]) for name in _ASKED},
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    report.keep(measure(parser.parse_args().rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())

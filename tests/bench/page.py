"""``make bench WHAT=page``: the cost of a signed-in page, next to one of Django alone.

``--profile`` prints where the time goes instead, and ``--queries`` the queries.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import report, trace, turns
from tests.bench.report import Section

ROUNDS, PAGES = 15, 40
OURS = "ours with a bare page"


def measure(rounds: int = ROUNDS) -> Section:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as scratch,
        turns.sites(Path(scratch), OURS, "plain") as sites,
    ):
        asked = {
            "first page": (sites[OURS], "/"),
            "bare page": (sites[OURS], "/bare/"),
            "bare page of Django": (sites["plain"], "/"),
        }
        answers = {name: site.do("page_queries", path=path) for name, (site, path) in asked.items()}
        took = turns.by_turns(
            {
                name: lambda site=site, path=path: site.do("page", times=PAGES, path=path)
                for name, (site, path) in asked.items()
            },
            rounds,
        )
    peer = "bare page of Django"
    rows = [["", "CPU, ms", "queries", "kB", "CPU to the peer's"]]
    titles = {
        "first page": "this site, first page after a login",
        "bare page": "this site, the peer's page",
        peer: "Django's sessions and users, a bare page",
    }
    ratios = {}
    for name, title in titles.items():
        if name != peer:
            ratios[f"CPU of the {name} to the peer's"] = took[name] / took[peer]
        ratio = "1" if name == peer else (took[name] / took[peer]).shown(digits=2)
        answer = answers[name]
        rows.append(
            [
                title,
                took[name].shown(1000, 2),
                str(len(answer["rows"])),
                f"{answer['bytes'] / 1000:.1f}",
                ratio,
            ]
        )
    return Section(
        "page",
        "One signed-in page",
        (
            "In process, on SQLite. The peer is what `startproject` makes, with a page of one line"
            " for whoever is signed in; this site serves the same page as well. "
            f"{rounds} rounds of {PAGES} pages each."
        ),
        [rows],
        ratios=ratios,
        counts={
            "queries of the first page": len(answers["first page"]["rows"]),
            "queries of the bare page": len(answers["bare page"]["rows"]),
        },
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--path", default="/", help="of the page to look into")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    parser.add_argument(
        "--queries", action="store_true", help="print the queries and their callers"
    )
    parser.add_argument("--site", choices=(OURS, "plain"), default=OURS, help="of which site")
    wanted = parser.parse_args()
    if not (wanted.profile or wanted.queries):
        report.keep(measure(wanted.rounds))
        return 0
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as scratch,
        turns.sites(Path(scratch), wanted.site) as sites,
    ):
        site = sites[wanted.site]
        if wanted.queries:
            print(trace.listed(site.do("page_queries", path=wanted.path)["rows"]))
        if wanted.profile:
            print(site.do("page_profile", times=2000, path=wanted.path))
    return 0


if __name__ == "__main__":
    sys.exit(main())

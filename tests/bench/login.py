"""``make bench WHAT=login``: the cost of one login, of this site and of others.

Phone page, number, code page, code, first page, of somebody who has an account: in process, on
SQLite, with a Cognito that answers at once. ``--profile`` prints where the time goes instead, and
``--queries`` the queries.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import report, trace, turns
from tests.bench.report import Section
from tests.bench.turns import Rounds, SiteProcess

ROUNDS, LOGINS = 15, 8
_NAMES = {
    "ours": "this site, two calls to Cognito",
    "allauth": "django-allauth, login by phone and code",
    "oidc": "mozilla-django-oidc, callback: three requests",
}


def measure(rounds: int = ROUNDS) -> Section:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as scratch,
        turns.sites(Path(scratch), *_NAMES) as sites,
    ):
        queries = {name: site.do("login_queries") for name, site in sites.items()}
        steps: dict[str, list[dict[str, float]]] = {name: [] for name in sites}

        def once(name: str, site: SiteProcess) -> float:
            taken: list[dict[str, float]] = site.do("login", times=LOGINS)
            steps[name] += taken
            return statistics.median(sum(each.values()) for each in taken)

        took = turns.by_turns(
            {name: lambda name=name, site=site: once(name, site) for name, site in sites.items()},
            rounds,
        )
    ratios = {name: took["ours"] / took[name] for name in took if name != "ours"}
    return Section(
        "login",
        "One login",
        (
            "Five requests in process: phone page, number, code page, code, first page, of somebody"
            " who has an account, on SQLite. Cognito is a process of its own that answers at once,"
            " through boto3, with tokens that are signed and verified (RS256). Queries count BEGIN"
            " and COMMIT. Limits are counted in memory, where they cost more, the more networks"
            f" there are. {rounds} rounds of {LOGINS} logins each."
        ),
        [_whole(took, ratios, queries), _by_step(steps, queries)],
        ratios={f"CPU to {name}": ratio for name, ratio in ratios.items()},
        counts={"queries": len(queries["ours"])},
        versions=report.versions_of_peers("django-allauth", "mozilla-django-oidc"),
    )


def _whole(
    took: dict[str, Rounds], ratios: dict[str, Rounds], queries: dict[str, Any]
) -> list[list[str]]:
    return [
        ["", "CPU, ms", "queries", "without BEGIN, COMMIT", "CPU, ours to it"],
        *(
            [
                title,
                took[name].shown(1000),
                str(len(queries[name])),
                str(sum(not trace.is_transaction(row["sql"]) for row in queries[name])),
                ratios[name].shown(digits=2) if name in ratios else "1",
            ]
            for name, title in _NAMES.items()
        ),
    ]


def _by_step(steps: dict[str, list[dict[str, float]]], queries: dict[str, Any]) -> list[list[str]]:
    def cells(name: str, step: str) -> list[str]:
        took = statistics.median(each[step] for each in steps[name])
        asked = sum(row["step"] == step for row in queries[name])
        return [f"{took * 1000:.1f}", str(asked)]

    return [
        ["", "CPU, ms", "queries", "allauth's CPU, ms", "allauth's queries"],
        *([step, *cells("ours", step), *cells("allauth", step)] for step in steps["ours"][0]),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    parser.add_argument(
        "--queries", action="store_true", help="print the queries and their callers"
    )
    parser.add_argument("--site", choices=_NAMES, default="ours", help="of which site")
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
            print(trace.listed(site.do("login_queries")))
        if wanted.profile:
            print(site.do("login_profile", times=300))
    return 0


if __name__ == "__main__":
    sys.exit(main())

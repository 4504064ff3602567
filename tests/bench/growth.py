"""``make bench WHAT=growth``: the price of each task with few users and events, and with many.

A site on PostgreSQL for each size, all of them measured by turns: a login, the page after it, what
operators ask for, a comparison with the pool, a purge. ``--sizes 10_000:100_000 …`` names users and
events of each, ``--large`` adds a million and five million. ``--plans`` prints how PostgreSQL goes
about the statements of a login at the largest size instead.

Exits with 1 where a login or its page grows faster than the logarithm of the size.
"""

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import cognito, curves, report, turns
from tests.bench.curves import Curve
from tests.bench.report import Section
from tests.bench.turns import PROJECT, Rounds, SiteProcess
from tests.postgres import Postgres

PICTURE = PROJECT / "docs/images/growth.svg"
ROUNDS, LOGINS, PAGES, ASKED, DAYS = 7, 20, 40, 6, 6
# What operators ask for, by the beginnings of the names in ``admin_pages``.
_ADMIN = {
    "users: ": "lists and searches of users",
    "events: ": "lists and searches of events",
    "orders": "list of orders",
    "audit log": "list of the audit log",
    "page of a user": "page of a user",
    "page of an event": "page of an event",
    "overview": "overview",
}


@dataclass(frozen=True, order=True)
class Size:
    users: int
    events: int

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Return the size of 10_000:100_000, for example."""
        users, events = map(int, text.split(":"))
        return cls(users, events)

    def __str__(self) -> str:
        return f"{_short(self.users)} users, {_short(self.events)} events"


SIZES = [Size(10_000, 100_000), Size(30_000, 300_000), Size(100_000, 1_000_000)]
LARGE = Size(1_000_000, 5_000_000)


@dataclass(frozen=True)
class Figure:
    """One row: a figure of each size. ``is_of_login`` ones may grow like the logarithm."""

    name: str
    values: list[Rounds]
    factor: float = 1000
    is_of_login: bool = False
    is_drawn: bool = False

    @property
    def growth(self) -> Rounds:
        return self.values[-1] / self.values[0]

    def row(self) -> list[str]:
        digits = 1 if self.factor > 1 else 0
        shown = [f"{each.middle * self.factor:,.{digits}f}" for each in self.values]
        return [self.name, *shown, self.growth.shown(digits=2)]


def may_grow(small: Size, large: Size) -> float:
    """Return how much the logarithm of what the database holds grows from one to the other."""
    return math.log(large.users + large.events) / math.log(small.users + small.events)


def too_fast(figures: list[Figure], sizes: list[Size]) -> list[str]:
    """Return what of the login grows faster than the logarithm, a line each."""
    limit = may_grow(sizes[0], sizes[-1]) * report.TOLERANCE
    return [
        f"growth: {figure.name} grows {figure.growth.shown(digits=2)}, and may grow {limit:.2f}"
        for figure in figures
        if figure.is_of_login and figure.growth.middle > limit
    ]


@contextmanager
def crowded(sizes: list[Size]) -> Iterator[list[SiteProcess]]:
    """Fill a database for each size, and start its site."""
    with ExitStack() as stack:
        found = []
        for size in sizes:
            print(f"{size} …", file=sys.stderr, flush=True)
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-growth-")))
            pool = stack.enter_context(cognito.running(users=size.users))
            environment = {
                **turns.site_environment(scratch, pool),
                "DATABASE_URL": stack.enter_context(Postgres(scratch)),
                "CROWD_USERS": str(size.users),
                "CROWD_EVENTS": str(size.events),
            }
            module = "tests.bench.crowded"
            sites = turns.sites(scratch, "crowd", environment=environment, module=module)
            found.append(stack.enter_context(sites)["crowd"])
        yield found


def by_turns(
    sites: list[SiteProcess], ask: Callable[[SiteProcess], Any], rounds: int
) -> list[list[Any]]:
    """Return the answers of each site, one a round."""
    answers: list[list[Any]] = [[] for _ in sites]
    for n in range(rounds):
        for place in list(range(len(sites)))[:: -1 if n % 2 else 1]:
            answers[place].append(ask(sites[place]))
    return answers


def whole(price: dict[str, float]) -> float:
    return price["site"] + price["database"]


def of_login(title: str, answers: list[list[dict[str, float]]]) -> list[Figure]:
    def rounds(part: str) -> list[Rounds]:
        return [Rounds([price[part] for price in each]) for each in answers]

    return [
        Figure(f"{title}: CPU of the site, ms", rounds("site"), is_of_login=True),
        Figure(
            f"{title}: CPU of the database, ms",
            rounds("database"),
            is_of_login=True,
            is_drawn=True,
        ),
        Figure(f"{title}: blocks read", rounds("blocks"), 1, is_of_login=True),
    ]


def of_admin(answers: list[list[dict[str, dict[str, float]]]]) -> Iterator[Figure]:
    """Make one figure of all requests of a kind: their mean."""
    for start, title in _ADMIN.items():
        values = [
            Rounds(
                [
                    statistics.fmean(
                        whole(price) for name, price in found.items() if name.startswith(start)
                    )
                    for found in each
                ]
            )
            for each in answers
        ]
        yield Figure(f"admin: {title}, ms", values, is_drawn=start.endswith(": "))


def measure(sizes: list[Size], rounds: int) -> tuple[Section, list[str]]:
    """Return what was measured, and what grows too fast."""
    with crowded(sizes) as sites:
        logins = by_turns(sites, lambda site: site.do("login_price", times=LOGINS), rounds)
        # After the first login, which may connect again: the smaller ones have waited for long.
        statements = [len(site.do("login_queries")) for site in sites]
        pages = by_turns(sites, lambda site: site.do("page_price", times=PAGES), rounds)
        admin = by_turns(sites, lambda site: site.do("admin_prices", times=ASKED), 3)
        synced = by_turns(sites, lambda site: site.do("sync_price"), 1)
        idle = by_turns(sites, lambda site: site.do("purge_price", days=0), 3)
        purged = by_turns(sites, lambda site: site.do("purge_price", days=DAYS), 1)
    per_event = [
        Rounds([whole(price) / max(price["events"], 1) * 1000 for price in each]) for each in purged
    ]
    figures = [
        *of_login("login", logins),
        *of_login("signed-in page", pages),
        *of_admin(admin),
        Figure(
            "sync: 1,000 users, ms",
            [Rounds([whole(price) for price in each]) for each in synced],
            is_drawn=True,
        ),
        Figure("purge: nothing to remove, ms", [Rounds(list(map(whole, each))) for each in idle]),
        Figure("purge: 1,000 events, ms", per_event, is_drawn=True),
    ]
    bad = too_fast(figures, sizes)
    if len(set(statements)) > 1:
        bad.append(f"growth: the statements of a login are {statements}")
    PICTURE.write_text(picture(figures, sizes))
    return _section(figures, sizes, statements, rounds), bad


def picture(figures: list[Figure], sizes: list[Size]) -> str:
    return curves.draw(
        "CPU, as a multiple of that at the smallest size",
        {f"{_short(size.users)} users\n{_short(size.events)} events": size.users for size in sizes},
        [
            *(
                Curve(
                    figure.name.removesuffix(", ms"),
                    [each.middle / figure.values[0].middle for each in figure.values],
                )
                for figure in figures
                if figure.is_drawn
            ),
            Curve("the logarithm", [may_grow(sizes[0], size) for size in sizes], is_limit=True),
        ],
    )


def _section(
    figures: list[Figure], sizes: list[Size], statements: list[int], rounds: int
) -> Section:
    limit = may_grow(sizes[0], sizes[-1])
    return Section(
        "growth",
        "With more users and events",
        (
            "A site on PostgreSQL for each size, without a cache server, all measured by turns. CPU"
            " is that of the site and, where nothing else is said, of the database; blocks are of"
            f" 8 kB, wherever they were found. {rounds} rounds of {LOGINS} logins and of"
            f" {PAGES} pages; operators ask for {ASKED} addresses of each list, filter and search,"
            f" three times; the pool is compared, and {DAYS} days of events purged, once. The"
            f" logarithm of what the database holds grows by {limit:.2f}; the bench fails if a"
            " login or its page grows faster by more than 15 %, or takes other statements. The"
            " overview sums up hours, and in each hour of a busy site more kinds of events happen,"
            " in more countries, until all of them do.\n\n"
            f"![Curves of CPU over the number of users](images/{PICTURE.name})"
        ),
        [
            [
                ["", *map(str, sizes), "largest to smallest"],
                [
                    "login: statements",
                    *map(str, statements),
                    f"{statements[-1] / statements[0]:.2f}",
                ],
                *(figure.row() for figure in figures),
            ]
        ],
        ratios={figure.name: figure.growth for figure in figures if figure.is_of_login},
        counts={"statements of a login": statements[-1]},
        versions=f", {report.versions('psycopg')}",
    )


def _short(number: int) -> str:
    return f"{number / 1e6:g} M" if number >= 1_000_000 else f"{number / 1e3:g} k"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", nargs="+", type=Size.parse, default=SIZES, metavar="USERS:EVENTS"
    )
    parser.add_argument("--large", action="store_true", help=f"also {LARGE}")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--plans", action="store_true", help="print the plans of a login instead")
    wanted = parser.parse_args()
    sizes = sorted({*wanted.sizes, *([LARGE] if wanted.large else [])})
    if wanted.plans:
        with crowded(sizes[-1:]) as (site,):
            print(site.do("login_plans"))
        return 0
    section, bad = measure(sizes, wanted.rounds)
    report.keep(section)
    print("\n".join(bad))
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())

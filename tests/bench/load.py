"""``make bench WHAT=load``: how many people a process signs in at once, and how long they wait.

gunicorn as the image starts it, PostgreSQL and Redis, a Cognito that takes 300 ms for each call,
and numbers that are new, which makes three calls a login. As many people as there are threads sign
in one after the other. Compared are two processes, and other servers of the same site.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import cognito, report, turns
from tests.bench.report import Section
from tests.bench.turns import PEERS_PYTHON, Rounds
from tests.bench.visitors import Seen, Visitors
from tests.postgres import Postgres
from tests.redis import Redis
from tests.site import Site, command_of_the_image, manage

LATENCY, CALLS, THREADS, SECONDS, WARM_UP, ROUNDS = 0.3, 3, 32, 15.0, 5.0, 3
# While the others had their turns, connections to the database have become too old to be kept.
_AFTER_A_PAUSE = 3.0
_BIN = Path(PEERS_PYTHON).parent
_SYNC = 8


@dataclass(frozen=True)
class Server:
    """``at_once`` is how many requests it serves at once."""

    title: str
    command: list[str]
    at_once: int = THREADS
    environment: dict[str, str] = field(default_factory=dict)


def servers(threads: int) -> dict[str, Server]:
    there = ["--host", "127.0.0.1", "--port", "{port}"]
    image = command_of_the_image()
    return {
        "one": Server("gunicorn, 1 process", image, threads, {"WEB_CONCURRENCY": "1"}),
        "two": Server("gunicorn, 2 processes", image, 2 * threads, {"WEB_CONCURRENCY": "2"}),
        "sync": Server(
            f"gunicorn, {_SYNC} processes without threads",
            [*image, "--worker-class", "sync", "--threads", "1", "--workers", str(_SYNC)],
            _SYNC,
        ),
        "granian": Server(
            "granian, 1 process",
            [
                *(f"{_BIN}/granian", "--interface", "wsgi", *there, "--no-ws"),
                *("--workers", "1", "--blocking-threads", str(threads)),
                # A thread that ends would leave its connection to the database open.
                *("--blocking-threads-idle-timeout", "600", "config.wsgi:application"),
            ],
            threads,
        ),
        "asgi": Server(
            "uvicorn (ASGI), 1 process",
            [f"{_BIN}/uvicorn", *there, "--no-access-log", "tests.bench.asgi:application"],
            threads,
        ),
    }


@dataclass
class Taken:
    """One figure a round."""

    rates: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    away: list[float] = field(default_factory=list)


@contextmanager
def surroundings(latency: float) -> Iterator[tuple[Path, dict[str, str]]]:
    """Bring up what the site needs, and give a directory and its environment."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-load-")))
        environment = {
            **turns.site_environment(scratch, stack.enter_context(cognito.running(latency))),
            "DATABASE_URL": stack.enter_context(Postgres(scratch)),
            "CACHE_URL": stack.enter_context(Redis(scratch)).url,
        }
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "collectstatic", "--noinput")
        yield scratch, environment


def measure(wanted: argparse.Namespace) -> Section:
    chosen = {name: servers(wanted.threads)[name] for name in wanted.servers}
    taken = {name: Taken() for name in chosen}
    with surroundings(wanted.latency) as (scratch, environment), ExitStack() as stack:
        inside = stack.enter_context(
            turns.sites(scratch, "newcomers", environment={**environment, "WEB_THREADS": "32"})
        )["newcomers"]
        in_process: list[float] = []
        sites = {}
        for name, server in chosen.items():
            told = {**environment, "WEB_THREADS": str(wanted.threads), **server.environment}
            sites[name] = Site(told, scratch / f"{name}.log", command=server.command)
            stack.callback(sites[name].kill)
        for name, site in sites.items():
            site.wait()
            Visitors(site.port, chosen[name].at_once).come(wanted.warm_up)
        inside.do("login", times=5)
        for n in range(wanted.rounds):
            logins = inside.do("login", times=10)
            in_process.append(statistics.median(sum(each.values()) for each in logins))
            for name in list(sites)[:: -1 if n % 2 else 1]:
                seen = one_round(sites[name], chosen[name].at_once, wanted.seconds, taken[name])
                print(f"{name}: {seen.logins} logins {dict(seen.statuses)}", flush=True)
    return _section(wanted, chosen, taken, Rounds(in_process))


def one_round(site: Site, people: int, seconds: float, taken: Taken) -> Seen:
    Visitors(site.port, people).come(_AFTER_A_PAUSE)
    before = cpu_of(site.process.pid)
    seen = Visitors(site.port, people).come(seconds)
    spent = cpu_of(site.process.pid) - before
    taken.rates.append(seen.logins / seconds)
    taken.waits.append(seen.p99("post code"))
    # Of those under way at the end, half a login has been paid for on average.
    taken.cpu.append(spent / (seen.logins + people / 2))
    taken.away.append(sum(seen.statuses.values()))
    return seen


def cpu_of(session: int) -> float:
    """Return the seconds of CPU that the processes of a session have used."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            # Its own, and those of its children that have ended: gunicorn replaces its workers.
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _section(
    wanted: argparse.Namespace,
    chosen: dict[str, Server],
    taken: dict[str, Taken],
    in_process: Rounds,
) -> Section:
    head = [
        *("", "logins a second", "threads allow", "p99 of posting a code, s"),
        *("CPU of a login, ms", "turned away"),
    ]
    rows, ratios = [head], {}
    for name, server in chosen.items():
        allowed = server.at_once / (wanted.latency * CALLS)
        each = taken[name]
        rows.append(
            [
                server.title,
                Rounds(each.rates).shown(),
                f"{allowed:.1f}",
                Rounds(each.waits).shown(digits=2),
                Rounds(each.cpu).shown(1000),
                f"{statistics.median(each.away):.0f}",
            ]
        )
        if name in ("one", "two"):
            ratios[f"what {name} could do to what it does"] = Rounds(
                [allowed / max(rate, 0.01) for rate in each.rates]
            )
            ratios[f"CPU of {name} to in process"] = Rounds(each.cpu) / in_process
    rows.append(["one after the other, in process", "", "", "", in_process.shown(1000), ""])
    return Section(
        "load",
        "Many logins at once",
        (
            f"People with new numbers, as many as requests are served at once ({wanted.threads}"
            f" threads a process), {CALLS} calls to Cognito of {wanted.latency * 1000:.0f} ms"
            " each, PostgreSQL and Redis, all on the same machine, people included. People"
            f" who get a 503 try again. {wanted.rounds} rounds of {wanted.seconds:.0f} s."
        ),
        [rows],
        ratios=ratios,
        versions=", "
        + report.versions("gunicorn")
        + report.versions_of_peers("granian", "uvicorn"),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of a round")
    parser.add_argument("--warm-up", type=float, default=WARM_UP, help="seconds before the first")
    parser.add_argument("--latency", type=float, default=LATENCY, help="seconds of Cognito's calls")
    parser.add_argument("--threads", type=int, default=THREADS)
    every = list(servers(THREADS))
    parser.add_argument("--servers", nargs="+", choices=every, default=every)
    wanted = parser.parse_args()
    section = measure(wanted)
    if wanted.servers == every:
        report.keep(section)
    else:
        print(section.shown())
    return 0


if __name__ == "__main__":
    sys.exit(main())

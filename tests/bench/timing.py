"""``make bench WHAT=timing``: can whoever only watches tell which numbers have an account?

Numbers of every kind (``numbers``) are typed by turns, each followed by a wrong code, so that what
else the machine does falls on all alike: on a site with sign-up open, on one with it closed, and
straight at Cognito's API. gunicorn serves the sites as the image does; the triggers are the real
ones, behind a front as strict as Cognito. Texts leave at once here, which makes every difference
stand out more than on AWS.

A ratio is that of medians, to the kind that must look the same. An AUC of 0.5 says that a single
try tells nothing, 0 and 1 that it tells all. Pages are compared byte by byte, without the CSRF
token, the reference, the number and countdowns. ``ARGS="--samples 20"`` is a short one. Exits with
1 where a ratio is not 0.9 to 1.1 or a page differs, but for what docs/security.md says remains.
"""

import argparse
import contextlib
import math
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import askers, numbers, report, turns
from tests.bench.askers import Asked, AtCognito, Busy, OnSite, Way
from tests.bench.numbers import KINDS, Numbers
from tests.bench.report import Section
from tests.bench.turns import Rounds

SAMPLES, WARM_UP = 200, 5
ALLOWED = (0.9, 1.1)
# Cognito itself says to callers with a client's secret that an account is disabled.
TOLD_BY_COGNITO = ("disabled now", "disabled")


@dataclass
class Seen:
    """What was seen of one kind in one way."""

    steps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    told: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def add(self, asked: Asked) -> None:
        for step, seconds in asked.steps.items():
            self.steps[step].append(seconds)
        self.told[tuple(asked.told)] += 1


# By the title of the way, and the name of the kind.
Result = dict[str, dict[str, Seen]]


def auc(one: list[float], other: list[float]) -> float:
    """Return how often a sample of ``other`` is longer than one of ``one``; ties count half."""
    wins = sum((b > a) + (b == a) / 2 for a in one for b in other)
    return wins / (len(one) * len(other))


@contextmanager
def ways(scratch: Path) -> Iterator[tuple[Numbers, list[Way]]]:
    """Bring up a cloud, a front, and two sites that share a database."""
    from botocore import UNSIGNED
    from botocore.config import Config

    from localcloud.cloud import Cloud
    from tests.fakes.cognito_front.front import CognitoFront
    from tests.site import PRODUCTION, Site, manage

    with ExitStack() as stack:
        cloud = stack.enter_context(Cloud(scratch / "cloud", parameters=numbers.PARAMETERS))
        front = stack.enter_context(CognitoFront(cloud))
        emulator = cloud.environment["AWS_ENDPOINT_URL"]
        told = {key: value.replace(emulator, front.url) for key, value in cloud.environment.items()}
        production = {key: value for key, value in PRODUCTION.items() if key.startswith("DJANGO_")}
        environment = {
            **PRODUCTION,
            **told,
            **production,
            **turns.GENEROUS,
            "PYTHONDONTWRITEBYTECODE": "",
            "DJANGO_DEBUG": "false",
            "DJANGO_HTTPS": "true",
            "DJANGO_STATIC_ROOT": str(scratch / "static"),
            # This check finds that the pool is not one of AWS.
            "DJANGO_SILENCED_SYSTEM_CHECKS": "site.E008",
            "DATABASE_URL": f"sqlite:///{scratch / 'db.sqlite3'}?conn_max_age=600",
        }
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "collectstatic", "--noinput")
        found: list[Way] = []
        for sign_up in ("closed", "open"):
            site = Site({**environment, "ACCOUNTS_SIGN_UP": sign_up}, scratch / f"{sign_up}.log")
            stack.callback(site.kill)
            site.wait()
            found.append(OnSite(site, sign_up=sign_up))
        api = cloud.root_session().client(
            "cognito-idp",
            endpoint_url=front.url,
            config=Config(
                signature_version=UNSIGNED, read_timeout=60, retries={"total_max_attempts": 1}
            ),
        )
        found.append(
            AtCognito(
                api,
                client_id=told["COGNITO_CLIENT_ID"],
                client_secret=told["COGNITO_CLIENT_SECRET"],
            )
        )
        os.environ.update({**environment, "DJANGO_SETTINGS_MODULE": "config.settings"})
        numbers.let_read_names(cloud)
        import django

        django.setup()
        yield Numbers(cloud), found


def measured(drawn: Numbers, by: list[Way], samples: int, minutes: float) -> Result:
    """Ask by every way at the same time, and by each for one number after another.

    No round of all kinds begins after so many minutes.
    """
    end = time.monotonic() + minutes * 60
    result: Result = {way.title: {kind.name: Seen() for kind in KINDS} for way in by}
    drawing = threading.Lock()

    def sample(way: Way) -> None:
        for place in range(-WARM_UP, samples):
            if time.monotonic() > end:
                break
            for kind in random.sample(KINDS, len(KINDS)):
                with drawing:
                    phone = drawn.draw(kind, sign_up=way.sign_up)
                with contextlib.suppress(Busy):
                    asked = way.ask(phone)
                    # The first ones are those of a cold site.
                    if place >= 0:
                        result[way.title][kind.name].add(asked)
                drawn.forget(phone)
            if place % 10 == 0:
                print(f"  {way.title}: {place} of {samples}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(len(by)) as pool:
        list(pool.map(sample, by))
    return result


def section(result: Result) -> tuple[Section, list[str]]:
    """Return the section of docs/benchmarks.md, and what is not as it should be."""
    tables, ratios, bad = [], {}, []
    counts = [each.told.total() for seen in result.values() for each in seen.values()]
    for title, seen in result.items():
        steps = [
            each
            for each in (askers.NUMBER, askers.PAGE, askers.WRONG)
            if seen["member"].steps[each]
        ]
        columns = [f"{step}, {what}" for step in steps for what in ("ms", "ratio", "AUC")]
        table = [[title, *columns, "like", "the same bytes"]]
        for kind in KINDS:
            row, here = [kind.name], seen[kind.name]
            base = seen[kind.like]
            is_expected = title == AtCognito.title and kind.name in TOLD_BY_COGNITO
            for step in steps:
                took, usual = here.steps[step], base.steps[step]
                if not took:
                    row += ["", "", ""]
                    continue
                median = statistics.median(took)
                ratio = median / statistics.median(usual)
                row += [f"{median * 1000:.0f}", f"{ratio:.2f}", f"{auc(usual, took):.2f}"]
                ratios[f"{title}, {step}: {kind.name}"] = Rounds([ratio])
                if not ALLOWED[0] <= ratio <= ALLOWED[1] and not is_expected:
                    bad.append(f"{title}, {step}: {kind.name} takes {ratio:.2f} of {kind.like}")
            is_same = here.told.keys() <= base.told.keys()
            if not is_same and not is_expected:
                bad.append(f"{title}: {kind.name} is told other things than {kind.like}")
            table.append([*row, kind.like, "yes" if is_same else "no"])
        tables.append(table)
    text = (
        f"Numbers of every kind by turns, {min(counts)} to {max(counts)} of each, on two sites as"
        " gunicorn serves them and straight at Cognito's API, all at the same time. The triggers"
        " are the real ones, on a local AWS; texts leave at once. Medians, their ratio to the kind"
        " that must look the same, and how often a single try is longer than one of that kind"
        " (AUC). Bytes are those of pages and headers, without the CSRF token, the reference, the"
        " number and countdowns. [security.md](security.md#whether-a-number-has-an-account) says"
        " what remains, and why."
    )
    return Section("timing", "What an answer tells", text, tables, ratios=ratios), bad


def differences(result: Result) -> Iterator[str]:
    """Yield where kinds differ that must not, for whoever looks for the cause."""
    for title, seen in result.items():
        for kind in KINDS:
            base = seen[kind.like].told
            for told in seen[kind.name].told.keys() - base.keys():
                for one, other in zip(told, next(iter(base), ()), strict=False):
                    if one != other:
                        pairs = enumerate(zip(one, other, strict=False))
                        at = next((at for at, (a, b) in pairs if a != b), 0)
                        around = slice(max(0, at - 80), at + 160)
                        yield f"{title}, {kind.name}:\n  {one[around]}\n  {other[around]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so many")
    parser.add_argument("--show", action="store_true", help="print what differs, and keep nothing")
    wanted = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bench-timing-") as scratch,
        ways(Path(scratch)) as (drawn, by),
    ):
        result = measured(drawn, by, wanted.samples, wanted.minutes)
    found, bad = section(result)
    print(*differences(result), sep="\n", file=sys.stderr)
    if wanted.show:
        print(found.shown())
    else:
        report.keep(found)
    print(*bad, sep="\n")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())

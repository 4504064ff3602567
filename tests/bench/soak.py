"""``make soak``: people sign in for half an hour, while some meet faults and some attack.

gunicorn with two workers as the image starts it, PostgreSQL, Redis, and a Cognito behind the fault
proxy. Of ten people who come, one meets a fault of Cognito at one of the steps, and one attacks:
types wrong codes, sends forged forms, cookies and bodies. ``ARGS="--minutes 3 --rate 5"`` is a
shorter and a gentler one. Exits with 1 unless

    no answer is a 5xx, but for the 503 of somebody who met a fault
    999 of 1,000 others are signed in
    the workers' memory stays within 5 % after the first quarter
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import cognito, journeys, turns
from tests.bench.cognito import code_of
from tests.bench.visitors import CODE, LOGIN, Visit
from tests.faults.proxy import FAULTS, CognitoProxy, Order
from tests.postgres import Postgres
from tests.redis import Redis
from tests.site import Site, manage

MINUTES, RATE, LATENCY = 30.0, 10.0, 0.05
SHARE_OF_FAULTS = SHARE_OF_ATTACKS = 0.1
LEAST_CLEAN, MOST_GROWTH = 0.999, 0.05
# Seconds: threads and connections are still being made in a shorter soak, so memory grows.
_JUDGED = 120
_OPERATIONS = ("InitiateAuth", "RespondToAuthChallenge", "AdminCreateUser")
# People of the beginning, who make the threads and connections that stay.
_WARM_UP = 60
_RESEND = "/accounts/login/resend/"


@dataclass
class Soaked:
    """``answers`` counts statuses by kind of visit; ``memory`` is in megabytes, over time."""

    clean: int = 0
    clean_through: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.clean_through / max(1, self.clean)

    @property
    def growth(self) -> float:
        """How much more memory the last quarter has than the second one."""
        quarter = max(1, len(self.memory) // 4)
        before, after = self.memory[quarter : 2 * quarter], self.memory[-quarter:]
        return statistics.median(after) / statistics.median(before) - 1

    def faults(self) -> list[str]:
        """Return what is not as it should be."""
        found = [f"unexpected: {what} ({times} times)" for what, times in self.unexpected.items()]
        if self.share < LEAST_CLEAN:
            found.append(f"only {self.share:.2%} of clean logins went through")
        if len(self.memory) >= _JUDGED and self.growth > MOST_GROWTH:
            found.append(f"memory grew by {self.growth:.1%}")
        return found

    def shown(self) -> str:
        ordered = sorted(self.waits)
        p99 = ordered[int(len(ordered) * 0.99)]
        logins = f"{self.clean_through} of {self.clean} ({self.share:.2%})"
        took = f"median {statistics.median(ordered):.2f} s, p99 {p99:.2f} s for all their steps"
        memory = f"{self.memory[0]:.0f} MB at first, {self.memory[-1]:.0f} MB at last"
        return "\n".join(
            [
                f"clean logins   {logins}, {took}",
                f"memory         {memory}, {self.growth:+.1%} from the second quarter to the last",
                f"answers        {dict(sorted(self.answers.items()))}",
                *(self.faults() or ["all as it should be"]),
            ]
        )


class Soak:
    """``rate`` people a second come to ``site``, whose Cognito is behind ``proxy``."""

    def __init__(self, site: Site, proxy: CognitoProxy, rate: float) -> None:
        self._site = site
        self._proxy = proxy
        self._rate = rate
        self._soaked = Soaked()

    async def run(self, seconds: float) -> Soaked:
        """Let them come for so long, and return what was seen of them."""
        await asyncio.gather(*(self._clean(journeys.next_phone()) for _ in range(_WARM_UP)))
        self._soaked = Soaked()
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch())
            people = set()
            for number in range(int(seconds * self._rate)):
                await asyncio.sleep(max(0.0, began + number / self._rate - time.monotonic()))
                people.add(group.create_task(self._visit()))
            await asyncio.wait(people)
            watch.cancel()
        return self._soaked

    async def _watch(self) -> None:
        while True:
            self._soaked.memory.append(memory_of(self._site.process.pid))
            await asyncio.sleep(1)

    async def _visit(self) -> None:
        drawn, phone = random.random(), journeys.next_phone()
        if drawn < SHARE_OF_FAULTS:
            fault = random.choice([each for each in FAULTS if each != "takes 1.5 s"])
            self._proxy.will(phone, random.choice(_OPERATIONS), Order(fault))
            await self._walk("fault", phone, (503,), again=True)
        elif drawn < SHARE_OF_FAULTS + SHARE_OF_ATTACKS:
            await random.choice([self._guess, self._forge, self._flood])(phone)
        else:
            await self._clean(phone)

    async def _clean(self, phone: str) -> None:
        began = time.monotonic()
        self._soaked.clean += 1
        if await self._walk("clean", phone):
            self._soaked.clean_through += 1
            self._soaked.waits.append(time.monotonic() - began)

    async def _walk(
        self, kind: str, phone: str, expected: tuple[int, ...] = (), *, again: bool = False
    ) -> bool:
        """Sign in; with ``again``, press a button again after a 503, or begin again."""
        visit, asked = Visit(self._site.port), 0
        try:
            await self._ask(kind, visit, "GET", LOGIN, {})
            while asked < 3:
                asked += 1
                ok = await self._ask(kind, visit, "POST", LOGIN, {"phone": phone}, expected)
                if ok == 302:
                    code = {"code": code_of(phone)}
                    await self._ask(kind, visit, "POST", CODE, code, expected)
                if await self._ask(kind, visit, "GET", "/", {}) == 200:
                    return True
                if not again:
                    break
            if again:
                self._soaked.unexpected[f"{kind}: not signed in at the third attempt"] += 1
            return False
        finally:
            visit.close()

    async def _guess(self, phone: str) -> None:
        await self._attack(
            lambda visit: self._ask("attack", visit, "POST", LOGIN, {"phone": phone}),
            *(
                lambda visit, n=n: self._ask("attack", visit, "POST", CODE, {"code": f"{n:06d}"})
                for n in range(5)
            ),
            lambda visit: self._ask("attack", visit, "POST", _RESEND, {}),
        )

    async def _forge(self, phone: str) -> None:
        def planted(visit: Visit) -> Awaitable[int]:
            visit.cookies["__Host-sessionid"] = random.choice(["a" * 40, "'--", "x" * 5000])
            return self._ask("attack", visit, "GET", "/", {})

        def foreign(visit: Visit) -> Awaitable[int]:
            visit.cookies["__Host-csrftoken"] = "b" * 32
            return self._ask("attack", visit, "POST", LOGIN, {"phone": phone, "next": "//evil"})

        await self._attack(planted, foreign)

    async def _flood(self, phone: str) -> None:
        bodies = [
            {"phone": "+" + "9" * 50_000},
            {f"f{n}": "1" for n in range(200)},
            {"phone": "\0"},
        ]
        await self._attack(
            *(
                lambda visit, body=body: self._ask("attack", visit, "POST", LOGIN, body)
                for body in bodies
            ),
            lambda visit: self._ask("attack", visit, "GET", "/accounts/../admin/?q=%00", {}),
        )

    async def _attack(self, *steps: Callable[[Visit], Awaitable[int]]) -> None:
        visit = Visit(self._site.port)
        try:
            await self._ask("attack", visit, "GET", LOGIN, {})
            for step in steps:
                await step(visit)
        finally:
            visit.close()

    async def _ask(
        self,
        kind: str,
        visit: Visit,
        method: str,
        path: str,
        fields: dict[str, str],
        expected: tuple[int, ...] = (),
    ) -> int:
        try:
            status = await visit.ask(method, path, fields)
        except (ConnectionError, asyncio.IncompleteReadError):
            visit.close()
            status = 0
        self._soaked.answers[f"{kind} {status}"] += 1
        is_fault = status >= 500 or (status == 0 and kind != "attack")
        if is_fault and status not in expected:
            self._soaked.unexpected[f"{kind}: {method} {path} {status}"] += 1
        return status


def memory_of(master: int) -> float:
    """Return the megabytes that a worker of gunicorn has on average."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    pages = [int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in children]
    return statistics.mean(pages) * 4096 / 1e6


def soak(folder: Path, *, minutes: float, rate: float) -> Soaked:
    """Bring up what a soak needs, and return what was seen."""
    with ExitStack() as stack:
        url = stack.enter_context(cognito.running(LATENCY))
        proxy = stack.enter_context(CognitoProxy(url))
        environment = {
            **turns.site_environment(folder, url),
            "AWS_ENDPOINT_URL": proxy.url,
            "WEB_CONCURRENCY": "2",
            "DATABASE_URL": stack.enter_context(Postgres(folder)),
            "CACHE_URL": stack.enter_context(Redis(folder)).url,
        }
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "collectstatic", "--noinput")
        site = Site(environment, folder / "site.log")
        stack.callback(site.kill)
        site.wait()
        return asyncio.run(Soak(site, proxy, rate).run(minutes * 60))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--rate", type=float, default=RATE, help="people a second")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soaked = soak(Path(folder), minutes=wanted.minutes, rate=wanted.rate)
    print(soaked.shown())
    return int(bool(soaked.faults()))


if __name__ == "__main__":
    sys.exit(main())

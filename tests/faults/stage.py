"""All that the table of faults needs: a site as it is deployed, with a proxy before each part.

PostgreSQL and Redis of Debian's packages, gunicorn with two workers as the image starts it, and a
stand-in of Cognito that texts a number once within its cooldown, as our triggers do.
"""

import contextlib
import itertools
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.bench import turns
from tests.fakes.sign_in_pool import SignInPool
from tests.fakes.tokens import CLIENT_ID, CLIENT_SECRET, ISSUER, POOL_ID, key_set
from tests.faults.proxy import CognitoProxy, Proxy
from tests.postgres import Postgres
from tests.redis import Redis
from tests.site import Browser, Site, command_of_the_image, manage

LOGIN, CODE, RESEND = "/accounts/login/", "/accounts/login/code/", "/accounts/login/resend/"
_REFERENCE = re.compile(r"\b[2-9A-HJ-NP-Z]{3}-[2-9A-HJ-NP-Z]{2}\b")
# A block of numbers each: blocks have budgets. Other tests use none with these area codes.
_blocks = itertools.product((213, 214, 215, 216, 217), range(200, 1000))
_addresses = itertools.count(1)


@dataclass
class Stage:
    """One site and the proxies before its parts. ``database`` is behind ``to_database``."""

    site: Site
    pool: SignInPool
    cognito: CognitoProxy
    postgres: Postgres
    to_database: Proxy
    redis: Redis
    to_cache: Proxy
    clock: Path

    def person(self) -> "Person":
        return Person(self, "+1{}{}0123".format(*next(_blocks)))

    def set_clock(self, seconds: float) -> None:
        """Let the clock of the site be off by so much, where it is served with ``clock``."""
        self.clock.write_text(str(seconds))

    def renew_workers(self) -> None:
        """Kill both workers, and wait for others."""
        for worker in self._workers():
            os.kill(worker, signal.SIGKILL)
        self.site.wait("/healthz")

    def worker_of(self, peer: int) -> int:
        """Return the worker that has a connection with this local port.

        A port alone says little: on a busy machine others have it for other connections.
        """
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        found = {f"socket:[{line.split()[9]}]" for line in lines if f":{peer:04X} " in line}
        for worker in self._workers():
            for link in Path(f"/proc/{worker}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(link.readlink()) in found:
                        return worker
        raise LookupError(peer)

    def _workers(self) -> list[int]:
        master = self.site.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text()
        return [int(each) for each in children.split()]

    def ask(self, sql: str, *values: str) -> list[Any]:
        """Ask the database past the proxy."""
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            found = connection.execute(sql, values or None)
            return found.fetchall() if found.description else []


class Person:
    """Somebody with a new number and a browser of their own. Redirects are not followed."""

    def __init__(self, stage: Stage, phone: str) -> None:
        self.phone = phone
        self._stage = stage
        number = next(_addresses)
        self.browser = Browser(stage.site, address=f"192.0.{number // 250}.{number % 250 + 1}")
        self.browser.get(LOGIN)

    def codes(self) -> list[str]:
        """Return the codes that were texted to this person, the latest last."""
        return [code for phone, code in self._stage.pool.texts if phone == self.phone]

    def take(self, step: str) -> Any:
        """Take a step as a person does, and return the response."""
        if step == "page":
            return self.browser.get("/")
        if step == "phone":
            return self.browser.post(LOGIN, phone=self.phone)
        if step == "resend":
            return self.browser.post(RESEND)
        return self.browser.post(CODE, code=self.codes()[-1])

    def come_to(self, step: str) -> None:
        """Take all steps before this one."""
        before = {"phone": (), "code": ("phone",), "resend": ("phone",), "page": ("phone", "code")}
        for each in before[step]:
            answer = self.take(each)
            for _ in range(20):
                if answer.status_code != 503:
                    break
                # A busy machine. The site may have begun to spare Cognito, too.
                time.sleep(1)
                answer = self.take(each)
            assert answer.status_code == 302, (each, answer.status_code, answer.text[:2000])

    def is_signed_in(self) -> bool:
        return self.browser.get("/").status_code == 200

    def go_on(self, step: str) -> str:
        """Do what somebody does after a fault. Return how it went on: "works", else why not.

        The button is pressed again; who is sent to the start begins again.
        """
        again = self.take(step)
        if self.is_signed_in():
            return "works"
        if step == "page" or again.status_code not in (200, 302):
            return f"{step} again: {again.status_code}"
        is_over = step == "code" or again.headers.get("Location", CODE) != CODE
        if is_over and step != "phone":
            again = self.take("phone")
            if again.status_code != 302:
                return f"phone again: {again.status_code}"
        answer = self.take("code")
        return "works" if self.is_signed_in() else f"new code: {answer.status_code}"


def reference_in(page: str) -> str:
    found = _REFERENCE.findall(page)
    return found[-1] if found else ""


def site_environment(folder: Path) -> dict[str, str]:
    """Return what every site is told, with its static files in ``folder``."""
    return {
        **turns.site_environment(folder, ""),
        "PATH": os.environ["PATH"],
        "COGNITO_USER_POOL_ID": POOL_ID,
        "COGNITO_CLIENT_ID": CLIENT_ID,
        "COGNITO_CLIENT_SECRET": CLIENT_SECRET,
        "COGNITO_ISSUER": ISSUER,
        "WEB_CONCURRENCY": "2",
        "ACCOUNTS_REVALIDATE_SECONDS": "60",
    }


@contextmanager
def staged(folder: Path, given: dict[str, str]) -> Iterator[Stage]:
    """Run a site and its parts, with a clock of its own where the folder's name is "clock"."""
    folder.mkdir()
    with ExitStack() as stack:
        postgres = Postgres(folder)
        stack.enter_context(postgres)
        redis = stack.enter_context(Redis(folder))
        pool = stack.enter_context(contextlib.closing(SignInPool()))
        pool.cooldown = 60
        cognito = stack.enter_context(CognitoProxy(pool.url))
        cognito.keys = json.dumps(key_set()).encode()
        to_database = stack.enter_context(Proxy(_port(postgres.url)))
        to_cache = stack.enter_context(Proxy(_port(redis.url)))
        clock = folder / "clock"
        clock.write_text("0")
        given = {
            **given,
            "AWS_ENDPOINT_URL": cognito.url,
            "COGNITO_JWKS_URL": f"{cognito.url}/jwks.json",
            "DATABASE_URL": f"postgres://postgres@127.0.0.1:{to_database.port}/postgres",
            "CACHE_URL": f"redis://127.0.0.1:{to_cache.port}/0",
            "CLOCK": str(clock),
        }
        manage(given, "migrate", "--verbosity", "0")
        application = ["tests.faults.clock:application"] if folder.name == "clock" else []
        command = [*command_of_the_image(), *application]
        site = Site(given, folder / "site.log", command=command)
        stack.callback(site.kill)
        site.wait("/healthz")
        yield Stage(site, pool, cognito, postgres, to_database, redis, to_cache, clock)


def _port(url: str) -> int:
    return urlsplit(url).port or 0

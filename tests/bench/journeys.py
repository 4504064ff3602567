"""What is measured: how somebody gets into each site, request by request.

A journey runs in the environment of its site, in a process of its own (``process``).
"""

import itertools
import os
import random
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import quote

from tests.bench.browser import Answer, Browser
from tests.bench.cognito import POOL_ID, code_of, phone_of, sub_of

# A step is its name and what does it; the last one shows the first page.
Steps = Iterator[tuple[str, Callable[[], Answer]]]

# Those of two processes differ.
_numbers = itertools.count(os.getpid() % 1000 * 1000)


def next_phone() -> str:
    """Return a mobile number of New Jersey that was not taken yet."""
    return f"+1201{2_000_000 + next(_numbers) * 7 % 7_900_000:07d}"


def next_address() -> str:
    """Return an address in a network of its own, since limits are by network."""
    n = next(_numbers)
    return f"10.{n // 250 % 250}.{n % 250}.1"


class Journey(Protocol):
    settings: str

    def prepare(self) -> None:
        """Do once what the site needs, when Django is set up."""

    def person(self) -> str:
        """Make somebody who has an account and is signed in nowhere, and return their phone."""

    def steps(self, browser: Browser, phone: str) -> Steps:
        """Sign in and look at the first page."""


class Ours:
    settings = "config.settings"

    def prepare(self) -> None:
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        # What is set for a process that serves.
        import_module("config.wsgi")

    def person(self) -> str:
        from accounts.models import User

        phone = next_phone()
        User.objects.create(pool=POOL_ID, sub=sub_of(phone), phone=phone, phone_verified=True)
        return phone

    def steps(self, browser: Browser, phone: str) -> Steps:
        yield "phone page", lambda: browser.get("/accounts/login/")
        yield "post phone", lambda: browser.post("/accounts/login/", phone=phone)
        yield "code page", lambda: browser.get("/accounts/login/code/")
        yield "post code", lambda: browser.post("/accounts/login/code/", code=code_of(phone))
        yield "first page", lambda: browser.get("/")


class OursWithBarePage(Ours):
    settings = "tests.bench.settings"


class Newcomers(Ours):
    """People with numbers that nobody had before: one call to Cognito more."""

    def person(self) -> str:
        return next_phone()


class Crowd(Ours):
    """Some of many users, whose rows and events are in the database."""

    settings = "tests.bench.crowd_settings"

    def prepare(self) -> None:
        from tests.bench import crowd

        super().prepare()
        crowd.fill(int(os.environ["CROWD_USERS"]), int(os.environ["CROWD_EVENTS"]))

    def person(self) -> str:
        # One of those who are active, verified and signed in nowhere.
        return phone_of(random.randrange(int(os.environ["CROWD_USERS"]) // 10) * 10 + 2)


class _Peer:
    settings = "tests.bench.peer.settings"

    def prepare(self) -> None:
        from django.core.management import call_command

        call_command("migrate", run_syncdb=True, verbosity=0)

    def person(self) -> str:
        from tests.bench.peer.models import User

        phone = next_phone()
        email = f"{phone}@example.com"
        User.objects.create(username=phone, phone=phone, phone_verified=True, email=email)
        return phone


class Allauth(_Peer):
    def steps(self, browser: Browser, phone: str) -> Steps:
        from tests.bench.peer.adapter import TEXTS

        ask, confirm = "/accounts/login/code/", "/accounts/login/code/confirm/"
        yield "phone page", lambda: browser.get(ask)
        yield "post phone", lambda: browser.post(ask, phone=phone)
        yield "code page", lambda: browser.get(confirm)
        yield "post code", lambda: browser.post(confirm, code=TEXTS.pop(phone))
        yield "first page", lambda: browser.get("/")


class Oidc(_Peer):
    """The number and the code are typed at the provider, whose pages cost this site nothing."""

    def steps(self, browser: Browser, phone: str) -> Steps:
        answers: list[Answer] = []

        def authenticate() -> Answer:
            answers.append(browser.get("/oidc/authenticate/"))
            return answers[0]

        def callback() -> Answer:
            named = dict(re.findall(r"[?&](state|nonce)=(\w+)", answers[0].headers["Location"]))
            code = quote(f"{phone}|{named['nonce']}")
            return browser.get(f"/oidc/callback/?state={named['state']}&code={code}")

        yield "to the provider", authenticate
        yield "callback", callback
        yield "first page", lambda: browser.get("/")


class Plain(_Peer):
    """Django's sessions and users alone: a password, without the price of its hash."""

    def steps(self, browser: Browser, phone: str) -> Steps:
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
        from django.contrib.sessions.backends.db import SessionStore

        from tests.bench.peer.models import User

        user = User.objects.get(phone=phone)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        browser.cookies["sessionid"] = session.session_key or ""
        yield "first page", lambda: browser.get("/")


JOURNEYS: dict[str, Callable[[], Any]] = {
    "ours": Ours,
    "ours with a bare page": OursWithBarePage,
    "newcomers": Newcomers,
    "crowd": Crowd,
    "allauth": Allauth,
    "oidc": Oidc,
    "plain": Plain,
}


def chosen() -> Journey:
    found: Journey = JOURNEYS[os.environ["PEER"]]()
    return found

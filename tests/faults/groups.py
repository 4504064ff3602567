"""Every fault of the table, and how it is made for people who have come to their steps.

A ``Group`` has its rows, the part of the stage on which it plays, and ``play``, which lets each
person meet their fault and go on.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

import psycopg

from accounts.sessions import rows as rows_of_sessions
from tests.fakes.tokens import key_set
from tests.faults.proxy import FAULTS, Order
from tests.faults.row import ASKS, STEPS, Row
from tests.faults.stage import LOGIN, Person, Stage
from tests.site import Browser

# Of the faults of Cognito.
_LONG = ("hangs", "drips")
# Until the site asks for the pool's keys again.
_KEYS_AGAIN = 5.2


@dataclass(frozen=True)
class Group:
    """``on``: one site has faults of Cognito, one of its stores, one of keys and clocks."""

    on: Literal["cognito", "stores", "clock"]
    rows: list[Row]
    play: Callable[[Stage, list[Row], list[Person]], None]


def every() -> list[Group]:
    """Return all groups, with rows that hold nothing yet."""
    faults = sorted(FAULTS, key=lambda fault: fault not in _LONG)
    # Nothing is wrong then; and an unknown challenge after a right code is told on the next page.
    well = {("takes 1.5 s", step) for step in ASKS} | {("asks for an unknown challenge", "code")}
    cognito = [
        Row(f"Cognito {fault}", step, (302 if (fault, step) in well else 503,))
        for fault in faults
        for step in ASKS
    ]
    outage = [Row(_OUTAGE, "phone", (503,)) for _ in range(12)]
    return [
        Group("cognito", cognito, _cognito),
        Group("cognito", [Row(f"Cognito {each}", "page", (200,)) for each in _AT_PAGES], _pages),
        Group(
            "cognito",
            [Row(f"session {change}", "code", (302, 431)) for change in _SESSIONS],
            _sessions,
        ),
        Group(
            "cognito",
            [Row(f"worker killed {when}", step, (0,)) for when in _KILLED for step in ASKS],
            _workers,
        ),
        Group("cognito", [Row(_OUTAGE, "page", (200,)), *outage], _outage),
        *(
            Group("stores", _rows_of_database(name, when), _database)
            for name in _DATABASE
            for when in ("", _MEANWHILE)
        ),
        *(
            Group("stores", [Row(f"cache {name}", step, (200, 302)) for step in STEPS], _cache)
            for name in ("gone", "hung", "flushed")
        ),
        Group("clock", [Row("keys gone, known before", "code", (302,))], _keys_gone_later),
        Group("clock", [Row("keys rotated", "code", (302,))], _rotated_keys),
        Group("clock", [Row(f"clock {name}", "code", (200, 302)) for name in _CLOCKS], _clocks),
        Group("clock", [Row(f"keys {each}", "code", (503,)) for each in ("gone", "hung")], _keys),
    ]


def _rows_of_database(name: str, when: str) -> list[Row]:
    expected = {
        # The connection that is open already, if it was in use just then.
        "failed over": (200, 302, 503) if when else (200, 302),
        "restarted": (302, 503) if when else (200, 302),
    }
    rows = []
    for step in ASKS if when else STEPS:
        is_read = (name, step) == ("read-only", "page")
        statuses = (200,) if is_read else expected.get(name, (503,))
        rows.append(Row(f"database {name}{when}", step, statuses))
    return rows


def _at_once(rows: list[Row], people: list[Person], work: Callable[[Row, Person], None]) -> None:
    with ThreadPoolExecutor(len(rows)) as pool:
        list(pool.map(work, rows, people))


# Cognito


def _cognito(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    """Many at once, each with a fault of their own, the long ones first."""

    def meet(row: Row, person: Person) -> None:
        fault = row.fault.removeprefix("Cognito ")
        stage.cognito.will(person.phone, ASKS[row.step], Order(fault))
        row.take(stage, person)
        row.go_on(stage, person)

    # Few at once, so that it is not the emulator that is slow.
    with ThreadPoolExecutor(len(_LONG) * len(ASKS)) as long, ThreadPoolExecutor(3) as short:
        begun = []
        for row, person in zip(rows, people, strict=True):
            is_long = row.fault.removeprefix("Cognito ") in _LONG
            begun.append((long if is_long else short).submit(meet, row, person))
            # Five in a row without an answer would be an outage, which is another test.
            time.sleep(0.3 if is_long else 0)
        for each in begun:
            each.result()


_AT_PAGES = ("hangs", "resets", "answers 500")


def _pages(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    """Pages of people who are signed in, while every call to Cognito has a fault."""
    for row, person in zip(rows, people, strict=True):
        # So that it is time to look them up.
        stage.ask("UPDATE accounts_user SET checked_at = now() - interval '1 hour'")
        stage.cognito.always[""] = row.fault.removeprefix("Cognito ")
        row.take(stage, person)
        stage.cognito.always.clear()
        row.go_on(stage, person)


_OUTAGE = "Cognito hangs for all"
# More than the breaker lets pass until somebody may try (ADR 15).
_PAUSE = 16.0


def _outage(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    """Everybody signs in while Cognito hangs. The first row is the slowest of many other pages."""
    (pages, *rows), (reader, *people) = rows, people
    stage.cognito.always[""] = "hangs"
    with ThreadPoolExecutor(len(rows)) as pool:
        begun = [pool.submit(row.take, stage, who) for row, who in zip(rows, people, strict=True)]
        slowest = 0.0
        while not all(each.done() for each in begun):
            pages.take(stage, reader)
            slowest = max(slowest, pages.seconds)
            time.sleep(0.1)
        pages.seconds = slowest
    stage.cognito.always.clear()
    time.sleep(_PAUSE)
    # Each worker finds out by itself, with the next person who signs in there.
    for row, person in zip([pages, *rows], [reader, *people], strict=True):
        row.go_on(stage, person)


# Workers

_KILLED = ("as Cognito is asked", "as Cognito answers")


def _workers(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    def kill(peer: int) -> None:
        os.kill(stage.worker_of(peer), signal.SIGKILL)

    for row, person in zip(rows, people, strict=True):
        order = Order(before=kill) if "asked" in row.fault else Order(after=kill)
        stage.cognito.will(person.phone, ASKS[row.step], order)
        row.take(stage, person)
        row.go_on(stage, person)


# Sessions


def _replaced(stage: Stage, browser: Browser) -> None:
    browser.cookies[_COOKIE] = "a" * 40


def _of_7_kb(stage: Stage, browser: Browser) -> None:
    browser.cookies[_COOKIE] = "a" * 7_000


def _of_100_kb(stage: Stage, browser: Browser) -> None:
    browser.cookies[_COOKIE] = "a" * 100_000


def _rewritten(data: str) -> Callable[[Stage, Browser], None]:
    def change(stage: Stage, browser: Browser) -> None:
        key = rows_of_sessions.digest(browser.cookies[_COOKIE])
        stage.ask("UPDATE accounts_session SET session_data = %s WHERE session_key = %s", data, key)

    return change


_COOKIE = "__Host-sessionid"
_SESSIONS: dict[str, Callable[[Stage, Browser], None]] = {
    "of another key": _replaced,
    "with a cookie of 7 kB": _of_7_kb,
    "with a cookie of 100 kB": _of_100_kb,
    "changed in the table": _rewritten(".eJyrVkpMyi/KTFaqBQAcVASL:forged:forged"),
    "of 5 MB in the table": _rewritten("x" * 5_000_000),
}


def _sessions(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    for row, person in zip(rows, people, strict=True):
        kept = dict(person.browser.cookies)
        _SESSIONS[row.fault.removeprefix("session ")](stage, person.browser)
        row.take(stage, person)
        # Without cookies that no browser would keep.
        person.browser.cookies |= kept
        row.go_on(stage, person)


# The database

_MEANWHILE = " while Cognito answers"


@contextmanager
def _locked(stage: Stage) -> Iterator[None]:
    tables = ("session", "loginlock", "signinevent", "user")
    with psycopg.connect(stage.postgres.url) as other:
        named = ", ".join(f"accounts_{each}" for each in tables)
        other.execute(f"LOCK TABLE {named} IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def _gone(stage: Stage) -> Iterator[None]:
    stage.to_database.fail("gone")
    yield
    stage.to_database.heal()


@contextmanager
def _hung(stage: Stage) -> Iterator[None]:
    stage.to_database.fail("hung")
    yield
    stage.to_database.heal()


@contextmanager
def _read_only(stage: Stage) -> Iterator[None]:
    _configure(stage, "SET default_transaction_read_only = on")
    yield
    _configure(stage, "RESET default_transaction_read_only")


@contextmanager
def _failed_over(stage: Stage) -> Iterator[None]:
    """Leave open connections to a server that takes no writes, and new ones to one that does."""
    stage.ask("ALTER ROLE postgres SET default_transaction_read_only = off")
    with _read_only(stage):
        yield
    stage.ask("ALTER ROLE postgres RESET default_transaction_read_only")


@contextmanager
def _cut(stage: Stage) -> Iterator[None]:
    stage.to_database.cut()
    yield


def _configure(stage: Stage, change: str) -> None:
    stage.ask(f"ALTER SYSTEM {change}")
    stage.ask("SELECT pg_reload_conf()")
    # Every process of the server reads it when it is asked next.
    time.sleep(0.1)


_DATABASE: dict[str, Callable[[Stage], AbstractContextManager[None]]] = {
    "gone": _gone,
    "hung": _hung,
    "locked": _locked,
    "read-only": _read_only,
    "failed over": _failed_over,
    "restarted": _cut,
}


def _database(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    """Let all take their steps at once, before the fault or while Cognito answers them."""
    name = rows[0].fault.removeprefix("database ")
    fault = _DATABASE[name.removesuffix(_MEANWHILE)](stage)
    with ExitStack() as stack:
        if name.endswith(_MEANWHILE):
            here = threading.Barrier(len(rows), action=lambda: stack.enter_context(fault))
            for row, person in zip(rows, people, strict=True):
                order = Order(after=lambda _: here.wait(8) and None)
                stage.cognito.will(person.phone, ASKS[row.step], order)
        else:
            stack.enter_context(fault)
        _at_once(rows, people, lambda row, person: row.take(stage, person))
    _wait_for_database(stage)
    _at_once(rows, people, lambda row, person: row.go_on(stage, person))


def _wait_for_database(stage: Stage) -> None:
    """Wait until both workers have found it again: their breakers let one request try.

    One worker may have taken all requests of a moment, so three moments in a row are looked at.
    """

    def is_well(_: int) -> bool:
        return stage.site.get(LOGIN, Cookie=f"{_COOKIE}={'a' * 40}").status_code == 200

    deadline, well = time.monotonic() + 12, 0
    with ThreadPoolExecutor(12) as pool:
        while well < 3 and time.monotonic() < deadline:
            well = well + 1 if all(pool.map(is_well, range(12))) else 0
            time.sleep(0.1)


# The cache


def _cache(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    name = rows[0].fault.removeprefix("cache ")
    if name == "flushed":
        stage.redis.flush()
    else:
        stage.to_cache.fail("gone" if name == "gone" else "hung")
    _at_once(rows, people, lambda row, person: row.take(stage, person))
    stage.to_cache.heal()
    _at_once(rows, people, lambda row, person: row.go_on(stage, person))


# Keys and clocks. None of these sites has asked for the pool's keys before its group does.

_OTHER_KEYS = json.dumps(key_set("yesterday")).encode()
_CLOCKS = {"25 s behind": -25, "25 s ahead": 25, "10 min behind": -600, "10 min ahead": 600}


def _rotated_keys(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    """The site has the keys of yesterday."""
    stage.renew_workers()
    now, stage.cognito.keys = stage.cognito.keys, _OTHER_KEYS
    for _ in range(20):
        stage.site.get("/readyz")
    stage.cognito.keys = now
    # An unknown key is looked for every half a minute.
    time.sleep(30.5)
    rows[0].take(stage, people[0])
    rows[0].go_on(stage, people[0])


def _clocks(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    for row, person in zip(rows, people, strict=True):
        stage.set_clock(_CLOCKS[row.fault.removeprefix("clock ")])
        row.take(stage, person)
        stage.set_clock(0)
        row.go_on(stage, person)


def _keys_gone_later(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    # First on its stage: a worker that still had the keys of yesterday would look for new ones.
    for _ in range(20):
        stage.site.get("/readyz")
    stage.cognito.always["keys"] = "resets"
    rows[0].take(stage, people[0])
    stage.cognito.always.clear()
    rows[0].go_on(stage, people[0])


def _keys(stage: Stage, rows: list[Row], people: list[Person]) -> None:
    """New workers, which have no keys yet."""
    for row, person, fault in zip(rows, people, ("resets", "hangs"), strict=True):
        stage.renew_workers()
        stage.cognito.always["keys"] = fault
        row.take(stage, person)
        stage.cognito.always.clear()
        time.sleep(_KEYS_AGAIN)
        row.go_on(stage, person)

"""One request at a time per browser. Where threads meet, the database is a file, as on a site."""

import os
import subprocess
import threading
import time
from datetime import timedelta

import pytest
from django.forms.models import model_to_dict
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone

from accounts.login import lock
from accounts.models import LoginLock
from tests.clock import seconds_later
from tests.concurrency import at_once, database_in_a_file

CODE = "483920"
SESSION = "a-handle"
COOKIE = "a-session-key-of-thirty-two-char"


def request(cookie: str | None = COOKIE) -> HttpRequest:
    made = RequestFactory().post("/accounts/login/code/")
    if cookie is not None:
        made.COOKIES["sessionid"] = cookie
    return made


def sign_in(code: str = CODE) -> None:
    with lock.hold(request()) as held:
        held.signed_in(SESSION, answer=code)


def replay(asked: HttpRequest, *, answer: str) -> str | None:
    with lock.hold(asked) as held:
        return held.just_signed_in(answer=answer)


def leave_behind(
    *, seconds: float, holder: str = "lost-machine/1/one", cookie: str = COOKIE
) -> None:
    """Leave a lock of this browser as a machine does that was lost so many seconds ago."""
    with lock.hold(request(cookie)):
        browser = LoginLock.objects.latest("taken_at").browser
    LoginLock.objects.create(
        browser=browser, holder=holder, taken_at=timezone.now() - timedelta(seconds=seconds)
    )


# Waiting


@pytest.mark.django_db(transaction=True)
def test_second_request_waits_for_the_first(tmp_path):
    working: list[str] = []

    def work() -> int:
        with lock.hold(request()):
            working.append("in")
            others = len(working)
            time.sleep(0.1)
            working.remove("in")
        return others

    with database_in_a_file(tmp_path):
        assert at_once(work, work) == [1, 1]
        assert not LoginLock.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_newest_request_waits_and_those_before_it_are_sent_away(tmp_path):
    began: list[str] = []

    def work() -> str:
        with lock.hold(request()):
            time.sleep(1.5)
        return "done"

    def wait(name: str, *, after: float) -> str:
        time.sleep(after)
        started = time.monotonic()
        try:
            with lock.hold(request()):
                began.append(name)
        except lock.TooLong:
            assert time.monotonic() - started < 0.9
            return "sent away"
        return "done"

    with database_in_a_file(tmp_path):
        answers = at_once(
            work,
            lambda: wait("first", after=0.3),
            lambda: wait("second", after=0.6),
            lambda: wait("newest", after=0.9),
        )
    assert answers == ["done", "sent away", "sent away", "done"]
    assert began == ["newest"]


@pytest.mark.django_db(transaction=True)
def test_two_browsers_do_not_wait_for_each_other(tmp_path):
    meeting = threading.Barrier(2)

    def work(cookie: str) -> None:
        with lock.hold(request(cookie)):
            meeting.wait(5)

    with database_in_a_file(tmp_path):
        at_once(lambda: work("one-browser"), lambda: work("other-browser"))


def test_browser_without_a_cookie_does_not_wait(db):
    for cookie in (None, ""):
        with lock.hold(request(cookie)), lock.hold(request(cookie)):
            assert not LoginLock.objects.exists()


def test_turn_ends_with_an_error(db):
    def work() -> None:
        with lock.hold(request()):
            assert LoginLock.objects.count() == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert not LoginLock.objects.exists()


def test_waiting_ends_when_patience_does(db, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE", 0.1)
    with lock.hold(request()), pytest.raises(lock.TooLong), lock.hold(request()):
        pytest.fail("two at once")


def test_turn_of_a_lost_machine_frees_itself(db, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE", 2)
    leave_behind(seconds=19.7)
    started = time.monotonic()
    with lock.hold(request()):
        assert 0.2 < time.monotonic() - started < 1.5
        assert LoginLock.objects.count() == 1


def test_turn_of_a_lost_machine_holds_until_then(db, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE", 0.1)
    leave_behind(seconds=18)
    with pytest.raises(lock.TooLong), lock.hold(request()):
        pytest.fail("two at once")


@pytest.mark.programs
def test_turn_of_a_dead_process_is_free_at_once(db):
    with lock.hold(request()):
        machine, process, _ = LoginLock.objects.get().holder.split("/")
    assert int(process) == os.getpid()
    with subprocess.Popen(["true"]) as dead:
        pass
    leave_behind(seconds=0, holder=f"{machine}/{dead.pid}/one")
    started = time.monotonic()
    with lock.hold(request()):
        assert time.monotonic() - started < 0.5


def test_old_locks_of_other_browsers_are_removed(db):
    leave_behind(seconds=31)
    sign_in()
    assert LoginLock.objects.count() == 1
    leave_behind(seconds=29, cookie="other-browser")
    lock.remove_old(at_most_every=0)
    assert LoginLock.objects.count() == 2
    with seconds_later(31):
        lock.remove_old(at_most_every=60)
        assert LoginLock.objects.count() == 2
        lock.remove_old(at_most_every=0)
    assert not LoginLock.objects.exists()


# The same answer twice


def test_same_answer_again_is_the_same_session(db):
    sign_in()
    assert replay(request(), answer=CODE) == SESSION
    # And a third time: people press more than twice.
    assert replay(request(), answer=CODE) == SESSION


def test_another_answer_is_nobody_and_the_last_guess(db):
    sign_in()
    assert replay(request(), answer="000000") is None
    assert not LoginLock.objects.exists()
    assert replay(request(), answer=CODE) is None


def test_same_answer_from_another_browser_is_nobody(db):
    sign_in()
    assert replay(request("other-browser"), answer=CODE) is None
    assert replay(request(None), answer=CODE) is None
    assert replay(request(), answer=CODE) == SESSION


def test_same_answer_after_half_a_minute_is_nobody(db):
    sign_in()
    with seconds_later(29):
        assert replay(request(), answer=CODE) == SESSION
    with seconds_later(31):
        assert replay(request(), answer=CODE) is None


def test_answer_without_a_sign_in_is_nobody(db):
    assert replay(request(), answer=CODE) is None
    assert replay(request(), answer="") is None


def test_sign_in_without_a_cookie_is_remembered_for_nobody(db):
    with lock.hold(request(None)) as held:
        held.signed_in(SESSION, answer=CODE)
    assert not LoginLock.objects.exists()
    assert replay(request(None), answer=CODE) is None


@pytest.mark.django_db(transaction=True)
def test_waiting_request_meets_the_outcome_of_the_first(tmp_path):
    def press() -> bool:
        with lock.hold(request()) as held:
            if found := held.just_signed_in(answer=CODE):
                return found != SESSION
            time.sleep(0.2)
            held.signed_in(SESSION, answer=CODE)
            return True

    with database_in_a_file(tmp_path):
        assert sorted(at_once(press, press)) == [False, True]


# A request that outlives its turn


def test_sign_in_of_a_request_that_outlived_its_turn_still_counts(db):
    with lock.hold(request()) as held:
        with seconds_later(31), lock.hold(request()):
            pass
        held.signed_in(SESSION, answer=CODE)


def test_request_that_outlived_its_turn_leaves_that_of_the_next_alone(db):
    slow = lock.hold(request())
    slow.__enter__()
    with seconds_later(31), lock.hold(request()):
        slow.__exit__(None, None, None)
        assert LoginLock.objects.count() == 1


# What is kept


def test_rows_hold_no_session_key_and_no_code(db):
    with lock.hold(request()) as held:
        held.signed_in(SESSION, answer=CODE)
        [row] = LoginLock.objects.all()
    kept = model_to_dict(row) | {"browser": row.browser, "text": str(row)}
    assert kept["session"]
    # Digests, keyed and 256 bits long: a million codes could be tried on anything less.
    assert len(row.browser) == len(row.answer) == 64
    for value in kept.values():
        assert COOKIE not in str(value)
        assert SESSION not in str(value)
        assert CODE not in str(value)


def test_rows_mean_nothing_without_the_secret_key(db, settings):
    sign_in()
    settings.SECRET_KEY = "another-key-another-key-another-key-another-key-another"
    assert replay(request(), answer=CODE) is None
    assert LoginLock.objects.count() == 1

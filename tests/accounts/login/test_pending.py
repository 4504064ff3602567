import time
from dataclasses import replace

import pytest
import time_machine
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts.aws.challenges import CodeChallenge
from accounts.login import pending
from accounts.login.pending import Pending
from accounts.models import Session
from accounts.sessions.store import SessionStore

pytestmark = pytest.mark.django_db
KEY = "accounts.pending"


@pytest.fixture
def challenge() -> CodeChallenge:
    now = int(time.time())
    return CodeChallenge(
        session="a-cognito-session",
        username="a-cognito-name",
        expires_at=now + 300,
        resend_at=now + 30,
        tries_left=3,
        code_length=6,
    )


@pytest.fixture
def waiting(challenge, phone) -> Pending:
    return Pending(
        attempt="an-attempt",
        phone=phone,
        next_url="/admin/?q=é",
        challenge=challenge,
        sub="a-sub",
        wrong_answer="digest",
    )


def content(waiting: Pending | None) -> Pending | None:
    """It, whenever it was stored."""
    return waiting and replace(waiting, stored_at=0.0)


def request(session_key: str | None = None) -> HttpRequest:
    made = RequestFactory().get("/")
    made.session = SessionStore(session_key)
    if session_key:
        made.COOKIES["sessionid"] = session_key
    return made


def stored(waiting: Pending) -> str:
    first = request()
    pending.store(first, waiting)
    return first.session.session_key


def test_what_was_stored_is_read_by_the_next_request(waiting):
    assert content(pending.load(request(stored(waiting)))) == waiting


@pytest.mark.parametrize("changes", [{"challenge": None}, {"sub": None}, {"wrong_answer": ""}])
def test_what_is_not_there_is_stored_as_well(waiting, changes):
    waiting = replace(waiting, **changes)
    assert content(pending.load(request(stored(waiting)))) == waiting


def test_nothing_stored_is_none():
    assert pending.load(request()) is None
    assert pending.reload(request()) is None
    assert pending.load(request("akeythatnobodyhasanymorexxxxxxxx")) is None


def test_store_writes_at_once(waiting):
    key = stored(waiting)
    first = request(key)
    assert content(pending.load(first)) == waiting
    newer = replace(waiting, wrong_answer="another")
    pending.store(first, newer)
    # The response of the first request has not left.
    assert content(pending.load(request(key))) == newer
    assert first.session.modified is False


def test_reload_reads_what_another_request_wrote(waiting):
    key = stored(waiting)
    mine, other = request(key), request(key)
    assert content(pending.load(mine)) == waiting
    newer = replace(waiting, wrong_answer="another")
    pending.store(other, newer)
    assert content(pending.load(mine)) == waiting
    assert content(pending.reload(mine)) == newer


def test_reload_of_a_session_that_vanished_is_none(waiting):
    mine = request(stored(waiting))
    assert content(pending.load(mine)) == waiting
    Session.objects.all().delete()
    assert pending.reload(mine) is None


def test_forget_takes_it_out(waiting):
    mine = request(stored(waiting))
    pending.forget(mine)
    assert pending.load(mine) is None
    mine.session.save()
    assert pending.load(request(mine.session.session_key)) is None
    pending.forget(request())


@pytest.mark.parametrize(
    "data",
    [
        "text",
        7,
        [],
        ["challenge"],
        {},
        {"challenge": None},
        {"phone": "+12015550123", "challenge": None},
        {"attempt": "a", "phone": "+12015550123", "next_url": "/"},
        {"attempt": "a", "phone": "+1", "next_url": "/", "challenge": None, "colour": "red"},
        {"attempt": "a", "phone": "+1", "next_url": "/", "challenge": {"session": "s"}},
        {"attempt": "a", "phone": "+1", "next_url": "/", "challenge": {"colour": "red"}},
        {"attempt": "a", "phone": "+1", "next_url": "/", "challenge": "text"},
        {"attempt": "a", "phone": "+1", "next_url": "/", "challenge": ["session"]},
        {"attempt": "a", "phone": "+1", "next_url": "/", "challenge": None, "stored_at": "noon"},
    ],
    ids=str,
)
def test_data_of_another_version_is_none(data, client):
    session = SessionStore()
    session[KEY] = data
    session.save()
    assert pending.load(request(session.session_key)) is None
    # And the pages go on as if nothing were pending.
    client.cookies["sessionid"] = session.session_key
    assert client.get("/accounts/login/").status_code == 200
    assert client.get("/accounts/login/code/").url == "/accounts/login/"


def through_the_middleware(key: str | None, work) -> HttpResponse:
    made = RequestFactory().get("/")
    if key:
        made.COOKIES["sessionid"] = key

    def view(got: HttpRequest) -> HttpResponse:
        work(got)
        return HttpResponse("fine")

    return SessionMiddleware(view)(made)


def test_first_store_sends_the_cookie(waiting):
    response = through_the_middleware(None, lambda got: pending.store(got, waiting))
    assert content(pending.load(request(response.cookies["sessionid"].value))) == waiting


def test_later_store_leaves_the_middleware_nothing_to_write(waiting):
    key = stored(waiting)

    def work(got: HttpRequest) -> None:
        pending.store(got, waiting)
        # From here on another request may have ended this session.
        Session.objects.all().delete()

    response = through_the_middleware(key, work)
    assert (response.status_code, response.cookies.get("sessionid")) == (200, None)


def test_session_that_vanished_is_superseded_and_no_400(waiting):
    key = stored(waiting)
    seen = []

    def work(got: HttpRequest) -> None:
        assert content(pending.load(got)) == waiting
        Session.objects.all().delete()
        with pytest.raises(pending.Superseded):
            pending.store(got, waiting)
        seen.append(got)

    response = through_the_middleware(key, work)
    assert (response.status_code, response.content) == (200, b"fine")
    assert len(seen) == 1
    assert not Session.objects.exists()


def test_session_that_had_vanished_before_is_replaced(waiting):
    response = through_the_middleware(
        "akeythatnobodyhasanymorexxxxxxxx", lambda got: pending.store(got, waiting)
    )
    assert content(pending.load(request(response.cookies["sessionid"].value))) == waiting


def test_sign_in_is_forgotten_after_a_quarter_of_an_hour(waiting):
    key = stored(waiting)
    with time_machine.travel(time.time() + 14 * 60):
        assert content(pending.load(request(key))) == waiting
    with time_machine.travel(time.time() + 15 * 60 + 1):
        assert pending.load(request(key)) is None
        assert pending.reload(request(key)) is None


def test_minutes_left_are_minutes_begun(waiting, challenge):
    with time_machine.travel(1_800_000_000, tick=False):

        def left(seconds: int) -> int:
            shifted = replace(challenge, expires_at=1_800_000_000 + seconds)
            return replace(waiting, challenge=shifted).minutes_left()

        assert [left(s) for s in (300, 241, 240, 1, 0, -100)] == [5, 5, 4, 1, 0, 0]
    assert replace(waiting, challenge=None).minutes_left() == 0


def test_seconds_to_resend_count_down_to_zero(waiting, challenge):
    def left(seconds: int) -> int:
        shifted = replace(challenge, resend_at=int(time.time()) + seconds)
        return replace(waiting, challenge=shifted).seconds_to_resend()

    assert left(30) in (29, 30)
    assert left(0) == left(-100) == 0
    assert replace(waiting, challenge=None).seconds_to_resend() == 0


def test_challenge_is_expired_from_its_last_second(waiting, challenge):
    now = int(time.time())
    assert not replace(waiting, challenge=replace(challenge, expires_at=now + 5)).is_expired()
    assert replace(waiting, challenge=replace(challenge, expires_at=now)).is_expired()
    assert replace(waiting, challenge=None).is_expired()


def test_text_of_it_holds_no_cognito_session(waiting):
    assert "a-cognito-session" not in repr(waiting)
    assert "a-cognito-name" not in repr(waiting)


# What the table tells its reader


def test_table_holds_no_session_of_cognitos(waiting):
    key = stored(waiting)
    [row] = Session.objects.values()
    kept = SessionStore(key).decode(row["session_data"])["accounts.pending"]
    assert kept["phone"] == waiting.phone
    assert waiting.challenge.session not in str(kept)
    assert content(pending.load(request(key))) == waiting


def test_sealed_session_is_opened_with_a_key_that_still_counts_and_no_other(waiting, settings):
    key = stored(waiting)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-" * 5
    settings.SECRET_KEY_FALLBACKS = [old]
    assert content(pending.load(request(key))) == waiting
    settings.SECRET_KEY_FALLBACKS = []
    assert pending.load(request(key)) is None


@pytest.mark.parametrize("session", ["", "AYABeFake", None, 1, "gAAAAA=="])
def test_session_that_nobody_sealed_is_as_none(waiting, session):
    """Written by another version of this code, or by somebody else."""
    key = stored(waiting)
    store = SessionStore(key)
    kept = store["accounts.pending"]
    kept["challenge"]["session"] = session
    store["accounts.pending"] = kept
    store.save()
    assert pending.load(request(key)) is None

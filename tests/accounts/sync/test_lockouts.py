"""What the triggers hold is mirrored here, and noted once, without anybody waiting for it."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from accounts import middleware
from accounts.models import SignInEvent, User
from accounts.models.users import LOCKED
from accounts.sync import lockouts
from tests.clock import seconds_later
from tests.login_steps import RESEND, answer, ask
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.django_db

STATE = {
    "failures": 10,
    "held_until": 0,
    "is_locked": False,
    "sends_last_hour": 2,
    "sends_last_day": 7,
}


@pytest.fixture(autouse=True)
def _configured(settings):
    settings.LEDGER_FUNCTION = "phone-login-ledger-test"


@pytest.fixture
def function(settings, wire):
    settings.AWS_ENDPOINT_URL = wire.url
    return wire


@pytest.fixture
def user(phone) -> User:
    return User.objects.for_identity("sub-1", phone)


def look(phone: str) -> None:
    """Let a request look, and its answer leave."""

    def view(request):
        lockouts.refresh(request, phone, attempt="a1", reference="K7F-2Q")
        return HttpResponse()

    middleware.work_after_response(view)(RequestFactory().get("/")).close()


def in_minutes(minutes: float) -> int:
    return int((timezone.now() + timedelta(minutes=minutes)).timestamp())


def noted() -> list[str]:
    return list(SignInEvent.objects.filter(kind="held").values_list("reason", flat=True))


def test_hold_is_mirrored_and_noted_once(function, user):
    until = in_minutes(15)
    function.will(Reply({**STATE, "held_until": until}))
    for _ in range(3):
        look(user.phone)
    user.refresh_from_db()
    assert user.held_until == datetime.fromtimestamp(until, UTC)
    assert noted() == ["held"]
    event = SignInEvent.objects.get()
    assert (event.user, event.attempt, event.reference) == (user, "a1", "K7F-2Q")


def test_longer_hold_is_news(function, user):
    function.will(
        Reply({**STATE, "held_until": in_minutes(15)}),
        Reply({**STATE, "held_until": in_minutes(60)}),
    )
    look(user.phone)
    look(user.phone)
    assert noted() == ["held", "held"]


def test_lock_is_mirrored_as_one(function, user):
    function.will(Reply({**STATE, "is_locked": True}))
    look(user.phone)
    look(user.phone)
    user.refresh_from_db()
    assert user.held_until == LOCKED
    assert noted() == ["locked"]


def test_number_that_is_free_again_is_freed_here(function, user):
    User.objects.update(held_until=LOCKED)
    function.will(Reply({**STATE, "held_until": in_minutes(-1)}))
    look(user.phone)
    user.refresh_from_db()
    assert user.held_until is None
    assert noted() == []


def test_number_without_a_row_is_noted_once_a_day(function, phone):
    function.will(Reply({**STATE, "held_until": in_minutes(15)}))
    look(phone)
    look(phone)
    assert noted() == ["held"]


@pytest.mark.parametrize(
    "reply", [aws_error("AccessDeniedException", status=403), Reply(drop=True), Reply({})], ids=str
)
def test_ledger_that_fails_changes_nothing(function, user, reply):
    User.objects.update(held_until=LOCKED)
    function.will(reply)
    look(user.phone)
    user.refresh_from_db()
    assert user.held_until == LOCKED
    assert noted() == []


def test_site_without_a_ledger_asks_nobody_and_says_nothing(function, user, settings, caplog):
    settings.LEDGER_FUNCTION = ""
    caplog.clear()
    logging.getLogger("accounts").addHandler(caplog.handler)
    look(user.phone)
    logging.getLogger("accounts").removeHandler(caplog.handler)
    assert function.requests == []
    assert caplog.records == []


# When a sign-in looks


def looks(pool) -> int:
    return sum("/functions/" in request.path for request in pool.requests)


def test_sign_in_that_ends_by_failures_looks(client, pool, known):
    pool.held[known.phone]["held_until"] = in_minutes(15)
    ask(client, known.phone)
    for offset in (1, 2):
        answer(client, pool.wrong_code(offset))
    assert looks(pool) == 0
    answer(client, pool.wrong_code(3))
    assert looks(pool) == 1
    known.refresh_from_db()
    assert known.held_until
    kinds = SignInEvent.objects.order_by("pk").values_list("kind", flat=True)
    assert list(kinds)[-2:] == ["failed", "held"]
    assert len(set(SignInEvent.objects.values_list("attempt", flat=True))) == 1


def test_another_text_looks(client, pool, known):
    pool.held[known.phone]["is_locked"] = True
    ask(client, known.phone)
    assert looks(pool) == 0
    with seconds_later(31):
        client.post(RESEND)
    assert looks(pool) == 1
    assert noted() == ["locked"]

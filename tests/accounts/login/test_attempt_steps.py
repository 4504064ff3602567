"""Steps of an attempt, where other requests or parts of a site come between."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponseBase

from accounts.models import Session, SignInEvent
from tests.clock import seconds_later
from tests.concurrency import at_once, database_in_a_file
from tests.login_steps import LOGIN, RESEND, answer, ask, same_cookies

pytestmark = [pytest.mark.pages]


def reads_the_user_early(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """A middleware that asks who it is before any view does, as those of a site may."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        assert not request.user.is_authenticated
        return get_response(request)

    return handle


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("early", [False, True])
def test_wrong_code_twice_at_once_costs_one_try(client, pool, known, tmp_path, settings, early):
    if early:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.reads_the_user_early"]
    with database_in_a_file(tmp_path):
        ask(client, known.phone)
        twin, wrong = same_cookies(client), pool.wrong_code()
        pages = at_once(lambda: answer(client, wrong), lambda: answer(twin, wrong))
        assert SignInEvent.objects.filter(reason="wrong_code").count() == 1
    assert [page.status_code for page in pages] == [200, 200]
    assert len(pool.calls("RespondToAuthChallenge")) == 1


def session_goes_before_it_is_written(execute: Any, sql: str, *rest: Any) -> Any:
    """Delete the session as another request of the browser does that signs out meanwhile."""
    if sql.startswith('UPDATE "accounts_session"'):
        Session.objects.all().delete()
    return execute(sql, *rest)


@pytest.mark.django_db
def test_wrong_code_is_written_down_where_its_session_goes_meanwhile(client, pool, known):
    ask(client, known.phone)
    with connection.execute_wrapper(session_goes_before_it_is_written):
        assert answer(client, pool.wrong_code()).url == LOGIN
    [event] = SignInEvent.objects.filter(reason="wrong_code")
    assert event.user == known


@pytest.mark.django_db
def test_text_is_written_down_where_its_session_goes_meanwhile(client, pool, known):
    ask(client, known.phone)
    with seconds_later(31), connection.execute_wrapper(session_goes_before_it_is_written):
        assert client.post(RESEND).url == LOGIN
    assert [kind for _, kind in pairs()] == ["started", "sent", "resent"]
    assert len({reference for reference, _ in pairs()}) == 1


def pairs() -> list[tuple[str, str]]:
    return list(SignInEvent.objects.order_by("pk").values_list("reference", "kind"))

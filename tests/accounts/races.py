"""Sign-ins of one person at the same moment, for every database."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import RequestFactory

from accounts import sessions
from accounts.models import User
from accounts.sessions import concurrency
from accounts.sessions.store import SessionStore
from tests.concurrency import at_once


def one_browser() -> HttpRequest:
    request = RequestFactory().post("/")
    request.COOKIES["device"] = str(id(request))
    request.session = SessionStore()
    request.user = AnonymousUser()
    return request


def race(user: User, *, at: int = 4) -> None:
    requests = [one_browser() for _ in range(at)]
    at_once(*[lambda request=each: concurrency.enter(request, user) for each in requests])
    assert sessions.live(user).count() == 1
    told = [SessionStore(each.session.session_key).ended for each in requests]
    assert [row.ended_why for row in told if row] == ["taken_over"] * (at - 1)

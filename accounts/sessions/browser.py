"""The session of the browser that a request comes from."""

from datetime import timedelta
from functools import partial
from typing import cast

from django.contrib.auth import SESSION_KEY, login
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import after_response, devices
from accounts.models import Session, User
from accounts.sessions import lookup, rows
from accounts.sessions.store import SessionStore

_TOUCHED_EVERY = timedelta(minutes=1)


def for_request(request: HttpRequest) -> SessionStore:
    """Return the session of a request, typed as the store that it is."""
    return cast(SessionStore, request.session)


def elsewhere(request: HttpRequest, user: User) -> QuerySet[Session]:
    """Return the live sessions of ``user`` but the one of this browser."""
    return rows.live(user).exclude(handle=for_request(request).handle)


def end_elsewhere(request: HttpRequest, user: User, *, handle: str | None = None) -> int:
    """End the sessions of ``user`` in other browsers, or the one with this handle. Count them."""
    others = elsewhere(request, user)
    if handle is not None:
        others = others.filter(handle=handle)
    return rows.end_all(user, Session.Ended.ENDED_BY_PERSON, among=others, by=request)


def begin(request: HttpRequest, user: User) -> None:
    """Sign ``user`` in with this browser, under a new key, and write it at once."""
    session = for_request(request)
    if SESSION_KEY in session:
        # It counts no longer, and Django would go on with it under the same key.
        session.flush()
    session.device = devices.of(request)
    login(request, user)
    session.save()


def adopt(request: HttpRequest, key: str) -> bool:
    """Give this browser the live session with this key, which another request made for it."""
    row = lookup.find(rows.digest(key), timezone.now())
    if row is None or row.ended_at:
        return False
    request.session = SessionStore(key)
    request.user = row.user or AnonymousUser()
    # Else the cookie would not be sent.
    request.session.modified = True
    return True


def newcomer_seen(request: HttpRequest) -> None:
    """Take the notice of another device away from this browser's session."""
    row = for_request(request).row
    if row:
        Session.objects.filter(pk=row.pk).update(newcomer="", newcomer_at=None)


def touch(request: HttpRequest) -> None:
    """Write down after the response that the browser was here, unless that was done just now."""
    row = for_request(request).row
    now = timezone.now()
    if row and now - row.last_seen >= _TOUCHED_EVERY:
        live = Session.objects.filter(pk=row.pk, ended_at=None)
        network = devices.of(request).network
        after_response.do(request, partial(live.update, last_seen=now, network=network))

"""Sessions as rows of the database: which are live, and how they end.

A session that somebody is signed in with is never deleted when it ends. Its row stays until
``expire_date`` without its data, so that the browser can be told what happened; every write asks
for ``ended_at IS NULL``, so that a late request cannot bring it back.
"""

import base64
import hashlib
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import devices
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.models import Session, User
from accounts.models.statements import select

# How long a browser can learn what became of a session that would be too old by now.
TOLD_FOR = timedelta(days=7)
# The events' word, where it is another one.
_REASONS = {Session.Ended.SIGNED_OUT: "", Session.Ended.ENDED_BY_OPERATOR: "operator"}
# After these, no browser is known to the account any more.
_FORGETS = {
    Session.Ended.ENDED_BY_PERSON,
    Session.Ended.ENDED_BY_OPERATOR,
    Session.Ended.SHUT_OUT,
}
_DIGEST_BYTES = 30  # which are 40 characters, all that Django's column takes


def digest(key: str) -> str:
    """Return how a session's key stands in its row. It has 160 random bits, so needs no salt."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()[:_DIGEST_BYTES]).decode()


def live(user: User) -> QuerySet[Session]:
    """Return the sessions of ``user`` that have not ended, and are not about to."""
    now = timezone.now()
    idle, absolute = _limits(user)
    return Session.objects.filter(
        user=user,
        ended_at=None,
        expire_date__gt=now,
        last_seen__gt=now - idle,
        signed_in_at__gt=now - absolute,
    )


def by_browser(user: User, browser: str) -> tuple[list[str], list[str]]:
    """Return the keys of the sessions of ``browser`` and of those that are live elsewhere."""
    now = timezone.now()
    idle, absolute = _limits(user)
    own: list[str] = []
    others: list[str] = []
    for row in select(Session, {"user_id": user.pk, "ended_at": None}):
        is_old = row.signed_in_at is None or row.signed_in_at <= now - absolute
        is_live = row.expire_date > now and row.last_seen > now - idle and not is_old
        if browser and row.browser == browser:
            own.append(row.session_key)
        elif is_live:
            others.append(row.session_key)
    return own, others


def end(session: Session, why: Session.Ended, *, by: HttpRequest | Session | None = None) -> bool:
    """End one session of a user, and write the event. False where it had ended before.

    ``by`` is as in ``end_all``, or the session itself where it ran out.
    """
    found = Session.objects.filter(pk=session.pk)
    return bool(session.user and end_all(session.user, why, among=found, by=by))


def end_all(
    user: User,
    why: Session.Ended,
    *,
    among: QuerySet[Session] | None = None,
    keep: str | None = None,
    by: HttpRequest | Session | None = None,
    reason: str | None = None,
) -> int:
    """End the sessions of ``user`` that are live, write an event for each, and count them.

    ``among`` takes those in a query alone, and ``keep`` is the key of one that goes on. ``by`` is
    the request that asked for it, None where that is not the person's own. ``reason`` is the
    event's where ``why`` does not say it all (accounts/events/reasons.py).
    """
    rows = Session.objects.filter(user=user) if among is None else among
    name = devices.of(by).name if isinstance(by, HttpRequest) else ""
    ended = close(rows.exclude(session_key=digest(keep or "")), why, by=name)
    if why in _FORGETS:
        User.objects.filter(pk=user.pk).update(browsers_forgotten_at=timezone.now())
    for _each in range(ended):
        sign_ins.record(
            sign_ins.Kind.SIGNED_OUT,
            by,
            user=user,
            phone=user.phone or "",
            reason=_REASONS.get(why, why) if reason is None else reason,
        )
    return ended


def close(rows: QuerySet[Session], why: Session.Ended, *, by: str = "") -> int:
    """End sessions that a new sign-in replaces, whose own events say so. Count those ended now.

    ``by`` is the name of the device that did it, for the one that is told.
    """
    return rows.filter(ended_at=None).update(
        ended_at=timezone.now(), ended_why=why, ended_by=by, session_data=""
    )


def lately_ended(user: User) -> QuerySet[Session]:
    """Return the last few sessions of ``user`` that ended in the last seven days."""
    since = timezone.now() - TOLD_FOR
    return Session.objects.filter(user=user, ended_at__gt=since).order_by("-ended_at")[:5]


def _limits(user: User) -> tuple[timedelta, timedelta]:
    """Return how long a session may rest, and how old it may grow."""
    if user.is_staff:
        return timedelta(seconds=conf.staff_idle_seconds), timedelta(seconds=conf.staff_seconds)
    return timedelta(seconds=conf.session_idle_seconds), timedelta(seconds=conf.session_seconds)


def why_over(row: Session, now: datetime) -> Session.Ended | None:
    """Tell why a session that nobody ended must not go on."""
    if row.user is None or row.signed_in_at is None:
        return None
    idle, absolute = _limits(row.user)
    if not row.user.is_active:
        return Session.Ended.SHUT_OUT
    if now - row.signed_in_at >= absolute:
        return Session.Ended.TOO_OLD
    if now - row.last_seen >= idle:
        return Session.Ended.IDLE
    return None

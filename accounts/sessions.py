"""Browsers' sessions: the SESSION_ENGINE, and what the site asks about and does to them.

The browser's cookie holds the key of its session, and the row a digest of it: who reads the table
can be nobody.

A session that somebody is signed in with is never deleted when it ends. Its row stays until
``expire_date`` without its data, so that the browser can be told what happened; every write asks
for ``ended_at IS NULL``, so that nothing brings it back, however late it comes.
"""

import base64
import hashlib
import string
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY, login
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import devices, events
from accounts.conf import conf
from accounts.devices import Device
from accounts.models import Session, User

# How long a browser can learn what became of a session that would be too old by now.
_TOLD_FOR = timedelta(days=7)
_TOUCHED_EVERY = timedelta(minutes=1)
_KEY_CHARACTERS = frozenset(string.ascii_lowercase + string.digits)
_MAX_KEY = 40
# The events' word, where it is another one.
_REASONS = {Session.Ended.SIGNED_OUT: "", Session.Ended.ENDED_BY_OPERATOR: "operator"}
_DIGEST_BYTES = 30  # which are 40 characters, all that Django's column takes


def of(request: HttpRequest) -> "SessionStore":
    return cast(SessionStore, request.session)


def digest(key: str) -> str:
    """Return how a session's key stands in its row. It has 165 random bits, so needs no salt."""
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


def elsewhere(request: HttpRequest, user: User) -> QuerySet[Session]:
    """Return the live sessions of ``user`` but the one of this browser."""
    return live(user).exclude(pk=digest(request.session.session_key or ""))


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
    event's where ``why`` does not say it all (REASONS in accounts/events.py).
    """
    rows = Session.objects.filter(user=user) if among is None else among
    name = devices.of(by).name if isinstance(by, HttpRequest) else ""
    ended = close(rows.exclude(session_key=digest(keep or "")), why, by=name)
    for _each in range(ended):
        events.record(
            events.Kind.SIGNED_OUT,
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


def begin(request: HttpRequest, user: User) -> None:
    """Sign ``user`` in with this browser, under a new key, and write it at once."""
    of(request).device = devices.of(request)
    login(request, user)
    of(request).save()


def adopt(request: HttpRequest, key: str) -> bool:
    """Give this browser the live session with this key, which another request made for it."""
    row = (
        Session.objects.filter(
            session_key=digest(key), ended_at=None, expire_date__gt=timezone.now()
        )
        .select_related("user")
        .first()
    )
    if row is None:
        return False
    request.session = SessionStore(key)
    request.user = row.user or AnonymousUser()
    # The cookie shall be sent.
    request.session.modified = True
    return True


def lately_ended(user: User) -> QuerySet[Session]:
    """Return the last few sessions of ``user`` that ended in the last seven days."""
    since = timezone.now() - _TOLD_FOR
    return Session.objects.filter(user=user, ended_at__gt=since).order_by("-ended_at")[:5]


def newcomer_seen(request: HttpRequest) -> None:
    """Take the notice of another device away from this browser's session."""
    row = of(request).row
    if row:
        Session.objects.filter(pk=row.pk).update(newcomer="", newcomer_at=None)


def touch(request: HttpRequest) -> None:
    """Write down that the browser was here, unless that was done a moment ago."""
    row = of(request).row
    now = timezone.now()
    if row and now - row.last_seen >= _TOUCHED_EVERY:
        network = devices.of(request).network
        Session.objects.filter(pk=row.pk, ended_at=None).update(last_seen=now, network=network)


def _limits(user: User) -> tuple[timedelta, timedelta]:
    """Return how long a session may rest, and how old it may grow."""
    if user.is_staff:
        return timedelta(seconds=conf.staff_idle_seconds), timedelta(seconds=conf.staff_seconds)
    return timedelta(seconds=conf.session_idle_seconds), timedelta(seconds=conf.session_seconds)


def _over(row: Session, now: datetime) -> Session.Ended | None:
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


class SessionStore(SessionBase):
    """A session and its user, read in one query and written to one row for as long as it lives.

    Before anybody signs in it is forgotten after ``SESSION_COOKIE_AGE``.
    """

    # Of SessionBase, whose types know only what is public.
    _get_session: Callable[..., dict[str, Any]]
    _get_new_session_key: Callable[[], str]

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        # Which device somebody signs in with, for the row.
        self.device: Device | None = None
        self._row: Session | None = None
        self._ended: Session | None = None
        self._confirmed_at: datetime | None = None

    @property
    def row(self) -> Session | None:
        """What is known of the session, with its user; None while nobody is signed in."""
        self._get_session()
        return self._row if self._row and self._row.user_id else None

    @property
    def handle(self) -> str:
        """The name of the session in pages and tables, "" before it was saved."""
        self._get_session()
        return self._row.handle if self._row else ""

    @property
    def ended(self) -> Session | None:
        """The session that this browser had, until it was ended behind its back."""
        self._get_session()
        return self._ended

    def told(self) -> None:
        """Let go of a session that ended, once its person knows."""
        self.flush()
        self._ended = None

    def confirm(self) -> bool:
        """Take another key because a code was typed just now. False where the session has ended."""
        self._confirmed_at = timezone.now()
        self.cycle_key()
        self.save()
        return self.row is not None

    def load(self) -> dict[str, Any]:
        now = timezone.now()
        row = (
            Session.objects.filter(session_key=digest(self.session_key or ""), expire_date__gt=now)
            .select_related("user")
            .order_by()
            .first()
        )
        if row and row.user and not row.ended_at and (why := _over(row, now)):
            # Of several requests at once, one ends it.
            end(row, why, by=row)
            row.refresh_from_db()
        if row is None or row.ended_at:
            self._become(row)
            return {}
        data: dict[str, Any] = self.decode(row.session_data)
        if str(row.user_id or "") != data.get(SESSION_KEY, ""):
            # Signed with a key that is gone, most likely.
            self._become(None)
            return {}
        self._row = row
        return data

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(session_key=digest(session_key)).exists()

    def create(self) -> None:
        """Start a session. Nobody is carried over into it: for that the row is kept."""
        if self._row and self._row.user_id:
            self.clear()
        self._row = None
        self._session_key = self._get_new_session_key()
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Write it. Nothing is written, and nothing said, where the session has ended.

        Raises UpdateError where it never was, CreateError where ``must_create`` finds one, which
        for a key of 165 random bits is somebody else's mistake.
        """
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)
        if self.session_key is None:
            # It had ended or gone before it was read for this.
            if self._ended:
                return
            raise UpdateError
        values = self._columns(data)
        if must_create:
            try:
                with transaction.atomic():
                    self._row = Session.objects.create(
                        session_key=digest(self.session_key), **values
                    )
            except IntegrityError as error:
                raise CreateError from error
            return
        mine = Session.objects.filter(session_key=digest(self.session_key))
        if not mine.filter(ended_at=None).update(**values):
            if not mine.exists():
                raise UpdateError
            return
        if self._row:
            for name, value in values.items():
                setattr(self._row, name, value)

    def cycle_key(self) -> None:
        """Take another key and keep the row, with what is known of the device."""
        data = self._get_session()
        old = self.session_key
        if old:
            new = self._get_new_session_key()
            mine = Session.objects.filter(pk=digest(old), ended_at=None)
            if mine.update(session_key=digest(new)):
                self._session_key = new
                if self._row:
                    self._row.session_key = digest(new)
                self.modified = True
                return
        if SESSION_KEY in data:
            # It ended while this request was at work: there is nothing to carry on.
            self._become(Session.objects.filter(pk=digest(old or "")).first())
            self._session_cache: dict[str, Any] = {}
            return
        self._row = None
        self.create()
        self._session_cache = data

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is None:
            return
        rows = Session.objects.filter(session_key=digest(key))
        if not close(rows.exclude(user=None), Session.Ended.SIGNED_OUT):
            rows.filter(user=None).delete()

    def flush(self) -> None:
        super().flush()
        self._row = None

    def is_empty(self) -> bool:
        """Tell whether the browser shall drop its cookie.

        Not because its key is unknown: it may have got a newer one while this request was under
        way, and would drop that. Not before it has been told that its session ended, either.
        """
        return super().is_empty() and self.modified

    def get_session_cookie_age(self) -> int:
        if self._row and self._row.user_id:
            return max(0, int((self._row.expire_date - timezone.now()).total_seconds()))
        return int(settings.SESSION_COOKIE_AGE)

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expire_date__lt=timezone.now()).delete()

    async def acycle_key(self) -> None:
        await sync_to_async(self.cycle_key)()

    async def aflush(self) -> None:
        await sync_to_async(self.flush)()

    def _validate_session_key(self, key: str | None) -> bool:
        # What is no key of ours costs no query.
        return key is not None and 8 <= len(key) <= _MAX_KEY and _KEY_CHARACTERS.issuperset(key)

    def _become(self, ended: Session | None) -> None:
        # Who signed out knows.
        is_news = ended is not None and ended.ended_why != Session.Ended.SIGNED_OUT
        self._ended = ended if is_news else None
        self._row = None
        self._session_key = None

    def _columns(self, data: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        values: dict[str, Any] = {"session_data": self.encode(data)}
        user_id = data.get(SESSION_KEY)
        if user_id is None:
            values["expire_date"] = now + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        elif self._row is None or self._row.user_id is None:
            kept = timedelta(seconds=conf.session_seconds) + _TOLD_FOR
            values |= {
                "user_id": int(user_id),
                "expire_date": now + kept,
                "signed_in_at": now,
                "last_seen": now,
                "confirmed_at": now,
            }
            if self.device:
                values |= {
                    "device": self.device.name,
                    "browser": self.device.browser,
                    "network": self.device.network,
                }
        if self._confirmed_at:
            values["confirmed_at"] = self._confirmed_at
        return values

"""The SESSION_ENGINE: a session and its user in one row, read in one query.

The browser's cookie holds the key of its session, and the row a digest of it: a copy of the table
signs nobody in.
"""

import secrets
import string
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.conf import conf
from accounts.devices import Device
from accounts.models import Session
from accounts.models.statements import insert, update
from accounts.sessions import lookup, rows

_KEY_CHARACTERS = frozenset(string.ascii_lowercase + string.digits)
_KEY_BYTES = 20
_MAX_KEY = 40


class SessionStore(SessionBase):
    """A session and its user, read in one query and written to one row for as long as it lives.

    Before anybody signs in it is forgotten after ``SESSION_COOKIE_AGE``.
    """

    # A private part of SessionBase, of which Django's own engines are made: there is no public way
    # to load a session.
    _get_session: Callable[..., dict[str, Any]]

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        # Which device somebody signs in with, for the row.
        self.device: Device | None = None
        self._row: Session | None = None
        self._ended: Session | None = None
        self._confirmed_at: datetime | None = None
        # The key that the row has until the next save gives it a new one.
        self._key_of_row: str | None = None
        # The data that this object wrote last, so that a request does not write them twice.
        self._written: bytes | None = None

    @property
    def row(self) -> Session | None:
        """The row of the session, with its user; None while nobody is signed in."""
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

    def acknowledge_end(self) -> None:
        """Let go of a session that ended, once its person knows."""
        self.flush()
        self._ended = None

    def confirm(self) -> bool:
        """Take another key because a code was typed just now. False where the session has ended."""
        self._confirmed_at = timezone.now()
        self.cycle_key()
        with suppress(UpdateError):
            self.save()
        return self.row is not None

    def load(self) -> dict[str, Any]:
        now = timezone.now()
        row = lookup.find(self._digest(), now)
        if row and row.user and not row.ended_at and (why := rows.why_over(row, now)):
            # Of several requests at once, one ends it.
            rows.end(row, why, by=row)
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
        return Session.objects.filter(session_key=rows.digest(session_key)).exists()

    def create(self) -> None:
        """Start a session. Nobody is carried over into it: for that the row is kept."""
        if self._row and self._row.user_id:
            self.clear()
        self._row = self._key_of_row = None
        self._session_key = self._get_new_session_key()
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Write it. Nothing is written, and nothing said, where the session has ended.

        Raises UpdateError where it never was, CreateError where ``must_create`` finds one, which
        for a key of 160 random bits is somebody else's mistake.
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
        serialized = self.serializer().dumps(data)
        is_written = serialized == self._written and not self._key_of_row and not must_create
        if is_written and self._confirmed_at is None:
            return
        values = self._columns(data)
        if must_create:
            self._insert(values)
        else:
            self._update(values)
        self._written = serialized

    def _insert(self, values: dict[str, Any]) -> None:
        # Outside of a transaction there is none to keep usable.
        is_alone = not connection.in_atomic_block
        try:
            with nullcontext() if is_alone else transaction.atomic():
                row = Session(session_key=rows.digest(self.session_key or ""), **values)
                insert([row])
        except IntegrityError as error:
            raise CreateError from error
        self._row = row

    def _update(self, values: dict[str, Any]) -> None:
        if self._key_of_row:
            values["session_key"] = rows.digest(self.session_key or "")
        mine = {"session_key": self._digest()}
        if not update(Session, {**mine, "ended_at": None}, values):
            self._was_not_there(Session.objects.filter(**mine).first())
            return
        self._key_of_row = self._confirmed_at = None
        if self._row:
            for name, value in values.items():
                setattr(self._row, name, value)

    def _was_not_there(self, found: Session | None) -> None:
        if self._key_of_row is None:
            if found is None:
                raise UpdateError
        elif self._row and self._row.user_id:
            # It ended while this request was at work: there is nothing to carry on. The browser
            # keeps its key, by which it is told.
            key = self._key_of_row
            self._become(found)
            self._session_cache: dict[str, Any] = {}
            if found is None:
                # Another request gave it another key, or it is gone.
                self.modified = False
                raise UpdateError
            self._session_key = key
        else:
            self._row = self._key_of_row = None
            self._insert(self._columns(self._session_cache))

    def cycle_key(self) -> None:
        """Take another key and keep the row, which gets it with the next ``save``."""
        data = self._get_session()
        if self.session_key:
            self._key_of_row = self._key_of_row or self.session_key
            self._session_key = self._get_new_session_key()
            self.modified = True
            return
        self._row = None
        self.create()
        self._session_cache = data

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is None:
            return
        is_own = key == self.session_key
        digest = self._digest() if is_own else rows.digest(key)
        found = Session.objects.filter(session_key=digest)
        if not rows.close(found.exclude(user=None), Session.Ended.SIGNED_OUT):
            found.filter(user=None).delete()

    def flush(self) -> None:
        super().flush()
        self._row = self._key_of_row = self._written = None

    def is_empty(self) -> bool:
        """Tell whether the browser is to drop its cookie.

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

    def _digest(self) -> str:
        """Return the digest of the key that the row has now."""
        return rows.digest(self._key_of_row or self.session_key or "")

    def _get_new_session_key(self) -> str:
        """Draw a key. One of 160 random bits need not be looked for among the others."""
        return secrets.token_hex(_KEY_BYTES)

    def _validate_session_key(self, key: str | None) -> bool:
        # A cookie that cannot be a key of ours costs no query.
        return key is not None and 8 <= len(key) <= _MAX_KEY and _KEY_CHARACTERS.issuperset(key)

    def _become(self, ended: Session | None) -> None:
        # People who signed out know it.
        is_news = ended is not None and ended.ended_why != Session.Ended.SIGNED_OUT
        self._ended = ended if is_news else None
        self._row = None
        self._session_key = self._key_of_row = self._written = None

    def _columns(self, data: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        values: dict[str, Any] = {"session_data": self.encode(data)}
        user_id = data.get(SESSION_KEY)
        if user_id is None:
            values["expire_date"] = now + timedelta(seconds=settings.SESSION_COOKIE_AGE)
        elif self._row is None or self._row.user_id is None:
            kept = timedelta(seconds=conf.session_seconds) + rows.TOLD_FOR
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

"""Lock one sign-in per browser, and replay a double press.

People press twice, and a browser forgets the answer to the first press, its new session cookie
included. The second request waits for the lock here; when the first one signed the person in
with the very same answer, the second ends in the same session instead of meeting a spent code.

A request that waits holds a thread of the site, so one waits per browser: the newest, whose answer
the browser shows. The one that waited before is sent away, and nobody waits for long.
"""

import hashlib
import hmac
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import gil
from accounts.login import sealing
from accounts.models import LoginLock
from accounts.models.statements import insert, update

log = logging.getLogger(__name__)

# Longer than a request lasts, so that a lock that a lost machine left behind frees itself. That of
# a process that died on a machine that lives is free at once.
_LEASE = timedelta(seconds=20)
_PATIENCE = 5.0
_POLL = 0.05
# Seconds between two tries to free a lock while the database is away.
_AGAIN = 0.5
_SEALED = "accounts.login.lock"
_removed_at = time.monotonic()


class TooLong(Exception):
    """The request before this one did not finish in time, or a newer one waits for it."""


class Held:
    """The lock that this request holds until it leaves the ``with`` block.

    ``row`` is the lock, None for a browser without a cookie. ``is_over``: the sign-in that this
    request waited for has succeeded, and the row is that one's.
    """

    def __init__(self, row: LoginLock | None = None, *, is_over: bool = False) -> None:
        self._row = row
        self._is_kept = is_over
        self._earlier = row if is_over else None

    def signed_in(self, session: str, *, answer: str) -> None:
        """Let a second press with the same answer end in the session with this key, too."""
        if self._row and not self._earlier:
            sealed = sealing.seal(session, purpose=_SEALED)
            update(LoginLock, _own(self._row), {"session": sealed, "answer": _digest(answer)})
            self._is_kept = True

    def just_signed_in(self, *, answer: str) -> str | None:
        """Return the key of the session that this browser got for ``answer`` a moment ago.

        The cookie of a browser may have been planted by somebody else, so the answer must be the
        same too, and a wrong one ends the matter: nobody gets a second guess.
        """
        earlier = self._earlier
        if earlier is None:
            return None
        if not hmac.compare_digest(earlier.answer, _digest(answer)):
            # Perhaps once more: a step may have another in it.
            LoginLock.objects.filter(**_own(earlier)).delete()
            return None
        return sealing.unseal(earlier.session, purpose=_SEALED)

    def leave(self) -> None:
        """Free the lock, unless it is kept to replay a double press."""
        if not self._row or self._is_kept:
            return
        try:
            LoginLock.objects.filter(**_own(self._row)).delete()
        except DatabaseError as error:
            log.warning("A lock is freed later: %s", type(error).__name__)
            _left.add(self._row.holder)


@contextmanager
def hold(request: HttpRequest) -> Iterator[Held]:
    """Lock this browser's sign-in. Without a session cookie there is nothing to wait for.

    Raises TooLong.
    """
    held = _take(browser) if (browser := _browser(request)) else Held()
    try:
        yield held
    finally:
        held.leave()


def remove_old(*, at_most_every: float = 60) -> None:
    """Delete locks of sign-ins that are over, unless this process did so a moment ago (seconds)."""
    global _removed_at  # noqa: PLW0603 - one time for all threads of the process
    if time.monotonic() - _removed_at < at_most_every:
        return
    _removed_at = time.monotonic()
    LoginLock.objects.filter(taken_at__lt=timezone.now() - LoginLock.KEPT).delete()


class _Left:
    """Locks that could not be freed. To others they look held, since this process lives.

    A thread frees them as soon as the database answers: the next request of the browser, which may
    meet another process, would wait in vain until the lease is over.
    """

    def __init__(self) -> None:
        self._holders: dict[str, float] = {}
        self._lock = threading.Lock()
        self._is_freeing = False

    def add(self, holder: str) -> None:
        with self._lock:
            self._holders[holder] = time.monotonic() + _LEASE.total_seconds()
            if not self._is_freeing:
                self._is_freeing = True
                threading.Thread(target=self._free, daemon=True).start()

    def _free(self) -> None:
        while True:
            time.sleep(_AGAIN)
            with self._lock:
                now = time.monotonic()
                self._holders = {each: end for each, end in self._holders.items() if now < end}
                holders = list(self._holders)
                if not holders:
                    self._is_freeing = False
                    return
            freed = []
            try:
                freed = [one for one in holders if LoginLock.objects.filter(holder=one).delete()[0]]
            except DatabaseError:
                log.info("The database does not answer yet: %d locks are to be freed", len(holders))
            finally:
                connection.close()
            with self._lock:
                for each in freed:
                    del self._holders[each]


_left = _Left()


def _take(browser: str) -> Held:
    """Take the lock, or wait until it is free or the sign-in that it stands for is over."""
    name, is_waiting = _name(), False
    deadline = time.monotonic() + _PATIENCE
    while True:
        row = LoginLock(browser=browser, taken_at=timezone.now(), holder=name)
        # Of two at once, one gets in.
        try:
            if insert([row], ignore_conflicts=True):
                return Held(row)
        except DatabaseError:
            # A database that hangs may still write it.
            _left.add(name)
            raise
        found = LoginLock.objects.filter(browser=browser).first()
        if found is None:
            continue
        is_old = found.taken_at < timezone.now() - LoginLock.KEPT
        if found.session and not is_old:
            return Held(found, is_over=True)
        if is_old or _is_left_behind(found):
            LoginLock.objects.filter(browser=browser, holder=found.holder).delete()
            continue
        if not is_waiting:
            LoginLock.objects.filter(browser=browser, holder=found.holder).update(waiting=name)
            is_waiting = True
        elif found.waiting != name:
            # A newer request waits, or has the lock.
            raise TooLong
        if time.monotonic() > deadline:
            raise TooLong
        with gil.current.left():
            time.sleep(_POLL)


def _own(row: LoginLock) -> dict[str, str]:
    """Find the row, unless its request took so long that the lock was freed for another one."""
    return {"browser": row.browser, "holder": row.holder}


def _is_left_behind(row: LoginLock) -> bool:
    machine, _, rest = row.holder.partition("/")
    process = rest.partition("/")[0]
    if machine == _machine():
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
    return row.taken_at < timezone.now() - _LEASE


def _name() -> str:
    """Name this request by its machine and process, so that others can tell when that is dead."""
    return f"{_machine()}/{os.getpid()}/{secrets.token_hex(8)}"


@cache
def _machine() -> str:
    """Name what process ids are unique in: a machine, or a container on it."""
    space = Path()
    with suppress(OSError):
        space = Path("/proc/self/ns/pid").readlink()
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:16]


def _browser(request: HttpRequest) -> str:
    """Name the browser by the cookie it sent, which may be older than the session it has now."""
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return _digest(cookie) if cookie else ""


def _digest(value: str) -> str:
    return salted_hmac("accounts.login.lock", value, algorithm="sha256").hexdigest()

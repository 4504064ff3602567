"""Lock one sign-in per browser, and replay a double press.

People press twice, and a browser forgets the answer to the first press, its new session cookie
included. The second request waits for the lock here; when the first one signed the person in
with the very same answer, the second ends in the same session instead of meeting a spent code.

A request that waits holds a thread of the site, so one waits per browser: the newest, whose answer
the browser shows. The one that waited before is sent away, and nobody waits for long.
"""

import hashlib
import hmac
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import sealing
from accounts.models import LoginLock

# Longer than a request lasts, so that a lock that a lost machine left behind frees itself. That of
# a process that died on a machine that lives is free at once.
_LEASE = timedelta(seconds=20)
_PATIENCE = 5.0
_POLL = 0.05
_SEALED = "accounts.turns"


class TooLong(Exception):
    """The request before this one did not finish in time, or a newer one waits for it."""


class Held:
    """The lock that this request holds until it leaves the ``with`` block."""

    def __init__(self, row: LoginLock | None) -> None:
        self._row = row

    def signed_in(self, session: str, *, answer: str) -> None:
        """Let a second press with the same answer end in the session with this key, too."""
        sealed = sealing.seal(session, purpose=_SEALED)
        self._own().update(session=sealed, answer=_digest(answer))

    def leave(self) -> None:
        self._own().filter(session="").delete()

    def _own(self) -> QuerySet[LoginLock]:
        """The row, unless this request took so long that its lock was freed for another one."""
        if self._row is None:
            return LoginLock.objects.none()
        return LoginLock.objects.filter(pk=self._row.pk, holder=self._row.holder)


@contextmanager
def hold(request: HttpRequest) -> Iterator[Held]:
    """Lock this browser's sign-in. Without a session cookie there is nothing to wait for.

    Raises TooLong.
    """
    held = Held(_take(browser) if (browser := _browser(request)) else None)
    try:
        yield held
    finally:
        held.leave()


def just_signed_in(request: HttpRequest, *, answer: str) -> str | None:
    """Return the key of the session that this browser got for ``answer`` a moment ago.

    The cookie of a browser may have been planted by somebody else, so the answer must be the same
    too, and a wrong one ends the matter: nobody gets a second guess.
    """
    row = (
        LoginLock.objects.filter(
            browser=_browser(request), taken_at__gt=timezone.now() - LoginLock.KEPT
        )
        .exclude(session="")
        .first()
    )
    if row is None:
        return None
    if not hmac.compare_digest(row.answer, _digest(answer)):
        row.delete()
        return None
    return sealing.unseal(row.session, purpose=_SEALED)


def _take(browser: str) -> LoginLock | None:
    """Return this request's lock; None where the sign-in that it waited for is over."""
    name, is_waiting = _name(), False
    deadline = time.monotonic() + _PATIENCE
    LoginLock.objects.filter(taken_at__lt=timezone.now() - LoginLock.KEPT).delete()
    while True:
        found = LoginLock.objects.filter(browser=browser).first()
        if found is None:
            row = LoginLock(browser=browser, taken_at=timezone.now(), holder=name)
            # Of two at once, one gets in.
            LoginLock.objects.bulk_create([row], ignore_conflicts=True)
            if LoginLock.objects.filter(browser=browser, holder=name).exists():
                return row
            continue
        if found.session:
            # It is over: what this request reads next tells it so.
            return None
        if _is_left_behind(found):
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
        time.sleep(_POLL)


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
    return salted_hmac("accounts.turns", value, algorithm="sha256").hexdigest()

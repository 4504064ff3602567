"""One request at a time per browser, and one outcome for a code that was sent twice.

People press twice, and a browser forgets the answer to the first press, its new session cookie
included. The second request waits for its turn here; when the first one signed the person in
with the very same answer, the second ends in the same session instead of meeting a spent code.
"""

import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import sealing
from accounts.models import Turn

# Longer than any request lasts, so that a turn left behind by a dead process frees itself; and
# how long a second press is still taken for one.
KEPT = timedelta(seconds=30)
_PATIENCE = 25.0
_POLL = 0.05
_SEALED = "accounts.turns"


class TooLong(Exception):
    """The request before this one did not finish in time."""


class Held:
    """A turn that this request holds until it leaves the ``with`` block."""

    def __init__(self, row: Turn | None) -> None:
        self._row = row

    def signed_in(self, session: str, *, answer: str) -> None:
        """Let a second press with the same answer end in the session with this key, too."""
        sealed = sealing.seal(session, purpose=_SEALED)
        self._own().update(session=sealed, answer=_digest(answer))

    def leave(self) -> None:
        self._own().filter(session="").delete()

    def _own(self) -> QuerySet[Turn]:
        """The row, unless this request took so long that its turn was freed for another one."""
        if self._row is None:
            return Turn.objects.none()
        return Turn.objects.filter(pk=self._row.pk, taken_at=self._row.taken_at)


@contextmanager
def turn(request: HttpRequest) -> Iterator[Held]:
    """Hold this browser's turn. Without a session cookie there is nothing to wait for.

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
        Turn.objects.filter(browser=_browser(request), taken_at__gt=timezone.now() - KEPT)
        .exclude(session="")
        .first()
    )
    if row is None:
        return None
    if not hmac.compare_digest(row.answer, _digest(answer)):
        row.delete()
        return None
    return sealing.unseal(row.session, purpose=_SEALED)


def _take(browser: str) -> Turn | None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        now = timezone.now()
        Turn.objects.filter(taken_at__lt=now - KEPT).delete()
        row = Turn(browser=browser, taken_at=now)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            if Turn.objects.filter(browser=browser).exclude(session="").exists():
                # It is over: what this request reads next tells it so.
                return None
            time.sleep(_POLL)
        else:
            return row
    raise TooLong


def _browser(request: HttpRequest) -> str:
    """Name the browser by the cookie it sent, which may be older than the session it has now."""
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    return _digest(cookie) if cookie else ""


def _digest(value: str) -> str:
    return salted_hmac("accounts.turns", value, algorithm="sha256").hexdigest()

"""The way in after a recovery: a code that an operator reads out, good once and in one browser.

    give         an operator gets it, for the person on the phone
    take         the person types it      → this browser may set a new number
    of_browser   what a browser may do, by what ``take`` gave it

It is kept as a digest, and each answer is counted before it is compared.
"""

import hmac
import secrets
from datetime import datetime, timedelta

from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from accounts.events import audit
from accounts.models import Recovery
from accounts.models.users import retry_on_conflict
from accounts.operations import recoveries

State = Recovery.State

TRIES = 5
_GOOD_FOR = timedelta(hours=1)
_OPEN_FOR = timedelta(minutes=30)
_NAME_LENGTH, _SECRET_LENGTH = 4, 8


def give(row: Recovery) -> str:
    """Return a code for the person, in place of an earlier one. "" where none may be given yet.

    Such as K7F2-9QXM-4TRA: it is found by the first four characters, and the others are secret.
    """
    now = timezone.now()
    if not row.is_ready(now) or recoveries.lacks_second(row):
        return ""
    secret = recoveries.draw(_SECRET_LENGTH)

    def keep() -> str:
        name = recoveries.draw(_NAME_LENGTH)
        is_kept = recoveries.move(
            row,
            (State.WAITING, State.OPENED),
            state=State.WAITING,
            code_name=name,
            code_key=recoveries.digest("code", f"{row.pk} {secret}"),
            code_until=min(now + _GOOD_FOR, row.ends_at),
            tries_left=TRIES,
            opened_key="",
            opened_until=None,
        )
        if is_kept:
            recoveries.note(row, reason="recovery_code")
            audit.note(row.user, {"recovery": ["", "code"]})
        return name if is_kept else ""

    # Another one may have the same name just then.
    name = retry_on_conflict(keep)
    return f"{name}-{secret[:4]}-{secret[4:]}" if name else ""


def take(typed: str, *, by: HttpRequest) -> str:
    """Count and compare a code. The right one opens a recovery in one browser, once.

    Returns what that browser must show from then on, or "".
    """
    now, bare = timezone.now(), typed.replace("-", "")
    name, secret = bare[:_NAME_LENGTH], bare[_NAME_LENGTH:]
    row = Recovery.objects.filter(
        code_name=name, state=State.WAITING, code_until__gt=now, user__is_active=True
    ).first()
    digest = recoveries.digest("code", f"{row.pk if row else 0} {secret}")
    if row is None:
        return ""
    counted = Recovery.objects.filter(pk=row.pk, code_key=row.code_key, tries_left__gt=0)
    if not counted.update(tries_left=F("tries_left") - 1):
        return ""
    if not hmac.compare_digest(digest, row.code_key):
        recoveries.note(row, reason="recovery_wrong_code", source=by)
        return ""
    held = secrets.token_urlsafe(24)
    is_first = Recovery.objects.filter(
        pk=row.pk, state=State.WAITING, code_key=digest, ends_at__gt=now
    ).update(
        state=State.OPENED,
        code_name=None,
        code_key="",
        opened_key=recoveries.digest("opened", held),
        opened_until=now + _OPEN_FOR,
    )
    if not is_first:
        return ""
    recoveries.note(row, reason="recovery_opened", source=by)
    return held


def of_browser(held: str) -> Recovery | None:
    """Return the recovery whose code was typed in a browser, whatever became of it since."""
    if not held:
        return None
    found = Recovery.objects.filter(opened_key=recoveries.digest("opened", held))
    return found.select_related("user").first()


def is_open(row: Recovery, now: datetime) -> bool:
    """Tell whether a new number may be set by it now."""
    is_in_time = row.opened_until is not None and now < row.opened_until
    if recoveries.lacks_second(row):
        return False
    return row.state == State.OPENED and is_in_time and row.user.is_active

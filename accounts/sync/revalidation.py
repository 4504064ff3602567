"""Keep the rows of signed-in people in step with Cognito while they use the site.

Each is looked up once per interval (ACCOUNTS_REVALIDATE_SECONDS), after one of their responses has
left, by the process that comes first. People who were disabled or deleted in Cognito lose their
sessions here and cannot sign in until Cognito says otherwise. Fails open: an outage of Cognito
signs nobody out, and the look-up is tried again a little later.

A sign-out in Cognito (AdminUserGlobalSignOut) cannot be seen here: Cognito keeps no record of it
that can be read, and revokes only tokens, which this site does not keep. Sign people out here.
"""

import logging
import threading
import time
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db.models import Q
from django.utils import timezone

from accounts import sessions
from accounts.aws import cognito
from accounts.aws.cognito_values import CognitoUser
from accounts.conf import conf
from accounts.models import Session, User
from accounts.models.users import DELETED, retry_on_conflict
from accounts.sync import groups

log = logging.getLogger(__name__)

_RETRY = timedelta(seconds=60)
# After a failure this process asks nothing for _PAUSE seconds; at most _AT_ONCE threads ask.
# A Cognito that hangs must not hang the threads of the site.
_PAUSE = 10.0
_AT_ONCE = 2
_MAX_PHONE = User._meta.get_field("phone").max_length or 0


class Change(TypedDict):
    """Fields of a row before and after a change. ``before`` is None for a row that was made."""

    pk: int
    before: dict[str, Any] | None
    after: dict[str, Any]


def due(user: User) -> bool:
    """Tell whether ``user`` was last looked up longer ago than the interval."""
    if user.pool != conf.user_pool_id:
        # The user belongs to another pool.
        return False
    # A sign-in counts as a look-up, since Cognito has let them in.
    words = [at for at in (user.checked_at, user.last_login) if at]
    return not words or max(words) <= timezone.now() - _interval()


def check(user: User) -> None:
    """Look ``user`` up in Cognito, unless another request has just done so, and apply the answer.

    Never raises an error of Cognito: it is logged, and the look-up is tried again in a minute.
    """
    if not _asking.may_start():
        return
    try:
        now = timezone.now()
        if not _claim(user, now):
            return
        try:
            ask(user)
            if user.is_staff and user.cognito_enabled and groups.are_configured():
                groups.apply(user, cognito.gateway().groups_of(user.sub))
        except cognito.CognitoError as error:
            _asking.failed()
            retry_at = now - _interval() + min(_RETRY, _interval())
            User.objects.filter(pk=user.pk, checked_at=now).update(checked_at=retry_at)
            log.warning("Could not compare %s with Cognito: %r", user.sub, error)
    finally:
        _asking.end()


def ask(user: User) -> None:
    """Look ``user`` up in Cognito and apply the answer. Raises CognitoError, not UnknownUser."""
    try:
        found = cognito.gateway().read_user(user.sub)
    except cognito.UnknownUser:
        shut_out(user)
        return
    if found.sub != user.sub:
        raise cognito.Unavailable("The reply is of somebody else")
    adopt(user, found)


def adopt(user: User, found: CognitoUser) -> list[Change]:
    """Write Cognito's answer to ``user``, and end their sessions if they are disabled there."""
    return write(
        user,
        phone=storable(found.phone),
        phone_verified=found.phone_verified,
        cognito_status=found.status,
        cognito_enabled=found.enabled,
    )


def shut_out(user: User) -> list[Change]:
    """Shut out ``user``, who is gone from Cognito, until Cognito knows them again."""
    return write(user, cognito_status=DELETED, cognito_enabled=False)


def write(user: User, **values: Any) -> list[Change]:
    """Set fields of ``user`` that are copies of Cognito's. A phone that another row has moves here.

    Returns the changes, that of ``user`` last. Ends their sessions if Cognito shuts them out.
    """
    changes = retry_on_conflict(lambda: _write(user, values))
    if not user.cognito_enabled:
        _end_sessions(user)
    return changes


def set_fields(row: User, values: dict[str, Any]) -> None:
    """Write ``values`` by ``save``, so that the audit log notices it."""
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))


def storable(phone: str | None) -> str | None:
    """Return a phone from Cognito as a row can store it: None if it is missing or too long."""
    return phone if phone and len(phone) <= _MAX_PHONE else None


def _write(user: User, values: dict[str, Any]) -> list[Change]:
    changes: list[Change] = []
    rows = User.objects.lock_rows(user.pool, user.sub, values.get("phone"))
    # Free a number before another row takes it.
    for row in sorted(rows, key=lambda row: row.sub == user.sub):
        wanted = values if row.sub == user.sub else {"phone": None}
        before = {name: getattr(row, name) for name in wanted}
        after = {name: value for name, value in wanted.items() if value != before[name]}
        if after:
            set_fields(row, after)
            before = {name: before[name] for name in after}
            changes.append({"pk": row.pk, "before": before, "after": after})
    for name, value in values.items():
        setattr(user, name, value)
    return changes


def _claim(user: User, now: datetime) -> bool:
    """Claim the look-up of ``user`` in this interval. False: another process has done so."""
    is_due = Q(checked_at=None) | Q(checked_at__lte=now - _interval())
    return bool(User.objects.filter(is_due, pk=user.pk).update(checked_at=now))


def _end_sessions(user: User) -> None:
    reason = "unknown" if user.cognito_status == DELETED else "refused"
    ended = sessions.end_all(user, Session.Ended.SHUT_OUT, reason=reason)
    log.info("%s is shut out by Cognito; %d sessions ended", user.sub, ended)


def _interval() -> timedelta:
    return timedelta(seconds=conf.revalidate_seconds)


class _Asking:
    """Limit the look-ups of this process: few at once, and none for a while after a failure."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._paused_until = 0.0

    def may_start(self) -> bool:
        with self._lock:
            is_free = self._running < _AT_ONCE and time.monotonic() >= self._paused_until
            self._running += is_free
            return is_free

    def failed(self) -> None:
        self._paused_until = time.monotonic() + _PAUSE

    def end(self) -> None:
        with self._lock:
            self._running -= 1

    def reset(self) -> None:
        self._paused_until = 0.0


_asking = _Asking()

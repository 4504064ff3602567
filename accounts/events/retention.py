"""Removes what has been kept long enough, in batches that hold nobody up."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.conf import conf
from accounts.events import stats
from accounts.models import (
    EventCount,
    Export,
    LoginLock,
    Recovery,
    Return,
    RolledHour,
    Session,
    SetupCode,
    SignInEvent,
    UsedChallenge,
)

BATCH = 10_000


@dataclass(frozen=True)
class Removed:
    events: int
    sessions: int
    locks: int


def purge(now: datetime) -> Removed:
    """Sum up the events that are not yet, then remove old events, ended sessions, locks, exports.

    Anything that a broken-off run has left is removed by the next one.
    """
    stats.roll_up(now)
    since = now - timedelta(days=conf.events_kept_days)
    removed = Removed(
        events=_remove(SignInEvent.objects.all(), "at", since, _say_so),
        sessions=_remove(Session.objects.all(), "expire_date", now),
        locks=_remove(LoginLock.objects.all(), "taken_at", now - LoginLock.KEPT),
    )
    _remove(UsedChallenge.objects.all(), "used_at", now - UsedChallenge.KEPT)
    _remove(SetupCode.objects.all(), "expires_at", now)
    _remove(Export.objects.all(), "expires_at", now)
    _remove(Return.objects.all(), "asked_at", since)
    _remove(Recovery.objects.all(), "started_at", since)
    # They name nobody, but nothing reads them any more.
    RolledHour.objects.filter(starts_at__lt=since - timedelta(hours=1)).delete()
    EventCount.objects.filter(hour__lt=since - timedelta(hours=1)).delete()
    return removed


def _remove(
    rows: QuerySet[Any],
    column: str,
    before: datetime,
    prepare: Callable[[], None] | None = None,
) -> int:
    """Remove the rows with an earlier time in ``column``, which has an index, oldest first.

    A batch ends at a time rather than being a list of keys: with 10,000 keys PostgreSQL would
    rather read the whole table.
    """
    old = rows.filter(**{f"{column}__lt": before}).order_by(column)
    removed = 0
    while True:
        with transaction.atomic():
            if prepare:
                prepare()
            last = old.values_list(column, flat=True)[BATCH - 1 : BATCH].first()
            batch = old if last is None else old.filter(**{f"{column}__lte": last})
            removed += batch.delete()[0]
        if last is None:
            return removed


def _say_so() -> None:
    """Tell the table's trigger that this transaction may delete."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL accounts.purging = 'on'")

"""Removes what has been kept long enough, in batches that hold nobody up."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.conf import conf
from accounts.events import stats
from accounts.models import EventCount, LoginLock, RolledHour, Session, SignInEvent

BATCH = 10_000


@dataclass(frozen=True)
class Removed:
    events: int
    sessions: int
    locks: int


def purge(now: datetime) -> Removed:
    """Sum up the events that are not yet, then remove old events, ended sessions and locks.

    Anything that a broken-off run has left is removed by the next one.
    """
    stats.roll_up(now)
    since = now - timedelta(days=conf.events_kept_days)
    removed = Removed(
        events=_remove(SignInEvent.objects.filter(at__lt=since).order_by("at"), _say_so),
        sessions=_remove(Session.objects.filter(expire_date__lt=now).order_by("expire_date")),
        locks=_remove(
            LoginLock.objects.filter(taken_at__lt=now - LoginLock.KEPT).order_by("taken_at")
        ),
    )
    # They name nobody, but nothing reads them any more.
    RolledHour.objects.filter(starts_at__lt=since - timedelta(hours=1)).delete()
    EventCount.objects.filter(hour__lt=since - timedelta(hours=1)).delete()
    return removed


def _remove(rows: QuerySet[Any], prepare: Callable[[], None] | None = None) -> int:
    removed = 0
    while True:
        with transaction.atomic():
            if prepare:
                prepare()
            number: int = rows.model.objects.filter(pk__in=rows.values("pk")[:BATCH]).delete()[0]
        removed += number
        if number < BATCH:
            return removed


def _say_so() -> None:
    """Tell the table's trigger that this transaction may delete."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL accounts.purging = 'on'")

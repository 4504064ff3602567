"""Figures for the admin's front page: the sign-ins of the last hours or days, and of those before.

Summing up millions of events takes seconds, so hours that are over are summed up once and kept;
what has happened since is counted from the events themselves.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from accounts.conf import conf
from accounts.events import periods
from accounts.events.periods import HOUR, Period, Periods, Sort, start_of_hour
from accounts.models import EventCount, RolledHour, SignInEvent, User

Kind = SignInEvent.Kind

# In seconds, for an hour.
_DAYS_KEPT = 60 * 60
# An attempt may end after the hour in which it began: a code lives ten minutes at the most, and
# another one may be asked for meanwhile.
_UNSETTLED = timedelta(minutes=30)
_HOURS_AT_ONCE = 24
_SHARING_IS_OLD = timedelta(days=7)


@dataclass(frozen=True)
class Sharing:
    """How many people look as if they shared their account, as far as the last week tells."""

    some: int
    likely: int


@dataclass(frozen=True)
class Figures:
    """``before`` is None where its events are no longer kept."""

    current: Period
    before: Period | None
    sharing: Sharing


def read(now: datetime, days: int) -> Figures:
    """Sum up what is known at ``now`` of the last ``days``: 1 is this hour and the 23 before it.

    More are today and the days before it. It takes few queries, however many events there are.
    """
    found = periods.until(now, days, with_before=2 * days <= conf.events_kept_days)
    rolled_until = _rolled_until() or found.since
    found, since = _whole_days(found, days, rolled_until)
    live_since = max(rolled_until, since)
    live = _measure(live_since, now)
    # Another process may be rolling up what has just been counted.
    _add_rolled(found, since, live_since)
    for starts_at, hour in live.items():
        found.add(starts_at, hour.attempts, hour.successes, hour.waits)
        found.at(starts_at).counts.update(hour.counts)
    return Figures(found.current, found.before, _sharing(now))


def _whole_days(found: Periods, days: int, rolled_until: datetime) -> tuple[Periods, datetime]:
    """Add the days that are over, and return the time up to which that was possible.

    Nothing of them changes any more once it is summed up, so they are kept in the cache.
    """
    today = found.current.bars[-1].starts_at
    if days == 1 or rolled_until < today:
        return found, found.since
    zone = timezone.get_current_timezone_name()
    key = f"accounts.stats.{zone}.{days}.{found.since.timestamp():.0f}.{today.timestamp():.0f}"
    known: Periods | None = cache.get(key)
    if known is None:
        _add_rolled(found, found.since, today)
        cache.set(key, found, _DAYS_KEPT)
    return known or found, today


def _add_rolled(found: Periods, since: datetime, until: datetime) -> None:
    """Add the hours of a span that were summed up."""
    rolled = RolledHour.objects.filter(starts_at__gte=since, starts_at__lt=until)
    for row in rolled.values_list("starts_at", "attempts", "successes", "waits"):
        found.add(*row)
    _add_counts(found.current, max(since, found.current.since), until)
    if found.before and since < found.current.since:
        _add_counts(found.before, since, min(found.current.since, until))


def _add_counts(period: Period, since: datetime, until: datetime) -> None:
    rows = EventCount.objects.filter(hour__gte=since, hour__lt=until)
    sums = rows.values_list("kind", "reason", "country")
    for kind, reason, country, number in sums.annotate(Sum("number")):
        period.counts[kind, reason, country] += number


def roll_up(now: datetime, *, hours: int | None = None) -> int:
    """Sum up the hours that are over, oldest first and at most so many. Returns how many.

    Any number of processes may do so at once: each hour is summed up once.
    """
    settled = start_of_hour(now - _UNSETTLED)
    done = 0
    for since, until in islice(
        _spans(_next_hour(), settled), None if hours is None else -(-hours // _HOURS_AT_ONCE)
    ):
        if not _roll(since, until):
            # Another process is at it.
            break
        done += (until - since) // HOUR
    return done


def _roll(since: datetime, until: datetime) -> bool:
    measured = _measure(since, until)
    starts = [since + n * HOUR for n in range((until - since) // HOUR)]
    try:
        with transaction.atomic():
            RolledHour.objects.bulk_create(
                [(measured.get(start) or _Hour()).row(start) for start in starts]
            )
            EventCount.objects.bulk_create(
                [
                    EventCount(hour=start, kind=kind, reason=reason, country=country, number=number)
                    for start, hour in measured.items()
                    for (kind, reason, country), number in hour.counts.items()
                ]
            )
    except IntegrityError:
        return False
    return True


def _rolled_until() -> datetime | None:
    last: datetime | None = RolledHour.objects.aggregate(last=Max("starts_at"))["last"]
    return last + HOUR if last else None


def _next_hour() -> datetime | None:
    if rolled_until := _rolled_until():
        return rolled_until
    first = SignInEvent.objects.order_by("at").values_list("at", flat=True).first()
    return start_of_hour(first) if first else None


def _spans(since: datetime | None, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since and since < until:
        end = min(since + _HOURS_AT_ONCE * HOUR, until)
        yield since, end
        since = end


@dataclass
class _Hour:
    attempts: int = 0
    successes: int = 0
    counts: Counter[Sort] = field(default_factory=Counter)
    waits: Counter[int] = field(default_factory=Counter)

    def row(self, starts_at: datetime) -> RolledHour:
        return RolledHour(
            starts_at=starts_at,
            attempts=self.attempts,
            successes=self.successes,
            waits=dict(self.waits),
        )


def _measure(since: datetime, until: datetime) -> dict[datetime, _Hour]:
    """Count the events of a span by their hours."""
    found: dict[datetime, _Hour] = {}
    events = SignInEvent.objects.filter(at__gte=since, at__lt=until).annotate(
        hour=TruncHour("at", tzinfo=UTC)
    )
    sorts = events.values_list("hour", "kind", "reason", "country").annotate(number=Count("*"))
    for hour, kind, reason, country, number in sorts:
        found.setdefault(hour, _Hour()).counts[kind, reason, country] = number
    waits = events.filter(kind=Kind.SUCCEEDED, seconds__isnull=False)
    for hour, seconds, number in waits.values_list("hour", "seconds").annotate(number=Count("*")):
        found[hour].waits[_rounded(seconds)] += number
    success = SignInEvent.objects.filter(attempt=OuterRef("attempt"), kind=Kind.SUCCEEDED)
    # Whoever confirms something is signed in already.
    begun = events.filter(kind=Kind.STARTED, reason="").annotate(succeeded=Exists(success))
    for hour, attempts, successes in begun.values_list("hour").annotate(
        attempts=Count("*"), successes=Count("pk", filter=Q(succeeded=True))
    ):
        found[hour].attempts, found[hour].successes = attempts, successes
    return found


def _rounded(seconds: int) -> int:
    """Exact where people notice, to five seconds above a minute."""
    return seconds if seconds <= 60 else min(round(seconds / 5) * 5, 900)


def _sharing(now: datetime) -> Sharing:
    levels = User.Sharing
    recent = User.objects.filter(
        sharing__gt=levels.NONE, sharing_at__gte=now - _SHARING_IS_OLD
    ).values_list("sharing")
    numbers = dict(recent.annotate(number=Count("*")))
    return Sharing(numbers.get(levels.SOME, 0), numbers.get(levels.LIKELY, 0))

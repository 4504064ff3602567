"""Figures for the admin's front page: the sign-ins of the last hours or days, and of those before.

Summing up millions of events takes seconds, so hours that are over are summed up once and kept;
what has happened since is counted from the events themselves.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone

from accounts.conf import conf
from accounts.models import EventCount, RolledHour, SignInEvent, User

Kind = SignInEvent.Kind
Sort = tuple[str, str, str]

_HOURS_OF_A_DAY = 24
_HOUR = timedelta(hours=1)
# An attempt may end after the hour in which it began: a code lives ten minutes at the most, and
# another one may be asked for meanwhile.
_UNSETTLED = timedelta(minutes=30)
_HOURS_AT_ONCE = 24
_SHARING_IS_OLD = timedelta(days=7)


@dataclass
class Bar:
    """The attempts begun in an hour or on a day, and how many of them ended signed in."""

    starts_at: datetime
    attempts: int = 0
    successes: int = 0


@dataclass
class Period:
    """``counts`` has the events by kind, reason and country; ``waits`` the sign-ins by seconds."""

    bars: list[Bar]
    counts: Counter[Sort] = field(default_factory=Counter)
    waits: Counter[int] = field(default_factory=Counter)

    @property
    def since(self) -> datetime:
        """The time at which the period begins."""
        return self.bars[0].starts_at

    @property
    def attempts(self) -> int:
        """The number of attempts begun in the period."""
        return sum(bar.attempts for bar in self.bars)

    @property
    def successes(self) -> int:
        """The number of those attempts that ended signed in."""
        return sum(bar.successes for bar in self.bars)

    @property
    def success_rate(self) -> float | None:
        """Of the attempts begun in the period, the share that ended signed in."""
        return self.successes / self.attempts if self.attempts else None

    @property
    def median_wait(self) -> int | None:
        """Seconds from the text to the sign-in: half of the sign-ins took no longer."""
        seen = 0
        for seconds, number in sorted(self.waits.items()):
            seen += number
            if seen * 2 >= self.waits.total():
                return seconds
        return None

    def number(self, *kinds: str) -> int:
        """Return the number of events of these kinds."""
        return sum(number for (kind, _, _), number in self.counts.items() if kind in kinds)


@dataclass(frozen=True)
class Sharing:
    """How many people look as if they shared their account, as far as the last week tells."""

    some: int
    likely: int


@dataclass(frozen=True)
class Figures:
    """``before`` is as long as ``current`` and ends where that begins, as one bar.

    It is None where its events are no longer kept.
    """

    current: Period
    before: Period | None
    sharing: Sharing


def read(now: datetime, days: int) -> Figures:
    """Sum up what is known at ``now`` of the last ``days``: 1 is this hour and the 23 before it.

    More are today and the days before it. It takes few queries, however many events there are.
    """
    starts = _hours(now) if days == 1 else _days(now, 2 * days)
    middle = len(starts) // 2
    current = Period([Bar(start) for start in starts[middle:]])
    before = Period([Bar(starts[0])]) if 2 * days <= conf.events_kept_days else None
    since = before.since if before else current.since

    by_start = {bar.starts_at: bar for bar in current.bars}
    live_since = max(_rolled_until() or since, since)
    live = _measure(live_since, now)
    # Another process may be rolling up what has just been counted.
    rolled = RolledHour.objects.filter(starts_at__gte=since, starts_at__lt=live_since)
    hours = [
        *rolled.values_list("starts_at", "attempts", "successes", "waits"),
        *((at, hour.attempts, hour.successes, hour.waits) for at, hour in live.items()),
    ]
    for starts_at, attempts, successes, waits in hours:
        period = current if before is None or starts_at >= current.since else before
        bar = period.bars[0]
        if period is current:
            bar = by_start[starts_at if days == 1 else _start_of_day(starts_at)]
        bar.attempts += attempts
        bar.successes += successes
        for seconds, number in waits.items():
            period.waits[int(seconds)] += number
        period.counts.update(live[starts_at].counts if starts_at in live else {})
    _add_counts(current, live_since)
    if before:
        _add_counts(before, min(current.since, live_since))
    return Figures(current, before, _sharing(now))


def _add_counts(period: Period, until: datetime) -> None:
    rows = EventCount.objects.filter(hour__gte=period.since, hour__lt=until)
    sums = rows.values_list("kind", "reason", "country")
    for kind, reason, country, number in sums.annotate(Sum("number")):
        period.counts[kind, reason, country] += number


def roll_up(now: datetime, *, hours: int | None = None) -> int:
    """Sum up the hours that are over, oldest first and at most so many. Returns how many.

    Any number of processes may do so at once: each hour is summed up once.
    """
    settled = _start_of_hour(now - _UNSETTLED)
    done = 0
    for since, until in islice(
        _spans(_next_hour(), settled), None if hours is None else -(-hours // _HOURS_AT_ONCE)
    ):
        if not _roll(since, until):
            # Another process is at it.
            break
        done += (until - since) // _HOUR
    return done


def _roll(since: datetime, until: datetime) -> bool:
    measured = _measure(since, until)
    starts = [since + n * _HOUR for n in range((until - since) // _HOUR)]
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
    return last + _HOUR if last else None


def _next_hour() -> datetime | None:
    if rolled_until := _rolled_until():
        return rolled_until
    first = SignInEvent.objects.order_by("at").values_list("at", flat=True).first()
    return _start_of_hour(first) if first else None


def _spans(since: datetime | None, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since and since < until:
        end = min(since + _HOURS_AT_ONCE * _HOUR, until)
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


def _start_of_hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _start_of_day(at: datetime) -> datetime:
    """Return the first whole hour of UTC on the day: there are no sums of half an hour."""
    here = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    midnight = here.astimezone(UTC)
    return midnight + timedelta(minutes=-midnight.minute % 60)


def _hours(now: datetime) -> list[datetime]:
    """Return the starts of the hours of two days, of which this is the last."""
    this_hour = _start_of_hour(now)
    return [this_hour - n * _HOUR for n in reversed(range(2 * _HOURS_OF_A_DAY))]


def _days(now: datetime, number: int) -> list[datetime]:
    """Return the starts of whole days of the calendar, of which some have 23 or 25 hours."""
    noon = timezone.localtime(now).replace(hour=12, minute=0, second=0, microsecond=0)
    return [_start_of_day(noon - timedelta(days=n)) for n in reversed(range(number))]

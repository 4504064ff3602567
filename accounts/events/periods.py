"""Times over which sign-ins are summed up, and what was summed up in each."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

Sort = tuple[str, str, str]

HOUR = timedelta(hours=1)
_HOURS_OF_A_DAY = 24


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


@dataclass
class Periods:
    """``before`` is as long as ``current`` and ends where that begins, as one bar, or is None."""

    current: Period
    before: Period | None
    is_hourly: bool

    def __post_init__(self) -> None:
        self._by_start = {bar.starts_at: bar for bar in self.current.bars}

    @property
    def since(self) -> datetime:
        """The time at which the first of them begins."""
        return (self.before or self.current).since

    def at(self, starts_at: datetime) -> Period:
        """Return the period in which an hour lies."""
        if self.before and starts_at < self.current.since:
            return self.before
        return self.current

    def add(
        self, starts_at: datetime, attempts: int, successes: int, waits: Mapping[Any, int]
    ) -> None:
        """Add the attempts of an hour, and its sign-ins by seconds."""
        period = self.at(starts_at)
        bar = period.bars[0]
        if period is self.current:
            bar = self._by_start[starts_at if self.is_hourly else start_of_day(starts_at)]
        bar.attempts += attempts
        bar.successes += successes
        for seconds, number in waits.items():
            period.waits[int(seconds)] += number


def until(now: datetime, days: int, *, with_before: bool) -> Periods:
    """Return the last ``days``, still empty: 1 is this hour and the 23 before it."""
    starts = _hours(now) if days == 1 else _days(now, 2 * days)
    middle = len(starts) // 2
    current = Period([Bar(start) for start in starts[middle:]])
    return Periods(current, Period([Bar(starts[0])]) if with_before else None, days == 1)


def start_of_hour(at: datetime) -> datetime:
    """Return the start of the hour, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def start_of_day(at: datetime) -> datetime:
    """Return the first whole hour of UTC on the day: there are no sums of half an hour."""
    here = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    midnight = here.astimezone(UTC)
    return midnight + timedelta(minutes=-midnight.minute % 60)


def _hours(now: datetime) -> list[datetime]:
    """Return the starts of the hours of two days, of which this is the last."""
    this_hour = start_of_hour(now)
    return [this_hour - n * HOUR for n in reversed(range(2 * _HOURS_OF_A_DAY))]


def _days(now: datetime, number: int) -> list[datetime]:
    """Return the starts of whole days of the calendar, of which some have 23 or 25 hours."""
    noon = timezone.localtime(now).replace(hour=12, minute=0, second=0, microsecond=0)
    return [start_of_day(noon - timedelta(days=n)) for n in reversed(range(number))]

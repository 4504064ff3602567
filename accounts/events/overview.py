"""The admin's front page: how sign-in does, in figures that are also tables."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import after_response
from accounts.events import reasons, stats, text_counts
from accounts.events.stats import Bar, Figures, Kind, Period

# Hours to be summed up after one answer: more than pass between two looks at the page.
_ROLLED_PER_LOOK = 72
# The drawing area of a chart, in its own units; the page stretches it.
_HEIGHT = 100.0
_SLOT = 10.0
_GAP = 1.5
_NONE = "–"  # noqa: RUF001 - a dash, as the pages have it


@dataclass(frozen=True)
class Tile:
    """A figure of the last 24 hours, together with that of the last 30 days."""

    name: str
    day: str
    month: str
    url: str = ""


@dataclass(frozen=True)
class Column:
    """One bar of a chart, in the chart's units, and its line in the table."""

    label: str
    attempts: int
    successes: int
    rate: str
    x: float
    width: float
    top: float
    height: float
    success_top: float
    success_height: float


@dataclass(frozen=True)
class Chart:
    title: str
    columns: list[Column]
    width: float
    most: str
    first: str
    last: str


@dataclass(frozen=True)
class Row:
    """A line of a table whose numbers are also drawn: ``share`` is of the largest, in percent.

    ``left`` are the texts that left in thirty days, where the triggers have told.
    """

    names: tuple[str, ...]
    day: int | None
    month: int
    share: float
    left: int | None = None


def context(request: HttpRequest) -> dict[str, Any]:
    """Return what the front page shows to operators who may see sign-in events."""
    if not request.user.has_perm("accounts.view_signinevent"):
        return {}
    now = timezone.now()
    found = stats.read(now)
    after_response.do(request, partial(stats.roll_up, now, hours=_ROLLED_PER_LOOK))
    triggers = text_counts.read()
    return {
        "overview": {
            "now": now,
            "tiles": _tiles(found),
            "charts": [
                _chart(_("Attempts by the hour"), found.day.bars, _hour),
                _chart(_("Attempts by the day"), found.month.bars, _day),
            ],
            "texts": _with_those_that_left(_rows(found, _texts), triggers),
            "blocked": _rows(found, _blocked),
            "failed": _rows(found, _failed),
            "triggers": triggers,
            "blocked_by_triggers": _trigger_rows(triggers),
            "sharing": found.sharing,
        }
    }


def _tiles(found: Figures) -> list[Tile]:
    def tile(name: str, show: Callable[[Period], str]) -> Tile:
        return Tile(name, show(found.day), show(found.month))

    return [
        tile(_("Sign-ins"), lambda period: _number(period.number(Kind.SUCCEEDED))),
        tile(_("Attempts that succeeded"), lambda period: _percent(period.success_rate)),
        tile(_("From text to sign-in, median"), lambda period: _seconds(period.median_wait)),
        tile(_("Texts asked for"), lambda period: _number(period.number(Kind.SENT, Kind.RESENT))),
        tile(_("Blocked by this site"), lambda period: _number(period.number(Kind.BLOCKED))),
        tile(_("Taken over"), lambda period: _number(period.number(Kind.TAKEN_OVER))),
    ]


def _chart(title: str, bars: list[Bar], label: Callable[[datetime], str]) -> Chart:
    most = max((bar.attempts for bar in bars), default=0)
    unit = _HEIGHT / (most or 1)
    columns = [
        Column(
            label=label(bar.starts_at),
            attempts=bar.attempts,
            successes=bar.successes,
            rate=_percent(bar.successes / bar.attempts if bar.attempts else None),
            x=n * _SLOT + _GAP,
            width=_SLOT - 2 * _GAP,
            top=round(_HEIGHT - bar.attempts * unit, 2),
            height=round((bar.attempts - bar.successes) * unit, 2),
            success_top=round(_HEIGHT - bar.successes * unit, 2),
            success_height=round(bar.successes * unit, 2),
        )
        for n, bar in enumerate(bars)
    ]
    return Chart(
        title, columns, len(bars) * _SLOT, _number(most), columns[0].label, columns[-1].label
    )


def _texts(kind: str, reason: str, country: str) -> tuple[str, ...] | None:
    return (_country(country),) if kind in (Kind.SENT, Kind.RESENT) else None


def _blocked(kind: str, reason: str, country: str) -> tuple[str, ...] | None:
    return (_country(country), _reason(reason)) if kind == Kind.BLOCKED else None


def _failed(kind: str, reason: str, country: str) -> tuple[str, ...] | None:
    return (_reason(reason),) if kind == Kind.FAILED else None


def _rows(found: Figures, names: Callable[[str, str, str], tuple[str, ...] | None]) -> list[Row]:
    """Sum the counts up under what ``names`` makes of kind, reason and country, if anything."""
    day: Counter[tuple[str, ...]] = Counter()
    month: Counter[tuple[str, ...]] = Counter()
    for sums, period in ((day, found.day), (month, found.month)):
        for sort, number in period.counts.items():
            if named := names(*sort):
                sums[named] += number
    return _drawn((named, day[named], number) for named, number in month.most_common())


def _with_those_that_left(rows: list[Row], triggers: text_counts.TextCounts) -> list[Row]:
    """Add what the triggers say: a number may be held, which they alone know."""
    if triggers.asked_at is None:
        return rows
    left: Counter[str] = Counter()
    for sent in triggers.texts.sent:
        left[_country(sent.country)] += sent.count
    known = {row.names[0] for row in rows}
    only_there = [Row((country,), 0, 0, 0.0) for country in left if country not in known]
    return [replace(row, left=left[row.names[0]]) for row in [*rows, *only_there]]


def _trigger_rows(triggers: text_counts.TextCounts) -> list[Row]:
    # They count by whole days of UTC, so there is no last day of 24 hours.
    sums: Counter[tuple[str, ...]] = Counter()
    for blocked in triggers.texts.blocked:
        sums[_country(blocked.country), _reason(blocked.reason)] += blocked.count
    return _drawn((named, None, number) for named, number in sums.most_common())


def _drawn(lines: Iterable[tuple[tuple[str, ...], int | None, int]]) -> list[Row]:
    found = list(lines)
    most = max((month for _names, _day, month in found), default=0) or 1
    return [Row(names, day, month, round(100 * month / most, 1)) for names, day, month in found]


def _country(code: str) -> str:
    return code or _("unknown")


def _reason(reason: str) -> str:
    return reasons.label(reason) or _("no reason given")


def _hour(at: datetime) -> str:
    return date_format(timezone.localtime(at), "H:i")


def _day(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j N")


def _number(number: int) -> str:
    return number_format(number, force_grouping=True)


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{number_format(100 * share, decimal_pos=1)} %"


def _seconds(seconds: int | None) -> str:
    if seconds is None:
        return _NONE
    return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}

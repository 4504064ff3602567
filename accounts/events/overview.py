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
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts import after_response, countries
from accounts.events import links, reasons, stats, text_counts, totals
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
    """A figure of the last 24 hours, with that of the last 30 days, and the rows behind both."""

    name: str
    day: str
    month: str
    day_url: str
    month_url: str


@dataclass(frozen=True)
class Total:
    """A number of people, with the list of them, "" for operators who may not see it."""

    name: str
    number: str
    url: str


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
    url: str


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

    ``left`` are the texts that left in thirty days, where the triggers have told. The addresses
    are of the rows behind ``day`` and ``month``, "" where only the triggers know them.
    """

    names: tuple[str, ...]
    day: int | None
    month: int
    share: float
    left: int | None = None
    day_url: str = ""
    month_url: str = ""


@dataclass(frozen=True)
class _Line:
    """What events have in common that are one line of a table. None means any."""

    names: tuple[str, ...]
    kind: str = ""
    reason: str | None = None
    country: str | None = None


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
            "totals": _totals(request, now),
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
    since = (found.day.bars[0].starts_at, found.month.bars[0].starts_at)

    def tile(name: str, kind: str, show: Callable[[Period], str]) -> Tile:
        urls = [links.events(kind, each) for each in since]
        return Tile(name, show(found.day), show(found.month), *urls)

    def counted(name: str, kind: Kind) -> Tile:
        return tile(name, kind, lambda period: _number(period.number(kind)))

    return [
        counted(_("Sign-ins"), Kind.SUCCEEDED),
        tile(
            _("Attempts that succeeded"), "attempts", lambda period: _percent(period.success_rate)
        ),
        tile(
            _("From text to sign-in, median"),
            Kind.SUCCEEDED,
            lambda period: _seconds(period.median_wait),
        ),
        tile(
            _("Texts asked for"),
            "texts",
            lambda period: _number(period.number(Kind.SENT, Kind.RESENT)),
        ),
        counted(_("Blocked by this site"), Kind.BLOCKED),
        counted(_("Taken over"), Kind.TAKEN_OVER),
    ]


def _totals(request: HttpRequest, now: datetime) -> list[Total]:
    found = totals.read(now)
    may_see = request.user.has_perm("accounts.view_user")
    return [
        Total(name, _number(number), links.people(**asked) if may_see else "")
        for name, number, asked in (
            (_("People"), found.people, {}),
            (_("New this month"), found.new, {"joined": "this_month"}),
            (_("Signed in this month"), found.active, {"signed_in": "this_month"}),
        )
    ]


def _chart(title: str, bars: list[Bar], label: Callable[[datetime], str]) -> Chart:
    most = max((bar.attempts for bar in bars), default=0)
    unit = _HEIGHT / (most or 1)
    ends = [*(bar.starts_at for bar in bars[1:]), None]
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
            url=links.events("attempts", bar.starts_at, until),
        )
        for n, (bar, until) in enumerate(zip(bars, ends, strict=True))
    ]
    return Chart(
        title, columns, len(bars) * _SLOT, _number(most), columns[0].label, columns[-1].label
    )


def _texts(kind: str, reason: str, country: str) -> _Line | None:
    if kind not in (Kind.SENT, Kind.RESENT):
        return None
    return _Line((_country(country),), "texts", country=country)


def _blocked(kind: str, reason: str, country: str) -> _Line | None:
    if kind != Kind.BLOCKED:
        return None
    return _Line((_country(country), _reason(reason)), kind, reason, country)


def _failed(kind: str, reason: str, country: str) -> _Line | None:
    return _Line((_reason(reason),), kind, reason) if kind == Kind.FAILED else None


def _rows(found: Figures, line_of: Callable[[str, str, str], _Line | None]) -> list[Row]:
    """Sum the counts up under the line that kind, reason and country belong to, if any."""
    day: Counter[_Line] = Counter()
    month: Counter[_Line] = Counter()
    for sums, period in ((day, found.day), (month, found.month)):
        for sort, number in period.counts.items():
            if line := line_of(*sort):
                sums[line] += number
    drawn = _drawn((line.names, day[line], number) for line, number in month.most_common())
    since = (found.day.bars[0].starts_at, found.month.bars[0].starts_at)
    return [
        replace(row, day_url=urls[0], month_url=urls[1])
        for row, (line, _number_) in zip(drawn, month.most_common(), strict=True)
        for urls in [
            [
                links.events(line.kind, each, reason=line.reason, country=line.country)
                for each in since
            ]
        ]
    ]


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
    return countries.name_of(code, get_language() or "en") if code else _("unknown")


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

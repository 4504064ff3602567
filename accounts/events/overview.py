"""The admin's front page: how sign-in does, in figures that are also tables."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import after_response
from accounts.events import links, overview_tables, ranges, stats, text_counts, totals
from accounts.events.periods import Bar, Period
from accounts.events.stats import Figures, Kind

# Hours to be summed up after one answer: more than pass between two looks at the page.
_ROLLED_PER_LOOK = 72
# The drawing area of a chart, in its own units; the page stretches it.
_HEIGHT = 100.0
_SLOT = 10.0
_GAP = 1.5
_NONE = "–"  # noqa: RUF001 - a dash, as the pages have it


@dataclass(frozen=True)
class Tile:
    """A figure of the range, with that of the time before, and the rows behind both.

    ``before`` is "" where events of that time are no longer kept.
    """

    name: str
    figure: str
    url: str
    before: str
    before_url: str


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


def context(request: HttpRequest) -> dict[str, Any]:
    """Return what the front page shows to operators who may see sign-in events."""
    if not request.user.has_perm("accounts.view_signinevent"):
        return {}
    now = timezone.now()
    chosen = ranges.chosen(request.GET.get(ranges.PARAMETER, ""))
    found = stats.read(now, chosen.days)
    after_response.do(request, partial(stats.roll_up, now, hours=_ROLLED_PER_LOOK))
    triggers = text_counts.read()
    since = overview_tables.first_day(found, triggers)
    texts = overview_tables.rows(found, overview_tables.texts)
    # Whole days of UTC fit next to many days of ours, and not next to 24 hours.
    shows_left = triggers.asked_at is not None and 1 < chosen.days <= text_counts.DAYS
    if shows_left:
        texts = overview_tables.with_those_that_left(texts, triggers, since)
    return {
        "overview": {
            "range": chosen,
            "ranges": [(each, f"?{ranges.PARAMETER}={each.name}") for each in ranges.offered()],
            "has_before": found.before is not None,
            "tiles": _tiles(found),
            "totals": _totals(request, now),
            "chart": _chart(found.current.bars, is_hourly=chosen.days == 1),
            "texts": texts,
            "shows_left": shows_left,
            "blocked": overview_tables.rows(found, overview_tables.blocked),
            "failed": overview_tables.rows(found, overview_tables.failed),
            "triggers": triggers,
            "triggers_since": since,
            "blocked_by_triggers": overview_tables.blocked_by_triggers(triggers, since),
            "sharing": found.sharing,
        }
    }


def _tiles(found: Figures) -> list[Tile]:
    def tile(name: str, kind: str, show: Callable[[Period], str]) -> Tile:
        since, before = found.current.since, found.before
        return Tile(
            name,
            show(found.current),
            links.events(kind, since),
            show(before) if before else "",
            links.events(kind, before.since, since) if before else "",
        )

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


def _chart(bars: list[Bar], *, is_hourly: bool) -> Chart:
    title = _("Attempts by the hour") if is_hourly else _("Attempts by the day")
    label = _hour if is_hourly else _day
    most = max(bar.attempts for bar in bars)
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

"""Tables of the admin's front page: texts, blocks and failures by country and reason."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date
from functools import partial

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts import countries
from accounts.events import links, reasons, text_counts
from accounts.events.periods import Period
from accounts.events.stats import Figures, Kind


@dataclass(frozen=True)
class Row:
    """A line of a table whose numbers are also drawn: ``share`` is of the largest, in percent.

    ``before`` is None where it is not known. ``left`` are the texts that left, where the triggers
    have told. The addresses are of the rows behind ``number`` and ``before``, "" where only the
    triggers know them.
    """

    names: tuple[str, ...]
    number: int
    before: int | None = None
    share: float = 0.0
    left: int | None = None
    url: str = ""
    before_url: str = ""


@dataclass(frozen=True)
class _Line:
    """The facts that the events of one line of a table share. None means any."""

    names: tuple[str, ...]
    kind: str = ""
    reason: str | None = None
    country: str | None = None


def texts(kind: str, reason: str, country: str) -> _Line | None:
    """Return the line of a text that was asked for."""
    if kind not in (Kind.SENT, Kind.RESENT):
        return None
    return _Line((_country(country),), "texts", country=country)


def blocked(kind: str, reason: str, country: str) -> _Line | None:
    """Return the line of an attempt without a text."""
    if kind != Kind.BLOCKED:
        return None
    return _Line((_country(country), _reason(reason)), kind, reason, country)


def failed(kind: str, reason: str, country: str) -> _Line | None:
    """Return the line of an attempt that failed."""
    return _Line((_reason(reason),), kind, reason) if kind == Kind.FAILED else None


def rows(found: Figures, line_of: Callable[[str, str, str], _Line | None]) -> list[Row]:
    """Sum the counts up under the line that kind, reason and country belong to, if any."""
    current, before = _sums(found.current, line_of), _sums(found.before, line_of)
    # Those of both, with the most of this period first.
    lines = sorted(current | before, key=lambda line: (-current[line], -before[line], line.names))
    since = found.current.since
    listed = []
    for line in lines:
        address = partial(links.events, line.kind, reason=line.reason, country=line.country)
        row = Row(line.names, current[line], url=address(since))
        if found.before:
            url = address(found.before.since, since)
            row = replace(row, before=before[line], before_url=url)
        listed.append(row)
    return _drawn(listed)


def _sums(
    period: Period | None, line_of: Callable[[str, str, str], _Line | None]
) -> Counter[_Line]:
    sums: Counter[_Line] = Counter()
    for sort, number in period.counts.items() if period else ():
        if line := line_of(*sort):
            sums[line] += number
    return sums


def first_day(found: Figures, triggers: text_counts.TextCounts) -> date:
    """Return the first day of which the triggers' counts are shown: they are of days in UTC."""
    return max(found.current.since.astimezone(UTC).date(), triggers.since)


def with_those_that_left(
    listed: list[Row], triggers: text_counts.TextCounts, since: date
) -> list[Row]:
    """Add what the triggers say: a number may be held, which they alone know."""
    left: Counter[str] = Counter()
    for sent in triggers.texts.sent:
        if sent.day >= since:
            left[_country(sent.country)] += sent.count
    known = {row.names[0] for row in listed}
    only_there = [Row((country,), 0) for country in left if country not in known]
    return [replace(row, left=left[row.names[0]]) for row in [*listed, *only_there]]


def blocked_by_triggers(triggers: text_counts.TextCounts, since: date) -> list[Row]:
    """Return the texts that the triggers did not send, by country and reason."""
    sums: Counter[tuple[str, ...]] = Counter()
    for each in triggers.texts.blocked:
        if each.day >= since:
            sums[_country(each.country), _reason(each.reason)] += each.count
    return _drawn([Row(names, number) for names, number in sums.most_common()])


def _drawn(found: list[Row]) -> list[Row]:
    most = max((row.number for row in found), default=0) or 1
    return [replace(row, share=round(100 * row.number / most, 1)) for row in found]


def _country(code: str) -> str:
    return countries.name_of(code, get_language() or "en") if code else _("unknown")


def _reason(reason: str) -> str:
    return reasons.label(reason) or _("no reason given")

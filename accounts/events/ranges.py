"""The times over which the admin's front page can look back."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.conf import conf

PARAMETER = "range"


@dataclass(frozen=True)
class Range:
    """``name`` stands in the address of the page. A range of one day is drawn by the hour."""

    name: str
    days: int
    label: Any
    title: Any


_ALL = (
    Range("day", 1, _("24 hours"), _("The last 24 hours")),
    Range("week", 7, _("7 days"), _("The last 7 days")),
    Range("month", 30, _("30 days"), _("The last 30 days")),
    Range("quarter", 90, _("90 days"), _("The last 90 days")),
)


def offered() -> list[Range]:
    """Return the ranges whose events are all kept."""
    return [each for each in _ALL if each.days <= conf.events_kept_days]


def chosen(name: str) -> Range:
    """Return the range of this name, the shortest for any other name."""
    found = {each.name: each for each in offered()}
    return found.get(name, _ALL[0])

"""Filters of the list of sign-in events, also by what the front page counts."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import countries
from accounts.admin import display
from accounts.conf import conf
from accounts.events import links, reasons
from accounts.models import SignInEvent

_PERIODS = {
    "hour": (_("last hour"), timedelta(hours=1)),
    "day": (_("last 24 hours"), timedelta(days=1)),
    "week": (_("last 7 days"), timedelta(days=7)),
    "month": (_("last 30 days"), timedelta(days=30)),
}
_GROUPS = {"attempts": _("all attempts"), "texts": _("all texts asked for")}


class PeriodFilter(admin.SimpleListFilter):
    """The last hour, day … or, by an address of the front page, from one time to another."""

    title = _("period")
    parameter_name = "period"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        found: list[tuple[str, Any]] = [
            (name, words) for name, (words, _length) in _PERIODS.items()
        ]
        if span := links.read_span(self.value() or ""):
            since, until = span
            words = _("since %s") % display.moment(since)
            if until:
                words = f"{display.moment(since)} – {display.moment(until)}"  # noqa: RUF001
            found.append((str(self.value()), words))
        return found

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if span := links.read_span(self.value() or ""):
            since, until = span
            ending = Q(at__lt=until) if until else Q()
            return queryset.filter(ending, at__gte=since)
        if self.value() not in _PERIODS:
            return queryset
        return queryset.filter(at__gte=timezone.now() - _PERIODS[str(self.value())][1])


class KindFilter(admin.SimpleListFilter):
    """The kind of an event, or several kinds that the front page counts together."""

    title = _("event")
    parameter_name = "kind__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [*_GROUPS.items(), *SignInEvent.Kind.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in links.GROUPS:
            return queryset.filter(links.GROUPS[str(self.value())])
        return queryset.filter(kind=self.value()) if self.value() else queryset


class ReasonFilter(admin.SimpleListFilter):
    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(links.NONE, _("no reason given")), *reasons.LABELS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return _only(queryset, "reason", self.value())


class CountryFilter(admin.SimpleListFilter):
    title = _("country")
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        language = get_language() or "en"
        found = [(each.code, each.name) for each in countries.named(conf.countries, language)]
        return [*found, (links.NONE, _("unknown"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return _only(queryset, "country", self.value())


def _only(queryset: QuerySet[Any], name: str, value: str | None) -> QuerySet[Any]:
    if not value:
        return queryset
    return queryset.filter(**{name: "" if value == links.NONE else value})

"""Filters of the audit log: by whom, and from one day to another."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User

# Others are found from their own page.
_NAMED = 30
_NOBODY = "-"
# Days that every time zone and database can add to.
_YEARS = range(2000, 3000)


class ByFilter(admin.SimpleListFilter):
    """By whom: an operator, or the site and operators who were removed."""

    title = _("operator")
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        operators = list(User.objects.filter(is_staff=True).order_by("-pk")[:_NAMED])
        named = sorted((str(each), str(each.pk)) for each in operators)
        known = {key for _name, key in named}
        chosen = self.value() or ""
        if _is_key(chosen) and chosen not in known:
            named += [(str(each), chosen) for each in self._others(request).filter(pk=chosen)]
        return [
            *((key, name) for name, key in named),
            (_NOBODY, _("the site, or somebody who was removed")),
        ]

    def _others(self, request: HttpRequest) -> QuerySet[User]:
        """Return whom this operator may read the name of: everybody, or whom the log names."""
        if request.user.has_perm("accounts.view_user"):
            return User.objects.all()
        return User.objects.filter(Exists(LogEntry.objects.filter(actor=OuterRef("pk"))))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if not chosen:
            return queryset
        if chosen == _NOBODY:
            return queryset.filter(actor=None)
        if not _is_key(chosen):
            raise IncorrectLookupParameters
        return queryset.filter(actor=chosen)


class DateFilter(admin.ListFilter):
    """From one day to another, both included, in the time zone of the page."""

    title = _("date")
    template = "admin/accounts/date_filter.html"
    parameters = ("from", "to")

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        # For the form of the template: the days as they were typed, and what else the page shows.
        self.since, self.until = (str(params.pop(name, [""])[-1]) for name in self.parameters)
        self.others: dict[str, str] = {}

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameters)

    def choices(self, changelist: Any) -> Any:
        """Yield links for times that end today."""
        self.others = {
            name: value for name, value in changelist.params.items() if name not in self.parameters
        }
        today = timezone.localdate()
        for label, since in (
            (_("Any date"), ""),
            (_("Today"), today.isoformat()),
            (_("The last 7 days"), (today - timedelta(days=6)).isoformat()),
            (_("The last 30 days"), (today - timedelta(days=29)).isoformat()),
        ):
            wanted = {"from": since} if since else {}
            yield {
                "selected": (self.since, self.until) == (since, ""),
                "query_string": changelist.get_query_string(wanted, self.parameters),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.since:
            queryset = queryset.filter(timestamp__gte=_start_of(_read(self.since)))
        if self.until:
            after = _read(self.until) + timedelta(days=1)
            queryset = queryset.filter(timestamp__lt=_start_of(after))
        return queryset


def _is_key(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 19


def _read(typed: str) -> date:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        raise IncorrectLookupParameters from None
    if day.year not in _YEARS:
        raise IncorrectLookupParameters
    return day


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))

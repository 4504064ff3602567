"""The rows of the lists that are exported: what the admin's page of a list shows, on all its pages.

The page itself is asked for them, with the rights of the operator: so filters, search and masks
are those of the page. The admin is a layer above this one and registers its pages with Django,
which knows them by their model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from auditlog.models import LogEntry
from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, QueryDict

from accounts.models import Export, ListName, SignInEvent, User

_MODELS: dict[str, type[Model]] = {
    ListName.PEOPLE: User,
    ListName.EVENTS: SignInEvent,
    ListName.ENTRIES: LogEntry,
}


@dataclass(frozen=True)
class Exported:
    """A list as it is exported. ``row`` makes the values of ``columns`` of a row.

    The rows come newest first: by ``time``, a column with an index, where there is one, and by
    their primary key.
    """

    columns: tuple[str, ...]
    row: Callable[[HttpRequest, Any], tuple[Any, ...]]
    time: str = ""

    def after(self, rows: QuerySet[Any], cursor: list[Any]) -> QuerySet[Any]:
        """Return those rows that come after the one that ``cursor`` has, all for an empty one."""
        if not cursor:
            return rows
        if f"-{self.time}" not in rows.query.order_by:
            # Results of a search are sorted by their key alone.
            return rows.filter(pk__lt=cursor[0])
        at = datetime.fromisoformat(cursor[1])
        # The first condition is what an index can begin at.
        return rows.filter(**{f"{self.time}__lte": at}).filter(
            Q(**{f"{self.time}__lt": at}) | Q(pk__lt=cursor[0])
        )

    def cursor(self, row: Any) -> list[Any]:
        """Return what ``after`` takes for the rows after this one."""
        return [row.pk, getattr(row, self.time).isoformat()] if self.time else [row.pk]


class _Page(Protocol):
    exported: Exported

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list as the request asks for it."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether this operator may see the list."""


def page_of(export: Export) -> _Page:
    """Return the admin's page of the list."""
    page: Any = admin.site.get_model_admin(_MODELS[export.list_name])
    return page  # type: ignore[no-any-return]


def request_of(export: Export) -> HttpRequest:
    """Return the request for the list as its operator makes it, for work without a browser."""
    request = HttpRequest()
    request.method = "GET"
    request.GET = QueryDict(export.query)
    request.user = export.by
    return request


def may_see(export: Export) -> bool:
    """Tell whether the operator may still see the list."""
    return page_of(export).has_view_permission(request_of(export))


def rows_of(export: Export) -> QuerySet[Any]:
    """Return the rows, newest first."""
    rows: QuerySet[Any] = page_of(export).get_changelist_instance(request_of(export)).queryset
    return rows

"""The order of the list of users: newest first, or by the last sign-in. Each has an index."""

from datetime import timedelta
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.http import HttpRequest

from accounts.admin import base, user_search

# People who never signed in come before those who did long ago, and after those who did today.
BY_LAST_SIGN_IN = F("last_login").asc(nulls_first=True)


class PeopleList(ChangeList):
    """The list, whose order has an index that is read only where there are many results.

    PostgreSQL walks the index from its end until it has met enough results. Where there are few,
    that reads most of the table, so they are all read and sorted.
    """

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the columns to sort by."""
        by = super().get_ordering(request, queryset)[0]
        if not isinstance(by, OrderBy):
            return ["-pk"]
        # As the index has them: another order of those who never signed in would sort them all.
        return [by, "-pk" if by.descending else "pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Choose the rows of this page."""
        super().get_results(request)
        if self.has_active_filters or self.query:
            self.result_list = self._sorted_if_better(self.result_list)

    def _sorted_if_better(self, page: QuerySet[Any]) -> QuerySet[Any]:
        if not (base.is_exact(self.result_count) or user_search.is_run(self.query.strip())):
            return page
        by, *then = self.queryset.query.order_by
        if isinstance(by, OrderBy):
            moment = F("last_login") + Value(timedelta(0))
            same = ExpressionWrapper(moment, output_field=DateTimeField(null=True))
            by = by.copy()
            by.set_source_expressions([same])
        else:
            by = (F("pk") + 0).desc()
        found: QuerySet[Any] = self.queryset.order_by(by, *then)
        return found[page.query.low_mark : page.query.high_mark]

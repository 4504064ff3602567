"""The order of the list of users: newest first, or by the last sign-in. Each has an index."""

from datetime import timedelta
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.expressions import OrderBy
from django.http import HttpRequest

from accounts.admin import user_search

# People who never signed in come before those who did long ago, and after those who did today.
BY_LAST_SIGN_IN = F("last_login").asc(nulls_first=True)


class PeopleList(ChangeList):
    """The list, whose results of a search are sorted without an index.

    PostgreSQL would otherwise walk the index of the order from its end and hope to meet enough
    results, which reads the whole table if all of them are at its beginning.
    """

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the columns to sort by."""
        first = super().get_ordering(request, queryset)[0]
        is_narrow = user_search.is_narrow(self.query.strip())
        if not isinstance(first, OrderBy):
            return [(F("pk") + 0).desc()] if is_narrow else ["-pk"]
        by = first.copy()
        if is_narrow:
            same = F("last_login") + Value(timedelta(0))
            by.set_source_expressions([ExpressionWrapper(same, output_field=DateTimeField())])
        # As the index has them: another order of those who never signed in would sort them all.
        return [by, "-pk" if by.descending else "pk"]

"""Base classes of the admin's lists, which stay fast at any length, and masked phones."""

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import phones
from accounts.models import User

COUNTED = 10_000


class _MoreThan(int):
    """A count that the page shows as "more than"."""

    def __str__(self) -> str:
        return _("more than %s") % number_format(int(self), force_grouping=True)


def is_exact(count: int) -> bool:
    """Tell whether there are as many rows as this count of a ``BoundedPaginator`` says."""
    return not isinstance(count, _MoreThan)


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Count and show no more than the first 10,000 rows; filters and searches lead to the others.

    Counting a million rows takes as long as reading them.
    """

    @cached_property
    def count(self) -> int:
        """Return the number of rows, at most 10,000; more are shown as "more than 10,000"."""
        found: Any = self.object_list
        # Select only the column that the list is sorted by, so that an index alone can answer.
        first = next(iter(found.query.order_by), "pk")
        column = first.lstrip("-") if isinstance(first, str) else "pk"
        counted = int(found.order_by().values_list(column)[: COUNTED + 1].count())
        return counted if counted <= COUNTED else _MoreThan(COUNTED)


def phone_for(request: HttpRequest, phone: str | User | None) -> str:
    """Return a phone as this operator may see it: masked without the permission, "" for none."""
    if isinstance(phone, User):
        phone = phone.phone
    if not phone:
        return ""
    return phone if request.user.has_perm("accounts.view_phone") else phones.mask(phone)


class CarefulList(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list that ignores a query or choice that the database cannot read, and shows itself.

    ``title`` stands above the list in place of the name of its rows, ``about`` says what it has,
    and ``empty`` in its place what would be there.
    """

    title: Any = ""
    about: Any = ""
    empty: Any = gettext_lazy("There is nothing here yet.")
    change_list_template = "admin/accounts/list.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with what it is about."""
        title = self.title or capfirst(self.opts.verbose_name_plural)
        about = {"title": title, "about": self.about, "empty": self.empty}
        return super().changelist_view(request, {**about, **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Raise IncorrectLookupParameters, for which Django shows the list without filters."""
        # PostgreSQL refuses a NUL in any text.
        asked = any("\0" in value for _name, values in request.GET.lists() for value in values)
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if asked or not all(each.isascii() and each.isdigit() for each in chosen):
            raise IncorrectLookupParameters
        return super().get_changelist_instance(request)


class BoundedList(CarefulList):
    """A list that needs the same few queries at any length."""

    paginator = BoundedPaginator
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only the filters that the page offers.

        Django allows any column, so ``?phone__startswith=`` would reveal a number digit by digit.
        """
        offered = set[Any]()
        for each in self.get_list_filter(request):
            offered.update(getattr(each, "parameters", (getattr(each, "parameter_name", each),)))
        return lookup in offered or lookup.removesuffix("__exact") in offered


class ReadOnlyList(BoundedList):
    """A list whose rows nobody adds, changes or removes by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

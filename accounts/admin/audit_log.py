"""The audit log, which is only read."""

from typing import Any

import auditlog.admin  # noqa: F401 - registers pages, which ours replace
from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.admin import (
    audit_filters,
    audit_search,
    base,
    display,
    export_rows,
    list_tools,
    row_page,
)
from accounts.models import Operation, User

admin.site.unregister(LogEntry)


@admin.register(LogEntry)
class EntryAdmin(list_tools.ListTools, row_page.RowPage, base.ReadOnlyList):
    """The audit log of django-auditlog, newest first, with masked numbers."""

    title = _("Log of changes")
    about = _(
        "Changes of accounts, groups and operations: who made each, when, and from what to what."
    )
    empty = _(
        "Nothing was changed yet. Each change of an account, a group or an operation will stand"
        " here, with the operator who made it and the reason."
    )
    exported = export_rows.ENTRIES

    list_display = ("at", "who", "what", "changed", "reason")
    list_filter = (audit_filters.DateFilter, audit_filters.ByFilter, "action")
    list_select_related = ("actor", "content_type")
    ordering = ("-timestamp",)
    sortable_by = ()
    actions = None
    # get_search_results reads the search term; without a field there would be no search box.
    search_fields = ("object_repr",)
    search_help_text = _(
        "What was changed: a phone number in any notation, its last four digits or more, a part of"
        " a name, or a Cognito sub."
    )
    change_form_template = "admin/accounts/entry.html"

    @admin.display(description=_("time"))
    def at(self, logged: Any) -> str:
        return display.moment(logged.timestamp)

    @admin.display(description=_("what"))
    def what(self, logged: Any) -> str:
        return f"{logged.get_action_display()}: {logged.content_type.name} {logged.object_repr}"

    @admin.display(description=_("by"))
    def who(self, logged: Any) -> str:
        return display.entry(logged).by

    @admin.display(description=_("changes"))
    def changed(self, logged: Any) -> str:
        return display.changes(display.entry(logged))

    @admin.display(description=_("reason"))
    def reason(self, logged: Any) -> str:
        return display.entry(logged).reason

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(audit_search.matching(request, search_term.strip())), False

    def get_ordering(self, request: HttpRequest) -> Any:
        """Sort the results of a search without an index, as the list of users does."""
        if request.GET.get(SEARCH_VAR, "").strip():
            return [(F("pk") + 0).desc()]
        return super().get_ordering(request)

    def facts(self, request: HttpRequest, logged: Any) -> dict[str, Any]:
        """Show one entry in words, with links to what it is about."""
        target = _target(logged)
        person = _person(target)
        return {
            "title": capfirst(self.what(logged)),
            "entry": display.entry(logged),
            "thing": f"{capfirst(logged.content_type.name)} {logged.object_repr}",
            "thing_url": self._link(request, target),
            "person_log": log_address(q=person.sub) if person else "",
            "by_url": self._link(request, logged.actor),
            "by_log": log_address(by=str(logged.actor_id)) if logged.actor_id else "",
        }

    def _link(self, request: HttpRequest, target: Any) -> str:
        """Return the address of a row's page, "" where this operator may not see it."""
        page = self.admin_site.get_model_admin(type(target)) if target else None
        if page is None or not page.has_view_permission(request, target):
            return ""
        opts = target._meta
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[target.pk])


def log_address(**asked: str) -> str:
    """Return the address of the log with a search or a filter."""
    return f"{reverse('admin:auditlog_logentry_changelist')}?{urlencode(asked)}"


def _target(logged: Any) -> Any:
    """Return the row that an entry is about, None where it is gone."""
    model = logged.content_type.model_class()
    return model._default_manager.filter(pk=logged.object_pk).first() if model else None


def _person(target: Any) -> User | None:
    """Return the account that a row is about."""
    if isinstance(target, Operation):
        return User.objects.filter(pk=target.user_id or 0).first()
    return target if isinstance(target, User) else None

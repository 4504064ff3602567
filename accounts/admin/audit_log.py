"""The audit log, which is only read."""

from typing import Any

import auditlog.admin  # noqa: F401 - registers pages, which ours replace
from auditlog.models import LogEntry
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.admin import base, display

admin.site.unregister(LogEntry)


@admin.register(LogEntry)
class EntryAdmin(base.ReadOnlyList):
    """The audit log of django-auditlog, newest first, with masked numbers."""

    about = _(
        "Changes of accounts, groups and operations: who made each, when, and from what to what."
    )

    list_display = ("at", "who", "what", "changed")
    list_filter = ("action",)
    list_select_related = ("actor", "content_type")
    ordering = ("-timestamp",)
    sortable_by = ()
    actions = None
    fields = ("timestamp", "who", "action", "content_type", "object_repr", "changed")
    readonly_fields = ("who", "changed")

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
        return "; ".join(
            f"{name}: {before} → {after}" if before else f"{name}: {after}"
            for name, before, after in display.entry(logged).changes
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {"title": _("Log of changes")}
        return super().changelist_view(request, {**title, **(extra_context or {})})

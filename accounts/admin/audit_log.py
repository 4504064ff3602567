"""The audit log, which is only read, and the groups, which only superusers change."""

from typing import Any

import auditlog.admin  # noqa: F401 - registers pages, which ours replace
from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _

from accounts.admin import base, display
from accounts.login import reauthentication

admin.site.unregister(LogEntry)
admin.site.unregister(Group)


@admin.register(LogEntry)
class EntryAdmin(base.ReadOnlyList):
    """The audit log of django-auditlog, newest first, with masked numbers."""

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
        title = {"title": _("Who changed what")}
        return super().changelist_view(request, {**title, **(extra_context or {})})


@admin.register(Group)
@method_decorator(reauthentication.required, name="changeform_view")
@method_decorator(reauthentication.required, name="delete_view")
class RightsAdmin(base.CarefulList, GroupAdmin):
    """Groups and their rights, changed by superusers with a code typed a moment ago.

    A code is needed because an operator who changes a group's rights can get any right. There are
    no actions on several groups at once, since Django's would not ask for a code.
    """

    actions = None

    class Media:
        # In this order: ours changes the page that Django's has made.
        js = ("admin/js/SelectFilter2.js", "admin/selector.js")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

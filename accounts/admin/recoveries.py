"""The list of recoveries, the page of one, and what the page of a person says of them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin import base, display, recovery_steps, row_page
from accounts.models import Recovery, User
from accounts.operations import recoveries

_ALL_OF_ONE = 5


def for_person(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what the page of a person says of recoveries, and the button that starts one."""
    may_see = request.user.has_perm("accounts.view_recovery")
    rows = user.recoveries.order_by("-pk")[:_ALL_OF_ONE] if may_see else ()
    now = timezone.now()
    is_possible = (
        user.is_active and recovery_steps.START.is_allowed(request) and not recoveries.live(user)
    )
    return {
        "recoveries": [(row, row.shown_state(now)) for row in rows],
        "start_recovery": (recovery_steps.START, recovery_steps.START.link([user.pk]))
        if is_possible
        else None,
    }


@admin.register(Recovery)
class RecoveryAdmin(row_page.RowPage, base.ReadOnlyList):
    """The list of recoveries, newest first, and the page of one with its next steps."""

    about = _("People who lost their number, and whom operators let back in after a wait.")

    list_display = ("started", "account", "state_", "started_by_name", "agreed_by_name", "ready")
    list_display_links = ("started",)
    list_filter = ("state",)
    list_select_related = ("user",)
    ordering = ("-pk",)
    sortable_by = ()
    change_list_template = "admin/accounts/recovery/list.html"
    change_form_template = "admin/accounts/recovery/page.html"
    fields = readonly_fields = (
        "account",
        "state_",
        "reason",
        "started",
        "started_by_name",
        "needs_second",
        "agreed_by_name",
        "told_",
        "ready",
        "ends",
        "ended_by",
        "finished",
    )

    @admin.display(description=_("started"))
    def started(self, row: Recovery) -> str:
        return display.moment(row.started_at)

    @admin.display(description=_("account"))
    def account(self, row: Recovery) -> str:
        url = reverse("admin:accounts_user_change", args=[row.user_id])
        return format_html('<a href="{}">{}</a>', url, row.user)

    @admin.display(description=_("state"))
    def state_(self, row: Recovery) -> str:
        return row.shown_state(timezone.now())

    @admin.display(description=_("told"))
    def told_(self, row: Recovery) -> str:
        return display.told(row)

    @admin.display(description=_("ready"))
    def ready(self, row: Recovery) -> str:
        return display.moment(row.ready_at)

    @admin.display(description=_("expires"))
    def ends(self, row: Recovery) -> str:
        return display.moment(row.ends_at)

    @admin.display(description=_("finished"))
    def finished(self, row: Recovery) -> str:
        return display.moment(row.finished_at)

    def facts(self, request: HttpRequest, row: Recovery) -> dict[str, Any]:
        steps = [
            (step, step.link([row.pk]))
            for step in recovery_steps.STEPS
            if step.is_possible(row) and step.is_allowed(request)
        ]
        return {"title": str(row.user), "steps": steps}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path(f"{step.name}/", view(step.view), name=f"accounts_recovery_{step.name}")
            for step in recovery_steps.STEPS
        ]
        start = path("start/", view(recovery_steps.START.view), name="accounts_recovery_start")
        return [start, *ours, *super().get_urls()]

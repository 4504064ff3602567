"""The list of sign-in events, and the page of one attempt, step by step."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts import countries, phones
from accounts.admin import base, event_filters, export_rows, list_tools, row_page
from accounts.conf import conf
from accounts.events import reasons, sign_ins
from accounts.models import SignInEvent, User

# The triggers' clock may differ from ours, and their retries come later.
_AROUND = timedelta(minutes=5)


@dataclass(frozen=True)
class Step:
    """A line of the timeline. ``after`` counts whole seconds since the first line.

    ``is_this`` marks the event that was opened. ``is_same_code``: another browser asked for this
    code before.
    """

    event: SignInEvent
    reason: str
    after: int
    is_this: bool
    is_same_code: bool


@admin.register(SignInEvent)
class EventAdmin(list_tools.ListTools, row_page.RowPage, base.ReadOnlyList):
    """The list of sign-in events, newest first, and the page of one attempt."""

    about = _("Every step of every sign-in. Open one to see the whole attempt.")
    exported = export_rows.EVENTS

    list_display = ("when", "what", "whose", "reference_", "on_device")
    list_display_links = ("when",)
    list_filter = (
        event_filters.PeriodFilter,
        event_filters.KindFilter,
        event_filters.CountryFilter,
        event_filters.ReasonFilter,
    )
    list_select_related = ("user",)
    # Sorted by time alone, for which each filter has an index.
    ordering = ("-at", "-pk")
    actions = None
    # get_search_results reads the search term; without a field there would be no search box.
    search_fields = ("reference",)
    search_help_text = _("A reference such as K7F-2Q, a whole phone number, or a Cognito sub.")
    change_form_template = "admin/accounts/signinevent/attempt.html"

    @admin.display(description=_("time"), ordering="at")
    def when(self, event: SignInEvent) -> str:
        return f"{timezone.localtime(event.at):%Y-%m-%d %H:%M:%S}"

    @admin.display(description=_("event"))
    def what(self, event: SignInEvent) -> str:
        named = format_html(
            '<span class="event event-{}">{}</span>', event.kind, event.get_kind_display()
        )
        return format_html("{}: {}", named, reasons.label(event.reason)) if event.reason else named

    @admin.display(description=_("reference"))
    def reference_(self, event: SignInEvent) -> str:
        return format_html("<code>{}</code>", event.reference) if event.reference else ""

    @admin.display(description=_("device"))
    def on_device(self, event: SignInEvent) -> str:
        # Django would sort by a column of the table, which has no index.
        return event.device

    @admin.display(description=_("person"))
    def whose(self, event: SignInEvent) -> str:
        country = countries.name_of(event.country, get_language() or "en")
        number = format_html("{} <small>{}</small>", event.phone, country)
        if event.user is None:
            return format_html("{} {}", number, _("removed")) if event.user_id else number
        url = reverse("admin:accounts_user_change", args=[event.user.pk])
        return format_html('<a href="{}">{}</a><br>{}', url, event.user, number)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if reference := sign_ins.read_reference(term):
            return queryset.filter(reference=reference), False
        if phone := phones.find(term, region=conf.default_region):
            return queryset.filter(phone_key=sign_ins.phone_key(phone)), False
        owner = User.objects.filter(pool=conf.user_pool_id, sub=term).first()
        return queryset.filter(user=owner) if owner else queryset.none(), False

    def facts(self, request: HttpRequest, event: SignInEvent) -> dict[str, Any]:
        """Show the whole attempt to which the event belongs."""
        found = sign_ins.attempt_of(event)
        owner = next((step.user for step in found if step.user), None)
        references = list(dict.fromkeys(step.reference for step in found if step.reference))
        return {
            "title": capfirst(_("sign-in %(reference)s") % {"reference": event.reference}).strip(),
            "event": event,
            "steps": _steps(found, event),
            "references": references,
            "log_query": log_query(references) if references else "",
            "log_since": found[0].at - _AROUND,
            "log_until": found[-1].at + _AROUND,
            "owner": owner,
        }


def _steps(found: list[SignInEvent], opened: SignInEvent) -> list[Step]:
    asked_for: dict[str, str] = {}
    steps: list[Step] = []
    for event in found:
        is_same_code = False
        if event.kind in (sign_ins.Kind.SENT, sign_ins.Kind.RESENT) and event.reference:
            is_same_code = asked_for.setdefault(event.reference, event.attempt) != event.attempt
        after = round((event.at - found[0].at).total_seconds())
        steps.append(Step(event, reasons.label(event.reason), after, event == opened, is_same_code))
    return steps


def log_query(references: list[str]) -> str:
    """Return a query of CloudWatch Logs Insights for the triggers' lines on these references."""
    wanted = ", ".join(f'"{reference}"' for reference in references)
    return (
        "fields @timestamp, event, Reason, phone, country, reference, sender, message_id\n"
        f"| filter reference in [{wanted}]\n"
        "| sort @timestamp asc"
    )

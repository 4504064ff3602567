"""The list of users, and the page of one with the actions that make sense for it."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import addresses, operations, sessions
from accounts.admin import (
    base,
    comparison_table,
    display,
    export_rows,
    invitations,
    list_tools,
    number_types,
    order_operations,
    recoveries,
    row_page,
    setup_codes,
    time_zones,
    user_actions,
    user_filters,
    user_order,
    user_search,
)
from accounts.conf import conf
from accounts.events import audit, reasons
from accounts.login import passkeys, reauthentication, ways
from accounts.models import Operation, Session, User
from accounts.sync import number_types as types
from accounts.sync import remote_state

_EVENTS_SHOWN = 50
_ORDERS_SHOWN = 20
_ENTRIES_SHOWN = 20


@admin.register(User)
class UserAdmin(list_tools.ListTools, row_page.RowPage, base.BoundedList):
    """The list and the pages of accounts.

    The form changes only the name: invitations make accounts, user_actions change and remove them.
    """

    about = gettext_lazy(
        "Everybody who has signed in or was invited. Open somebody to see their devices, "
        "and to help them."
    )
    exported = export_rows.PEOPLE

    list_display = ("who", "status", "operator", "sharing_", "held", "last_sign_in")
    list_display_links = ("who",)
    list_filter = (
        user_filters.StatusFilter,
        user_filters.StaffFilter,
        user_filters.SharingFilter,
        user_filters.HeldFilter,
        user_filters.SignedInFilter,
        user_filters.JoinedFilter,
    )
    # get_search_results reads the search term; without a field there would be no search box.
    search_fields = ("sub",)
    search_help_text = gettext_lazy(
        "A phone number in any notation, its last four digits or more, a part of a name, or a"
        " Cognito sub."
    )
    # For this order every filter has an index.
    ordering = ("-pk",)
    fields = ("name",)
    change_form_template = "admin/accounts/user/page.html"
    change_list_template = "admin/accounts/user/list.html"

    # The list

    @admin.display(description=gettext_lazy("person"))
    def who(self, user: User) -> str:
        number = user.shown_phone or _("no number")  # type: ignore[attr-defined]
        return format_html("{}<br><small>{}</small>", user.name, number) if user.name else number

    @admin.display(description=gettext_lazy("status"))
    def status(self, user: User) -> str:
        return format_html(
            '<span class="{}">{}</span>',
            "state" if user.is_active and user.cognito_enabled else "state state-off",
            display.status_of(user),
        )

    @admin.display(description=gettext_lazy("operator"))
    def operator(self, user: User) -> str:
        return display.staff_of(user)

    @admin.display(description=gettext_lazy("sharing"))
    def sharing_(self, user: User) -> str:
        signs = [user.get_sharing_display()] if user.sharing else []
        if types.is_internet_phone(user):
            signs.append(_("internet phone"))
        return ", ".join(signs)

    @admin.display(description=gettext_lazy("held"))
    def held(self, user: User) -> str:
        return display.held_until(user.held_until)

    @admin.display(description=gettext_lazy("last sign-in"), ordering=user_order.BY_LAST_SIGN_IN)
    def last_sign_in(self, user: User) -> str:
        return display.moment(user.last_login)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(user_search.matching(request, search_term.strip())), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return user_order.PeopleList

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        for user in found.result_list:
            user.shown_phone = base.phone_for(request, user)
        return found

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "may_invite": request.user.has_perm("accounts.invite_user"),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {
            action.name: (action.choose, action.name, action.label)
            for action in user_actions.permitted(request)
            if action.for_many
        }

    # The page of one

    def facts(self, request: HttpRequest, user: User) -> dict[str, Any]:
        now = remote_state.ask(user)
        compared = comparison_table.of_user(request, user, now)
        groups = [group.name for group in user.groups.all()]
        return {
            "title": str(user),
            "phone": base.phone_for(request, user),
            "remote": now,
            "compared": compared,
            "differs": any(line.differs for line in compared),
            "held_in_ledger": display.hold(now.ledger) if now.ledger else "",
            "decisions": [
                (each, reasons.label(each.reason))
                for each in (now.ledger.decisions if now.ledger else ())
            ],
            "actions": user_actions.for_one(request, user, groups),
            **recoveries.for_person(request, user),
            "groups": groups,
            "sessions": sessions.live(user).order_by("-last_seen"),
            "ways": display.ways(ways.of(user, has_app=_has_app(now)), email=_email(now)),
            "passkeys": passkeys.of(user),
            **setup_codes.context(request, user),
            **number_types.context(request, user),
            "may_remove_passkeys": request.user.has_perm("accounts.remove_passkey"),
            "may_end": request.user.has_perm("accounts.sign_out_user"),
            "events": [
                (event, reasons.label(event.reason))
                for event in user.events.order_by("-at", "-pk")[:_EVENTS_SHOWN]
            ],
            "orders": [
                (order, display.outcome(order), order_operations.may_retry(request, order))
                for order in user.operations.order_by("-ordered_at", "-pk")[:_ORDERS_SHOWN]
            ],
            "entries": [display.entry(each) for each in audit.entries_of(user)[:_ENTRIES_SHOWN]],
        }

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("time-zone/", guarded(time_zones.time_zone_view), name="accounts_time_zone"),
            path("invite/", guarded(invitations.invite_view), name="accounts_user_invite"),
            path("act/<slug:name>/", guarded(user_actions.action_view), name="accounts_user_act"),
            path(
                "<int:pk>/sessions/<str:handle>/end/",
                guarded(reauthentication.required(self.end_session_view)),
                name="accounts_user_end_session",
            ),
            path(
                "<int:pk>/number/",
                guarded(number_types.allow_view),
                name="accounts_user_allow_number",
            ),
            path(
                "<int:pk>/setup-code/",
                guarded(setup_codes.setup_code_view),
                name="accounts_user_setup_code",
            ),
            path(
                "<int:pk>/passkeys/<int:passkey>/remove/",
                guarded(reauthentication.required(self.remove_passkey_view)),
                name="accounts_user_remove_passkey",
            ),
            *super().get_urls(),
        ]

    def end_session_view(self, request: HttpRequest, pk: int, handle: str) -> HttpResponse:
        """End one session of a person. Raises PermissionDenied, Http404."""
        if not request.user.has_perm("accounts.sign_out_user"):
            raise PermissionDenied
        if request.method != "POST":
            return redirect("admin:accounts_user_change", pk)
        session = Session.objects.filter(user=pk, handle=handle).select_related("user").first()
        if session is None or session.user is None:
            raise Http404
        if operations.refusal(Operation.Kind.SIGN_OUT, session.user, cast(User, request.user)):
            raise PermissionDenied
        if sessions.end(session, Session.Ended.ENDED_BY_OPERATOR):
            audit.note(session.user, {"session": [str(session), "ended"]})
            messages.success(request, _("That device is signed out."))
        else:
            messages.info(request, _("That device was signed out already."))
        return redirect("admin:accounts_user_change", pk)

    def remove_passkey_view(self, request: HttpRequest, pk: int, passkey: int) -> HttpResponse:
        """Remove a passkey of a person. Raises PermissionDenied, Http404."""
        if not request.user.has_perm("accounts.remove_passkey"):
            raise PermissionDenied
        if request.method != "POST":
            return redirect("admin:accounts_user_change", pk)
        user = User.objects.filter(pk=pk).first()
        if user is None:
            raise Http404
        if operations.refusal(Operation.Kind.SIGN_OUT, user, cast(User, request.user)):
            raise PermissionDenied
        if passkeys.remove(request, user, passkey, reason="removed_by_operator"):
            messages.success(request, _("That passkey no longer works."))
        else:
            messages.info(request, _("That passkey was removed already."))
        return redirect("admin:accounts_user_change", pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)


def _email(now: remote_state.RemoteState) -> str:
    return addresses.mask(now.cognito.email) if conf.email and now.cognito else ""


def _has_app(now: remote_state.RemoteState) -> bool | None:
    return now.cognito.has_authenticator if now.cognito else None

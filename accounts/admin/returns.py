"""The queue of people who have the number of a dormant account: approve or refuse."""

from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import operations
from accounts.admin import base, bulk, display, order_operations
from accounts.events import sign_ins
from accounts.models import Operation, Return, User
from accounts.operations import returns

# At most so many at once: an operator should know each of them.
MOST = 50
_DECIDE = "accounts.decide_return"


class Decision(bulk.BulkAction[Return]):
    """A decision on chosen rows that wait."""

    model = Return
    limit = MOST
    too_many = _("At most %d at once.")
    none_found = _("None of these people is waiting any more.")
    columns = (_("Reference"), _("Account"), _("Request"))

    name: str
    state: Return.State
    title: Any
    sentences: tuple[Any, ...]

    @property
    def address(self) -> str:
        return reverse(f"admin:accounts_return_{self.name}")

    def is_allowed(self, request: HttpRequest) -> bool:
        return request.user.has_perms((_DECIDE, "accounts.view_return"))

    def find(self, ids: list[int]) -> list[Return]:
        found = Return.objects.filter(pk__in=ids, state=Return.State.WAITING)
        return list(found.select_related("user", "other").order_by("-pk"))

    def question(self, rows: list[Return]) -> str:
        return str(self.title)

    def effects(self, rows: list[Return]) -> tuple[Any, ...]:
        return self.sentences

    def line(self, request: HttpRequest, row: Return) -> bulk.Line:
        cells = (row.reference, str(row.user), str(row.get_kind_display()))
        return bulk.Line(cells, display.refusal(self.refusal(request, row)))

    def refusal(self, request: HttpRequest, row: Return) -> str:
        # An approval lets somebody in as the account, as another number would.
        kind = Operation.Kind.CHANGE_NUMBER
        return operations.refusal(kind, row.user, cast(User, request.user))

    def do(self, request: HttpRequest, rows: list[Return], form: Any) -> HttpResponse:
        done = 0
        for row in rows:
            if self.refusal(request, row) or not self.carry_out(request, row):
                continue
            done += returns.decide(row, self.state, by=cast(User, request.user))
        said = ngettext("%d is decided.", "%d are decided.", done) % done
        messages.add_message(request, messages.SUCCESS if done else messages.WARNING, said)
        return redirect("admin:accounts_return_changelist")

    def carry_out(self, request: HttpRequest, row: Return) -> bool:
        """Do what the decision takes besides the row. False where it was refused."""
        return True


class Approve(Decision):
    """Open the account to its owner, or free the number for the other account."""

    name = "approve"
    state = Return.State.APPROVED
    label = _("Approve")
    title = _("Approve what was chosen?")
    sentences = (
        _("Make sure first that it is really them: ask for something that only the owner knows."),
    )
    means: ClassVar[dict[str, Any]] = {
        Return.Kind.OWNER: _(
            "Its owner can open it with a code, for seven days, in the browser that asked."
        ),
        Return.Kind.MOVE: _(
            "Those who want the number for another account can take it there. The old account is"
            " kept, without the number."
        ),
    }

    def effects(self, rows: list[Return]) -> tuple[Any, ...]:
        kinds = {row.kind for row in rows}
        return (*self.sentences, *(words for kind, words in self.means.items() if kind in kinds))

    def carry_out(self, request: HttpRequest, row: Return) -> bool:
        if row.kind != Return.Kind.MOVE or not row.user.phone:
            return True
        freed = operations.perform(
            Operation.Kind.FREE_NUMBER,
            row.user,
            by=cast(User, request.user),
            phone=row.user.phone,
            last_login=row.last_login.isoformat() if row.last_login else "",
        )
        order_operations.report(request, freed)
        return freed.is_done or freed.is_waiting


class Refuse(Decision):
    """Leave the account closed."""

    name = "refuse"
    state = Return.State.REFUSED
    label = _("Refuse")
    title = _("Refuse what was chosen?")
    sentences = (_("The account stays closed. They can ask again."),)
    is_grave = True


APPROVE, REFUSE = Approve(), Refuse()


@admin.register(Return)
class ReturnAdmin(base.ReadOnlyList):
    """The list of returns, newest first. Nobody adds to it but people who come back."""

    about = _(
        "People with the right code for an account that nobody used for long. Decide "
        "whether it is theirs."
    )

    list_display = (
        "asked",
        "reference",
        "state_",
        "phone",
        "account",
        "kind",
        "slept_since",
    )
    list_display_links = ("reference",)
    list_filter = ("state", "kind")
    list_select_related = ("user", "other")
    ordering = ("-pk",)
    sortable_by = ()
    actions = ("approve_chosen", "refuse_chosen")
    search_fields = ("reference",)
    search_help_text = _("A reference, such as K7F-2Q.")
    fields = (
        "reference",
        "phone",
        "account",
        "kind",
        "other_account",
        "slept_since",
        "asked",
        "where",
        "state_",
    )
    readonly_fields = ("account", "other_account", "slept_since", "asked", "where", "state_")

    @admin.display(description=_("asked"))
    def asked(self, row: Return) -> str:
        return display.moment(row.asked_at)

    @admin.display(description=_("account"))
    def account(self, row: Return) -> str:
        return _link(row.user)

    @admin.display(description=_("other account"))
    def other_account(self, row: Return) -> str:
        return _link(row.other) if row.other else ""

    @admin.display(description=_("last sign-in"))
    def slept_since(self, row: Return) -> str:
        return display.moment(row.last_login)

    @admin.display(description=_("device"))
    def where(self, row: Return) -> str:
        return " · ".join(filter(None, (row.device, row.network)))

    @admin.display(description=_("state"))
    def state_(self, row: Return) -> str:
        said = str(row.get_state_display())
        if row.state == Return.State.APPROVED and row.opens_until:
            said += ", " + gettext("open until %s") % display.moment(row.opens_until)
        return f"{said} ({row.decided_by})" if row.decided_by else said

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        wanted = sign_ins.read_reference(term) or term
        return (queryset.filter(reference=wanted) if term else queryset), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        ours = [
            path(f"{each.name}/", view(each.view), name=f"accounts_return_{each.name}")
            for each in (APPROVE, REFUSE)
        ]
        return [*ours, *super().get_urls()]

    @admin.action(description=_("Approve what is chosen"), permissions=["decide"])
    def approve_chosen(self, request: HttpRequest, chosen: QuerySet[Return]) -> HttpResponse | None:
        return APPROVE.choose(self, request, chosen)

    @admin.action(description=_("Refuse what is chosen"), permissions=["decide"])
    def refuse_chosen(self, request: HttpRequest, chosen: QuerySet[Return]) -> HttpResponse | None:
        return REFUSE.choose(self, request, chosen)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return APPROVE.is_allowed(request)


def _link(user: User) -> str:
    url = reverse("admin:accounts_user_change", args=[user.pk])
    return format_html('<a href="{}">{}</a>', url, user)

"""What operators may do to accounts: chosen, confirmed (accounts/admin/bulk.py), then ordered.

An order (accounts/operations.py) that is not done at once is done after the answer, by the next
pages of any operator, or by ``manage.py run_operations``; the page of the batch shows how far it
got.
"""

import re
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import operations
from accounts.admin import base, bulk, display
from accounts.fields import PhoneField
from accounts.models import Operation, User
from accounts.operations import Kind

# Of accounts, or of lines of an invitation, at once.
MOST = 200
_INLINE_SECONDS = 8
_BATCH = re.compile(r"[A-Za-z0-9_-]{11}")
_LATER = _("If Cognito cannot be reached, this is tried again by itself until it is done.")


class ActForm(forms.Form):
    """What an act needs to know. This one: nothing but a yes."""

    batch = forms.CharField(widget=forms.HiddenInput, required=False, initial=operations.draw_batch)

    def __init__(self, *args: Any, by: User, users: list[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by, self.users = by, users

    def params(self) -> dict[str, Any]:
        return {}


class JoinForm(ActForm):
    group = forms.ModelChoiceField(queryset=Group.objects.none(), label=_("Group"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(Any, self.fields["group"]).queryset = self.groups()

    def groups(self) -> QuerySet[Group]:
        return operations.grantable(self.by)

    def params(self) -> dict[str, Any]:
        return {"group": self.cleaned_data["group"].name}


class LeaveForm(JoinForm):
    def groups(self) -> QuerySet[Group]:
        return super().groups().filter(user__in=self.users).distinct()


class NumberForm(ActForm):
    phone = PhoneField(label=_("New mobile number"))
    tell = forms.BooleanField(
        label=_("Text the old number that another one took its place"),
        required=False,
        initial=True,
    )

    def params(self) -> dict[str, Any]:
        # Only a code verifies a number, not an operator's word.
        return {
            "phone": self.cleaned_data["phone"],
            "tell": self.cleaned_data["tell"],
            "verified": False,
        }


@dataclass(frozen=True)
class Act(bulk.BulkAction[User]):
    """``title`` is a question with %(who)s; ``sentences`` say what will happen."""

    kind: Operation.Kind
    permission: str
    label: Any
    title: Any
    sentences: tuple[Any, ...]
    form_class: type[ActForm] = ActForm
    for_many: bool = True
    is_grave: bool = False

    model = User
    limit = MOST
    too_many = _("At most %d accounts at once: narrow it down by a filter or a search.")
    none_found = _("Choose somebody first. They may be deleted already.")
    columns = (_("Account"), _("Phone"))

    @property
    def name(self) -> str:
        return str(self.kind.value).replace("_", "-")

    @property
    def address(self) -> str:
        return reverse("admin:accounts_user_act", args=[self.name])

    def is_allowed(self, request: HttpRequest) -> bool:
        return may_order(request, self.kind)

    def find(self, ids: list[int]) -> list[User]:
        return list(User.objects.filter(pk__in=ids).order_by("-pk"))

    def question(self, rows: list[User]) -> str:
        who = str(rows[0]) if len(rows) == 1 else _accounts(len(rows))
        return str(self.title % {"who": who})

    def effects(self, rows: list[User]) -> tuple[Any, ...]:
        return self.sentences

    def line(self, request: HttpRequest, row: User) -> bulk.Line:
        refusal = operations.refusal(self.kind, row, cast(User, request.user))
        cells = (str(row), base.phone_for(request, row))
        return bulk.Line(cells, display.refusal(refusal))

    def form(self, data: Any, request: HttpRequest, rows: list[User]) -> ActForm:
        return self.form_class(data, by=cast(User, request.user), users=rows)

    def button(self, willing: int, chosen: int) -> str:
        return str(self.label) if chosen == 1 else f"{self.label} ({_accounts(willing)})"

    def do(self, request: HttpRequest, rows: list[User], form: ActForm) -> HttpResponse:
        if len(rows) == 1:
            return _do_one(request, self, rows[0], form.params())
        return order_many(request, [(self.kind, user, form.params()) for user in rows])


_ALL = (
    Act(
        Kind.DISABLE,
        "accounts.disable_user",
        _("Disable"),
        _("Disable %(who)s?"),
        (
            _("They are signed out on every device, at once."),
            _("They cannot sign in, and get no texts."),
            _("Nothing is deleted. To take it back, enable them."),
            _LATER,
        ),
        is_grave=True,
    ),
    Act(
        Kind.ENABLE,
        "accounts.disable_user",
        _("Enable"),
        _("Enable %(who)s?"),
        (_("They can sign in again, with a code as always."), _LATER),
    ),
    Act(
        Kind.SIGN_OUT,
        "accounts.sign_out_user",
        _("Sign out everywhere"),
        _("Sign out %(who)s everywhere?"),
        (
            _("They are signed out on every device, at once. What they had not saved is lost."),
            _("They can sign in again, with a code as always."),
            _LATER,
        ),
    ),
    Act(
        Kind.UNLOCK,
        "accounts.unlock_user",
        _("Unlock the number"),
        _("Unlock the number of %(who)s?"),
        (
            _("Wrong codes, holds and texts so far are forgotten. A code can be sent at once."),
            _("Somebody who tries to guess codes gets new tries, too."),
            _LATER,
        ),
    ),
    Act(
        Kind.CHANGE_NUMBER,
        "accounts.change_number",
        _("Change the number"),
        _("Change the number of %(who)s?"),
        (
            _("From now on, whoever has the new number can sign in to this account."),
            _("They are signed out on every device."),
            _("The new number counts as verified when a code sent to it was typed."),
            _LATER,
        ),
        form_class=NumberForm,
        for_many=False,
    ),
    Act(
        Kind.MAKE_STAFF,
        "accounts.manage_staff",
        _("Make an operator"),
        _("Make %(who)s an operator?"),
        (
            _("They can open these admin pages. What they may do there, groups say."),
            _LATER,
        ),
    ),
    Act(
        Kind.UNMAKE_STAFF,
        "accounts.manage_staff",
        _("Make an operator no more"),
        _("Take the admin pages away from %(who)s?"),
        (
            _("They cannot open these admin pages any more, at once."),
            _("A superuser is none any more. Their account stays as it is."),
            _LATER,
        ),
    ),
    Act(
        Kind.ADD_TO_GROUP,
        "accounts.manage_staff",
        _("Add to a group"),
        _("Add %(who)s to a group?"),
        (_("They get the rights of the group."), _LATER),
        form_class=JoinForm,
    ),
    Act(
        Kind.REMOVE_FROM_GROUP,
        "accounts.manage_staff",
        _("Remove from a group"),
        _("Remove %(who)s from a group?"),
        (_("They lose the rights of the group, at once."), _LATER),
        form_class=LeaveForm,
    ),
    Act(
        Kind.DELETE,
        "accounts.delete_user",
        _("Delete"),
        _("Delete %(who)s?"),
        (
            _("They are signed out on every device, at once."),
            _("Their account is removed here and in Cognito. This cannot be taken back."),
            _("Sign-in events and the audit log stay, until they are purged."),
            _("The number is free: whoever has it can get a new account where sign-up is open."),
            _LATER,
        ),
        is_grave=True,
    ),
)
ACTS = {act.name: act for act in _ALL}
_PERMISSIONS = {act.kind: act.permission for act in _ALL} | {Kind.INVITE: "accounts.invite_user"}


def permitted(request: HttpRequest) -> list[Act]:
    return [act for act in _ALL if may_order(request, act.kind)]


def may_order(request: HttpRequest, kind: str) -> bool:
    """Tell whether this operator may order such a thing at all.

    To do something to people takes the right to see them, since the pages of the acts name them.
    """
    may_see = any(map(request.user.has_perm, ("accounts.view_user", "accounts.change_user")))
    return may_see and request.user.has_perm(_PERMISSIONS[Kind(kind)])


def for_one(request: HttpRequest, user: User, groups: list[str]) -> list[tuple[Act, str]]:
    """Return the acts that make sense for ``user``, who is in ``groups``, with their addresses."""
    is_in = user.is_active and user.cognito_enabled
    senseless = {
        Kind.DISABLE: not user.is_active and not user.cognito_enabled,
        Kind.ENABLE: is_in,
        Kind.UNLOCK: not user.phone,
        Kind.MAKE_STAFF: user.is_staff,
        Kind.UNMAKE_STAFF: not user.is_staff,
        Kind.REMOVE_FROM_GROUP: not groups,
    }
    return [(act, act.link([user.pk])) for act in permitted(request) if not senseless.get(act.kind)]


def may_retry(request: HttpRequest, order: Operation) -> bool:
    return order.is_waiting and may_order(request, order.kind)


def act_view(request: HttpRequest, name: str) -> HttpResponseBase:
    act = ACTS.get(name)
    if act is None:
        raise Http404
    return act.view(request)


def order_many(
    request: HttpRequest, wanted: list[tuple[Operation.Kind, User | None, dict[str, Any]]]
) -> HttpResponse:
    """Write everything down, and do what can be done in seconds.

    The rest is done after the answer, as after that to every page of an operator. A second press
    of the same button orders nothing: the form carries the name of its batch.
    """
    by = cast(User, request.user)
    with transaction.atomic():
        # Two presses at once come one after the other.
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        batch = _batch_of(request)
        if not Operation.objects.filter(batch=batch).exists():
            for kind, user, params in wanted:
                operations.order(kind, user, by=by, batch=batch, **params)
    operations.run_due(seconds=_INLINE_SECONDS, limit=MOST, batch=batch)
    return redirect("admin:accounts_operation_batch", batch)


def _batch_of(request: HttpRequest) -> str:
    """Return the name that the form carries, or another where that is none or somebody else's."""
    sent = request.POST.get("batch", "")
    theirs = Operation.objects.filter(batch=sent).exclude(by=request.user.pk)
    return sent if _BATCH.fullmatch(sent) and not theirs.exists() else operations.draw_batch()


def _do_one(request: HttpRequest, act: Act, user: User, params: dict[str, Any]) -> HttpResponse:
    done = operations.perform(act.kind, user, by=cast(User, request.user), **params)
    report(request, done)
    if done.is_done and act.kind == Kind.DELETE:
        return redirect("admin:accounts_user_changelist")
    return redirect("admin:accounts_user_change", user.pk)


def report(request: HttpRequest, order: Operation) -> None:
    """Tell the operator how an order stands."""
    level = messages.SUCCESS
    if order.is_waiting:
        level = messages.WARNING
    elif not order.is_done:
        level = messages.ERROR
    messages.add_message(request, level, f"{order}: {display.outcome(order)}")


def _accounts(number: int) -> str:
    return ngettext("%d account", "%d accounts", number) % number

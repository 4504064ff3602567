"""Actions of operators on accounts. bulk.py has the pages, order_operations.py the operations."""

from dataclasses import dataclass
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import operations
from accounts.admin import action_forms, base, bulk, display, order_operations
from accounts.conf import conf
from accounts.models import Operation, User
from accounts.operations.queue import Kind

_LATER = _("If Cognito cannot be reached, this is tried again by itself until it is done.")


@dataclass(frozen=True)
class UserAction(bulk.BulkAction[User]):
    """An action that orders an operation of one kind.

    ``title`` is a question with %(who)s; ``sentences`` say what will happen; ``for_many`` offers it
    in the list as well.
    """

    kind: Operation.Kind
    label: Any
    title: Any
    sentences: tuple[Any, ...]
    form_class: type[action_forms.ActionForm] = action_forms.ActionForm
    for_many: bool = True
    is_grave: bool = False

    model = User
    limit = order_operations.MOST
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
        return order_operations.may_order(request, self.kind)

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

    def form(self, data: Any, request: HttpRequest, rows: list[User]) -> action_forms.ActionForm:
        return self.form_class(data, by=cast(User, request.user), users=rows)

    def button(self, willing: int, chosen: int) -> str:
        return str(self.label) if chosen == 1 else f"{self.label} ({_accounts(willing)})"

    def do(
        self, request: HttpRequest, rows: list[User], form: action_forms.ActionForm
    ) -> HttpResponse:
        if len(rows) == 1:
            return _do_one(request, self, rows[0], form.params())
        return order_operations.order_many(
            request, [(self.kind, user, form.params()) for user in rows]
        )


_ALL = (
    UserAction(
        Kind.DISABLE,
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
    UserAction(
        Kind.ENABLE,
        _("Enable"),
        _("Enable %(who)s?"),
        (_("They can sign in again, with a code as always."), _LATER),
    ),
    UserAction(
        Kind.SIGN_OUT,
        _("Sign out everywhere"),
        _("Sign out %(who)s everywhere?"),
        (
            _(
                "They are signed out on every device, at once. Anything that they had not saved is "
                "lost."
            ),
            _("They can sign in again, with a code as always."),
            _LATER,
        ),
    ),
    UserAction(
        Kind.UNLOCK,
        _("Unlock the number"),
        _("Unlock the number of %(who)s?"),
        (
            _("Wrong codes, holds and texts so far are forgotten. A code can be sent at once."),
            _("Somebody who tries to guess codes gets new tries, too."),
            _LATER,
        ),
    ),
    UserAction(
        Kind.RESET_AUTHENTICATOR,
        _("Reset the authenticator app"),
        _("Reset the authenticator app of %(who)s?"),
        (
            _("They sign in with a code by text alone, until they set up an app again."),
            _(
                "Make sure first that they ask for it themselves, and not somebody with their "
                "phone."
            ),
            _LATER,
        ),
    ),
    UserAction(
        Kind.REMOVE_EMAIL,
        _("Remove the e-mail address"),
        _("Remove the e-mail address of %(who)s?"),
        (
            _("No code is sent to it any more. They can add one again, with a fresh code."),
            _LATER,
        ),
        form_class=action_forms.TellingForm,
    ),
    UserAction(
        Kind.REMOVE_SECOND_NUMBER,
        _("Remove the second number"),
        _("Remove the second number of %(who)s?"),
        (
            _("No code is sent to it any more. They can add one again, with a fresh code."),
            _LATER,
        ),
        form_class=action_forms.TellingForm,
    ),
    UserAction(
        Kind.FORGET_ANSWER,
        _("Forget the secret answer"),
        _("Forget the secret answer of %(who)s?"),
        (
            _("At the next sign-in, the person who types the right code chooses another answer."),
            _LATER,
        ),
    ),
    UserAction(
        Kind.CHANGE_NUMBER,
        _("Change the number"),
        _("Change the number of %(who)s?"),
        (
            _("From now on, the owner of the new number can sign in to this account."),
            _("They are signed out on every device."),
            _("The new number counts as verified when a code sent to it was typed."),
            _LATER,
        ),
        form_class=action_forms.ChangeNumberForm,
        for_many=False,
    ),
    UserAction(
        Kind.MAKE_STAFF,
        _("Make an operator"),
        _("Make %(who)s an operator?"),
        (
            _("They can open these admin pages. Their groups decide what they may do there."),
            _LATER,
        ),
    ),
    UserAction(
        Kind.UNMAKE_STAFF,
        _("Remove operator rights"),
        _("Remove operator rights from %(who)s?"),
        (
            _("They lose access to these admin pages at once."),
            _("They lose superuser rights. Their account stays as it is."),
            _LATER,
        ),
    ),
    UserAction(
        Kind.ADD_TO_GROUP,
        _("Add to a group"),
        _("Add %(who)s to a group?"),
        (_("They get the rights of the group."), _LATER),
        form_class=action_forms.AddToGroupForm,
    ),
    UserAction(
        Kind.REMOVE_FROM_GROUP,
        _("Remove from a group"),
        _("Remove %(who)s from a group?"),
        (_("They lose the rights of the group, at once."), _LATER),
        form_class=action_forms.RemoveFromGroupForm,
    ),
    UserAction(
        Kind.DELETE,
        _("Delete"),
        _("Delete %(who)s?"),
        (
            _("They are signed out on every device, at once."),
            _("Their account is removed here and in Cognito. This cannot be taken back."),
            _("Sign-in events and the audit log stay, until they are purged."),
            _("The number is free: its owner can get a new account where sign-up is open."),
            _LATER,
        ),
        is_grave=True,
    ),
)
_BY_NAME = {action.name: action for action in _ALL}


def permitted(request: HttpRequest) -> list[UserAction]:
    """Return the actions that this operator may use at all."""
    useless = {
        Kind.FORGET_ANSWER: "question" not in conf.sign_in_plan,
        Kind.REMOVE_EMAIL: not conf.email,
        Kind.REMOVE_SECOND_NUMBER: not conf.second_number,
    }
    useful = [each for each in _ALL if not useless.get(each.kind)]
    return [each for each in useful if order_operations.may_order(request, each.kind)]


def for_one(request: HttpRequest, user: User, groups: list[str]) -> list[tuple[UserAction, str]]:
    """Return the actions that make sense for ``user``, who is in ``groups``, with their URLs."""
    is_in = user.is_active and user.cognito_enabled
    senseless = {
        Kind.DISABLE: not user.is_active and not user.cognito_enabled,
        Kind.ENABLE: is_in,
        Kind.UNLOCK: not user.phone,
        Kind.REMOVE_SECOND_NUMBER: not user.second_phone,
        Kind.RESET_AUTHENTICATOR: "authenticator" not in conf.sign_in_plan,
        Kind.MAKE_STAFF: user.is_staff,
        Kind.UNMAKE_STAFF: not user.is_staff,
        Kind.REMOVE_FROM_GROUP: not groups,
    }
    return [
        (action, action.link([user.pk]))
        for action in permitted(request)
        if not senseless.get(action.kind)
    ]


def action_view(request: HttpRequest, name: str) -> HttpResponseBase:
    """Show the page of an action, or do it. Raises Http404, PermissionDenied."""
    action = _BY_NAME.get(name)
    if action is None:
        raise Http404
    return action.view(request)


def _do_one(
    request: HttpRequest, action: UserAction, user: User, params: dict[str, Any]
) -> HttpResponse:
    done = operations.perform(action.kind, user, by=cast(User, request.user), **params)
    order_operations.report(request, done)
    if done.is_done and action.kind == Kind.DELETE:
        return redirect("admin:accounts_user_changelist")
    return redirect("admin:accounts_user_change", user.pk)


def _accounts(number: int) -> str:
    return ngettext("%d account", "%d accounts", number) % number

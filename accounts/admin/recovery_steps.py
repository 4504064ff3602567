"""Steps of a recovery that operators take: start one, agree, get the code, cancel."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import action_forms, base, bulk, display
from accounts.conf import conf
from accounts.models import Operation, Recovery, User
from accounts.operations import recoveries, recovery_codes

_START, _AGREE = "accounts.start_recovery", "accounts.agree_recovery"


class StartForm(forms.Form):
    """Why the operator believes that it is really the person."""

    reason = action_forms.ReasonField(
        label=_("How do you know that it is really them?"),
        min_length=10,
        help_text=_("Operators who must agree, or who look into it later, read this."),
    )


class _OneAtATime:
    """An action on one person at a time: operators look at each recovery."""

    limit = 1
    too_many = _("At most %d at once.")
    none_found = _("That is over, or not yet possible.")


class Start(_OneAtATime, bulk.BulkAction[User]):
    """Start a recovery, from the page of a person."""

    model = User
    label = _("Start a recovery")
    columns = (_("Account"), _("Phone"))

    @property
    def address(self) -> str:
        return reverse("admin:accounts_recovery_start")

    def is_allowed(self, request: HttpRequest) -> bool:
        return recoveries.is_offered() and request.user.has_perms((_START, "accounts.view_user"))

    def find(self, ids: list[int]) -> list[User]:
        return list(User.objects.filter(pk__in=ids))

    def question(self, rows: list[User]) -> str:
        return gettext("Let %(who)s back in with a new number?") % {"who": rows[0]}

    def effects(self, rows: list[User]) -> tuple[Any, ...]:
        hours = conf.recovery_hours
        wait = ngettext("It waits for %d hour.", "It waits for %d hours.", hours) % hours
        return (
            _(
                "Make sure first that it is really them: ask for something that only the owner "
                "knows."
            ),
            _("The number, a verified e-mail address and signed-in devices are told at once."),
            f"{wait} {gettext('Anybody who was told can stop it until it is done.')}",
            _("Then you get a code to read out. With it they prove a new number by a text to it."),
            _(
                "At the end all devices are signed out; passkeys, backup codes, the e-mail address "
                "and the second number are removed."
            ),
        )

    def line(self, request: HttpRequest, row: User) -> bulk.Line:
        cells = (str(row), base.phone_for(request, row))
        refusal = display.refusal(recoveries.refusal(row, cast(User, request.user)))
        if not refusal and not row.is_active:
            refusal = gettext("The account is disabled.")
        if not refusal and recoveries.live(row):
            refusal = gettext("A recovery is under way already.")
        return bulk.Line(cells, refusal)

    def form(self, data: Any, request: HttpRequest, rows: list[User]) -> forms.Form:
        return StartForm(data)

    def button(self, willing: int, chosen: int) -> str:
        return str(self.label)

    def do(self, request: HttpRequest, rows: list[User], form: Any) -> HttpResponse:
        user, by = rows[0], cast(User, request.user)
        refusal = self.line(request, user).refusal
        row = None
        if not refusal:
            row = recoveries.start(user, by=by, reason=form.cleaned_data["reason"])
        if row is None:
            messages.error(request, refusal or gettext("A recovery is under way already."))
            return redirect("admin:accounts_user_change", user.pk)
        _say_how_far(request, row)
        return redirect("admin:accounts_recovery_change", row.pk)


class _Step(_OneAtATime, bulk.BulkAction[Recovery]):
    """A step of a recovery that is live. ``permission`` is the right that it takes."""

    model = Recovery
    columns = (_("Account"), _("Reason"), _("Started by"), _("Told"))

    name: str
    permission: str
    title: Any
    sentences: tuple[Any, ...]

    @property
    def address(self) -> str:
        return reverse(f"admin:accounts_recovery_{self.name}")

    def is_allowed(self, request: HttpRequest) -> bool:
        return request.user.has_perms((self.permission, "accounts.view_recovery"))

    def is_possible(self, row: Recovery) -> bool:
        """Tell whether it is the time for this step."""
        return row.is_live(timezone.now())

    def find(self, ids: list[int]) -> list[Recovery]:
        found = Recovery.objects.filter(pk__in=ids).select_related("user")
        return [row for row in found if self.is_possible(row)]

    def question(self, rows: list[Recovery]) -> str:
        return str(self.title % {"who": rows[0].user})

    def effects(self, rows: list[Recovery]) -> tuple[Any, ...]:
        return self.sentences

    def line(self, request: HttpRequest, row: Recovery) -> bulk.Line:
        cells = (str(row.user), row.reason, row.started_by_name, display.told(row))
        return bulk.Line(cells, self.refusal(request, row))

    def refusal(self, request: HttpRequest, row: Recovery) -> str:
        """Return why this operator may not do it, or ""."""
        return display.refusal(recoveries.refusal(row.user, cast(User, request.user)))

    def button(self, willing: int, chosen: int) -> str:
        return str(self.label)

    def do(self, request: HttpRequest, rows: list[Recovery], form: Any) -> HttpResponse:
        row = rows[0]
        if refusal := self.refusal(request, row):
            messages.error(request, refusal)
        else:
            done = self.carry_out(request, row)
            if isinstance(done, HttpResponse):
                return done
            row.refresh_from_db()
            _say_how_far(request, row)
        return redirect("admin:accounts_recovery_change", row.pk)

    def carry_out(self, request: HttpRequest, row: Recovery) -> HttpResponse | None:
        """Do it. Return a page of its own, if it has one."""
        raise NotImplementedError


class Agree(_Step):
    """Agree as a second operator, which begins the waiting time."""

    name, permission = "agree", _AGREE
    label = _("Agree")
    title = _("Agree to let %(who)s back in with a new number?")
    sentences = (
        _(
            "Make sure yourself that it is really them. Do not rely on the other operator's word "
            "alone."
        ),
        _("The number, a verified e-mail address and signed-in devices are told at once."),
    )

    def is_possible(self, row: Recovery) -> bool:
        return super().is_possible(row) and row.state == Recovery.State.AGREEMENT

    def refusal(self, request: HttpRequest, row: Recovery) -> str:
        if row.started_by_id == request.user.pk:
            return gettext("Another operator than the one who started it must agree.")
        return super().refusal(request, row)

    def carry_out(self, request: HttpRequest, row: Recovery) -> None:
        recoveries.agree(row, by=cast(User, request.user))


class GiveCode(_Step):
    """Show a code, this once, for the person on the phone."""

    name, permission = "code", _START
    label = _("Get the code")
    title = _("Is %(who)s on the phone now?")
    sentences = (
        _("You see the code once. Read it out; do not send it."),
        _("It works once, within an hour, with five tries. An earlier code ends."),
    )

    def is_possible(self, row: Recovery) -> bool:
        return row.is_ready(timezone.now())

    def refusal(self, request: HttpRequest, row: Recovery) -> str:
        if recoveries.lacks_second(row):
            return display.refusal(Operation.Remark.TWO_OPERATORS)
        return super().refusal(request, row)

    def carry_out(self, request: HttpRequest, row: Recovery) -> HttpResponse | None:
        code = recovery_codes.give(row)
        if not code:
            return None
        context = {
            **admin.site.each_context(request),
            "title": gettext("Code for %(who)s") % {"who": row.user},
            "code": code,
            "page": request.build_absolute_uri(reverse("accounts:recover")),
            "back": reverse("admin:accounts_recovery_change", args=[row.pk]),
        }
        return render(request, "admin/accounts/recovery/code.html", context)


class Cancel(_Step):
    """End it."""

    name, permission = "cancel", _START
    label = _("Cancel")
    title = _("Cancel the recovery of %(who)s?")
    sentences = (_("A code that was read out no longer works. You can start another recovery."),)
    is_grave = True

    def carry_out(self, request: HttpRequest, row: Recovery) -> None:
        recoveries.cancel(row, by=cast(User, request.user))


START = Start()
STEPS = (Agree(), GiveCode(), Cancel())


def _say_how_far(request: HttpRequest, row: Recovery) -> None:
    """Say what the state means for what comes next."""
    states = Recovery.State
    if row.state == states.AGREEMENT and row.told:
        words = _(
            "The number could not be told. A second operator must agree, then the wait begins."
        )
        messages.warning(request, words)
    elif row.state == states.AGREEMENT:
        messages.info(request, _("A second operator must agree, then the wait begins."))
    elif row.state == states.CANCELLED:
        messages.success(request, _("It is cancelled."))
    elif row.state == states.WAITING and row.ready_at and not row.is_ready(timezone.now()):
        said = gettext("It waits until %s. Then get the code, with the person on the phone.")
        messages.success(request, said % display.moment(row.ready_at))
    else:
        messages.info(request, row.shown_state(timezone.now()))

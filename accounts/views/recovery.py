"""The pages of a recovery: the code that was read out, the new number, and how to stop it."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts import phones
from accounts.forms import PhoneForm, RecoveryForm
from accounts.login import attempt_steps, errors, recovery
from accounts.login.code_flow import Texted
from accounts.login.pending import Pending
from accounts.models import Recovery
from accounts.operations import recoveries
from accounts.views import phone_cookie, site
from accounts.views.code_steps import (
    CodeView,
    ResendView,
    Steps,
    StepView,
    likely_region,
    next_url,
    say_if_texted_before,
)
from accounts.views.message_page import MessagePageView


class RecoveryStepView(StepView):
    """A step of a recovery. People who are signed in need none."""

    steps = Steps(
        "recovery", "accounts:recover_number", "accounts:recover_code", "accounts:recover_resend"
    )

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        if not recoveries.is_offered():
            raise Http404
        return redirect("home") if request.user.is_authenticated else None

    def nothing_pending(self, request: HttpRequest) -> HttpResponse:
        return redirect("accounts:recover")

    def start_page(
        self, request: HttpRequest, waiting: Pending, *, status: int = 200, reference: str = ""
    ) -> HttpResponse:
        form = PhoneForm(
            initial={"phone": phones.spaced(waiting.phone)},
            region=likely_region(request, waiting.phone),
        )
        return _number_page(request, form, status=status, reference=reference)


class RecoverView(RecoveryStepView):
    """Take the code that an operator has read out."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if recovery.is_open(request):
            return redirect(self.steps.start)
        return _code_page(request, RecoveryForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = RecoveryForm(request.POST)
        if not form.is_valid():
            return _code_page(request, form)
        try:
            recovery.open_with(request, form.cleaned_data["code"])
        except errors.RecoveryRefused:
            form.refuse()
            return _code_page(request, form)
        return redirect(self.steps.start)


class NumberView(RecoveryStepView):
    """Take the new number."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if not recovery.is_open(request):
            return redirect("accounts:recover")
        waiting = attempt_steps.current(request, "recovery")
        is_over = bool(waiting and waiting.challenge is None and not waiting.proven)
        return _number_page(request, PhoneForm(region=_region(request)), is_over=is_over)

    def post(self, request: HttpRequest) -> HttpResponse:
        if site.is_switch(request):
            return site.in_language(request, partial(_typed_page, request))
        form = PhoneForm(request.POST, region=_region(request))
        if not form.is_valid():
            return _number_page(request, form)
        try:
            texted = recovery.start(request, form.cleaned_data["phone"])
        except errors.SamePhone:
            form.add_error("phone", _("That is your number already. Type the new one."))
            return _number_page(request, form)
        except errors.Unavailable as error:
            return _number_page(request, form, status=503, reference=error.reference)
        say_if_texted_before(request, texted)
        return redirect(self.steps.code)


class NumberCodeView(RecoveryStepView, CodeView):
    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        # A second press may come with the cookie of before the first one: the flow knows.
        if request.method == "POST" and not request.user.is_authenticated:
            return None
        return super().elsewhere(request)

    def finish(self, request: HttpRequest, code: str, *, attempt: str) -> str:
        try:
            is_signed_in = recovery.finish(request, code, attempt=attempt)
        except errors.Taken:
            _say_taken(request)
            return resolve_url(self.steps.start)
        if is_signed_in:
            messages.success(request, _("Your new number is set, and you are signed in."))
            return next_url(request)
        return resolve_url("accounts:recover_done")


class NumberResendView(RecoveryStepView, ResendView):
    def resend(self, request: HttpRequest) -> Texted:
        return recovery.resend(request)


class DoneView(RecoveryStepView):
    """Say how far the new number is, to people who sign in with it next."""

    def get(self, request: HttpRequest) -> HttpResponse:
        row = recovery.of_browser(request)
        if row is None or row.state not in (Recovery.State.PROVEN, Recovery.State.DONE):
            return redirect("accounts:recover")
        if row.state == Recovery.State.PROVEN and recoveries.is_refused(row):
            recoveries.reopen(row)
            _say_taken(request)
            return redirect("accounts:recover")
        context = {"is_done": row.state == Recovery.State.DONE}
        return render(request, "accounts/recovered.html", context)


class StopView(MessagePageView):
    """Stop the recovery that a text or mail has told of, on POST. Scanners change nothing."""

    def get(self, request: HttpRequest, word: str) -> HttpResponse:
        return _stop_page(request, word=word)

    def post(self, request: HttpRequest, word: str) -> HttpResponse:
        attempt_steps.throttle_post(request)
        row = recovery.to_stop(request, word)
        if row is None:
            return _stop_page(request, word=word, is_over=True)
        return _stop_page(request, is_stopped=recovery.stop(row, request), word=word)


class StopOwnView(View):
    """Stop a recovery of whoever is signed in, on POST from the notice on every page."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("home")

    def post(self, request: HttpRequest) -> HttpResponse:
        if recovery.stop_own(request):
            messages.success(request, _("It is stopped. Your number stays as it is."))
        else:
            messages.info(request, _("It was stopped already, or is over."))
        return redirect("home")


def _say_taken(request: HttpRequest) -> None:
    said = _("That number has an account of its own, and accounts are never merged.")
    messages.error(request, said)


@sensitive_post_parameters("code")
def _code_page(request: HttpRequest, form: RecoveryForm) -> HttpResponse:
    return render(request, "accounts/recover.html", {"form": form})


def _typed_page(request: HttpRequest) -> HttpResponse:
    return _number_page(request, PhoneForm.typed(request.POST, region=_region(request)))


def _region(request: HttpRequest) -> str:
    return likely_region(request, phone_cookie.load(request))


def _number_page(
    request: HttpRequest,
    form: PhoneForm,
    *,
    is_over: bool = False,
    status: int = 200,
    reference: str = "",
) -> HttpResponse:
    context = {
        "form": form,
        "is_over": is_over,
        "is_unavailable": status == 503,
        "reference": reference,
    }
    return render(request, "accounts/recover_number.html", context, status=status)


def _stop_page(request: HttpRequest, **facts: Any) -> HttpResponse:
    return render(request, "accounts/stop_recovery.html", facts)

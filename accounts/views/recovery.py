"""The pages of a recovery: the code that was read out, the new number, and how to stop it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts.forms import RecoveryForm
from accounts.login import attempt_steps, errors, recovery
from accounts.login.flow import Texted
from accounts.models import Recovery
from accounts.operations import recoveries
from accounts.views import phone_cookie
from accounts.views.code_steps import CodeView, ResendView, Steps, likely_region
from accounts.views.message_page import MessagePageView
from accounts.views.new_phone import NewPhoneStepView, NewPhoneView
from accounts.views.onward import next_url


class RecoveryStepView(NewPhoneStepView):
    """A step of a recovery. People who are signed in need none."""

    steps = Steps(
        "recovery", "accounts:recover_number", "accounts:recover_code", "accounts:recover_resend"
    )
    template_name = "accounts/recover_number.html"

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        if not recoveries.is_offered():
            raise Http404
        return redirect("home") if request.user.is_authenticated else None

    def nothing_pending(self, request: HttpRequest) -> HttpResponse:
        return redirect("accounts:recover")

    def region(self, request: HttpRequest) -> str:
        return likely_region(request, phone_cookie.load(request))


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


class NumberView(RecoveryStepView, NewPhoneView):
    """Take the new number."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if not recovery.is_open(request):
            return redirect("accounts:recover")
        return super().get(request)

    def text(self, request: HttpRequest, phone: str) -> Texted:
        return recovery.start(request, phone)


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


def _stop_page(request: HttpRequest, **facts: Any) -> HttpResponse:
    return render(request, "accounts/stop_recovery.html", facts)

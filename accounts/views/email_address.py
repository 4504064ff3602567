"""The pages on which people add an e-mail address to their account, change it and remove it."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _

from accounts.forms import AddressForm, MailedCodeForm
from accounts.login import attempt_steps, email_address, errors, reauthentication
from accounts.login.flow import Texted
from accounts.login.pending import Pending
from accounts.models import User
from accounts.views.code_steps import CodeView, ResendView, Steps, StepView, say_if_texted_before

_PAGE = "accounts:email"


class EmailStepView(StepView):
    """A step for people who are signed in. There is none where no mail can be sent."""

    steps = Steps("email", _PAGE, "accounts:email_code", "accounts:email_resend")
    template = "accounts/email_code.html"
    code_form = MailedCodeForm
    http_method_names = ["get", "head", "post"]

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        if not request.user.is_authenticated:
            return redirect_to_login(resolve_url(self.steps.start))
        if not email_address.is_offered(request.user):
            raise Http404
        return None

    def start_page(
        self, request: HttpRequest, waiting: Pending, *, status: int = 200, reference: str = ""
    ) -> HttpResponse:
        return _page(request, AddressForm(), status=status, reference=reference)


@method_decorator(reauthentication.required, name="dispatch")
class EmailView(EmailStepView):
    """Show the address, and mail a code to a new one on POST."""

    def get(self, request: HttpRequest) -> HttpResponse:
        waiting = attempt_steps.current(request, "email")
        is_over = bool(waiting and waiting.challenge is None and not waiting.proven)
        return _page(request, AddressForm(), is_over=is_over)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AddressForm(request.POST)
        if not form.is_valid():
            return _page(request, form)
        try:
            texted = email_address.start(request, form.cleaned_data["email"])
        except errors.SameAddress:
            form.add_error("email", _("Your account has that address already. Type another one."))
            return _page(request, form)
        except errors.Unavailable as error:
            return _page(request, form, status=503, reference=error.reference)
        say_if_texted_before(request, texted, "email")
        return redirect(self.steps.code)


class EmailCodeView(EmailStepView, CodeView):
    def finish(self, request: HttpRequest, code: str, *, attempt: str) -> str:
        try:
            email_address.finish(request, code, attempt=attempt)
        except errors.Taken:
            _say_taken(request)
        else:
            _say_done(request)
        return resolve_url(_PAGE)


class EmailResendView(EmailStepView, ResendView):
    def resend(self, request: HttpRequest) -> Texted:
        return email_address.resend(request)

    def say(self, request: HttpRequest, texted: Texted, channel: str) -> None:
        if texted == "now":
            messages.success(request, _("We have sent another e-mail. It can take a minute."))
        say_if_texted_before(request, texted, "email")


class StoreView(EmailStepView):
    """Write an address that was proven while Cognito could not be reached, on POST."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(_PAGE)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            email_address.store(request)
        except errors.Taken:
            _say_taken(request)
        except errors.Unavailable as error:
            return _page(request, AddressForm(), status=503, reference=error.reference)
        else:
            _say_done(request)
        return redirect(_PAGE)


@method_decorator(reauthentication.required, name="dispatch")
class RemoveView(EmailStepView):
    """Remove the address on POST. A GET, such as after a confirmation, leads to the page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(_PAGE)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            email_address.remove(request)
        except errors.Unavailable as error:
            return _page(request, AddressForm(), status=503, reference=error.reference)
        messages.success(request, _("Your account has no e-mail address any more."))
        return redirect(_PAGE)


def _say_done(request: HttpRequest) -> None:
    messages.success(request, _("From now on, you can have your code sent to this address."))


def _say_taken(request: HttpRequest) -> None:
    messages.error(request, _("Another account signs in with that address. Use another one."))


def _page(
    request: HttpRequest,
    form: AddressForm,
    *,
    is_over: bool = False,
    status: int = 200,
    reference: str = "",
) -> HttpResponse:
    context: dict[str, Any] = {
        "form": form,
        "is_over": is_over,
        "proven": email_address.proven(request),
        "reference": reference,
    }
    try:
        context["address"] = email_address.of(cast(User, request.user))
    except errors.Unavailable:
        status = 503
    context["is_unavailable"] = status == 503
    return render(request, "accounts/email.html", context, status=status)

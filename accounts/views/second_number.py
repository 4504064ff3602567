"""The pages on which people add a second number to their account, change it and remove it."""

from functools import partial
from typing import cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _

from accounts import phones
from accounts.forms import PhoneForm
from accounts.login import errors, reauthentication, second_number
from accounts.login.code_flow import Texted
from accounts.login.pending import Pending
from accounts.models import User
from accounts.views import site
from accounts.views.code_steps import (
    CodeView,
    ResendView,
    Steps,
    StepView,
    likely_region,
    say_if_texted_before,
)

_PAGE = "accounts:second_number"


class SecondNumberStepView(StepView):
    """A step for people who are signed in. There is none where nobody signs in by such a number."""

    steps = Steps("second", _PAGE, "accounts:second_number_code", "accounts:second_number_resend")
    http_method_names = ["get", "head", "post"]

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        if not request.user.is_authenticated:
            return redirect_to_login(resolve_url(self.steps.start))
        if not second_number.is_offered(request.user):
            raise Http404
        return None

    def start_page(
        self, request: HttpRequest, waiting: Pending, *, status: int = 200, reference: str = ""
    ) -> HttpResponse:
        form = PhoneForm(
            initial={"phone": phones.spaced(waiting.phone)},
            region=likely_region(request, waiting.phone),
        )
        return _page(request, form, status=status, reference=reference)


@method_decorator(reauthentication.required, name="dispatch")
class SecondNumberView(SecondNumberStepView):
    """Show the number, and text a code to a new one on POST."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _page(request, PhoneForm(region=_region(request)))

    def post(self, request: HttpRequest) -> HttpResponse:
        if site.is_switch(request):
            return site.in_language(request, partial(_typed_page, request))
        form = PhoneForm(request.POST, region=_region(request))
        if not form.is_valid():
            return _page(request, form)
        try:
            texted = second_number.start(request, form.cleaned_data["phone"])
        except errors.SamePhone:
            form.add_error("phone", _("Your account has that number already. Type another one."))
            return _page(request, form)
        except errors.Unavailable as error:
            return _page(request, form, status=503, reference=error.reference)
        say_if_texted_before(request, texted)
        return redirect(self.steps.code)


class SecondNumberCodeView(SecondNumberStepView, CodeView):
    def finish(self, request: HttpRequest, code: str, *, attempt: str) -> str:
        second_number.finish(request, code, attempt=attempt)
        messages.success(
            request, _("From now on, a code can go to this number when your first one is gone.")
        )
        return resolve_url(_PAGE)


class SecondNumberResendView(SecondNumberStepView, ResendView):
    def resend(self, request: HttpRequest) -> Texted:
        return second_number.resend(request)


@method_decorator(reauthentication.required, name="dispatch")
class RemoveView(SecondNumberStepView):
    """Remove the number on POST. A GET, such as after a confirmation, leads to the page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(_PAGE)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            second_number.remove(request)
        except errors.Unavailable as error:
            form = PhoneForm(region=_region(request))
            return _page(request, form, status=503, reference=error.reference)
        messages.success(request, _("Your account has no second number any more."))
        return redirect(_PAGE)


def _region(request: HttpRequest) -> str:
    return likely_region(request, cast(User, request.user).phone)


def _typed_page(request: HttpRequest) -> HttpResponse:
    return _page(request, PhoneForm.typed(request.POST, region=_region(request)))


def _page(
    request: HttpRequest, form: PhoneForm, *, status: int = 200, reference: str = ""
) -> HttpResponse:
    context = {
        "form": form,
        "second": cast(User, request.user).second_phone,
        "is_unavailable": status == 503,
        "reference": reference,
    }
    return render(request, "accounts/second_number.html", context, status=status)

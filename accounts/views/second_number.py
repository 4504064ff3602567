"""The pages on which people add a second number to their account, change it and remove it."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.forms import PhoneForm
from accounts.login import errors, reauthentication, second_number
from accounts.login.flow import Texted
from accounts.models import User
from accounts.views.code_steps import CodeView, ResendView, Steps
from accounts.views.new_phone import NewPhoneStepView, NewPhoneView

_PAGE = "accounts:second_number"


class SecondNumberStepView(NewPhoneStepView):
    """A step for people who are signed in. There is none where nobody signs in by such a number."""

    steps = Steps("second", _PAGE, "accounts:second_number_code", "accounts:second_number_resend")
    template_name = "accounts/second_number.html"
    http_method_names = ["get", "head", "post"]

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        if not request.user.is_authenticated:
            return redirect_to_login(resolve_url(self.steps.start))
        if not second_number.is_offered(request.user):
            raise Http404
        return None

    def facts(self, request: HttpRequest) -> dict[str, Any]:
        return {"second": cast(User, request.user).second_phone}


@method_decorator(reauthentication.required, name="dispatch")
class SecondNumberView(SecondNumberStepView, NewPhoneView):
    """Show the number, and text a code to a new one on POST."""

    same_phone = _("Your account has that number already. Type another one.")

    def text(self, request: HttpRequest, phone: str) -> Texted:
        return second_number.start(request, phone)


class SecondNumberCodeView(SecondNumberStepView, CodeView):
    def finish(self, request: HttpRequest, code: str, *, attempt: str) -> str:
        second_number.finish(request, code, attempt=attempt)
        messages.success(
            request,
            gettext("From now on, a code can go to this number when your first one is gone."),
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
            form = PhoneForm(region=self.region(request))
            return self.page(request, form, status=503, reference=error.reference)
        messages.success(request, gettext("Your account has no second number any more."))
        return redirect(_PAGE)

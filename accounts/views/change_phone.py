"""The pages on which people change their own number."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.generic import View

from accounts import phones, sessions
from accounts.forms import PhoneForm
from accounts.login import change_phone, errors, reauthentication
from accounts.login.flow import Texted
from accounts.models import User
from accounts.views import phone_cookie
from accounts.views.code_steps import CodeView, ResendView, Steps
from accounts.views.new_phone import NewPhoneStepView, NewPhoneView


class ChangePhoneStepView(NewPhoneStepView):
    """A step of the change, for people who are signed in."""

    steps = Steps("number", "accounts:number", "accounts:number_code", "accounts:number_resend")
    template_name = "accounts/number.html"

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        if request.user.is_authenticated:
            return None
        return redirect_to_login(resolve_url(self.steps.start))

    def facts(self, request: HttpRequest) -> dict[str, Any]:
        user = cast(User, request.user)
        return {"phone": user.phone, "change": change_phone.latest(user)}


class ChangePhoneView(ChangePhoneStepView, NewPhoneView):
    """Show the number, and text a code to the new one on POST."""

    @method_decorator(reauthentication.required)
    def get(self, request: HttpRequest) -> HttpResponse:
        return super().get(request)

    @method_decorator(reauthentication.required)
    def start(self, request: HttpRequest) -> HttpResponse:
        return super().start(request)

    def text(self, request: HttpRequest, phone: str) -> Texted:
        return change_phone.start(request, phone)

    def typed(self, request: HttpRequest) -> PhoneForm:
        form = super().typed(request)
        if form.is_valid() and form.cleaned_data["phone"] == cast(User, request.user).phone:
            form.add_error("phone", self.same_phone)
        return form


class ChangePhoneCodeView(ChangePhoneStepView, CodeView):
    def finish(self, request: HttpRequest, code: str, *, attempt: str) -> str:
        try:
            change_phone.finish(request, code, attempt=attempt)
        except errors.Taken:
            return resolve_url("accounts:number_taken")
        return resolve_url("accounts:number_changed")


class ChangePhoneResendView(ChangePhoneStepView, ResendView):
    def resend(self, request: HttpRequest) -> Texted:
        return change_phone.resend(request)


class CancelView(ChangePhoneStepView):
    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(self.steps.code)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            change_phone.cancel(request)
        except errors.Unavailable:
            return self.code_page(request, status=503)
        messages.info(request, _("Your number stays as it is."))
        return redirect("home")


@method_decorator(never_cache, name="dispatch")
class TakenView(LoginRequiredMixin, View):
    """Say that the number that was proven belongs to another account."""

    def get(self, request: HttpRequest) -> HttpResponse:
        taken = change_phone.taken(request)
        if taken is None:
            return redirect("accounts:number")
        context = {
            "phone": phones.mask(taken.phone),
            "reference": taken.reference,
            "has_asked": taken.has_asked,
            "may_ask": change_phone.is_from_dormant(taken),
        }
        return render(request, "accounts/number_taken.html", context)


class WantedView(ChangePhoneStepView):
    """Ask operators for a number that was proven, and that a dormant account has, on POST."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("accounts:number_taken")

    def post(self, request: HttpRequest) -> HttpResponse:
        change_phone.ask_operators(request)
        return redirect("accounts:number_taken")


@method_decorator(never_cache, name="dispatch")
class ChangedView(LoginRequiredMixin, View):
    """Show how far the change is. A button signs the other devices out."""

    def get(self, request: HttpRequest) -> HttpResponse:
        user = cast(User, request.user)
        change = change_phone.latest(user)
        if change is None:
            return redirect("accounts:number")
        context = {"change": change, "others": sessions.elsewhere(request, user).count()}
        response = render(request, "accounts/number_changed.html", context)
        if user.phone:
            _remember_instead(request, response, user, user.phone)
        return response

    def post(self, request: HttpRequest) -> HttpResponse:
        ended = change_phone.end_others(request)
        said = ngettext(
            "%(number)d other device is signed out.",
            "%(number)d other devices are signed out.",
            ended,
        )
        messages.success(request, said % {"number": ended})
        return redirect("home")


def _remember_instead(request: HttpRequest, response: HttpResponse, user: User, phone: str) -> None:
    """Replace the number that the browser remembers, if it is an old one of this person."""
    kept = phone_cookie.load(request)
    if kept and kept != phone and change_phone.was_theirs(user, kept):
        phone_cookie.store(response, phone)

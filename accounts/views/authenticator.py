"""The pages on which people set up an authenticator app, and remove it."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts import phones
from accounts.forms import AnswerForm
from accounts.login import attempt_steps, authenticator, errors, reauthentication
from accounts.models import User
from accounts.views import refusals
from accounts.views.refusals import too_many

_PAGE = "accounts:authenticator"


@method_decorator([never_cache, sensitive_post_parameters("answer")], name="dispatch")
class _AuthenticatorView(LoginRequiredMixin, View):
    """A page for people who have typed a code lately; a 404 where no sign-in asks for apps."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not authenticator.is_offered():
            raise Http404
        return super().dispatch(request, *args, **kwargs)


@method_decorator(reauthentication.required, name="dispatch")
class AuthenticatorView(_AuthenticatorView):
    """Say whether there is an app. POST begins to set one up."""

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            has_one = authenticator.has_one(cast(User, request.user))
        except errors.Unavailable:
            return _page(request, status=503)
        return _page(request, has_one=has_one)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            attempt_steps.throttle_post(request)
            authenticator.begin(request)
        except errors.TooMany as error:
            return too_many(request, error)
        except errors.Unavailable:
            return _page(request, status=503)
        return redirect("accounts:authenticator_setup")


@method_decorator(reauthentication.required, name="dispatch")
class SetupView(_AuthenticatorView):
    """Show the secret, and take the first code of the app."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._setup(request, AnswerForm(digits=6))

    def post(self, request: HttpRequest) -> HttpResponse:
        form, app = AnswerForm(request.POST, digits=6), authenticator.under_way(request)
        if app is None or not form.is_valid():
            return self._setup(request, form)
        try:
            is_right = authenticator.finish(request, app, form.cleaned_data["answer"])
        except errors.TooMany as error:
            return too_many(request, error)
        except errors.Unavailable:
            return self._setup(request, form, status=503)
        if not is_right:
            words = _("That is not right. Wait for the next code of the app, and type that.")
            form.add_error("answer", words)
            return self._setup(request, form)
        messages.success(request, _("From now on, you also need a code from your app to sign in."))
        return redirect(_PAGE)

    def _setup(self, request: HttpRequest, form: AnswerForm, *, status: int = 200) -> HttpResponse:
        app = authenticator.under_way(request)
        if app is None:
            return redirect(_PAGE)
        phone = cast(User, request.user).phone
        facts = {
            "secret": app.secret,
            "account": phones.mask(phone) if phone else "",
            "form": form,
        }
        return refusals.page(request, "accounts/authenticator_setup.html", status=status, **facts)


@method_decorator(reauthentication.required, name="dispatch")
class RemoveView(_AuthenticatorView):
    """Remove the app on POST. A GET, such as after a confirmation, leads to the page."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(_PAGE)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            authenticator.remove(request)
        except errors.Unavailable:
            return _page(request, status=503)
        messages.success(request, _("You no longer need a code from your app to sign in."))
        return redirect(_PAGE)


def _page(request: HttpRequest, *, has_one: bool = False, status: int = 200) -> HttpResponse:
    return refusals.page(request, "accounts/authenticator.html", status=status, has_one=has_one)

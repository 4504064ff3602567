"""The page of a person's sessions, with buttons that end them."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView, View

from accounts import sessions
from accounts.login import known_browsers
from accounts.models import User
from accounts.views.onward import next_url


@method_decorator(never_cache, name="dispatch")
class DevicesView(LoginRequiredMixin, TemplateView):
    template_name = "accounts/devices.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = cast(User, self.request.user)
        return super().get_context_data(
            here=sessions.for_request(self.request).row,
            others=sessions.elsewhere(self.request, user).order_by("-last_seen"),
            ended=sessions.lately_ended(user),
            **kwargs,
        )


@method_decorator(never_cache, name="dispatch")
class _ActView(LoginRequiredMixin, View):
    """Act on POST alone. A GET, such as after a sign-in on the way, leads to the list."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("accounts:devices")


class _OneDevice(forms.Form):
    handle = forms.CharField()


class EndOneView(_ActView):
    """End one session on another device, named by ``handle``."""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = _OneDevice(request.POST)
        user = cast(User, request.user)
        if form.is_valid() and sessions.end_elsewhere(request, user, **form.cleaned_data):
            messages.success(request, _("That device is signed out."))
        else:
            messages.info(request, _("That device was signed out already."))
        return _here_stays_known(request, user)


class EndOthersView(_ActView):
    """End all sessions but the one of this browser."""

    def post(self, request: HttpRequest) -> HttpResponse:
        ended = sessions.end_elsewhere(request, cast(User, request.user))
        if ended:
            said = ngettext(
                "%(number)d other device is signed out.",
                "%(number)d other devices are signed out.",
                ended,
            )
            messages.success(request, said % {"number": ended})
        else:
            messages.info(request, _("No other device was signed in."))
        return _here_stays_known(request, cast(User, request.user))


class NewcomerSeenView(_ActView):
    """Dismiss the notice that another device signed in."""

    def post(self, request: HttpRequest) -> HttpResponse:
        sessions.newcomer_seen(request)
        return HttpResponseRedirect(next_url(request))


def _here_stays_known(request: HttpRequest, user: User) -> HttpResponse:
    """Lead to the list. All browsers of the person were forgotten; this one is known again."""
    response = redirect("accounts:devices")
    known_browsers.signed_in(request, user)
    known_browsers.remember(request, response)
    return response

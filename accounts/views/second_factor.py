"""The page for operators who signed in with a code alone, which does not open the admin."""

from typing import cast

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts.login import attempt_steps, authenticator, errors, passkeys, second_factor
from accounts.models import User
from accounts.views.onward import next_url, with_next
from accounts.views.refusals import too_many


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class SecondFactorView(LoginRequiredMixin, View):
    """Lead to the passkey of an operator, or take a set-up code, with which they make one."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if isinstance(request.user, User):
            if not request.user.is_staff:
                raise PermissionDenied
            if second_factor.is_there(request):
                return HttpResponseRedirect(_next(request))
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return _page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            attempt_steps.throttle_post(request)
            second_factor.type_code(request, request.POST.get("code", ""))
        except errors.TooMany as error:
            return too_many(request, error)
        except errors.SetupCodeRefused:
            return _page(request, is_refused=True)
        if second_factor.is_there(request):
            return HttpResponseRedirect(_next(request))
        if passkeys.site(request) and not authenticator.is_offered():
            return redirect(with_next("accounts:passkey_add", _next(request)))
        return redirect(with_next("accounts:second_factor", _next(request)))


def _next(request: HttpRequest) -> str:
    return next_url(request, otherwise="admin:index")


def _page(request: HttpRequest, *, is_refused: bool = False) -> HttpResponse:
    user, url = cast(User, request.user), _next(request)
    held = second_factor.held(user)
    context = {
        "next_url": url,
        "is_refused": is_refused,
        "is_possible": second_factor.is_possible(),
        "has_passkey": bool(held.passkeys) and passkeys.site(request) is not None,
        "has_app": held.app and authenticator.is_offered(),
        "has_other_passkey": second_factor.is_by_passkey(request),
        "may_set_up": second_factor.may_set_up(request),
        "sign_in_again": with_next("accounts:login", url),
        "add_passkey": with_next("accounts:passkey_add", url) if passkeys.site(request) else "",
        "has_authenticators": authenticator.is_offered(),
    }
    return render(request, "accounts/second_factor.html", context)

"""The pages on which people who are signed in make passkeys, name them and remove them."""

import json
from dataclasses import asdict
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe
from django.views.generic import View

from accounts.login import (
    ceremonies,
    errors,
    passkeys,
    reauthentication,
    second_factor,
    ways,
)
from accounts.models import User
from accounts.views import features
from accounts.views.onward import next_url
from accounts.views.refusals import too_many

_LIST = "accounts:passkeys"


@never_cache
@require_safe
def ways_view(request: HttpRequest) -> JsonResponse:
    """Return the ways in which the person who is signed in can sign in; to strangers, 401."""
    user = request.user
    if not user.is_authenticated:
        return JsonResponse({}, status=401)
    found = asdict(ways.of(user))
    # Cognito would have to be asked.
    del found["authenticator"]
    return JsonResponse(found)


class NameForm(forms.Form):
    """A name for a passkey."""

    name = forms.CharField(max_length=60)


@method_decorator(never_cache, name="dispatch")
class _PasskeyView(LoginRequiredMixin, View):
    """A page of somebody who is signed in. There is none where the site has no passkeys."""

    http_method_names = ["get", "head", "post"]
    site: ceremonies.Site

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        site = passkeys.site(request)
        if site is None:
            raise Http404
        self.site = site
        return super().dispatch(request, *args, **kwargs)


class PasskeysView(_PasskeyView):
    """List the person's passkeys."""

    def get(self, request: HttpRequest) -> HttpResponse:
        found = list(passkeys.of(cast(User, request.user)))
        user = cast(User, request.user)
        context = {
            "passkeys": found,
            "may_add": len(found) < passkeys.MOST,
            "has_admin": second_factor.is_needed(user),
        }
        return render(request, "accounts/passkeys.html", context)


@method_decorator(
    [sensitive_post_parameters("credential"), reauthentication.required], name="dispatch"
)
class AddView(_PasskeyView):
    """Make a passkey, after a fresh code."""

    is_offer = False

    def get(self, request: HttpRequest) -> HttpResponse:
        if self.is_offer:
            passkeys.note_offer(cast(User, request.user))
        return self._page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            passkeys.add(request, self.site, request.POST.get("credential", ""))
        except errors.TooMany as error:
            return too_many(request, error)
        except errors.TooManyPasskeys:
            messages.error(request, _("You have as many passkeys as an account may have."))
            return redirect(_LIST)
        except errors.PasskeyRefused:
            return self._page(request, is_refused=True)
        messages.success(request, _("From now on, you can sign in with your passkey."))
        return HttpResponseRedirect(self._next(request))

    def _next(self, request: HttpRequest) -> str:
        return next_url(request, otherwise="home" if self.is_offer else _LIST)

    def _page(self, request: HttpRequest, *, is_refused: bool = False) -> HttpResponse:
        context = {
            "options": json.dumps(passkeys.options(request, self.site)),
            "is_offer": self.is_offer,
            "is_refused": is_refused,
            "has_admin": second_factor.is_needed(cast(User, request.user)),
            "opens_admin": second_factor.may_set_up(request),
            "next_url": self._next(request),
        }
        return _add_page(request, context)


class OfferView(AddView):
    """Offer a passkey to somebody whose code was right, on the way to the page they wanted."""

    is_offer = True


class RenameView(_PasskeyView):
    """Give a passkey another name on POST. A GET leads to the list."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(_LIST)

    def post(self, request: HttpRequest) -> HttpResponse:
        form, user = NameForm(request.POST), cast(User, request.user)
        if form.is_valid() and passkeys.rename(user, _pk(request), form.cleaned_data["name"]):
            messages.success(request, _("The passkey has its new name."))
        return redirect(_LIST)


@method_decorator(reauthentication.required, name="dispatch")
class RemoveView(_PasskeyView):
    """Remove a passkey on POST, after a fresh code. A GET leads to the list."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(_LIST)

    def post(self, request: HttpRequest) -> HttpResponse:
        if passkeys.remove(request, cast(User, request.user), _pk(request)):
            messages.success(
                request, _("That passkey no longer works. You can delete it on your device, too.")
            )
        return redirect(_LIST)


@features.passkeys("publickey-credentials-create")
def _add_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    return render(request, "accounts/passkey_add.html", context)


def _pk(request: HttpRequest) -> int:
    """Return which passkey a form is about, one that nobody has where it says none."""
    named = request.POST.get("passkey", "")
    return int(named) if named.isascii() and named.isdigit() and len(named) < 19 else 0

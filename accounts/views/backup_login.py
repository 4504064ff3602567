"""The page on which people sign in without their phone: with a backup code or a second number."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms import BackupForm
from accounts.login import backup_login, errors, other_way, phone_login
from accounts.operations import recoveries
from accounts.views import phone_cookie, site
from accounts.views.code_steps import likely_region, say_if_texted_before, signed_in_words
from accounts.views.login import LoginStepView
from accounts.views.onward import next_url


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class BackupLoginView(LoginStepView):
    """Sign in with number and backup code, or text a code to the second number of the account.

    Next comes a new number, since the old one is gone.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not backup_login.is_offered():
            raise Http404
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        initial = {"next": request.GET.get("next", "")}
        region = likely_region(request, phone_cookie.load(request))
        return _page(request, BackupForm(initial=initial, region=region))

    def post(self, request: HttpRequest) -> HttpResponse:
        region = likely_region(request, phone_cookie.load(request))
        if site.is_switch(request):
            form = BackupForm.typed(request.POST, region=region)
            return site.in_language(request, lambda: _page(request, form))
        if request.POST.get("way") == "second_number" and other_way.is_offered("second_number"):
            return self._text_second_number(request, region)
        form = BackupForm(request.POST, region=region)
        if not form.is_valid():
            return _page(request, form)
        typed = form.cleaned_data
        try:
            backup_login.finish(
                request, typed["phone"], typed["code"], next_url=next_url(request, otherwise="")
            )
        except errors.BackupCodeRefused as error:
            form.refuse()
            return _page(request, form, reference=error.reference)
        except errors.Unavailable as error:
            return _page(request, form, status=503, reference=error.reference)
        messages.success(request, signed_in_words())
        return redirect("accounts:number")

    def _text_second_number(self, request: HttpRequest, region: str) -> HttpResponse:
        """Text a code to the second number of the account with the number that was typed."""
        # No backup code is needed then.
        form = BackupForm(request.POST, region=region)
        form.fields["code"].required = False
        if form.has_error("phone"):
            form.errors.pop("code", None)
            return _page(request, form)
        phone, after = form.cleaned_data["phone"], resolve_url("accounts:number")
        try:
            texted = phone_login.start(request, phone, next_url=after, way="second_number")
        except errors.Unavailable as error:
            return _page(request, form, status=503, reference=error.reference)
        say_if_texted_before(request, texted)
        return redirect(self.awaited(request))


def _page(
    request: HttpRequest, form: BackupForm, *, status: int = 200, reference: str = ""
) -> HttpResponse:
    context = {"form": form, "is_unavailable": status == 503, "reference": reference}
    context["has_recovery"] = recoveries.is_offered()
    context["has_second_number"] = other_way.is_offered("second_number")
    return render(request, "accounts/backup_login.html", context, status=status)

"""The page on which people sign in with a backup code."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms import BackupForm
from accounts.login import backup_login, errors
from accounts.operations import recoveries
from accounts.views import phone_cookie, site
from accounts.views.code_steps import likely_region, next_url
from accounts.views.login import LoginStepView


@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class BackupLoginView(LoginStepView):
    """Sign in with number and backup code. Next comes a new number, since the old one is gone."""

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
        messages.success(
            request, _("You are signed in. If your number is gone, set your new one now.")
        )
        return redirect("accounts:number")


def _page(
    request: HttpRequest, form: BackupForm, *, status: int = 200, reference: str = ""
) -> HttpResponse:
    context = {"form": form, "is_unavailable": status == 503, "reference": reference}
    context["has_recovery"] = recoveries.is_offered()
    return render(request, "accounts/backup_login.html", context, status=status)

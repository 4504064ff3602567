"""The page of the sharing policy ``ask``: end the sessions of other devices, or stop here?"""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.login import errors, take_over
from accounts.views.login import LoginStepView
from accounts.views.onward import next_url


class TakeOverView(LoginStepView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return _question(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            done = take_over.take_over(request, attempt=request.POST.get("attempt", ""))
        except errors.OtherAttempt:
            return redirect("accounts:take_over")
        except errors.Unavailable:
            return _question(request, status=503)
        return HttpResponseRedirect(done.next_url or next_url(request))


class CancelView(LoginStepView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("accounts:take_over")

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            others = take_over.cancel(request)
        except errors.Unavailable:
            return _question(request, status=503)
        if others:
            said = ngettext(
                "You were not signed in here. Your other device still is.",
                "You were not signed in here. Your other devices still are.",
                others,
            )
            messages.info(request, said)
        elif others is not None:
            messages.info(request, _("You were not signed in here."))
        return redirect(settings.LOGIN_URL)


def _question(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    asked = take_over.pending_question(request)
    if asked is None:
        return redirect(settings.LOGIN_URL)
    context = {"asked": asked, "is_unavailable": status == 503}
    return render(request, "accounts/takeover.html", context, status=status)

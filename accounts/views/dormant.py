"""The page for a right code that does not open an account: nobody used its number here for long."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.login import dormant, errors
from accounts.views.login import LoginStepView
from accounts.views.onward import next_url


class DormantView(LoginStepView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return _question(request)


class AskView(LoginStepView):
    """Ask operators to open the account, on POST."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("accounts:dormant")

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            dormant.ask_operators(request, attempt=request.POST.get("attempt", ""))
        except errors.OtherAttempt:
            return redirect("accounts:dormant")
        except errors.Unavailable:
            return _question(request, status=503)
        return redirect("accounts:dormant")


class NewAccountView(LoginStepView):
    """Begin with a new account, on POST."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("accounts:dormant")

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            done = dormant.begin_afresh(request, attempt=request.POST.get("attempt", ""))
        except errors.OtherAttempt:
            return redirect("accounts:dormant")
        except errors.OperatorsOnly:
            messages.info(request, _("Only those who run this site can give you this number."))
            return redirect("accounts:dormant")
        except errors.Unavailable:
            return _question(request, status=503)
        messages.success(request, _("This is your new account."))
        return HttpResponseRedirect(done.next_url or next_url(request))


def _question(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    asked = dormant.pending_question(request)
    if asked is None:
        if status == 503:
            free = _("The number is free now. Sign in again, and you get a new account.")
            messages.info(request, free)
        return redirect("accounts:login")
    context = {"asked": asked, "reference": asked.reference, "is_unavailable": status == 503}
    return render(request, "accounts/dormant.html", context, status=status)

"""The page that the link of a mail leads to."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables

from accounts.events import sign_ins
from accounts.login import errors, login_link
from accounts.views.login import LoginStepView
from accounts.views.onward import next_url


@method_decorator(sensitive_variables("word"), name="dispatch")
class LoginLinkView(LoginStepView):
    """Say who asked. A button signs in here, or shows the code where others asked.

    A GET changes nothing: scanners open the links of mails.
    """

    http_method_names = ["get", "head", "post"]

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        # People who are signed in here may have asked for the mail elsewhere.
        return None

    def get(self, request: HttpRequest, reference: str, word: str) -> HttpResponse:
        return _page(request, reference)

    def post(self, request: HttpRequest, reference: str, word: str) -> HttpResponse:
        try:
            if "attempt" in request.POST:
                return self._sign_in(request, word)
            found = login_link.asked(sign_ins.read_reference(reference) or "")
            code = login_link.code_for(request, found, word) if found else ""
        except errors.Unavailable as error:
            is_lost = error.is_answer_lost
            return _page(request, reference, status=503, is_answer_lost=is_lost)
        except (errors.WrongCode, errors.Expired, errors.OtherAttempt, errors.NothingPending):
            return _page(request, reference, is_over=True)
        if not code:
            return _page(request, reference, is_over=True)
        return _page(request, reference, code=code)

    def _sign_in(self, request: HttpRequest, word: str) -> HttpResponse:
        done = login_link.finish(request, word, attempt=request.POST["attempt"])
        return HttpResponseRedirect(done.next_url or next_url(request))


def _page(request: HttpRequest, typed: str, *, status: int = 200, **facts: Any) -> HttpResponse:
    reference = sign_ins.read_reference(typed) or ""
    asked = login_link.asked(reference)
    context = {
        "asked": asked,
        "here": login_link.waiting_here(request, reference),
        "is_over": asked is None,
        "is_unavailable": status == 503,
        **facts,
    }
    return render(request, "accounts/login_link.html", context, status=status)

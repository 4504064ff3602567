"""The page of a provider's challenge: what its browser client needs, and the way back.

The provider's page leads back to ours with a token in the address. That signs nobody in: it shows a
form, in the browser in which the sign-in was begun, and the form carries the token on. The triggers
believe a token for the challenge that they gave to this sign-in, and for no other.
"""

from typing import Any

from csp.constants import HEADER
from csp.utils import build_policy
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.conf import conf
from accounts.forms import AnswerForm
from accounts.login import attempt_steps
from accounts.views.login import LoginStepView

KIND = "provider"


def context(challenge: Any) -> dict[str, Any]:
    """Return what the template needs for the browser client, which is "" where it is off."""
    return {
        "script": conf.provider_script,
        "integrity": conf.provider_script_integrity,
        "tenant": conf.provider_tenant,
    }


def allow_client(response: HttpResponse, challenge: Any) -> None:
    """Let this one page load the browser client, and hear from the window that it opens."""
    if conf.provider_script:
        response[HEADER] = build_policy(update={"script-src": [conf.provider_script]})
        response["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"


class ReturnView(LoginStepView):
    """Show the form that carries the provider's token on. It asks the flow for nothing."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        waiting = attempt_steps.current(request, self.steps.purpose)
        if waiting is None:
            return self.nothing_pending(request)
        challenge = waiting.challenge
        if challenge is None:
            return redirect(self.steps.start)
        attempt = request.GET.get("attempt", "")
        form = AnswerForm({"answer": request.GET.get("token", "")})
        if challenge.kind != KIND or not form.is_valid():
            return redirect(self.awaited(request))
        if attempt and attempt != challenge.reference:
            messages.info(
                request, _("That was for an earlier sign-in. Please go on with this one.")
            )
            return redirect(self.awaited(request))
        shown = {
            "challenge": challenge,
            "attempt": waiting.attempt,
            "next_url": waiting.next_url,
            "token": form.cleaned_data["answer"],
            "steps": self.steps,
            "reference": waiting.reference,
        }
        return render(request, "accounts/provider_return.html", shown)

"""The page of every challenge but the code: its answer, and all errors."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms import AnswerForm
from accounts.login import attempt_steps, errors, phone_login
from accounts.views import captchas, provider_page
from accounts.views.login import LoginStepView
from accounts.views.onward import next_url

# Kinds whose pages load a script of another company.
_FOREIGN: dict[str, Any] = {provider_page.KIND: provider_page, captchas.KIND: captchas}


@method_decorator(sensitive_post_parameters("answer"), name="dispatch")
class ChallengeView(LoginStepView):
    """Show the challenge that is awaited, and pass its answer to the flow.

    The template of a kind gets ``challenge``, its value, and ``form``, an ``AnswerForm``.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self._answered(request)
        if not form.is_valid():
            return self._page(request, form)
        answer = form.cleaned_data
        try:
            done = phone_login.finish(
                request, answer["answer"], attempt=answer["attempt"], kind=answer["kind"]
            )
        except errors.WrongCode as error:
            message = ngettext(
                "That is not right. You have %(tries)d try left.",
                "That is not right. You have %(tries)d tries left.",
                error.tries_left,
            )
            form.add_error("answer", message % {"tries": error.tries_left})
        except errors.Expired as error:
            words = _("That code is too old, or was used before. Type a newer one.")
            if error.becomes is None:
                words = _("This page is too old. Please start again.")
            form.add_error("answer", words)
        except errors.OtherAttempt:
            return redirect(self.awaited(request))
        except errors.Unavailable:
            return self._page(request, form, status=503)
        else:
            return HttpResponseRedirect(done.next_url or next_url(request))
        return self._page(request, form)

    def _answered(self, request: HttpRequest) -> AnswerForm:
        waiting = attempt_steps.current(request, self.steps.purpose)
        awaited = waiting.challenge if waiting else None
        if awaited is None or awaited.kind != request.POST.get("kind"):
            # A page of an earlier step, as the flow will say.
            return AnswerForm(request.POST)
        if awaited.takes_backup_codes and "backup" in request.POST:
            return AnswerForm(request.POST, is_backup_code=True)
        return AnswerForm(request.POST, digits=awaited.digits, takes=awaited.takes)

    def _page(
        self, request: HttpRequest, form: AnswerForm | None = None, *, status: int = 200
    ) -> HttpResponse:
        waiting = attempt_steps.current(request, self.steps.purpose)
        if waiting is None:
            return self.nothing_pending(request)
        if waiting.challenge is None:
            return redirect(self.steps.start)
        if waiting.code:
            return redirect(self.steps.code)
        context = {
            "challenge": waiting.challenge,
            "attempt": waiting.attempt,
            "next_url": waiting.next_url,
            "phone": self.shown(waiting.phone),
            "reference": waiting.reference,
            "form": form or AnswerForm(),
            "steps": self.steps,
            "is_unavailable": status == 503,
        }
        challenge = waiting.challenge
        foreign = _FOREIGN.get(challenge.kind)
        if foreign:
            context["client"] = foreign.context(challenge)
        response = render(
            request, f"accounts/challenges/{challenge.kind}.html", context, status=status
        )
        if foreign:
            foreign.allow_client(response, challenge)
        return response

"""Base views of every flow that texts a code: type it, ask for another, and all errors."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from accounts import countries, devices, phones
from accounts.conf import conf
from accounts.forms import CodeForm, MailedCodeForm
from accounts.login import (
    attempt_steps,
    backup_login,
    code_page,
    errors,
    known_browsers,
)
from accounts.login.flow import Texted
from accounts.login.pending import Pending, Purpose
from accounts.operations import recoveries
from accounts.views.refusals import RETRY_AFTER, too_many

# The tag of the message about another text.
_TEXTED = "texted"


@dataclass(frozen=True)
class Steps:
    """The pages of a flow that texts a code, by the names of their URLs."""

    purpose: Purpose
    start: str
    code: str
    resend: str
    # Of every other kind, where the flow has other steps.
    challenge: str = ""


@method_decorator(
    [never_cache, sensitive_post_parameters("phone", "password", "code")],
    name="dispatch",
)
class StepView(View):
    """A step of a flow. It turns the errors of the flow into pages and messages."""

    steps: Steps
    template = "accounts/code.html"
    code_form = CodeForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = self._step(request, *args, **kwargs)
        if response.status_code == 503:
            response.setdefault("Retry-After", RETRY_AFTER)
        devices.remember(request, response)
        known_browsers.remember(request, response)
        return response

    def _step(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if request.method != "POST":
                return self.elsewhere(request) or super().dispatch(request, *args, **kwargs)
            attempt_steps.throttle_post(request)
            # Before the session is read for the first time.
            with attempt_steps.alone(request):
                return self.elsewhere(request) or super().dispatch(request, *args, **kwargs)
        except errors.InUse:
            return redirect("accounts:take_over")
        except errors.Dormant:
            return redirect("accounts:dormant")
        except errors.NothingPending:
            return self.nothing_pending(request)
        except errors.NextStep:
            return redirect(self.awaited(request))
        except (errors.StartOver, errors.FurtherStep):
            return redirect(self.steps.start)
        except errors.TooMany as error:
            return too_many(request, error)

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return a redirect for people for whom this step is not meant, else None."""
        raise NotImplementedError

    def awaited(self, request: HttpRequest) -> str:
        """Return the name of the page on which the answer that is awaited now is typed."""
        waiting = attempt_steps.current(request, self.steps.purpose)
        return self.steps.code if waiting is None or waiting.code else self.steps.challenge

    def nothing_pending(self, request: HttpRequest) -> HttpResponse:
        """Return the response to a browser that has no flow under way."""
        return redirect(self.steps.start)

    def start_page(
        self, request: HttpRequest, waiting: Pending, *, status: int = 200, reference: str = ""
    ) -> HttpResponse:
        """Return the first page of the flow, from which the person can go on."""
        raise NotImplementedError

    def shown(self, phone: str) -> str:
        """Return a phone as the page shows it: whole, since it was typed in this browser."""
        return phones.spaced(phone)

    def _form(self, waiting: Pending | None) -> type[CodeForm]:
        return MailedCodeForm if waiting and waiting.way == "email" else self.code_form

    def code_page(
        self,
        request: HttpRequest,
        form: CodeForm | None = None,
        *,
        wait: int = 0,
        status: int = 200,
        is_answer_lost: bool = False,
    ) -> HttpResponse:
        """Return the page. ``is_answer_lost``: the code that was sent may be used up by now."""
        waiting = attempt_steps.current(request, self.steps.purpose)
        if waiting is not None and waiting.challenge is None and status == 503:
            # The code was right, and spent, before something failed.
            return self.start_page(request, waiting, status=status, reference=waiting.reference)
        if waiting is None:
            return self.nothing_pending(request)
        if waiting.challenge is None:
            return redirect(self.steps.start)
        if waiting.code is None:
            return redirect(self.steps.challenge)
        if form is None:
            length = waiting.code.code_length
            form = self._form(waiting)(initial={"attempt": waiting.attempt}, code_length=length)
        page = code_page.of(waiting, waiting.code)
        context = {
            **dataclasses.asdict(page),
            "phone": self.shown(page.phone),
            "steps": self.steps,
            "form": form,
            "wait": wait,
            "is_unavailable": status == 503,
            "is_answer_lost": is_answer_lost,
            "has_passkeys": conf.passkeys,
            "has_backup_login": self.steps.purpose == "login" and backup_login.is_offered(),
            "has_recovery": recoveries.is_offered(),
        }
        response = render(request, self.template, context, status=status)
        if wait:
            response["Retry-After"] = str(wait)
        return response


class CodeView(StepView):
    """Show the page of the code, and pass a code to the flow."""

    def finish(self, request: HttpRequest, code: str, *, attempt: str) -> str:
        """Pass the code to the flow. Return the URL to go to. Raises the errors of the flow."""
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.code_page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        waiting = attempt_steps.current(request, self.steps.purpose)
        length = waiting.code.code_length if waiting and waiting.code else 6
        form = self._form(waiting)(request.POST, code_length=length)
        if not form.is_valid():
            return self.code_page(request, form)
        try:
            url = self.finish(
                request, form.cleaned_data["code"], attempt=form.cleaned_data["attempt"]
            )
        except errors.WrongCode as error:
            message = ngettext(
                "That is not the code. You have %(tries)d try left.",
                "That is not the code. You have %(tries)d tries left.",
                error.tries_left,
            )
            form.add_error("code", message % {"tries": error.tries_left})
        except errors.Expired:
            form.add_error("code", _("That code is too old. Ask for a new one below."))
        except errors.OtherAttempt:
            form.add_error(
                "code", _("You have asked for another code since. Type the code you got last.")
            )
        except errors.Unavailable as error:
            is_lost = error.is_answer_lost
            return self.code_page(request, form, status=503, is_answer_lost=is_lost)
        else:
            return HttpResponseRedirect(url)
        return self.code_page(request, form)


class ResendView(StepView):
    """Send another text on POST, or the code by another channel.

    A GET, such as a reload, leads back to the page of the code.
    """

    http_method_names = ["get", "head", "post"]

    def resend(self, request: HttpRequest) -> Texted:
        """Ask the flow for another text. Return when it left."""
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(self.steps.code)

    def send_by(self, request: HttpRequest, channel: str) -> Texted:
        """Ask the flow for the code by another channel, where it has any."""
        raise errors.NextStep

    def post(self, request: HttpRequest) -> HttpResponse:
        channel = request.POST.get("channel", "")
        try:
            texted = self.send_by(request, channel) if channel else self.resend(request)
        except errors.TooSoon as error:
            return self.code_page(request, wait=error.retry_after, status=429)
        except errors.Unavailable:
            return self.code_page(request, status=503)
        self.say(request, texted, channel)
        return redirect(self.awaited(request))

    def say(self, request: HttpRequest, texted: Texted, channel: str) -> None:
        """Tell the person whether a text, or whatever it is, left just now."""
        if texted == "now":
            # The page's script adds the time, as the person's clock has it.
            tags = "" if channel else _TEXTED
            messages.success(request, _sent_words(channel), extra_tags=tags)
        say_if_texted_before(request, texted, channel)


def _sent_words(channel: str) -> str:
    if channel == "voice":
        return _("We are calling you now. The call reads the code digit by digit, twice.")
    if channel == "whatsapp":
        return _("We have sent the code by WhatsApp. It can take a minute.")
    if channel == "email":
        return _("If your account has an e-mail address, the code is on its way to it.")
    if channel == "second_number":
        return _("If your account has a second number, the code is on its way to it.")
    return _("We texted you again. It can take a minute.")


def say_if_texted_before(request: HttpRequest, texted: Texted, channel: str = "") -> None:
    """Tell the person that no text left just now, if an earlier one has the code."""
    if texted != "before":
        return
    words = _("We had already sent a text, so we did not send another one. Type the code from it.")
    if channel == "email":
        words = _("We had already sent an e-mail, so we did not send another one.")
    messages.info(request, words)


def signed_in_words() -> str:
    """Return what people read who came in without their number."""
    return _("You are signed in. If your number is gone, set your new one now.")


def likely_region(request: HttpRequest, phone: str | None) -> str:
    """Return the country of an earlier number, else the one of the browser's languages."""
    earlier = phones.country_of(phone) if phone else ""
    if earlier in conf.countries:
        return earlier
    languages = request.headers.get("Accept-Language", "")
    return countries.guess(languages, conf.countries, default=conf.default_region)

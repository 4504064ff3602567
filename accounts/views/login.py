"""What the browser meets: one call of the flow per view, and its outcome put into words."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import TemplateView, View

from accounts import countries, devices, phones
from accounts.conf import conf
from accounts.forms import CodeForm, PhoneForm
from accounts.login import attempt_steps, errors, phone_login
from accounts.login.pending import Pending, Purpose
from accounts.views import phone_cookie, site

_MAX_NEXT_LENGTH = 2000
# Seconds, as the page says: "in a minute".
_RETRY_AFTER = "60"


@method_decorator(never_cache, name="dispatch")
class HomeView(LoginRequiredMixin, TemplateView):
    template_name = "home.html"


@dataclass(frozen=True)
class Steps:
    """The pages of a flow that texts a code, by the names of their addresses."""

    purpose: Purpose
    start: str
    code: str
    resend: str


@method_decorator(
    [never_cache, sensitive_post_parameters("phone", "code")],
    name="dispatch",
)
class StepView(View):
    """A step of the sign-in. Who is signed in already is sent on."""

    steps = Steps("login", "accounts:login", "accounts:code", "accounts:resend")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = self._step(request, *args, **kwargs)
        if response.status_code == 503:
            response.setdefault("Retry-After", _RETRY_AFTER)
        devices.remember(request, response)
        return response

    def _step(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if elsewhere := self.elsewhere(request):
            return elsewhere
        try:
            if request.method == "POST":
                attempt_steps.admit(request)
            return super().dispatch(request, *args, **kwargs)
        except errors.InUse:
            return redirect("accounts:take_over")
        except errors.NothingPending:
            return self.nothing_pending(request)
        except (errors.StartOver, errors.FurtherStep):
            return redirect(self.steps.start)
        except errors.TooMany as error:
            return too_many(request, error)

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        """Return the way out for whom this step is not."""
        if request.user.is_authenticated:
            return HttpResponseRedirect(next_url(request))
        return None

    def nothing_pending(self, request: HttpRequest) -> HttpResponse:
        if self.steps.purpose == "login":
            messages.info(
                request,
                _(
                    "No sign-in is under way here any more. Type your number, and we will text "
                    "you a code."
                ),
            )
        return redirect(self.steps.start)

    def start_page(
        self, request: HttpRequest, waiting: Pending, *, status: int = 200, reference: str = ""
    ) -> HttpResponse:
        """Return the flow's first page, ready to go on from there."""
        form = PhoneForm(
            initial={"phone": phones.spaced(waiting.phone), "next": waiting.next_url},
            region=likely_region(request, waiting.phone),
        )
        return _phone_page(request, form, status=status, reference=reference)

    def shown(self, phone: str) -> str:
        """Return a phone as the page may show it to whoever looks."""
        return phones.mask(phone)

    def code_page(
        self,
        request: HttpRequest,
        form: CodeForm | None = None,
        *,
        wait: int = 0,
        status: int = 200,
        is_answer_lost: bool = False,
    ) -> HttpResponse:
        """Return the page; ``is_answer_lost`` where a code that was sent may be used up by now."""
        waiting = attempt_steps.current(request, self.steps.purpose)
        if waiting is not None and waiting.challenge is None and status == 503:
            # The code was right, and spent, before something failed.
            return self.start_page(request, waiting, status=status, reference=waiting.reference)
        if waiting is None:
            return self.nothing_pending(request)
        if waiting.challenge is None:
            return redirect(self.steps.start)
        if form is None:
            form = CodeForm(
                initial={"attempt": waiting.attempt}, code_length=waiting.challenge.code_length
            )
        delivery = waiting.challenge.delivery
        # Of a text that was asked for once more, the one before has brought the code.
        is_repetition = delivery == "over_budget" and waiting.challenge.texted_at is not None
        wait_for_text = waiting.seconds_to_resend()
        context = {
            "steps": self.steps,
            "form": form,
            "attempt": waiting.attempt,
            "next_url": waiting.next_url,
            "is_over_budget": delivery == "over_budget",
            # Nobody knows whether the text left: its code may come, and may be asked for again.
            "is_delayed": delivery == "delayed",
            "undelivered": "" if delivery in ("sent", "delayed") or is_repetition else delivery,
            # Those whom an earlier text may have brought a code that is still right.
            "may_have_code": delivery not in ("not_sent", "locked", "over_budget"),
            # Another text to the same number would fare no better.
            "is_hopeless": delivery in ("landline", "blocked_country", "locked"),
            "phone": self.shown(waiting.phone),
            "length": waiting.challenge.code_length,
            "tries": waiting.challenge.tries_left,
            "minutes": waiting.minutes_left(),
            "seconds_left": waiting.seconds_left(),
            "resend_in": wait_for_text,
            "resend_clock": _clock(wait_for_text),
            "resend_hours": math.ceil(wait_for_text / 3600) if wait_for_text >= 3600 else 0,
            "wait": wait,
            "is_unavailable": status == 503,
            "is_answer_lost": is_answer_lost,
            "reference": waiting.reference,
        }
        response = render(request, "accounts/code.html", context, status=status)
        if wait:
            response["Retry-After"] = str(wait)
        return response


class PhoneView(StepView):
    def get(self, request: HttpRequest) -> HttpResponse:
        waiting = attempt_steps.current(request)
        if phone_login.asked(request):
            return redirect("accounts:take_over")
        kept = phone_cookie.load(request)
        phone = waiting.phone if waiting else kept
        form = PhoneForm(
            initial={
                "phone": phones.spaced(phone) if phone else "",
                "remember": kept is not None,
                "next": request.GET.get("next") or (waiting.next_url if waiting else ""),
            },
            region=likely_region(request, phone),
        )
        over = waiting if waiting and waiting.challenge is None else None
        return _phone_page(request, form, over=over)

    def post(self, request: HttpRequest) -> HttpResponse:
        if site.is_switch(request):
            return site.in_language(request, partial(typed_page, request))
        form = PhoneForm(request.POST, region=likely_region(request, phone_cookie.load(request)))
        if not form.is_valid():
            return _phone_page(request, form)
        phone = form.cleaned_data["phone"]
        try:
            is_texted = phone_login.start(request, phone, next_url=next_url(request))
        except errors.Unavailable as error:
            return _phone_page(request, form, status=503, reference=error.reference)
        say_if_texted_before(request, is_texted=is_texted, purpose="login")
        response = redirect("accounts:code")
        if form.cleaned_data["remember"]:
            phone_cookie.store(response, phone)
        elif phone_cookie.load(request):
            phone_cookie.forget(response)
        return response


class ForgetView(StepView):
    """Only POST forgets."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(settings.LOGIN_URL)

    def post(self, request: HttpRequest) -> HttpResponse:
        phone_login.forget(request)
        messages.info(request, _("This device has forgotten your number."))
        response = redirect(settings.LOGIN_URL)
        phone_cookie.forget(response)
        return response


class CodeView(StepView):
    def finish(self, request: HttpRequest, code: str, *, attempt: str) -> str:
        """Return where to go once the code was right. Raises what the flow does."""
        done = phone_login.finish(request, code, attempt=attempt, purpose=self.steps.purpose)
        return done.next_url or next_url(request)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.code_page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        waiting = attempt_steps.current(request, self.steps.purpose)
        length = waiting.challenge.code_length if waiting and waiting.challenge else 6
        form = CodeForm(request.POST, code_length=length)
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
    """Only POST texts. Who reloads the address of a refusal gets the page it was refused on."""

    http_method_names = ["get", "head", "post"]

    def resend(self, request: HttpRequest) -> bool:
        return phone_login.resend(request, purpose=self.steps.purpose)

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(self.steps.code)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            is_texted = self.resend(request)
        except errors.TooSoon as error:
            return self.code_page(request, wait=error.retry_after, status=429)
        except errors.Unavailable:
            return self.code_page(request, status=503)
        if is_texted:
            messages.success(request, _("We have sent another text. It can take a minute."))
        say_if_texted_before(request, is_texted=is_texted, purpose=self.steps.purpose)
        return redirect(self.steps.code)


@method_decorator(never_cache, name="dispatch")
class SignOutView(LogoutView):
    """Only POST signs out. Who follows a link here is not signed out, and not lost either."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(settings.LOGIN_REDIRECT_URL)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        was_signed_in = request.user.is_authenticated
        phone_login.sign_out(request)
        if was_signed_in:
            messages.success(request, _("You are signed out."))
        return HttpResponseRedirect(next_url(request, otherwise=settings.LOGOUT_REDIRECT_URL))


def say_if_texted_before(request: HttpRequest, *, is_texted: bool, purpose: Purpose) -> None:
    """Say that nothing was texted just now, where an earlier text brings the code all the same."""
    waiting = attempt_steps.current(request, purpose)
    if not is_texted and waiting and waiting.challenge and waiting.challenge.delivery == "sent":
        messages.info(
            request,
            _("We had sent a text already, so we sent no other one now. Type the code from it."),
        )


def too_many(request: HttpRequest, error: errors.TooMany) -> HttpResponse:
    minutes = math.ceil(error.retry_after / 60)
    context = {"minutes": minutes, "reference": error.reference}
    response = render(request, "429.html", context, status=429)
    response["Retry-After"] = str(error.retry_after)
    return response


def likely_region(request: HttpRequest, phone: str | None) -> str:
    """Return the country to start with: of the number typed before, else of the browser."""
    earlier = phones.country_of(phone) if phone else ""
    if earlier in conf.countries:
        return earlier
    languages = request.headers.get("Accept-Language", "")
    return countries.guess(languages, conf.countries, default=conf.default_region)


def typed_page(request: HttpRequest, *, stale: str = "") -> HttpResponse:
    """Return the page of the phone with what was typed there, and with its error if it had one.

    ``stale``: why nothing else was done with it, "no_cookies" or "old".
    """
    region = likely_region(request, phone_cookie.load(request))
    form = PhoneForm.typed(request.POST, region=region)
    return _phone_page(request, form, stale=stale, status=403 if stale else 200)


def _phone_page(
    request: HttpRequest,
    form: PhoneForm,
    *,
    over: Pending | None = None,
    stale: str = "",
    status: int = 200,
    reference: str = "",
) -> HttpResponse:
    """``over`` is the sign-in that has just ended, whose code can be used no more."""
    context = {
        "form": form,
        "is_over": over is not None,
        "further_step": further_step(over),
        "stale": stale,
        "is_unavailable": status == 503,
        "is_remembered": phone_cookie.load(request) is not None,
        "reference": reference or (over.reference if over and over.further_step else ""),
    }
    return render(request, "accounts/phone.html", context, status=status)


def further_step(over: Pending | None) -> str:
    """Return what Cognito asked for after the right code, in words, or "" where that was all."""
    if over is None or not over.further_step:
        return ""
    return {
        "SMS_MFA": _("a second code by text"),
        "EMAIL_OTP": _("a code by e-mail"),
        "SOFTWARE_TOKEN_MFA": _("a code from an authenticator app"),
        "NEW_PASSWORD_REQUIRED": _("a new password"),
    }.get(over.further_step, _("a second step"))


def next_url(request: HttpRequest, *, otherwise: str | None = None) -> str:
    """Return where the person wanted to go, if that is on this host, or ``otherwise``: home."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    # A word alone would be read as the name of a view, or as a page beside this one.
    is_whole = url.startswith(("/", "http://", "https://"))
    if (
        is_whole
        and len(url) <= _MAX_NEXT_LENGTH
        and url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
    ):
        return url
    return resolve_url(otherwise or settings.LOGIN_REDIRECT_URL)


def _clock(seconds: int) -> str:
    """Return 75 as 1:15, which is the same in every language."""
    return f"{seconds // 60}:{seconds % 60:02d}"

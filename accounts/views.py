"""What the browser meets: one call of the flow per view, and its outcome put into words."""

import math
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView, View
from django.views.i18n import set_language

from accounts import brand, countries, phone_login, phones, remembered
from accounts.conf import conf
from accounts.forms import CodeForm, PhoneForm

_MAX_NEXT_LENGTH = 2000


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that this process serves. No I/O, so that a slow database does not restart it."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@cache_control(public=True, max_age=365 * 24 * 60 * 60, immutable=True)
def brand_css(request: HttpRequest) -> HttpResponse:
    """The site's own colours. Its address changes with them."""
    rules = brand.stylesheet(conf.site_color, conf.site_color_dark) if conf.site_color else ""
    return HttpResponse(rules, content_type="text/css")


class LanguageView(View):
    """Django's switch of languages, which lets the texts follow."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponseBase:
        chosen = request.POST.get("language", "")
        if request.user.is_authenticated and translation.check_for_language(chosen):
            with translation.override(chosen):
                phone_login.speak(request.user)
        return set_language(request)


@method_decorator(never_cache, name="dispatch")
class HomeView(LoginRequiredMixin, TemplateView):
    template_name = "home.html"


@method_decorator(
    [never_cache, sensitive_post_parameters("phone", "code")],
    name="dispatch",
)
class _LoginStepView(View):
    """A step of the sign-in. Who is signed in already is sent on."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            return HttpResponseRedirect(_next_url(request))
        try:
            if request.method == "POST":
                phone_login.admit(request)
            return super().dispatch(request, *args, **kwargs)
        except phone_login.NothingPending:
            return _nothing_pending(request)
        except phone_login.TooMany as error:
            return too_many(request, error.retry_after)


class PhoneView(_LoginStepView):
    def get(self, request: HttpRequest) -> HttpResponse:
        waiting = phone_login.current(request)
        kept = remembered.load(request)
        phone = waiting.phone if waiting else kept
        form = PhoneForm(
            initial={
                "phone": phones.spaced(phone) if phone else "",
                "remember": kept is not None,
                "next": request.GET.get("next") or (waiting.next_url if waiting else ""),
            },
            region=_likely_region(request, phone),
        )
        return _phone_page(request, form, is_over=bool(waiting and waiting.challenge is None))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PhoneForm(request.POST, region=_likely_region(request, remembered.load(request)))
        if not form.is_valid():
            return _phone_page(request, form)
        phone = form.cleaned_data["phone"]
        try:
            phone_login.start(request, phone, next_url=_next_url(request))
        except phone_login.Unavailable:
            return _phone_page(request, form, status=503)
        response = redirect("accounts:code")
        if form.cleaned_data["remember"]:
            remembered.store(response, phone)
        elif remembered.load(request):
            remembered.forget(response)
        return response


class ForgetView(_LoginStepView):
    """Only POST forgets."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(settings.LOGIN_URL)

    def post(self, request: HttpRequest) -> HttpResponse:
        phone_login.forget(request)
        messages.info(request, _("This device has forgotten your number."))
        response = redirect(settings.LOGIN_URL)
        remembered.forget(response)
        return response


class CodeView(_LoginStepView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return _code_page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        waiting = phone_login.current(request)
        length = waiting.challenge.code_length if waiting and waiting.challenge else 6
        form = CodeForm(request.POST, code_length=length)
        if not form.is_valid():
            return _code_page(request, form)
        try:
            done = phone_login.finish(
                request, form.cleaned_data["code"], attempt=form.cleaned_data["attempt"]
            )
        except phone_login.WrongCode as error:
            message = ngettext(
                "That is not the code. You have %(tries)d try left.",
                "That is not the code. You have %(tries)d tries left.",
                error.tries_left,
            )
            form.add_error("code", message % {"tries": error.tries_left})
        except phone_login.Expired:
            form.add_error("code", _("That code is too old. Ask for a new one below."))
        except phone_login.OtherAttempt:
            form.add_error(
                "code", _("You have asked for another code since. Type the code you got last.")
            )
        except phone_login.StartOver:
            return redirect(settings.LOGIN_URL)
        except phone_login.Unavailable:
            return _code_page(request, form, status=503)
        else:
            return HttpResponseRedirect(done.next_url or _next_url(request))
        return _code_page(request, form)


class ResendView(_LoginStepView):
    """Only POST texts. Who reloads the address of a refusal gets the page it was refused on."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("accounts:code")

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            phone_login.resend(request)
        except phone_login.TooSoon as error:
            return _code_page(request, wait=error.retry_after, status=429)
        except phone_login.Unavailable:
            return _code_page(request, status=503)
        return redirect("accounts:code")


@method_decorator(never_cache, name="dispatch")
class SignOutView(LogoutView):
    """Only POST signs out. Who follows a link here is not signed out, and not lost either."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(settings.LOGIN_REDIRECT_URL)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        was_signed_in = request.user.is_authenticated
        response = super().post(request, *args, **kwargs)
        if was_signed_in:
            messages.success(request, _("You are signed out."))
        return response


def too_many(request: HttpRequest, retry_after: int) -> HttpResponse:
    minutes = math.ceil(retry_after / 60)
    response = render(request, "429.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(retry_after)
    return response


def _nothing_pending(request: HttpRequest) -> HttpResponse:
    messages.info(
        request,
        _("No sign-in is under way here any more. Type your number, and we will text you a code."),
    )
    return redirect(settings.LOGIN_URL)


def _likely_region(request: HttpRequest, phone: str | None) -> str:
    """Return the country to start with: of the number typed before, else of the browser."""
    earlier = phones.country(phone) if phone else None
    if earlier in conf.countries:
        return str(earlier)
    languages = request.headers.get("Accept-Language", "")
    return countries.guess(languages, conf.countries, default=conf.default_region)


def _phone_page(
    request: HttpRequest, form: PhoneForm, *, is_over: bool = False, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "is_over": is_over,
        "is_unavailable": status == 503,
        "is_remembered": remembered.load(request) is not None,
    }
    return render(request, "accounts/phone.html", context, status=status)


def _code_page(
    request: HttpRequest, form: CodeForm | None = None, *, wait: int = 0, status: int = 200
) -> HttpResponse:
    waiting = phone_login.current(request)
    if waiting is not None and waiting.challenge is None and status == 503:
        # The code was right, and spent, before something failed.
        again = PhoneForm(
            initial={"phone": phones.spaced(waiting.phone), "next": waiting.next_url},
            region=_likely_region(request, waiting.phone),
        )
        return _phone_page(request, again, status=status)
    if waiting is None:
        return _nothing_pending(request)
    if waiting.challenge is None:
        return redirect(settings.LOGIN_URL)
    if form is None:
        form = CodeForm(
            initial={"attempt": waiting.attempt}, code_length=waiting.challenge.code_length
        )
    delivery = waiting.challenge.delivery
    context = {
        "form": form,
        "attempt": waiting.attempt,
        "next_url": waiting.next_url,
        "undelivered": "" if delivery == "sent" else delivery,
        # Another text to the same number would fare no better.
        "is_hopeless": delivery in ("landline", "blocked_country"),
        "phone": phones.mask(waiting.phone),
        "length": waiting.challenge.code_length,
        "tries": waiting.challenge.tries_left,
        "minutes": waiting.minutes_left(),
        "seconds_left": waiting.seconds_left(),
        "resend_in": waiting.seconds_to_resend(),
        "resend_clock": _clock(waiting.seconds_to_resend()),
        "reference": getattr(waiting.challenge, "reference", ""),
        "wait": wait,
        "is_unavailable": status == 503,
    }
    response = render(request, "accounts/code.html", context, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response


def _clock(seconds: int) -> str:
    """Return 75 as 1:15, which is the same in every language."""
    return f"{seconds // 60}:{seconds % 60:02d}"


def _next_url(request: HttpRequest) -> str:
    """Return where the person wanted to go, if that is on this host, or the home page."""
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
    return resolve_url(settings.LOGIN_REDIRECT_URL)

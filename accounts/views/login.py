"""The pages of a sign-in. Each view makes one call of the flow and shows its result."""

import json
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import LogoutView
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import TemplateView

from accounts import phones
from accounts.conf import conf
from accounts.forms import LoginForm
from accounts.login import (
    attempt_steps,
    backup_login,
    errors,
    other_way,
    passkey_login,
    passkeys,
    phone_login,
    take_over,
)
from accounts.login.flow import Texted
from accounts.login.pending import Pending, Way
from accounts.operations import recoveries
from accounts.views import code_steps, features, further_steps, phone_cookie, site
from accounts.views.code_steps import Steps, likely_region
from accounts.views.onward import next_url, with_next


@method_decorator(never_cache, name="dispatch")
class HomeView(LoginRequiredMixin, TemplateView):
    template_name = "home.html"


class LoginStepView(code_steps.StepView):
    """A step of the sign-in. People who are signed in already go to the next page."""

    steps = Steps(
        "login", "accounts:login", "accounts:code", "accounts:resend", "accounts:challenge"
    )

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        if request.user.is_authenticated:
            return HttpResponseRedirect(next_url(request))
        return None

    def nothing_pending(self, request: HttpRequest) -> HttpResponse:
        if "code" in conf.sign_in_plan:
            what = _("Your sign-in timed out. Enter your number, and we will text you a code.")
        else:
            what = _("Your sign-in timed out. Please start again.")
        messages.info(request, what)
        return redirect(self.steps.start)

    def start_page(
        self, request: HttpRequest, waiting: Pending, *, status: int = 200, reference: str = ""
    ) -> HttpResponse:
        form = LoginForm(
            initial={"phone": phones.spaced(waiting.phone), "next": waiting.next_url},
            region=likely_region(request, waiting.phone),
        )
        return _phone_page(request, form, status=status, reference=reference)


class PhoneView(LoginStepView):
    def get(self, request: HttpRequest) -> HttpResponse:
        waiting = attempt_steps.current(request)
        if take_over.pending_question(request):
            return redirect("accounts:take_over")
        kept = phone_cookie.load(request)
        phone = waiting.phone if waiting else kept
        form = LoginForm(
            initial={
                "phone": phones.spaced(phone) if phone else "",
                "remember": kept is not None,
                "next": request.GET.get("next") or (waiting.next_url if waiting else ""),
            },
            region=likely_region(request, phone),
        )
        is_over = waiting and waiting.challenge is None and not waiting.dormant
        over = waiting if is_over else None
        return _phone_page(request, form, over=over)

    def post(self, request: HttpRequest) -> HttpResponse:
        if site.is_switch(request):
            return site.in_language(request, partial(typed_page, request))
        form = LoginForm(request.POST, region=likely_region(request, phone_cookie.load(request)))
        if not form.is_valid():
            return _phone_page(request, form)
        phone = form.cleaned_data["phone"]
        is_mail = request.POST.get("way") == "email" and other_way.is_offered("email")
        way: Way = "email" if is_mail else ""
        try:
            texted = phone_login.start(
                request,
                phone,
                next_url=next_url(request),
                password=form.cleaned_data.get("password"),
                way=way,
            )
        except errors.WrongPassword as error:
            form.refuse_password()
            return _phone_page(request, form, reference=error.reference)
        except errors.Unavailable as error:
            return _phone_page(request, form, status=503, reference=error.reference)
        code_steps.say_if_texted_before(request, texted, way)
        response = redirect(self.awaited(request))
        if form.cleaned_data["remember"]:
            phone_cookie.store(response, phone)
        elif phone_cookie.load(request):
            phone_cookie.forget(response)
        return response


@method_decorator(sensitive_post_parameters("credential"), name="dispatch")
class PasskeyLoginView(LoginStepView):
    """Sign in with what the browser answered. A GET returns what it is asked, for old pages."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        options = passkey_login.options(request)
        if options is None:
            raise Http404
        return JsonResponse(options)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        answer = request.POST.get("credential", "")
        try:
            done = passkey_login.finish(request, answer, next_url=next_url(request, otherwise=""))
        except errors.PasskeyRefused:
            # The same for a wrong answer, an unknown passkey and a shut-out person.
            words = _("That passkey did not work. Type your number, and we will text you a code.")
            messages.info(request, words)
            return redirect(self.steps.start)
        except errors.Unavailable as error:
            form = LoginForm(region=likely_region(request, phone_cookie.load(request)))
            return _phone_page(request, form, status=503, reference=error.reference)
        return HttpResponseRedirect(done.next_url or next_url(request))


class ForgetView(LoginStepView):
    """Forget the number that this browser remembers, on POST."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(settings.LOGIN_URL)

    def post(self, request: HttpRequest) -> HttpResponse:
        phone_login.forget(request)
        messages.info(request, _("This device has forgotten your number."))
        response = redirect(settings.LOGIN_URL)
        phone_cookie.forget(response)
        return response


class CodeView(LoginStepView, code_steps.CodeView):
    def finish(self, request: HttpRequest, code: str, *, attempt: str) -> str:
        waiting = attempt_steps.current(request)
        done = phone_login.finish(request, code, attempt=attempt)
        if waiting and waiting.way == "second_number":
            messages.success(request, code_steps.signed_in_words())
        url = done.next_url or next_url(request)
        # Set by the page's script, so that nobody waits for what their browser does not have.
        is_able = request.POST.get("able") == "passkey"
        if is_able and passkeys.is_offered_now(request, done.user):
            return with_next("accounts:passkey_offer", url)
        return url


class ResendView(LoginStepView, code_steps.ResendView):
    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            return super().post(request)
        except errors.PasswordAgain:
            messages.info(
                request,
                _("We keep no password. Type yours once more, and we will text you again."),
            )
            return redirect(self.steps.start)

    def resend(self, request: HttpRequest) -> Texted:
        return phone_login.resend(request)

    def send_by(self, request: HttpRequest, channel: str) -> Texted:
        return phone_login.send_by(request, channel)

    def say(self, request: HttpRequest, texted: Texted, channel: str) -> None:
        waiting = attempt_steps.current(request)
        super().say(request, texted, channel or (waiting.way if waiting else ""))


@method_decorator(never_cache, name="dispatch")
class SignOutView(LogoutView):
    """Sign out on POST. A GET, such as by a link, goes to the home page."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(settings.LOGIN_REDIRECT_URL)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        was_signed_in = request.user.is_authenticated
        phone_login.sign_out(request)
        if was_signed_in:
            messages.success(request, _("You are signed out."))
        return HttpResponseRedirect(next_url(request, otherwise=settings.LOGOUT_REDIRECT_URL))


def typed_page(request: HttpRequest, *, stale: str = "") -> HttpResponse:
    """Return the page of the phone with the typed values, and with the error that it had.

    ``stale`` says why the form was not used: "no_cookies" or "old".
    """
    region = likely_region(request, phone_cookie.load(request))
    form = LoginForm.typed(request.POST, region=region)
    return _phone_page(request, form, stale=stale, status=403 if stale else 200)


@features.passkeys("publickey-credentials-get")
def _phone_page(
    request: HttpRequest,
    form: LoginForm,
    *,
    over: Pending | None = None,
    stale: str = "",
    status: int = 200,
    reference: str = "",
) -> HttpResponse:
    """Return the page. ``over`` is a sign-in that has just ended, whose code is used up."""
    options = passkey_login.options(request)
    context = {
        "form": form,
        "is_over": over is not None,
        "is_used_up": over is not None and over.is_used_up,
        "is_number_refused": over is not None and over.is_number_refused,
        "is_texted": "code" in conf.sign_in_plan,
        "further_step": further_steps.named(over),
        "stale": stale,
        "has_email_login": other_way.is_offered("email"),
        "has_backup_login": backup_login.is_offered(),
        "has_recovery": recoveries.is_offered(),
        "passkey_options": json.dumps(options) if options else "",
        "is_unavailable": status == 503,
        "is_remembered": phone_cookie.load(request) is not None,
        "reference": reference or (over.reference if over and over.further_step else ""),
    }
    return render(request, "accounts/phone.html", context, status=status)

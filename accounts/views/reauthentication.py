"""The pages on which people who are signed in type a fresh code."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render

from accounts import phones
from accounts.login import attempt_steps, errors, reauthentication
from accounts.login.flow import Texted
from accounts.login.pending import Pending
from accounts.views import further_steps
from accounts.views.code_steps import CodeView, ResendView, Steps, StepView, say_if_texted_before
from accounts.views.onward import next_url


class ConfirmStepView(StepView):
    """A step of the confirmation, for people who are signed in."""

    steps = Steps("confirm", "accounts:confirm", "accounts:confirm_code", "accounts:confirm_resend")

    def elsewhere(self, request: HttpRequest) -> HttpResponseBase | None:
        # A code may come with a cookie that its first press has replaced: the flow knows.
        if request.user.is_authenticated or isinstance(self, CodeView):
            return None
        return redirect_to_login(next_url(request))

    def shown(self, phone: str) -> str:
        # Nobody typed it here, and the device may have been left alone.
        return phones.mask(phone)

    def start_page(
        self,
        request: HttpRequest,
        waiting: Pending | None,
        *,
        status: int = 200,
        reference: str = "",
    ) -> HttpResponse:
        phone = getattr(request.user, "phone", None)
        over = waiting if waiting and waiting.challenge is None and status == 200 else None
        context = {
            "phone": phones.mask(phone) if phone else "",
            "next_url": waiting.next_url if waiting else next_url(request),
            "is_over": over is not None,
            "is_used_up": over is not None and over.is_used_up,
            "further_step": further_steps.named(over),
            "is_unavailable": status == 503,
            "reference": reference,
        }
        return render(request, "accounts/confirm.html", context, status=status)


class ConfirmView(ConfirmStepView):
    def get(self, request: HttpRequest) -> HttpResponse:
        if reauthentication.is_recent(request):
            return HttpResponseRedirect(next_url(request))
        return self.start_page(request, attempt_steps.current(request, "confirm"))

    def post(self, request: HttpRequest) -> HttpResponse:
        phone = getattr(request.user, "phone", None)
        if phone is None:
            return self.start_page(request, None)
        try:
            texted = reauthentication.start(request, phone, next_url=next_url(request))
        except errors.Unavailable as error:
            return self.start_page(request, None, status=503, reference=error.reference)
        say_if_texted_before(request, texted)
        return redirect(self.steps.code)


class ConfirmCodeView(ConfirmStepView, CodeView):
    def finish(self, request: HttpRequest, code: str, *, attempt: str) -> str:
        done = reauthentication.finish(request, code, attempt=attempt)
        return done.next_url or next_url(request)


class ConfirmResendView(ConfirmStepView, ResendView):
    def resend(self, request: HttpRequest) -> Texted:
        return reauthentication.resend(request)

    def send_by(self, request: HttpRequest, channel: str) -> Texted:
        return reauthentication.send_by(request, channel)

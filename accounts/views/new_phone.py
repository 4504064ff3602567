"""Type a number that is not the account's yet: the first page of each flow that proves one."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from accounts import phones
from accounts.forms import PhoneForm
from accounts.login import attempt_steps, errors
from accounts.login.flow import Texted
from accounts.login.pending import Pending
from accounts.models import User
from accounts.views import site
from accounts.views.code_steps import StepView, likely_region, say_if_texted_before


class NewPhoneStepView(StepView):
    """A step of such a flow. ``template_name`` is that of its first page."""

    template_name: str

    def region(self, request: HttpRequest) -> str:
        """Return the country that the form begins with: that of the number of today."""
        return likely_region(request, cast(User, request.user).phone)

    def facts(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the first page shows of the account."""
        return {}

    def page(
        self,
        request: HttpRequest,
        form: PhoneForm,
        *,
        is_over: bool = False,
        status: int = 200,
        reference: str = "",
    ) -> HttpResponse:
        """Return the first page. ``is_over``: no code is awaited any more."""
        context = {
            **self.facts(request),
            "form": form,
            "is_over": is_over,
            "is_unavailable": status == 503,
            "reference": reference,
        }
        return render(request, self.template_name, context, status=status)

    def start_page(
        self, request: HttpRequest, waiting: Pending, *, status: int = 200, reference: str = ""
    ) -> HttpResponse:
        form = PhoneForm(
            initial={"phone": phones.spaced(waiting.phone)},
            region=likely_region(request, waiting.phone),
        )
        return self.page(request, form, status=status, reference=reference)


class NewPhoneView(NewPhoneStepView):
    """The first page, which texts a code on POST."""

    same_phone: Any = _("That is your number already. Type the new one.")

    def text(self, request: HttpRequest, phone: str) -> Texted:
        """Text a code to the number. Raises SamePhone and Unavailable."""
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        waiting = attempt_steps.current(request, self.steps.purpose)
        is_over = bool(waiting and waiting.challenge is None and not waiting.proven)
        return self.page(request, PhoneForm(region=self.region(request)), is_over=is_over)

    def post(self, request: HttpRequest) -> HttpResponse:
        if site.is_switch(request):
            return site.in_language(request, lambda: self.page(request, self.typed(request)))
        return self.start(request)

    def typed(self, request: HttpRequest) -> PhoneForm:
        """Return the form as it was typed, where only the language of the page changes."""
        return PhoneForm.typed(request.POST, region=self.region(request))

    def start(self, request: HttpRequest) -> HttpResponse:
        """Have a code texted, and lead to its page."""
        form = PhoneForm(request.POST, region=self.region(request))
        if not form.is_valid():
            return self.page(request, form)
        try:
            texted = self.text(request, form.cleaned_data["phone"])
        except errors.SamePhone:
            form.add_error("phone", self.same_phone)
            return self.page(request, form)
        except errors.Unavailable as error:
            return self.page(request, form, status=503, reference=error.reference)
        say_if_texted_before(request, texted)
        return redirect(self.steps.code)

"""The page that a text with a code leads to, for people who did not ask for it."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.forms import PhoneForm
from accounts.login import attempt_steps, errors, stop_texts
from accounts.views import phone_cookie, refusals, site
from accounts.views.code_steps import likely_region
from accounts.views.message_page import MessagePageView


class StopTextsView(MessagePageView):
    """Stop texts to a number on POST, or allow them again. Scanners of links change nothing."""

    def get(self, request: HttpRequest, word: str) -> HttpResponse:
        kept = phone_cookie.load(request)
        form = PhoneForm(initial={"phone": kept or ""}, region=likely_region(request, kept))
        return _page(request, form, word)

    def post(self, request: HttpRequest, word: str) -> HttpResponse:
        attempt_steps.throttle_post(request)
        region = likely_region(request, phone_cookie.load(request))
        if site.is_switch(request):
            form = PhoneForm.typed(request.POST, region=region)
            return site.in_language(request, lambda: _page(request, form, word))
        form = PhoneForm(request.POST, region=region)
        if not form.is_valid():
            return _page(request, form, word)
        phone, lifts = form.cleaned_data["phone"], "allow" in request.POST
        try:
            if lifts:
                is_done, stopped = stop_texts.allow(request, phone, word), None
            else:
                stopped = stop_texts.stop(request, phone, word)
                is_done = stopped is not None
        except errors.Unavailable:
            return _page(request, form, word, status=503)
        if not is_done:
            return _page(request, form, word, is_wrong=True)
        return _page(request, form, word, stopped=stopped, is_allowed=lifts)


def _page(
    request: HttpRequest, form: PhoneForm, word: str, *, status: int = 200, **facts: Any
) -> HttpResponse:
    facts |= {"form": form, "word": word, "is_offered": stop_texts.is_offered()}
    return refusals.page(request, "accounts/stop_texts.html", status=status, **facts)

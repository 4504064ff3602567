"""What every page of the site goes by, its colours and its language, and what stands in for one."""

from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseServerError,
)
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.generic import View
from django.views.i18n import set_language

from accounts import brand, context_processors, phone_login
from accounts.conf import conf


@require_safe
@cache_control(public=True, max_age=365 * 24 * 60 * 60, immutable=True)
def brand_css(request: HttpRequest) -> HttpResponse:
    """The site's own colours. Its address changes with them."""
    rules = brand.stylesheet(conf.site_color, conf.site_color_dark) if conf.site_color else ""
    return HttpResponse(rules, content_type="text/css")


class LanguageView(View):
    """Django's switch of languages, which lets the texts follow."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(settings.LOGIN_REDIRECT_URL)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        return _switch(request)


def is_switch(request: HttpRequest) -> bool:
    """Tell whether a form was sent by a button of the languages, which takes along what was typed.

    So nobody types a number again to read an error in a language of theirs.
    """
    return "language" in request.POST


def in_language(request: HttpRequest, page: Callable[[], HttpResponse]) -> HttpResponse:
    """Return ``page()`` in the language that the button stands for, which the browser keeps."""
    switched = _switch(request, is_admitted=True)
    response = page()
    response.cookies.update(switched.cookies)
    return response


def _switch(request: HttpRequest, *, is_admitted: bool = False) -> HttpResponseBase:
    chosen = request.POST.get("language", "")
    response = set_language(request)
    if chosen in dict(settings.LANGUAGES):
        translation.activate(chosen)
        if request.user.is_authenticated:
            # Beyond the limit the texts follow at the next sign-in, as the page does now.
            with suppress(phone_login.TooMany):
                if not is_admitted:
                    phone_login.admit(request)
                phone_login.speak(request.user)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's own has not even the site's name. This one asks no session and no database."""
    return HttpResponseServerError(render_to_string("500.html", context_processors.site(request)))

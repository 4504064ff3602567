"""Views behind every page: the brand's stylesheet, the language switch and the error page."""

import logging
import sys
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseServerError,
)
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.generic import View
from django.views.i18n import set_language

from accounts import brand, context_processors
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import attempt_steps, errors, locale
from accounts.sessions.store import SessionStore

log = logging.getLogger(__name__)

_RETRY_AFTER = 30
# PostgreSQL's code for a write where none is taken.
_READ_ONLY = "25006"


@require_safe
@cache_control(public=True, max_age=365 * 24 * 60 * 60, immutable=True)
def brand_css(request: HttpRequest) -> HttpResponse:
    """Return the stylesheet of the brand's colours. Its URL changes with them."""
    return _colours(brand.stylesheet)


@require_safe
@cache_control(public=True, max_age=365 * 24 * 60 * 60, immutable=True)
def admin_brand_css(request: HttpRequest) -> HttpResponse:
    """Return the same for the admin's pages."""
    return _colours(brand.admin_stylesheet)


def _colours(rules_of: Callable[[str, str], str]) -> HttpResponse:
    rules = rules_of(conf.site_color, conf.site_color_dark) if conf.site_color else ""
    return HttpResponse(rules, content_type="text/css")


class LanguageView(View):
    """Switch the language of the pages as Django does, and of the person's texts."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect(settings.LOGIN_REDIRECT_URL)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        return _switch(request)


def is_switch(request: HttpRequest) -> bool:
    """Tell whether a language button sent the form, together with the typed values.

    So nobody types a number again to read an error in their language.
    """
    return "language" in request.POST


def in_language(request: HttpRequest, page: Callable[[], HttpResponse]) -> HttpResponse:
    """Return ``page()`` in the language of the button, which the browser keeps."""
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
            # Beyond the limit, only the page changes; texts follow at the next sign-in.
            with suppress(errors.TooMany):
                if not is_admitted:
                    attempt_steps.throttle_post(request)
                locale.sync_locale(request.user)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the page 500 with the site's name, without a session or a database query."""
    error = sys.exc_info()[1]
    reference = sign_ins.draw_reference()
    is_away = isinstance(error, (OperationalError, InterfaceError)) or _is_read_only(error)
    if error and is_away:
        return _without_database(request, error, reference)
    # Django logs the error itself, under the same request id.
    log.error("Something broke: %s %s", type(error).__name__, reference)
    context = {**context_processors.site(request), "reference": reference}
    return HttpResponseServerError(render_to_string("500.html", context))


def _is_read_only(error: BaseException | None) -> bool:
    """Tell whether the database takes no writes, as one that another has taken over from."""
    return isinstance(error, InternalError) and _sqlstate(error) == _READ_ONLY


def _sqlstate(error: BaseException) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""


def _without_database(request: HttpRequest, error: BaseException, reference: str) -> HttpResponse:
    """Return the page 503: the database is away or too slow, or a lock lasts too long."""
    log.error(
        "The database does not answer: %s %s %s", type(error).__name__, _sqlstate(error), reference
    )
    # Middleware must not ask the database again for the response, and wait again.
    request.session = SessionStore()
    request.__dict__.pop("_messages", None)
    context = {
        **context_processors.site(request),
        "again": request.get_full_path() if request.method in ("GET", "HEAD") else "/",
        "reference": reference,
    }
    response = HttpResponse(render_to_string("503.html", context), status=503)
    response["Retry-After"] = str(_RETRY_AFTER)
    add_never_cache_headers(response)
    return response

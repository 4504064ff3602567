"""What load balancers and orchestrators ask.

``/healthz`` is 200 while this process lives. ``/readyz`` is 200 while it can serve sign-ins, else
503. A process that has the pool's keys stays ready while they cannot be fetched anew; one that
never had any takes no traffic.
"""

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import tokens

log = logging.getLogger(__name__)

PATHS = ("/healthz", "/readyz")


class AskedByAddress:
    """Load balancers ask by address, and no list of allowed hosts could name them all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in PATHS and settings.ALLOWED_HOSTS:
            request.META["HTTP_HOST"] = settings.ALLOWED_HOSTS[0].lstrip(".").replace("*", "host")
            request.META.pop("HTTP_X_FORWARDED_HOST", None)
        return self._get_response(request)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that this process serves. No I/O, so that a slow database does not restart it."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer with what was asked of each part; errors go to the log alone."""
    parts = {
        name: _asked(name, ask)
        for name, ask in (("database", _database), ("cache", _cache), ("keys", _keys))
    }
    status = 503 if None in parts.values() else 200
    return JsonResponse({name: part or "failed" for name, part in parts.items()}, status=status)


def _asked(name: str, ask: Callable[[], str]) -> str | None:
    try:
        return ask()
    except Exception as error:
        # Whatever it is, the answer is the same.
        log.error("Not ready: %s: %s", name, type(error).__name__)  # noqa: TRY400
        return None


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _cache() -> str:
    cache.set("readyz", "ok", timeout=60)
    return str(cache.get("readyz"))


def _keys() -> str:
    return f"{tokens.keys_age():.0f} s old"

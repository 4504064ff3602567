"""The pages for load balancers and orchestrators.

``/healthz`` is 200 while this process lives. ``/readyz`` is 200 while it can serve sign-ins, else
503, and 503 from SIGTERM on. A process that has the pool's keys stays ready while they cannot be
fetched again; one that never had any takes no traffic. The cache is not asked: people sign in
without it.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from django.conf import settings
from django.db import InternalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.aws import tokens
from config import lame_duck

log = logging.getLogger(__name__)

PATHS = ("/healthz", "/readyz")
_IS_READ_ONLY = "SHOW transaction_read_only"


class HealthHostMiddleware:
    """Accept any Host header on the health pages: load balancers ask by address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Put a host that is allowed in place of the one that a health check sent."""
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
    """Answer with what was found of each part; errors go to the log alone."""
    if lame_duck.is_on():
        return JsonResponse({"stopping": True}, status=503)
    parts = readiness.parts()
    status = 503 if None in parts.values() else 200
    return JsonResponse({name: part or "failed" for name, part in parts.items()}, status=status)


class Readiness:
    """The state of each part, as found a moment ago.

    One thread of its own asks, however many probes come, and a probe waits for it for no longer
    than ``patience`` seconds: a part that hangs takes no thread from people. An answer
    serves for ``fresh`` seconds, then the parts are asked again.
    """

    def __init__(
        self, asks: Mapping[str, Callable[[], str]], *, patience: float = 0.5, fresh: float = 1.0
    ) -> None:
        self._asks = asks
        self._patience = patience
        self._fresh = fresh
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Forget all, as a process that has just started."""
        self._found: dict[str, str | None] = dict.fromkeys(self._asks)
        self._found_at = float("-inf")
        self._asking_since: float | None = None

    def parts(self) -> dict[str, str | None]:
        """Return by the name of each part what it said; None where it failed, or has not yet."""
        asking = None
        with self._lock:
            now = time.monotonic()
            if self._asking_since is None and now - self._found_at >= self._fresh:
                self._asking_since = now
                asking = threading.Thread(target=self._ask, daemon=True)
        if asking:
            asking.start()
            asking.join(self._patience)
        with self._lock:
            since = self._asking_since
            if since is not None and time.monotonic() - since >= self._patience:
                return dict.fromkeys(self._asks)
            return dict(self._found)

    def _ask(self) -> None:
        found = {name: _asked(name, ask) for name, ask in self._asks.items()}
        with self._lock:
            self._found, self._found_at = found, time.monotonic()
            self._asking_since = None


def _asked(name: str, ask: Callable[[], str]) -> str | None:
    try:
        return ask()
    except Exception as error:
        # Any error means "not ready".
        log.error("Not ready: %s: %s", name, type(error).__name__)  # noqa: TRY400
        return None


def _database() -> str:
    """Connect as a request would, and close the connection again.

    A server that takes no writes, as after a failover, signs nobody in.
    """
    own = connection.get_new_connection(connection.get_connection_params())
    try:
        ask = _IS_READ_ONLY if connection.vendor == "postgresql" else "SELECT 'off'"
        if own.cursor().execute(ask).fetchone()[0] != "off":
            raise InternalError("The database is read-only")
    finally:
        own.close()
    return "ok"


def _keys() -> str:
    return f"{tokens.keys_age():.0f} s old"


readiness = Readiness({"database": _database, "keys": _keys})

"""Work that nobody should wait for: done when the answer has left, by the thread that gave it."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

log = logging.getLogger(__name__)

_KEY = "_accounts_afterwards"


def do(request: HttpRequest, work: Callable[[], object]) -> None:
    """Let ``work`` be done after the answer to ``request``. What it raises is logged."""
    if not hasattr(request, _KEY):
        setattr(request, _KEY, [])
    getattr(request, _KEY).append(work)


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Hang what was asked for on the closing of the response, which the server does at the end."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for work in getattr(request, _KEY, []):
            response._resource_closers.append(_kept_quiet(work))  # type: ignore[attr-defined]
        return response

    return handle


def _kept_quiet(work: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except Exception:
            log.exception("Work after a response failed")

    return run

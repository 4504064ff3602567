"""Do work after the response has left, in the same thread, so that nobody waits for it."""

import logging
from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponseBase

log = logging.getLogger(__name__)

_KEY = "_accounts_after_response"


def do(request: HttpRequest, work: Callable[[], object]) -> None:
    """Call ``work`` after the response to ``request`` has left. Its errors are logged."""
    if not hasattr(request, _KEY):
        setattr(request, _KEY, [])
    getattr(request, _KEY).append(work)


def let_work_at_close(request: HttpRequest, response: HttpResponseBase) -> None:
    """Do the work when the server closes the response, which it does at the end."""
    if works := getattr(request, _KEY, []):
        # Django's signal request_finished does not say which request it was.
        setattr(response, "close", partial(_work_and_close, works, response.close))  # noqa: B010


def _work_and_close(works: list[Callable[[], object]], close: Callable[[], None]) -> None:
    # Servers may close twice.
    while works:
        try:
            works.pop(0)()
        except Exception:
            log.exception("Work after a response failed")
    close()

"""One log line for each request, and the request and its network on every other line."""

import logging
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from accounts import devices
from accounts.conf import conf
from config import health, logs

log = logging.getLogger(__name__)


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Give each request an id, and write its line when it is over.

    The line has the path without the query, where people search for phones. Health checks come
    every few seconds, so they have one only when they went wrong.
    """

    def handle(request: HttpRequest) -> HttpResponseBase:
        about = {
            "request": f"{request.method} {request.path}",
            "request_id": _id(request),
            # Too wide to point at a household.
            "network": devices.shorten(devices.client_address(request)),
        }
        # Django writes "Not Found" and its like when the middleware is over.
        setattr(request, logs.ABOUT, about)
        token = logs.request_now.set(about)
        try:
            response = get_response(request)
            _write(request, response.status_code)
        finally:
            logs.request_now.reset(token)
        return response

    return handle


def _id(request: HttpRequest) -> str:
    # Our proxy may name requests; a stranger must not.
    given = request.META.get("HTTP_X_REQUEST_ID") if conf.trusted_proxies else None
    return given or str(uuid.uuid4())


def _write(request: HttpRequest, code: int) -> None:
    level = logging.ERROR if code >= 500 else logging.INFO
    if level == logging.INFO and request.path in health.PATHS:
        return
    fields = {"code": code, "user_agent": request.META.get("HTTP_USER_AGENT")}
    log.log(level, "request_finished", extra={logs.FIELDS: fields})

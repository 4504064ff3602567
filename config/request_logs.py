"""Add the request and its network to every log line, Django's own included."""

from typing import Any

import structlog
from django.dispatch import receiver
from django.http import HttpRequest
from django_structlog import signals

from accounts import devices


@receiver(signals.bind_extra_request_metadata)
def bind(request: HttpRequest, **kwargs: Any) -> None:
    """Put the network, too wide to point at a household, on every line of this request.

    Django writes "Not Found" and its like when the request is over, so they find it on the request.
    """
    network = devices.shorten(devices.client_address(request))
    structlog.contextvars.bind_contextvars(network=network)
    about = {"request": f"{request.method} {request.path}"}
    setattr(request, "log_context", about | structlog.contextvars.get_contextvars())  # noqa: B010


@receiver(
    [signals.bind_extra_request_finished_metadata, signals.bind_extra_request_failed_metadata]
)
def add_user_agent(request: HttpRequest, log_kwargs: dict[str, Any], **kwargs: Any) -> None:
    """Put the browser on the line of the request."""
    log_kwargs["user_agent"] = request.headers.get("User-Agent")

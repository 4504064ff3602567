"""Pages that ask people to try again later: the limit is reached, or something is away."""

import math
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.login import errors

# Seconds, as the pages say: "in a minute".
RETRY_AFTER = "60"


def too_many(request: HttpRequest, error: errors.TooMany) -> HttpResponse:
    """Return the page 429, which says when to try again."""
    minutes = math.ceil(error.retry_after / 60)
    context = {"minutes": minutes, "reference": error.reference}
    response = render(request, "429.html", context, status=429)
    response["Retry-After"] = str(error.retry_after)
    return response


def page(request: HttpRequest, template: str, *, status: int = 200, **facts: Any) -> HttpResponse:
    """Return a page that also is the answer where what it needs ``is_unavailable``."""
    context = {"is_unavailable": status == 503, **facts}
    response = render(request, template, context, status=status)
    if status == 503:
        response["Retry-After"] = RETRY_AFTER
    return response

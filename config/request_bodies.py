"""Refuse request bodies that are too large, or did not arrive whole."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.template.loader import render_to_string

from accounts import context_processors


def middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuse a body that is too large before it is read, and one that did not arrive whole.

    A body without a length in advance (chunked) is refused as well: no browser sends a form so,
    and Django would take it for an empty one.
    """

    def handle(request: HttpRequest) -> HttpResponseBase:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        is_chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
        if is_chunked or length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            page = render_to_string("413.html", context_processors.site(request))
            return HttpResponse(page, status=413)
        if length and not _is_whole(request, length):
            return HttpResponse("The request did not arrive whole.", "text/plain", 408)
        return get_response(request)

    return handle


def _is_whole(request: HttpRequest, length: int) -> bool:
    try:
        return len(request.body) == length
    except UnreadablePostError:
        return False

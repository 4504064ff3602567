"""Acts that need a code typed a moment ago, not only a session."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from accounts import sessions
from accounts.conf import conf

View = Callable[..., HttpResponseBase]


def is_recent(request: HttpRequest) -> bool:
    """Tell whether the person typed a code within the last ACCOUNTS_CONFIRM_SECONDS."""
    row = sessions.for_request(request).row
    if row is None or row.confirmed_at is None:
        return False
    return bool(timezone.now() - row.confirmed_at < timedelta(seconds=conf.confirm_seconds))


def required(view: View) -> View:
    """Let a signed-in person pass who has confirmed lately, and send others to do so first.

    They come back to the address they asked for, or, from a form, to the page that it stood on.
    Who is not signed in is left to the view.
    """

    @wraps(view)
    def confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated or is_recent(request):
            return view(request, *args, **kwargs)
        query = urlencode({"next": _page_of(request)})
        return redirect(f"{resolve_url('accounts:confirm')}?{query}")

    return confirmed


def _page_of(request: HttpRequest) -> str:
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, allowed_hosts={request.get_host()}):
        parts = urlsplit(came_from)
        return parts._replace(scheme="", netloc="").geturl()
    return resolve_url(settings.LOGIN_REDIRECT_URL)

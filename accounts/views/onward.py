"""The page that the person wanted, carried through the steps as ``next``."""

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

_MAX_NEXT_LENGTH = 2000


def next_url(request: HttpRequest, *, otherwise: str | None = None) -> str:
    """Return the URL that the person wanted, if it is on this host, else ``otherwise`` or home."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    # A bare word would be read as the name of a view, or as a relative URL.
    is_whole = url.startswith(("/", "http://", "https://"))
    if (
        is_whole
        and len(url) <= _MAX_NEXT_LENGTH
        and url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
    ):
        return url
    return resolve_url(otherwise or settings.LOGIN_REDIRECT_URL)


def with_next(name: str, url: str) -> str:
    """Return the address of a page, by its name, that leads on to ``url``."""
    return f"{resolve_url(name)}?{urlencode({'next': url})}"

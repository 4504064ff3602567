"""Which device a request comes from, as plainly as a person would say it.

A browser is known again by a cookie of its own, which means nothing by itself: it signs nobody in.
"""

import ipaddress
import secrets
from dataclasses import dataclass

import ua_parser
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

from accounts.login import throttle

_COOKIE_AGE = 400 * 24 * 60 * 60  # the longest that browsers keep one
_MAX_USER_AGENT = 512
_MAX_COOKIE = 64
_PHONES_AND_TABLETS = ("iPhone", "iPad", "iPod")


@dataclass(frozen=True)
class Device:
    """``name`` is such as "iPhone" or "Firefox on Windows", "" where the browser says nothing.

    ``browser`` is a keyed digest of the browser's cookie, "" where it has none yet. ``network`` is
    the shortened address, such as 203.0.113.0/24.
    """

    name: str
    browser: str
    network: str


def of(request: HttpRequest) -> Device:
    cookie = request.COOKIES.get(_cookie_name(), "")[:_MAX_COOKIE]
    return Device(
        name=describe(request.headers.get("User-Agent", "")),
        browser=salted_hmac("accounts.devices", cookie, algorithm="sha256").hexdigest()
        if cookie
        else "",
        network=shorten(throttle.client_address(request)),
    )


def remember(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give a browser without one the cookie by which it is known again."""
    if request.COOKIES.get(_cookie_name()):
        return
    response.set_cookie(
        _cookie_name(),
        secrets.token_urlsafe(16),
        max_age=_COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def describe(user_agent: str) -> str:
    """Return a plain name for what a browser says of itself."""
    parsed = ua_parser.parse(user_agent[:_MAX_USER_AGENT])
    device = parsed.device.family if parsed.device else ""
    if device in _PHONES_AND_TABLETS:
        return device
    browser = parsed.user_agent.family if parsed.user_agent else ""
    system = parsed.os.family if parsed.os else ""
    browser = browser.removesuffix(" Mobile").removesuffix(" WebView")
    if browser and system:
        return f"{browser} on {system}"[:80]
    return (browser or system)[:80]


def shorten(address: str) -> str:
    """Return the network of an address, too wide to point at a household: /24 or /48."""
    try:
        parsed = ipaddress.ip_address(throttle.network(address).partition("/")[0])
    except ValueError:
        return ""
    width = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, width), strict=False))


def _cookie_name() -> str:
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"

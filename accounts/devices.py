"""Name the device of a request in plain words, and recognise its browser and network.

A browser is recognised by a long-lived cookie, which signs nobody in.
"""

import ipaddress
import secrets
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

import ua_parser
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

from accounts.conf import conf

# One request asks several times about its address.
_remembered = lru_cache(maxsize=256)

_COOKIE_AGE = 400 * 24 * 60 * 60  # the longest that browsers keep one
_MAX_USER_AGENT = 512
_MAX_COOKIE = 64
_KEY = "_accounts_device"
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PHONES_AND_TABLETS = ("iPhone", "iPad", "iPod")


@dataclass(frozen=True)
class Device:
    """The device of a request.

    ``name`` is "iPhone", "Firefox on Windows" or the like, "" if the browser says nothing.
    ``browser`` is a keyed digest of the browser's cookie, "" if it has none yet. ``network`` is the
    shortened address, such as 203.0.113.0/24.
    """

    name: str
    browser: str
    network: str


def of(request: HttpRequest) -> Device:
    """Return the device of a request, which is worked out once."""
    found: Device | None = getattr(request, _KEY, None)
    if found is None:
        found = _read(request)
        setattr(request, _KEY, found)
    return found


def _read(request: HttpRequest) -> Device:
    cookie = cookie_of(request)
    return Device(
        name=describe(request.headers.get("User-Agent", "")),
        browser=salted_hmac("accounts.devices", cookie, algorithm="sha256").hexdigest()
        if cookie
        else "",
        network=shorten(client_address(request)),
    )


def cookie_of(request: HttpRequest) -> str:
    """Return the secret by which the browser is recognised, "" if it has none yet."""
    return request.COOKIES.get(_cookie_name(), "")[:_MAX_COOKIE]


def remember(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the cookie by which the browser is recognised, if it has none."""
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
    """Return a plain name for a User-Agent header, "" if it says nothing."""
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


def client_address(request: HttpRequest) -> str:
    """Return the address of the browser: the entry that our outermost proxy wrote, or the peer.

    X-Forwarded-For is read from the right, one place for each trusted proxy. The client can write
    anything further to the left.
    """
    if proxies := conf.trusted_proxies:
        forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
        chain = [part.strip() for part in forwarded.split(",")]
        if len(chain) >= proxies and chain[-proxies]:
            return chain[-proxies]
    return str(request.META.get("REMOTE_ADDR", ""))


@_remembered
def network(address: str) -> str:
    """Return the network that counts as one client: an IPv4 address, or an IPv6 /64."""
    parsed = _parsed(address)
    if parsed is None:
        return "unknown"
    return str(parsed) if parsed.version == 4 else _around(parsed, 64)


@_remembered
def shorten(address: str) -> str:
    """Return a network that is too wide to identify a household: /24 or /48."""
    parsed = _parsed(address)
    if parsed is None:
        return ""
    return _around(parsed, 24 if parsed.version == 4 else 48)


def _parsed(address: str) -> _Address | None:
    try:
        # Some proxies write the port as well.
        bare = address if address.count(":") > 1 and "[" not in address else _host(address)
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    return mapped or parsed


def _around(address: _Address, width: int) -> str:
    # ipaddress.ip_network takes several times as long, and every request is logged with this.
    bits = address.max_prefixlen - width
    return f"{type(address)(int(address) >> bits << bits)}/{width}"


def _cookie_name() -> str:
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"


def _host(address: str) -> str:
    return urlsplit(f"//{address}").hostname or ""

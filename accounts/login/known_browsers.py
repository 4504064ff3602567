"""Browsers that signed in to an account before, which the triggers count apart from strangers.

A signed cookie of this host names the last accounts that signed in here, by digests with the cookie
by which the browser is recognised. It signs nobody in, and means nothing in another browser.
"""

import hashlib
import hmac
import time
from math import ceil
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from accounts import devices
from accounts.aws import statements
from accounts.conf import conf
from accounts.models import User

_KEPT = 90 * 24 * 60 * 60
_ACCOUNTS = 5
_SALT = "accounts.known_browsers"
_MAX_COOKIE = 1024
_SIGNED_IN = "_accounts_signed_in"
_Entry = tuple[str, int]


def proof(request: HttpRequest, user: User | None) -> str:
    """Return the site's word that the browser is known to an account, "" where it is not.

    It counts for a minute. Nothing is asked of the database.
    """
    if user is None or not conf.known_client_id or not is_known(request, user):
        return ""
    return statements.known_browser(sub=user.sub, browser=devices.of(request).browser)


def is_known(request: HttpRequest, user: User) -> bool:
    """Tell whether the browser signed in to an account, and was not forgotten since."""
    account = _account(request, user)
    forgotten = user.browsers_forgotten_at
    since = max(time.time() - _KEPT, forgotten.timestamp() if forgotten else 0)
    return any(account == known and at >= since * 1000 for known, at in _read(request))


def signed_in(request: HttpRequest, user: User) -> None:
    """Have the response to this request make the browser a known one of the account."""
    setattr(request, _SIGNED_IN, user)


def remember(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the cookie, if somebody has signed in with this request."""
    user: User | None = getattr(request, _SIGNED_IN, None)
    if user is None or not devices.cookie_of(request):
        return
    account = _account(request, user)
    others = [entry for entry in _read(request) if entry[0] != account]
    # In milliseconds, rounded up: others may have been forgotten a moment ago.
    entries = [(account, ceil(time.time() * 1000)), *others][:_ACCOUNTS]
    response.set_cookie(
        _name(),
        signing.dumps(entries, salt=_SALT),
        max_age=_KEPT,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> list[_Entry]:
    cookie = request.COOKIES.get(_name(), "")
    if not cookie or len(cookie) > _MAX_COOKIE or not devices.cookie_of(request):
        return []
    try:
        # The key's older ones serve as well; what was signed with them is ours, and so well formed.
        entries: list[Any] = signing.loads(cookie, salt=_SALT, max_age=_KEPT)
    except signing.BadSignature:
        return []
    return [(account, at) for account, at in entries]


def _account(request: HttpRequest, user: User) -> str:
    """Return a short name of an account that means nothing without the browser's own cookie."""
    words = f"{user.pool} {user.sub}".encode()
    return hmac.digest(devices.cookie_of(request).encode(), words, hashlib.sha256).hex()[:16]


def _name() -> str:
    return "__Host-known" if settings.SESSION_COOKIE_SECURE else "known"

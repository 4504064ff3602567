"""The number that a person let this browser keep, in a cookie of this host alone.

Signed, so that nobody plants a number; out of reach for scripts; and gone on demand. It works
without JavaScript, and nothing of it is kept on our side.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_KEPT = 180 * 24 * 60 * 60
_SALT = "accounts.remembered"


def load(request: HttpRequest) -> str | None:
    """Return the number (E.164), or None. It may be of a country that is not texted any more."""
    return request.get_signed_cookie(_name(), default=None, salt=_SALT, max_age=_KEPT)


def store(response: HttpResponse, phone: str) -> None:
    response.set_signed_cookie(
        _name(),
        phone,
        salt=_SALT,
        max_age=_KEPT,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget(response: HttpResponse) -> None:
    response.delete_cookie(_name(), samesite="Lax")


def _name() -> str:
    return "__Host-phone" if settings.SESSION_COOKIE_SECURE else "phone"

"""The number that a person let this browser keep, in a cookie that the pages of accounts alone get.

Signed, so that nobody plants a number; out of reach for scripts; and gone on demand. It works
without JavaScript, and nothing of it is kept on our side.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

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
        path=_path(),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget(response: HttpResponse) -> None:
    response.delete_cookie(_name(), path=_path(), samesite="Lax")


def _path() -> str:
    """Return where signing in and changing one's number are."""
    return reverse("accounts:login").removesuffix("login/")


def _name() -> str:
    return "__Secure-phone" if settings.SESSION_COOKIE_SECURE else "phone"

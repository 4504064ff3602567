"""Remember a phone in the browser, in a cookie of this host, if the person wants that.

The cookie is signed, so that nobody can plant a number, and scripts cannot read it. It works
without JavaScript, and the server keeps nothing.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_KEPT = 180 * 24 * 60 * 60
_SALT = "accounts.remembered"


def load(request: HttpRequest) -> str | None:
    """Return the number (E.164), or None. It may be of a country that is not texted any more."""
    return request.get_signed_cookie(_name(), default=None, salt=_SALT, max_age=_KEPT)


def store(response: HttpResponse, phone: str) -> None:
    """Let the browser remember a phone in E.164 for 180 days."""
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
    """Remove the cookie."""
    response.delete_cookie(_name(), samesite="Lax")


def _name() -> str:
    return "__Host-phone" if settings.SESSION_COOKIE_SECURE else "phone"

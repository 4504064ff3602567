"""How a person signed in: the methods (``amr``, RFC 8176), and the passkey where it was one."""

from collections.abc import Iterable

from django.http import HttpRequest

_KEY = "accounts.methods"
_PASSKEY = "accounts.passkey"


def keep(request: HttpRequest, methods: Iterable[str], *, passkey: int | None = None) -> None:
    """Remember them with the session that has just begun. ``passkey`` is the id of its row."""
    if names := sorted(methods):
        request.session[_KEY] = names
    if passkey is not None:
        request.session[_PASSKEY] = passkey


def add(request: HttpRequest, method: str) -> None:
    """Add what the person has proven since they signed in."""
    request.session[_KEY] = sorted({*request.session.get(_KEY, ()), method})


def of(request: HttpRequest) -> frozenset[str]:
    """Return how the person of this session signed in: ``{"sms"}``, or ``{"mfa", "pwd", "sms"}``.

    Empty where nobody is signed in, and where the tokens do not say (``TokenClaims`` of the stack).
    """
    if not request.user.is_authenticated:
        return frozenset()
    return frozenset(request.session.get(_KEY, ()))


def passkey_of(request: HttpRequest) -> int | None:
    """Return the id of the passkey of this session, None where none was used or made in it."""
    return request.session.get(_PASSKEY) if request.user.is_authenticated else None

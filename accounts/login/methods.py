"""Methods by which a person signed in, where the pool's tokens say them (``amr``, RFC 8176)."""

from collections.abc import Iterable

from django.http import HttpRequest

_KEY = "accounts.methods"


def keep(request: HttpRequest, methods: Iterable[str]) -> None:
    """Remember them with the session that has just begun."""
    if names := sorted(methods):
        request.session[_KEY] = names


def of(request: HttpRequest) -> frozenset[str]:
    """Return how the person of this session signed in: ``{"sms"}``, or ``{"mfa", "pwd", "sms"}``.

    Empty where nobody is signed in, and where the tokens do not say (``TokenClaims`` of the stack).
    """
    if not request.user.is_authenticated:
        return frozenset()
    return frozenset(request.session.get(_KEY, ()))

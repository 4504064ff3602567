"""Writes down what happened when people signed in, for operators and for support.

An event holds no code and no whole phone. Its ``reference`` is short enough to be read out over
the phone: the triggers draw it from the challenge and log it beside the message id, the page shows
it, and here it finds the attempt.
"""

import secrets

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts import devices, phones
from accounts.models import SignInEvent, User

Kind = SignInEvent.Kind

# Without those that are taken for one another. The triggers use the same.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def draw_reference() -> str:
    """Return a reference for an attempt that got none from the triggers, such as K7F-2Q."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(5))
    return f"{drawn[:3]}-{drawn[3:]}"


def phone_key(phone: str) -> str:
    """Return the digest under which the events of ``phone`` (E.164) are found."""
    return salted_hmac("accounts.events", phone, algorithm="sha256").hexdigest()


def record(
    kind: str,
    request: HttpRequest | None,
    *,
    phone: str = "",
    user: User | None = None,
    reason: str = "",
    reference: str = "",
    attempt: str = "",
    seconds: int | None = None,
    crossed: bool = False,
    overlaps: int = 0,
) -> None:
    """Write one event. ``request`` is None for what no browser asked for."""
    SignInEvent.objects.create(
        kind=kind,
        reason=reason,
        user=user,
        phone_key=phone_key(phone) if phone else "",
        phone=phones.mask(phone) if phone else "",
        country=phones.country_of(phone) if phone else "",
        reference=reference,
        attempt=attempt,
        seconds=seconds,
        crossed=crossed,
        overlaps=overlaps,
        **_device(request),
    )


def asked_elsewhere(request: HttpRequest, reference: str) -> bool:
    """Tell whether the text with this reference was asked for by another browser."""
    browser = devices.of(request).browser
    texts = SignInEvent.objects.filter(reference=reference, kind__in=(Kind.SENT, Kind.RESENT))
    first = texts.order_by("at").values_list("browser", flat=True).first()
    return bool(first and browser and first != browser)


def _device(request: HttpRequest | None) -> dict[str, str]:
    if request is None:
        return {}
    device = devices.of(request)
    return {"device": device.name, "browser": device.browser, "network": device.network}

"""Writes down what happened when people signed in, for operators and for support.

An event holds no code and no whole phone. Its ``reference`` is short enough to be read out over
the phone: the triggers draw it from the challenge and log it with the message id, the page shows
it, and here it finds the attempt.
"""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import devices, phones
from accounts.models import Session, SignInEvent, User
from accounts.models.statements import insert

Kind = SignInEvent.Kind

# Each sign-in asks for it, and Django takes five times as long to put it together.
_ASKED_ELSEWHERE = """
    COALESCE((
        SELECT browser NOT IN ('', %s) FROM accounts_signinevent
        WHERE reference = %s AND kind IN (%s, %s) AND at > %s ORDER BY at LIMIT 1
    ), FALSE)
"""
# Without those that are taken for one another. The triggers use the same.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
# There are 28 million references: within half a year some come again, within an hour none should.
ONE_ATTEMPT = timedelta(hours=1)


def draw_reference() -> str:
    """Return a reference for an attempt that got none from the triggers, such as K7F-2Q."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(5))
    return f"{drawn[:3]}-{drawn[3:]}"


def read_reference(typed: str) -> str | None:
    """Return the reference that somebody typed, such as K7F-2Q for " k7f2q", or None."""
    bare = re.sub(r"[\s\-\u2010-\u2015]", "", typed).upper()
    if len(bare) != 5 or not set(bare) <= set(ALPHABET):
        return None
    return f"{bare[:3]}-{bare[3:]}"


def phone_key(phone: str) -> str:
    """Return the digest under which the events of ``phone`` (E.164) are found."""
    return salted_hmac("accounts.events", phone, algorithm="sha256").hexdigest()


def event(
    kind: str,
    source: HttpRequest | Session | None,
    *,
    phone: str = "",
    user: User | None = None,
    reason: str = "",
    reference: str = "",
    attempt: str = "",
    seconds: int | None = None,
    crossed: bool | RawSQL = False,
    overlaps: int = 0,
    at: datetime | None = None,
) -> SignInEvent:
    """Return one event, of now or of ``at``. ``source`` is None for what no browser asked for."""
    return SignInEvent(
        at=at or timezone.now(),
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
        **_device(source),
    )


def record(kind: str, source: HttpRequest | Session | None, **facts: Any) -> None:
    """Write one ``event`` at once."""
    insert([event(kind, source, **facts)])


def asked_elsewhere(request: HttpRequest, reference: str) -> RawSQL | bool:
    """Tell whether the text with this reference was asked for by another browser.

    It is for the row of an event, which is written with the answer: a statement less.
    """
    browser = devices.of(request).browser
    if not browser:
        return False
    since = connection.ops.adapt_datetimefield_value(timezone.now() - ONE_ATTEMPT)
    values = [browser, reference, Kind.SENT, Kind.RESENT, since]
    return RawSQL(_ASKED_ELSEWHERE, values)  # noqa: S611 - no value is part of the text


def was_mailed(attempt: str) -> bool:
    """Tell whether a code of an attempt was mailed, by it or by another one with the same code."""
    own = SignInEvent.objects.filter(attempt=attempt).exclude(reference="")
    return SignInEvent.objects.filter(
        reference__in=own.values("reference"),
        kind__in=(Kind.SENT, Kind.RESENT),
        reason="email",
        at__gt=timezone.now() - ONE_ATTEMPT,
    ).exists()


def attempt_of(event: SignInEvent) -> list[SignInEvent]:
    """Return the whole attempt that ``event`` is a step of, oldest first.

    That is what its browser did, and what other browsers did about the same text.
    """
    around = SignInEvent.objects.filter(at__range=(event.at - ONE_ATTEMPT, event.at + ONE_ATTEMPT))
    own = around.filter(attempt=event.attempt).exclude(attempt="")
    references = {event.reference, *own.values_list("reference", flat=True)} - {""}
    theirs = around.filter(reference__in=references).exclude(attempt="")
    attempts = {event.attempt, *theirs.values_list("attempt", flat=True)} - {""}
    steps = around.filter(Q(pk=event.pk) | Q(attempt__in=attempts) | Q(reference__in=references))
    return list(steps.select_related("user").order_by("at", "pk"))


def _device(source: HttpRequest | Session | None) -> dict[str, str]:
    if source is None:
        return {}
    if isinstance(source, Session):
        return {"device": source.device, "browser": source.browser, "network": source.network}
    device = devices.of(source)
    return {"device": device.name, "browser": device.browser, "network": device.network}

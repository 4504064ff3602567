"""Writes down what happened when people signed in, for operators and for support.

An event holds no code and no whole phone. Its ``reference`` is short enough to be read out over
the phone: the triggers draw it from the challenge and log it beside the message id, the page shows
it, and here it finds the attempt.
"""

import re
import secrets
from datetime import datetime, timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts import devices, phones
from accounts.models import Session, SignInEvent, User

Kind = SignInEvent.Kind

# Without those that are taken for one another. The triggers use the same.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
# There are 28 million references: within half a year some come again, within an hour none should.
ONE_ATTEMPT = timedelta(hours=1)


# Why something happened, for operators. The site's own reasons, then those of the triggers.
REASONS = {
    "wrong_code": _("the code was wrong"),
    "wrong_codes": _("too many wrong codes in a row"),
    "locked": _("a hundred wrong codes in a row"),
    "expired": _("the code was too old"),
    "over": _("no try was left, or Cognito ended it"),
    "unavailable": _("Cognito, a text or our keys did not work"),
    "token_refused": _("the token was not good"),
    "phone_taken": _("the number belongs to another account"),
    "new_number": _("to prove a new number"),
    "waiting": _("Cognito is still to take it"),
    "notices": _("the number's notices of the day"),
    "network": _("too many texts to one network"),
    "shut_out": _("shut out here"),
    "unknown": _("Cognito has no such user"),
    "refused": _("Cognito refused"),
    "opted_out": _("the owner has told the sender to stop"),
    "landline": _("the number takes no texts"),
    "blocked_country": _("the sender does not text that country"),
    "country_not_allowed": _("a country that is not on the list"),
    "not_mobile": _("not the number of a mobile phone"),
    "sign_ups": _("too many new accounts at once"),
    "spend_limit": _("the month's money is spent"),
    "sandbox": _("the AWS account is in the SMS sandbox"),
    "throttled": _("too many texts at once for the sender"),
    "provider_down": _("the sender was not reached"),
    "delayed": _("the sender did not answer, so the text may have left or not"),
    "misconfigured": _("the sender is set up wrongly"),
    "cooldown": _("texted a moment ago"),
    "not_sent": _("the number's own limits: texts or wrong codes"),
    "over_budget": _("the budget of all texts is used up"),
    "further_step": _("Cognito asked for a step that this site cannot do"),
    "held": _("the number is held"),
    "phone_hour": _("the number's budget of the hour"),
    "phone_day": _("the number's budget of the day"),
    "block": _("the budget of neighbouring numbers"),
    "country": _("the country's budget"),
    "pool": _("the budget of all texts"),
    "operator": _("an operator did it"),
    "number_changed": _("the person changed the number"),
    "by_person": _("from another device of the person"),
    "idle": _("not used for too long"),
    "too_old": _("signed in too long ago"),
    "confirm": _("to confirm who it is"),
    "cancelled": _("the person kept the other device"),
    "other_user": _("the number belongs to somebody else by now"),
}


def draw_reference() -> str:
    """Return a reference for an attempt that got none from the triggers, such as K7F-2Q."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(5))
    return f"{drawn[:3]}-{drawn[3:]}"


def read_reference(typed: str) -> str | None:
    """Return the reference that somebody typed, such as K7F-2Q for " k7f2q", or None."""
    bare = re.sub(r"[\s\-\u2010-\u2015]", "", typed).upper()
    if len(bare) != 5 or not set(bare) <= set(_ALPHABET):
        return None
    return f"{bare[:3]}-{bare[3:]}"


def phone_key(phone: str) -> str:
    """Return the digest under which the events of ``phone`` (E.164) are found."""
    return salted_hmac("accounts.events", phone, algorithm="sha256").hexdigest()


def record(
    kind: str,
    source: HttpRequest | Session | None,
    *,
    phone: str = "",
    user: User | None = None,
    reason: str = "",
    reference: str = "",
    attempt: str = "",
    seconds: int | None = None,
    crossed: bool = False,
    overlaps: int = 0,
    at: datetime | None = None,
) -> None:
    """Write one event, of now or of ``at``. ``source`` is None for what no browser asked for."""
    SignInEvent.objects.create(
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


def asked_elsewhere(request: HttpRequest, reference: str) -> bool:
    """Tell whether the text with this reference was asked for by another browser."""
    browser = devices.of(request).browser
    texts = SignInEvent.objects.filter(
        reference=reference,
        kind__in=(Kind.SENT, Kind.RESENT),
        at__gt=timezone.now() - ONE_ATTEMPT,
    )
    first = texts.order_by("at").values_list("browser", flat=True).first()
    return bool(first and browser and first != browser)


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

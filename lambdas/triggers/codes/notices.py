"""Texts without a code: a warning to an old number, an invitation."""

import time

from .. import countries, environment, ledger, messages, phones, senders, telemetry
from ..ledger import Verdict
from ..senders import Channel, Message, SendError
from . import unsent, wording
from .pace import ANSWER_WITHIN, milliseconds_since
from .unsent import NoRecipient, WhyNot

# Seconds for which a notice is worth delivering.
_LIVES = 24 * 60 * 60


def tell(phone: str, notice: str, *, locale: str | None, started: float) -> str:
    """Text one of ``messages.NOTICES``. Return "sent", or why it was not.

    ``started`` is when the function was called (monotonic). Raises botocore's errors where the
    table cannot be read.
    """
    now, country = time.time(), countries.country_of(phone) or ""
    language = messages.language_for(locale, country)
    body = messages.notice_message(
        notice,
        language=language,
        app_name=environment.text("APP_NAME"),
        site_host=environment.text("SITE_HOST"),
    )
    message = Message(phone, body, _LIVES, country, language=language)
    try:
        reason = _why_not(message, notice, now)
        if reason is None:
            _send(message, notice, started)
    except SendError as error:
        reason = error.reason
    if reason:
        unsent.record(reason, phone=phone, country=country, now=now, purpose=notice)
    return reason or "sent"


def _why_not(message: Message, notice: str, now: float) -> WhyNot | None:
    """Count a notice, or say why there is none.

    Holds and cooldowns are for codes: an attacker who tries codes on a number must not silence its
    owner's warning.
    """
    phone, country = message.phone, message.country
    if country not in environment.words("ALLOWED_COUNTRIES"):
        return NoRecipient.COUNTRY_NOT_ALLOWED
    if not countries.is_mobile(phone):
        return NoRecipient.NOT_MOBILE
    verdict = ledger.configured().budgets.spend_notice(
        ledger.phone_name(phone),
        block=ledger.block_name(countries.block_of(phone)),
        country=country,
        cost=wording.cost(message, Channel.TEXT),
        # Somebody who is signed in gave up the number, which was theirs.
        is_known=notice == "number_changed",
        now=now,
    )
    return None if verdict is Verdict.SEND else verdict


def _send(message: Message, notice: str, started: float) -> None:
    """Send a notice. Raises SendError."""
    sent = senders.configured().send(message, deadline=started + ANSWER_WITHIN)
    telemetry.record(
        "text_sent",
        metrics={"Sent": 1, "Parts": messages.parts(message.body)},
        purpose=notice,
        phone=phones.mask(message.phone),
        country=message.country,
        sender=sent.sender,
        message_id=sent.message_id,
        milliseconds=milliseconds_since(started),
    )

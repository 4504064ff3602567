"""Messages without a code: a warning to an old number, an invitation."""

import time
from dataclasses import replace

from .. import (
    countries,
    environment,
    ledger,
    messages,
    phones,
    pool_accounts,
    senders,
    telemetry,
)
from ..ledger import Verdict
from ..senders import Channel, Message, SendError
from . import recipients, unsent, wording
from .pace import ANSWER_WITHIN, milliseconds_since
from .purposes import SIGN_IN
from .unsent import NoRecipient, WhyNot

# Seconds for which a notice is worth delivering.
_LIVES = 24 * 60 * 60
# They go to people whose number it was: somebody who was signed in gave it up, or operators did.
_OF_KNOWN_PEOPLE = (
    "number_changed",
    "recovery_started",
    "second_number_changed",
    "second_number_used",
)


def tell(phone: str, notice: str, *, locale: str | None, started: float, word: str = "") -> str:
    """Text one of ``messages.NOTICES``. Return "sent", or why it was not.

    ``started`` is when the function was called (monotonic). Raises botocore's errors where the
    table cannot be read.
    """
    now, country = time.time(), countries.country_of(phone) or ""
    message = _message(phone, notice, word, country, messages.language_for(locale, country))
    reason: WhyNot | None
    if country not in environment.words("ALLOWED_COUNTRIES"):
        reason = NoRecipient.COUNTRY_NOT_ALLOWED
    elif not countries.is_mobile(phone):
        reason = NoRecipient.NOT_MOBILE
    else:
        reason = _sent(message, notice, Channel.TEXT, now=now, started=started)
    return _said(reason, message, notice, now)


def mail(user_name: str, notice: str, *, started: float, word: str = "") -> str:
    """Mail one of them to the address of an account that Cognito has verified, if there is one.

    It counts as a text to the number. Return "sent", or why it was not. Raises as ``tell`` does.
    """
    now = time.time()
    if Channel.EMAIL not in senders.other_channels():
        return NoRecipient.NO_ADDRESS
    attributes = pool_accounts.attributes_of(user_name)
    recipient = recipients.from_account(pool_accounts.pool(), user_name, attributes, SIGN_IN)
    phone = recipient.phone
    if phone is None or not recipient.address:
        return NoRecipient.NO_ADDRESS
    message = replace(
        _message(phone, notice, word, recipient.country, recipient.language),
        address=recipient.address,
        subject=messages.notice_subject(
            language=recipient.language, app_name=environment.text("APP_NAME")
        ),
    )
    reason = _sent(message, notice, Channel.EMAIL, now=now, started=started)
    return _said(reason, message, notice, now)


def _message(phone: str, notice: str, word: str, country: str, language: str) -> Message:
    body = messages.notice_message(
        notice,
        language=language,
        app_name=environment.text("APP_NAME"),
        site_host=environment.text("SITE_HOST"),
        word=word,
    )
    return Message(phone, body, _LIVES, country, language=language)


def _sent(
    message: Message, notice: str, channel: Channel, *, now: float, started: float
) -> WhyNot | None:
    """Count a notice and send it, or say why it was not sent.

    Holds and cooldowns are for codes: an attacker who tries codes on a number must not silence its
    owner's warning.
    """
    verdict = ledger.configured().budgets.spend_notice(
        ledger.phone_name(message.phone),
        block=ledger.block_name(countries.block_of(message.phone)),
        country=message.country,
        cost=wording.cost(message, channel),
        is_known=notice in _OF_KNOWN_PEOPLE,
        now=now,
    )
    if verdict is not Verdict.SEND:
        return verdict
    try:
        sent = senders.configured(channel).send(message, deadline=started + ANSWER_WITHIN)
    except SendError as error:
        return error.reason
    telemetry.record(
        "text_sent",
        metrics={"Sent": 1, "Parts": messages.parts(message.body)},
        purpose=notice,
        phone=phones.mask(message.phone),
        country=message.country,
        channel=channel,
        sender=sent.sender,
        message_id=sent.message_id,
        milliseconds=milliseconds_since(started),
    )
    return None


def _said(reason: WhyNot | None, message: Message, notice: str, now: float) -> str:
    if reason is None:
        return "sent"
    unsent.record(reason, phone=message.phone, country=message.country, now=now, purpose=notice)
    return reason

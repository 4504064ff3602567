"""A challenge handed out, and its code texted once and within every limit.

An answer says that no text left only for a reason that holds for every number, with an account or
without: the number's own limits, and the budget of the whole pool. Somebody who gets no text for
another reason (unknown, country, block) gets an answer that looks as if one had left.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from .. import countries, ledger, messages, phones, senders, telemetry
from ..challenge import USUAL_LENGTH, Challenge
from ..ledger import NOT_TOLD, Reservation, Verdict
from ..limits import TRIES_PER_CODE
from ..senders import Channel, Reason, SendError
from . import pace, unsent, wording
from .pace import ANSWER_WITHIN, milliseconds_since
from .purposes import Purpose
from .recipients import Recipient
from .unsent import NoRecipient, WhyNot

log = logging.getLogger(__name__)


class Delivery(StrEnum):
    """The fate of a text, as far as anybody may know. Where a sender refused it: ``Reason``."""

    SENT = "sent"  # ``texted_at`` says when, also to those who got no text
    # As sent, but only numbers that a code was used on before are texted until ``open_at``.
    RESERVED = "reserved"
    NOT_SENT = "not_sent"  # the number's own limits: no code can be right before ``resend_at``
    LOCKED = "locked"  # an operator must unlock the number first
    OVER_BUDGET = "over_budget"  # the pool's budget is used up until ``resend_at``
    DELAYED = "delayed"  # a sender did not answer: the text may have left at ``texted_at``, or not


@dataclass(frozen=True)
class StartedChallenge:
    """A challenge that was handed out, and all that its caller may know of its text.

    ``texted_at`` is when a code that may be typed now was texted last, None where there is none;
    it lies before this call where nothing was texted now. ``delivery`` is a ``Delivery`` or a
    ``Reason``. ``open_at`` is when all numbers are texted again, 0 where they are. ``tries_left``
    are those of this caller. Times are in whole seconds since the epoch.
    """

    challenge: Challenge
    resend_at: int
    delivery: str
    texted_at: int | None
    open_at: int = 0
    tries_left: int = TRIES_PER_CODE


# Delivers what was reserved to a phone; returns the error where that failed.
Deliver = Callable[[str, Reservation], SendError | None]


def send(
    recipient: Recipient,
    purpose: Purpose,
    *,
    started: float,
    channel: Channel = Channel.TEXT,
    deliver: Deliver | None = None,
) -> StartedChallenge:
    """Text a code, or make it look so, and return the challenge that it belongs to.

    ``started`` is when the function was called (monotonic). By another ``channel`` it is the same
    code within the same limits: each message counts as a text. With ``deliver`` that is done in
    place of a text, within the same limits, but for the pause between two texts. Raises botocore's
    errors where the table or the key cannot be read: no text without a count.
    """
    if channel is Channel.EMAIL and recipient.phone and not recipient.address:
        recipient = replace(recipient, phone=None, why_not=NoRecipient.NO_ADDRESS)
    now = time.time()
    book = purpose.book()
    reservation = book.texts.reserve(recipient.name, now=now)
    if deliver:
        # An earlier delivery is of another sign-in, and no use to this one.
        reservation = replace(reservation, texted_at=None)
        if reservation.may_send:
            book.texts.release(recipient.name, now=now)
    reason: WhyNot = reservation.verdict
    refusal: Delivery | Reason | None = None
    if reservation.may_send and recipient.phone is not None and not reservation.is_stopped:
        cost = 0
        if not deliver:
            challenge = reservation.challenge
            message = wording.message(recipient, recipient.phone, purpose, challenge, channel)
            cost = wording.cost(message, channel)
        reservation = book.budgets.spend(
            recipient.name,
            reservation,
            block=ledger.block_name(countries.block_of(recipient.phone)),
            country=recipient.country,
            cost=cost,
            is_known=recipient.is_known,
            mailbox=ledger.mailbox_name(recipient.address) if purpose.is_of_address else "",
            now=now,
        )
        reason = reservation.verdict
        if reservation.may_send:
            if deliver:
                failure = deliver(recipient.phone, reservation)
            else:
                failure = _send(recipient, recipient.phone, purpose, reservation, started, channel)
            if failure is None:
                pace.of(channel).learn(time.monotonic() - started)
                return _started(reservation, now)
            if failure.certain and not purpose.hides_refusals:
                book.texts.release(recipient.name, now=now, why=failure.reason)
            else:
                book.texts.note(recipient.name, reservation.challenge, failure.reason)
            if not purpose.hides_refusals:
                refusal = failure.reason if failure.certain else Delivery.DELAYED
            reason = failure.reason
    elif reservation.may_send:
        reservation = book.budgets.pretend(recipient.name, reservation, now=now)
        reason = recipient.why_not or (
            Verdict.STOPPED if reservation.is_stopped else reservation.verdict
        )
        if reason is Verdict.STOPPED:
            book.texts.note(recipient.name, reservation.challenge, reason)
        if purpose.way and recipient.why_not and reservation.may_send:
            # The account may be there all the same, and a code that went nowhere opens none.
            book.texts.settle(
                recipient.name,
                reservation.challenge,
                why=recipient.why_not,
                open_at=reservation.open_at,
                is_withheld=True,
            )
    if recipient.why_not is NoRecipient.DRY_RUN:
        reason = NoRecipient.DRY_RUN
    unsent.record(
        reason,
        phone=recipient.phone or "",
        country=recipient.country,
        now=now,
        purpose=purpose.name,
        channel=channel,
        challenge_id=reservation.challenge.id,
        reference=reservation.challenge.reference,
        milliseconds=milliseconds_since(started),
        metrics=_budgets(reservation),
    )
    if reason not in (Verdict.COOLDOWN, NoRecipient.DRY_RUN):
        pace.of(channel).wait(started)
    return _started(reservation, now, refusal=refusal)


def _started(
    reservation: Reservation, now: float, *, refusal: Delivery | Reason | None = None
) -> StartedChallenge:
    """Return all that the caller may know; ``refusal`` is why a sender refused, if one did."""
    texted_at = reservation.texted_at
    if refusal in (None, Delivery.DELAYED) and (
        reservation.may_send or reservation.verdict in {*NOT_TOLD, Verdict.RESERVED}
    ):
        texted_at = int(now)
    delivery = refusal or _delivery(reservation, texted_at)
    open_at = reservation.open_at if delivery is Delivery.RESERVED else 0
    return StartedChallenge(
        reservation.challenge,
        reservation.resend_at,
        str(delivery),
        texted_at,
        open_at,
        reservation.tries_left,
    )


def _delivery(reservation: Reservation, texted_at: int | None) -> Delivery:
    if Verdict.POOL in (reservation.verdict, reservation.withheld_by):
        return Delivery.OVER_BUDGET
    if texted_at is not None:
        return Delivery.RESERVED if reservation.open_at else Delivery.SENT
    return Delivery.LOCKED if reservation.verdict is Verdict.LOCKED else Delivery.NOT_SENT


def _send(
    recipient: Recipient,
    phone: str,
    purpose: Purpose,
    reservation: Reservation,
    started: float,
    channel: Channel,
) -> SendError | None:
    """Text the code and return None, or the error where that failed."""
    challenge = reservation.challenge
    message = wording.message(recipient, phone, purpose, challenge, channel)
    if time.monotonic() - started > ANSWER_WITHIN - senders.LONGEST_ATTEMPT:
        return SendError(Reason.PROVIDER_DOWN, "no time left", certain=True)
    if channel is not Channel.TEXT:
        # Before it leaves: no token may say that a text proved what a mail did.
        purpose.book().texts.note_channel(recipient.name, challenge, channel)
    try:
        sent = senders.configured(channel).send(message, deadline=started + ANSWER_WITHIN)
    except SendError as error:
        return error
    if sent.wants_feedback:
        _note(recipient, purpose, challenge, sent.message_id)
    telemetry.record(
        "text_sent",
        metrics={
            "Sent": 1,
            "Parts": messages.parts(message.body) if channel is Channel.TEXT else 1,
            # Codes that come back are compared with those sent, and a metric that was never written
            # does not count as zero.
            "CodesSent": 1,
            "Verified": 0,
            "Proven": 0,
            # Codes grow while the pool is under attack.
            "LongCodes": int(challenge.code_length > USUAL_LENGTH),
            **_budgets(reservation),
        },
        purpose=purpose.name,
        channel=channel,
        phone=phones.mask(phone),
        country=recipient.country,
        challenge_id=challenge.id,
        reference=challenge.reference,
        outcome=reservation.verdict,
        went_first=recipient.is_known or reservation.is_proven,
        sender=sent.sender,
        message_id=sent.message_id,
        milliseconds=milliseconds_since(started),
    )
    return None


def _budgets(reservation: Reservation) -> dict[str, int]:
    """Return how much of the pool's budgets is used, where the ledger was asked."""
    used = {
        "HourPercentUsed": reservation.hour_percent,
        "DayPercentUsed": reservation.day_percent,
        "CountryPercentUsed": reservation.country_percent,
    }
    return {name: percent for name, percent in used.items() if percent is not None}


def _note(recipient: Recipient, purpose: Purpose, challenge: Challenge, message_id: str) -> None:
    # Fails open: the text is on its way, and only the report that it arrived is lost.
    try:
        purpose.book().texts.note_message(recipient.name, challenge, message_id)
    except (BotoCoreError, ClientError) as error:
        log.warning("A message was not noted: %s", type(error).__name__)

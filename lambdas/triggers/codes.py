"""A code on its way out and back, once and within every limit, whatever it is good for.

Cognito calls a slow trigger again with the same event, people press twice, and attackers come in
parallel: the ledger hands all of them the same challenge, and one of them the right to text it.
An answer says that no text left only for a reason that holds for every number, with an account or
without: the number's own limits, and the budget of the whole pool. Whoever gets no text for another
reason (unknown, country, block) gets an answer that looks as if one had left.
"""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from . import countries, environment, keys, ledger, limits, messages, phones, senders, telemetry
from .challenge import USUAL_LENGTH, Challenge
from .ledger import Reservation, Verdict
from .senders import Reason, SendError, Text, end_user_messaging

log = logging.getLogger(__name__)

# A function has 5 s, and Cognito asks again then; a text is only begun while it can end before.
ANSWER_WITHIN = 3.8
# A second press is nothing to raise an alarm about.
_METRICS: dict[str, str] = {
    Verdict.COOLDOWN: "Repeated",
    Verdict.HELD: "Held",
    Verdict.LOCKED: "Held",
}
# These budgets are used by those with an account alone: that one is used up would tell who has one.
_NOT_TOLD = (Verdict.BLOCK, Verdict.COUNTRY)
DELAYED = "delayed"
# Why nobody is texted who was made up to see whether all of it works.
DRY_RUN = "dry_run"
_NO_TEXT_TAKES = 0.15  # until a text was sent by this process, and its time is known


@dataclass(frozen=True)
class Purpose:
    """What a code is good for.

    Codes of one purpose are derived with a ``key`` of their own: they are worth nothing elsewhere.
    ``words`` names those of the text in the catalogues. ``ledger_name`` makes the name under which
    texts and answers are counted, of a phone and a user.
    """

    name: str
    words: str
    key: Callable[[], bytes]
    ledger_name: Callable[[str, str], str]


def _of_the_number(phone: str, user: str) -> str:
    return ledger.phone_name(phone)


SIGN_IN = Purpose("sign_in", "sign_in", keys.code_key, _of_the_number)
CHANGE_NUMBER = Purpose("change_number", "change_number", keys.proof_key, _of_the_number)
# In the words of a sign-in: operators in India let no others through.
CONFIRM = Purpose("confirm", "sign_in", keys.confirm_key, ledger.confirmation_name)


@dataclass(frozen=True)
class Person:
    """Who asks. ``phone`` is None for somebody who gets no text, and ``why_not`` says why.

    ``name`` is that of the number in the ledger, ``user`` whom the code is made for.
    """

    name: str
    phone: str | None
    why_not: str
    country: str
    language: str
    user: str


@dataclass(frozen=True)
class Begun:
    """A challenge that was handed out, and what its caller may know of its text.

    ``texted_at`` is when a code that may be typed now was texted last, None where there is none;
    it lies before this call where nothing was texted now. ``delivery`` is

        sent           ``texted_at`` says when, also to those who got no text
        not_sent       the number's own limits: no code can be right before ``resend_at``
        locked         an operator must unlock the number first
        over_budget    the pool's budget is used up until ``resend_at``
        delayed        a sender did not answer: the text of ``texted_at`` may have left or not
        opted_out …    why a sender refused it: ``senders.Reason``

    Times are in whole seconds since the epoch.
    """

    challenge: Challenge
    resend_at: int
    delivery: str
    texted_at: int | None


def person(
    phone: str | None, purpose: Purpose, *, otherwise: str, locale: str | None, user: str
) -> Person:
    """Return who asks; without a ``phone`` that may be texted, under a name of ``otherwise``."""
    country = countries.country_of(phone or "") or ""
    language = messages.language_for(locale, country)
    why_not = ""
    if not phone:
        why_not = "unknown"
    elif country not in environment.words("ALLOWED_COUNTRIES"):
        why_not = "country_not_allowed"
    elif not countries.is_mobile(phone):
        why_not = "not_mobile"
    if why_not or phone is None:
        # Under a name of no number, so that no answer is ever right.
        name = keys.pseudonym("nobody", otherwise)
        return Person(name, None, why_not, country, language, user)
    return Person(purpose.ledger_name(phone, user), phone, "", country, language, user)


def who_signs_in(event: Mapping[str, Any]) -> Person:
    """Return who an event of Create or Verify is about, under the same name in both."""
    request = event["request"]
    attributes = request.get("userAttributes") or {}
    is_known = request.get("userNotFound") is not True and attributes.get("sub")
    return person(
        attributes.get("phone_number") if is_known else None,
        SIGN_IN,
        otherwise=event["userName"],
        locale=attributes.get("locale"),
        user=f"{event['userPoolId']} {attributes.get('sub', '')}",
    )


def send(person: Person, purpose: Purpose, *, started: float) -> Begun:
    """Text a code, or make it look so. ``started`` is when the function was called (monotonic)."""
    now = time.time()
    book = ledger.configured()
    reservation = book.texts.reserve(person.name, now=now)
    reason: str = reservation.verdict
    refusal = ""
    if reservation.may_send and person.phone is not None:
        reservation = book.budgets.spend(
            person.name,
            reservation,
            block=ledger.block_name(countries.block_of(person.phone)),
            country=person.country,
            now=now,
        )
        reason = reservation.verdict
        if reservation.may_send:
            failure = _send(person, person.phone, purpose, reservation, started)
            if failure is None:
                pace.learn(time.monotonic() - started)
                return _begun(reservation, now)
            if failure.certain:
                book.texts.release(person.name, now=now)
            refusal = failure.reason if failure.certain else DELAYED
            reason = failure.reason
    elif reservation.may_send:
        reservation = book.budgets.pretend(person.name, reservation, now=now)
        reason = person.why_not
    if person.why_not == DRY_RUN:
        reason = DRY_RUN
    record_unsent(
        reason,
        phone=person.phone or "",
        country=person.country,
        now=now,
        purpose=purpose.name,
        challenge_id=reservation.challenge.id,
        reference=reservation.challenge.reference,
        milliseconds=since(started),
        metrics=_budgets(reservation),
    )
    if reason not in (Verdict.COOLDOWN, DRY_RUN):
        pace.wait(started)
    return _begun(reservation, now, refusal=refusal)


def _begun(reservation: Reservation, now: float, *, refusal: str = "") -> Begun:
    """Return what the caller may know; ``refusal`` is why a sender refused the text, if one did."""
    delivery, texted_at = refusal, reservation.texted_at
    if refusal in ("", DELAYED) and (reservation.may_send or reservation.verdict in _NOT_TOLD):
        texted_at = int(now)
    if not refusal:
        delivery = _delivery(reservation, texted_at)
    return Begun(reservation.challenge, reservation.resend_at, delivery, texted_at)


def _delivery(reservation: Reservation, texted_at: int | None) -> str:
    if Verdict.POOL in (reservation.verdict, reservation.withheld_by):
        return "over_budget"
    if texted_at is not None:
        return "sent"
    return "locked" if reservation.verdict is Verdict.LOCKED else "not_sent"


def record_unsent(
    reason: str,
    *,
    phone: str,
    country: str,
    now: float,
    metrics: Mapping[str, int] = MappingProxyType({}),
    **facts: str | int,
) -> None:
    """Say that a text was not sent, and count it for the operators.

    A second press is not counted there, a dry run nowhere.
    """
    is_real = reason != DRY_RUN
    telemetry.record(
        "text_not_sent" if is_real else DRY_RUN,
        metrics={_METRICS.get(reason, "Blocked"): 1, **metrics} if is_real else {},
        reason=reason,
        phone=phones.mask(phone),
        country=country,
        **facts,
    )
    if is_real and reason != Verdict.COOLDOWN:
        ledger.configured().overview.count_blocked(country, reason, now=now)


def accept(
    phone: str, challenge: Challenge, answer: Any, purpose: Purpose, *, user: str, now: float
) -> bool:
    """Count an answer, compare it, and take the code for good: of many right ones, one is.

    ``challenge`` is that of the flow; the ledger knows which codes of the number live.
    """
    name = purpose.ledger_name(phone, user)
    book = ledger.configured()
    counted = book.answers.count(name, challenge, now=now)
    if counted is None:
        return False
    key = purpose.key()
    # With each of them, also after a match: how long that takes tells nothing.
    right = [one for one in counted.comparable if one.accepts(answer, key, user=user, now=now)]
    if not right:
        _record_hold(phone, challenge, counted.failures)
        return False
    block = ledger.block_name(countries.block_of(phone))
    if not book.answers.use(name, counted.newest, block=block, now=now):
        return False
    if message_id := counted.comparable[right[0]]:
        end_user_messaging.report_received(message_id)
    return True


def since(started: float) -> int:
    """Return the whole milliseconds since ``started`` (monotonic)."""
    return int((time.monotonic() - started) * 1000)


def _send(
    person: Person, phone: str, purpose: Purpose, reservation: Reservation, started: float
) -> SendError | None:
    """Text the code and return None, or the error where that failed."""
    challenge = reservation.challenge
    lifetime = max(1, challenge.expires_at - int(time.time()))
    body = messages.code_message(
        challenge.code(purpose.key(), user=person.user),
        purpose=purpose.words,
        language=person.language,
        app_name=environment.text("APP_NAME"),
        site_host=environment.text("SITE_HOST"),
        # A few seconds have gone by since it began.
        minutes=max(1, (lifetime + 5) // 60),
    )
    if time.monotonic() - started > ANSWER_WITHIN - senders.LONGEST_ATTEMPT:
        return SendError(Reason.PROVIDER_DOWN, "no time left", certain=True)
    try:
        sent = senders.configured().send(
            Text(phone, body, lifetime, person.country),
            deadline=started + ANSWER_WITHIN,
        )
    except SendError as error:
        return error
    if sent.wants_feedback:
        _note(person, challenge, sent.message_id)
    telemetry.record(
        "text_sent",
        metrics={
            "Sent": 1,
            "Parts": messages.parts(body),
            # Codes that come back are compared with those sent, and a sum of nothing is no zero.
            "CodesSent": 1,
            "Verified": 0,
            "Proven": 0,
            # Codes grow while the pool is under attack.
            "LongCodes": int(challenge.code_length > USUAL_LENGTH),
            **_budgets(reservation),
        },
        purpose=purpose.name,
        phone=phones.mask(phone),
        country=person.country,
        challenge_id=challenge.id,
        reference=challenge.reference,
        outcome=reservation.verdict,
        sender=sent.sender,
        message_id=sent.message_id,
        milliseconds=since(started),
    )
    return None


def _budgets(reservation: Reservation) -> dict[str, int]:
    """Return how much of the pool's budgets is used, where the ledger was asked."""
    used = {"HourPercentUsed": reservation.hour_percent, "DayPercentUsed": reservation.day_percent}
    return {name: percent for name, percent in used.items() if percent is not None}


def _note(person: Person, challenge: Challenge, message_id: str) -> None:
    # Fails open: the text is on its way, and only the report that it arrived is lost.
    try:
        ledger.configured().texts.note_message(person.name, challenge, message_id)
    except (BotoCoreError, ClientError) as error:
        log.warning("A message was not noted: %s", type(error).__name__)


def _record_hold(phone: str, challenge: Challenge, failures: int) -> None:
    seconds = limits.hold_after(failures)
    is_locked = failures >= limits.configured().failures_per_phone
    if not (seconds or is_locked):
        return
    telemetry.record(
        "hold_began",
        metrics={"Holds": 1},
        reason=Verdict.LOCKED if is_locked else Verdict.HELD,
        phone=phones.mask(phone),
        challenge_id=challenge.id,
        reference=challenge.reference,
        failures=failures,
        seconds=0 if is_locked else seconds,
    )


class Pace:
    """Lets an answer without a text take as long as one with a text, so that neither tells."""

    def __init__(self) -> None:
        self._seen = deque([_NO_TEXT_TAKES], maxlen=32)

    def learn(self, seconds: float) -> None:
        self._seen.append(min(seconds, 1.2))

    def wait(self, started: float) -> None:
        # One of the real ones, not their mean: a spread of its own would tell as well.
        wanted = random.choice(self._seen)  # noqa: S311 - no secret
        time.sleep(max(0.0, wanted - (time.monotonic() - started)))


pace = Pace()

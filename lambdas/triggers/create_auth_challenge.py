"""CreateAuthChallenge: draw a challenge and text its code, once, within every limit.

Cognito calls a slow trigger again with the same event, people press twice, and attackers come in
parallel: the ledger hands all of them the same challenge, and one of them the right to text it.
Who gets no text (unknown, held, over a limit) gets a challenge that looks the same.
"""

import logging
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from . import clients, countries, environment, faults, keys, ledger, senders, telemetry, text
from .challenge import USUAL_LENGTH, Challenge
from .ledger import Reservation, Verdict
from .limits import TRIES_PER_CODE
from .senders import Reason, SendError, Text

log = logging.getLogger(__name__)

# Cognito gives a trigger 5 s and asks again then; a text is only begun while it can end before.
_ANSWER_WITHIN = 3.8
# A second press is nothing to raise an alarm about.
_METRICS: dict[str, str] = {
    Verdict.COOLDOWN: "Repeated",
    Verdict.HELD: "Held",
    Verdict.LOCKED: "Held",
}
_NO_TEXT_TAKES = 0.15  # until a text was sent by this process, and its time is known


@dataclass(frozen=True)
class _Person:
    """Who asks. ``phone`` is None for somebody who gets no text, and ``why_not`` says why."""

    name: str
    phone: str | None
    why_not: str
    country: str
    language: str
    user: str


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with faults.kept_to_ourselves():
        return _answered(event)


def _answered(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    clients.require(event["callerContext"].get("clientId"))
    history = event["request"].get("session") or []
    if history:
        challenge, resend_at = _read_metadata(history[-1].get("challengeMetadata"))
        delivery = "sent"
        telemetry.record("asked_again", metrics={}, challenge_id=challenge.id)
    else:
        reservation, delivery = _begin(event, started)
        challenge, resend_at = reservation.challenge, reservation.resend_at
    event["response"] = {
        "publicChallengeParameters": {
            # Not even its last digits: for an unknown name they would be invented, and tell.
            "phone": text.HIDDEN_PHONE,
            "expiresAt": str(challenge.expires_at),
            "resendAt": str(resend_at),
            "triesLeft": str(TRIES_PER_CODE - len(history)),
            "codeLength": str(challenge.code_length),
            "delivery": delivery,
        },
        "privateChallengeParameters": challenge.private_parameters(),
        "challengeMetadata": f"{challenge.id} {challenge.expires_at} {resend_at}",
    }
    return event


def _begin(event: dict[str, Any], started: float) -> tuple[Reservation, str]:
    now = time.time()
    person = _person(event)
    book = ledger.configured()
    reservation = book.reserve(person.name, now=now)
    reason: str = reservation.verdict
    delivery = "sent"
    if reservation.may_send and person.phone is not None:
        reservation = book.spend(
            person.name,
            reservation,
            block=ledger.block_name(countries.block_of(person.phone)),
            country=person.country,
            now=now,
        )
        reason = reservation.verdict
        if reservation.may_send:
            failure = _send(person, person.phone, reservation, started)
            if failure is None:
                _pace.learn(time.monotonic() - started)
                return reservation, delivery
            if failure.certain:
                book.release(person.name, now=now)
                delivery = failure.reason
            reason = failure.reason
    elif reservation.may_send:
        reservation = book.pretend(person.name, reservation, now=now)
        reason = person.why_not
    telemetry.record(
        "text_not_sent",
        metrics={_METRICS.get(reason, "Blocked"): 1, **_budgets(reservation)},
        reason=reason,
        phone=text.mask(person.phone or ""),
        challenge_id=reservation.challenge.id,
        milliseconds=_since(started),
    )
    if reason != Verdict.COOLDOWN:
        _pace.wait(started)
    return reservation, delivery


def _send(
    person: _Person, phone: str, reservation: Reservation, started: float
) -> SendError | None:
    """Text the code and return None, or the error where that failed."""
    challenge = reservation.challenge
    lifetime = max(1, challenge.expires_at - int(time.time()))
    body = text.sign_in_text(
        challenge.code(keys.code_key(), user=person.user),
        language=person.language,
        app_name=environment.text("APP_NAME"),
        site_host=environment.text("SITE_HOST"),
        # A few seconds have gone by since it began.
        minutes=max(1, (lifetime + 5) // 60),
    )
    if time.monotonic() - started > _ANSWER_WITHIN - senders.LONGEST_ATTEMPT:
        return SendError(Reason.PROVIDER_DOWN, "no time left", certain=True)
    try:
        sent = senders.configured().send(
            Text(phone, body, lifetime, person.country),
            deadline=started + _ANSWER_WITHIN,
        )
    except SendError as error:
        return error
    if sent.wants_feedback:
        _note(person, challenge, sent.message_id)
    telemetry.record(
        "text_sent",
        metrics={
            "Sent": 1,
            "Parts": text.parts(body),
            # Codes grow while the pool is under attack.
            "LongCodes": int(challenge.code_length > USUAL_LENGTH),
            **_budgets(reservation),
        },
        phone=text.mask(phone),
        country=person.country,
        challenge_id=challenge.id,
        outcome=reservation.verdict,
        sender=sent.sender,
        message_id=sent.message_id,
        milliseconds=_since(started),
    )
    return None


def _budgets(reservation: Reservation) -> dict[str, int]:
    """Return how much of the pool's budgets is used, where the ledger was asked."""
    used = {"HourPercentUsed": reservation.hour_percent, "DayPercentUsed": reservation.day_percent}
    return {name: percent for name, percent in used.items() if percent is not None}


def _note(person: _Person, challenge: Challenge, message_id: str) -> None:
    # Fails open: the text is on its way, and only the report that it arrived is lost.
    try:
        ledger.configured().note_message(person.name, challenge, message_id)
    except (BotoCoreError, ClientError) as error:
        log.warning("A message was not noted: %s", type(error).__name__)


def _person(event: dict[str, Any]) -> _Person:
    request = event["request"]
    attributes = request.get("userAttributes") or {}
    phone = attributes.get("phone_number")
    country = countries.country_of(phone or "") or ""
    language = text.language_for(attributes.get("locale"), country)
    user = f"{event['userPoolId']} {attributes.get('sub', '')}"
    why_not = ""
    if request.get("userNotFound") is True or not phone:
        why_not = "unknown"
    elif country not in environment.words("ALLOWED_COUNTRIES"):
        why_not = "country_not_allowed"
    if why_not:
        # Under a name that Verify does not look at for a phone: no answer is ever right.
        phone, name = None, keys.pseudonym("nobody", event["userName"])
    else:
        name = ledger.phone_name(str(phone))
    return _Person(name, phone, why_not, country, language, user)


def _read_metadata(metadata: Any) -> tuple[Challenge, int]:
    parts = metadata.split(" ") if isinstance(metadata, str) else []
    challenge = Challenge.parse(*parts[:2]) if len(parts) == 3 else None
    if challenge is None or not parts[2].isdigit():
        raise ValueError("The history of this flow holds no challenge of ours")
    return challenge, int(parts[2])


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


class _Pace:
    """Lets an answer without a text take as long as one with a text, so that neither tells."""

    def __init__(self) -> None:
        self._seen = deque([_NO_TEXT_TAKES], maxlen=32)

    def learn(self, seconds: float) -> None:
        self._seen.append(min(seconds, 1.2))

    def wait(self, started: float) -> None:
        # One of the real ones, not their mean: a spread of its own would tell as well.
        wanted = random.choice(self._seen)  # noqa: S311 - no secret
        time.sleep(max(0.0, wanted - (time.monotonic() - started)))


_pace = _Pace()

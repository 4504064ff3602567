"""VerifyAuthChallengeResponse: count the answer, then compare it, then take the code for good."""

import time
from typing import Any

from . import clients, countries, faults, keys, ledger, telemetry, text
from .challenge import Challenge, read_digits
from .senders import end_user_messaging


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    started = time.monotonic()
    with faults.kept_to_ourselves():
        is_correct = _is_correct(event, now=time.time())
    challenge = Challenge.from_private_parameters(
        event["request"].get("privateChallengeParameters")
    )
    telemetry.record(
        "code_verified" if is_correct else "code_refused",
        metrics={"Verified" if is_correct else "Failed": 1},
        phone=text.mask((event["request"].get("userAttributes") or {}).get("phone_number", "")),
        challenge_id=challenge.id if challenge else "",
        milliseconds=int((time.monotonic() - started) * 1000),
    )
    event["response"] = {"answerCorrect": is_correct}
    return event


def _is_correct(event: dict[str, Any], *, now: float) -> bool:
    request = event["request"]
    clients.require(event["callerContext"].get("clientId"))
    attributes = request.get("userAttributes") or {}
    challenge = Challenge.from_private_parameters(request.get("privateChallengeParameters"))
    answer = request.get("challengeAnswer")
    if challenge is None or len(read_digits(answer)) != challenge.code_length:
        # What cannot be a code is no guess: it is neither counted nor compared.
        return False
    sub, phone = attributes.get("sub"), attributes.get("phone_number")
    book = ledger.configured()
    if request.get("userNotFound") is True or not sub or not phone:
        # Nobody's answer takes the same way, and is never right.
        book.count_try(keys.pseudonym("nobody", event["userName"]), challenge, now=now)
        return False
    name = ledger.phone_name(phone)
    if not book.count_try(name, challenge, now=now):
        return False
    user = f"{event['userPoolId']} {sub}"
    if not challenge.accepts(answer, keys.code_key(), user=user, now=now):
        return False
    block = ledger.block_name(countries.block_of(phone))
    message_id = book.use(name, challenge, block=block, now=now)
    if message_id:
        end_user_messaging.report_received(message_id)
    return message_id is not None

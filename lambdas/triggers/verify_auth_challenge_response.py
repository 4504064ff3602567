"""VerifyAuthChallengeResponse: count the answer, then compare it, then take the code for good."""

import time
from typing import Any

from . import clients, codes, faults, keys, ledger, telemetry, text
from .challenge import Challenge


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
        reference=challenge.reference if challenge else "",
        milliseconds=codes.since(started),
    )
    event["response"] = {"answerCorrect": is_correct}
    return event


def _is_correct(event: dict[str, Any], *, now: float) -> bool:
    request = event["request"]
    clients.require(event["callerContext"].get("clientId"))
    attributes = request.get("userAttributes") or {}
    challenge = Challenge.from_private_parameters(request.get("privateChallengeParameters"))
    answer = request.get("challengeAnswer")
    if challenge is None or not challenge.fits(answer):
        # What cannot be a code is no guess: it is neither counted nor compared.
        return False
    sub, phone = attributes.get("sub"), attributes.get("phone_number")
    if request.get("userNotFound") is True or not sub or not phone:
        # Nobody's answer takes the same way, and is never right.
        name = keys.pseudonym("nobody", event["userName"])
        ledger.configured().count_try(name, challenge, now=now)
        return False
    user = f"{event['userPoolId']} {sub}"
    return codes.accept(phone, challenge, answer, codes.SIGN_IN, user=user, now=now)

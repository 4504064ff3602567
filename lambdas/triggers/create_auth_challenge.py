"""CreateAuthChallenge: draw a challenge and text its code, or hand out the one of this flow again.

Nobody learns from the answer whether a text was sent; see codes.
"""

import time
from typing import Any

from . import clients, codes, faults, telemetry, text
from .challenge import Challenge
from .codes import Begun
from .limits import TRIES_PER_CODE


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    with faults.kept_to_ourselves():
        return _answered(event)


def _answered(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    clients.require(event["callerContext"].get("clientId"))
    history = event["request"].get("session") or []
    if history:
        begun = _read_metadata(history[-1].get("challengeMetadata"))
        telemetry.record(
            "asked_again",
            metrics={},
            challenge_id=begun.challenge.id,
            reference=begun.challenge.reference,
        )
    else:
        begun = codes.send(_person(event), codes.SIGN_IN, started=started)
    challenge = begun.challenge
    event["response"] = {
        "publicChallengeParameters": {
            # Not even its last digits: for an unknown name they would be invented, and tell.
            "phone": text.HIDDEN_PHONE,
            "expiresAt": str(challenge.expires_at),
            "resendAt": str(begun.resend_at),
            "triesLeft": str(TRIES_PER_CODE - len(history)),
            "codeLength": str(challenge.code_length),
            "delivery": begun.delivery,
            "reference": challenge.reference,
        },
        "privateChallengeParameters": challenge.private_parameters(),
        "challengeMetadata": f"{challenge.id} {challenge.expires_at} {begun.resend_at}",
    }
    return event


def _person(event: dict[str, Any]) -> codes.Person:
    request = event["request"]
    attributes = request.get("userAttributes") or {}
    is_known = request.get("userNotFound") is not True
    return codes.person(
        attributes.get("phone_number") if is_known else None,
        otherwise=event["userName"],
        locale=attributes.get("locale"),
        user=f"{event['userPoolId']} {attributes.get('sub', '')}",
    )


def _read_metadata(metadata: Any) -> Begun:
    parts = metadata.split(" ") if isinstance(metadata, str) else []
    challenge = Challenge.parse(*parts[:2]) if len(parts) == 3 else None
    if challenge is None or not parts[2].isdigit():
        raise ValueError("The history of this flow holds no challenge of ours")
    return Begun(challenge, int(parts[2]), "sent")

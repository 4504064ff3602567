"""VerifyAuthChallengeResponse: compare the typed answer with the code of the challenge."""

import time
from typing import Any

from . import keys
from .challenge import Challenge


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    event["response"] = {"answerCorrect": _is_correct(event, now=time.time())}
    return event


def _is_correct(event: dict[str, Any], *, now: float) -> bool:
    request = event["request"]
    sub = (request.get("userAttributes") or {}).get("sub")
    challenge = Challenge.from_private_parameters(request.get("privateChallengeParameters"))
    if request.get("userNotFound") is True or not sub or challenge is None:
        return False
    return challenge.accepts(
        request.get("challengeAnswer"),
        keys.code_key(),
        user=f"{event['userPoolId']} {sub}",
        now=now,
    )

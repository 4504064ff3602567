"""CreateAuthChallenge: draw a challenge and text its code, once per flow.

Later rounds of the same flow find the challenge in the history and text nothing.
"""

import logging
import time
from typing import Any

from . import environment, keys, senders, text
from .challenge import CODE_LENGTH, Challenge
from .define_auth_challenge import TRIES_PER_CODE

RESEND_COOLDOWN = 30
log = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    request = event["request"]
    history = request.get("session") or []
    lifetime = environment.seconds("CODE_LIFETIME_SECONDS", low=1, high=600)
    if history:
        challenge = Challenge.from_metadata(history[-1].get("challengeMetadata"))
        if challenge is None:
            raise ValueError("The history of this flow holds no challenge of ours")
    else:
        challenge = Challenge.draw(now=time.time(), lifetime=lifetime)
        _send(challenge, event, lifetime)
    event["response"] = {
        "publicChallengeParameters": {
            # An unknown user typed a name too: the same shape for both.
            "phone": text.mask(_phone(event) or event["userName"]),
            "expiresAt": str(challenge.expires_at),
            "resendAt": str(challenge.expires_at - lifetime + RESEND_COOLDOWN),
            "triesLeft": str(TRIES_PER_CODE - len(history)),
            "codeLength": str(CODE_LENGTH),
        },
        "privateChallengeParameters": challenge.private_parameters(),
        "challengeMetadata": challenge.metadata(),
    }
    return event


def _send(challenge: Challenge, event: dict[str, Any], lifetime: int) -> None:
    attributes = event["request"].get("userAttributes") or {}
    phone = _phone(event)
    facts = {"challenge_id": challenge.id, "phone": text.mask(phone or "")}
    if phone is None:
        log.info("No text: no such user, or one without a phone", extra=facts)
        return
    code = challenge.code(keys.code_key(), user=f"{event['userPoolId']} {attributes['sub']}")
    message = text.sign_in_text(
        code,
        app_name=environment.text("APP_NAME"),
        site_host=environment.text("SITE_HOST"),
        minutes=max(1, lifetime // 60),
    )
    try:
        message_id = senders.configured().send(phone, message)
    except senders.SendError as error:
        # Without the traceback: the cause may quote what was sent.
        log.error("Text refused", extra={**facts, "reason": error.reason})  # noqa: TRY400
        raise
    log.info("Text sent", extra={**facts, "message_id": message_id})


def _phone(event: dict[str, Any]) -> str | None:
    request = event["request"]
    if request.get("userNotFound") is True:
        return None
    return (request.get("userAttributes") or {}).get("phone_number")

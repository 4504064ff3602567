"""CreateAuthChallenge: draw a challenge and text its code, or hand out the one of this flow again.

The public parameters tell an honest client when the code was texted, and when to ask again.
``codes.sending`` says what they keep to themselves.
"""

import re
import time
from typing import Any

from . import clients, dry_run, errors, phones, telemetry
from .challenge import Challenge
from .codes import purposes, recipients, sending
from .codes.sending import StartedChallenge
from .limits import TRIES_PER_CODE

_METADATA = re.compile(
    r"(?P<id>\S+) (?P<expires_at>\d+) (?P<resend_at>\d+)"
    r" (?P<texted_at>\d+|-) (?P<delivery>[a-z_]+)",
    re.ASCII,
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return Cognito's event with a response. Raises TryAgainLater and ClientNotAllowed."""
    with errors.hiding_aws_errors():
        return _answered(event)


def _answered(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    clients.require(event["callerContext"].get("clientId"))
    history = event["request"].get("session") or []
    if history:
        result = _read_metadata(history[-1].get("challengeMetadata"))
        telemetry.record(
            "asked_again",
            metrics={},
            challenge_id=result.challenge.id,
            reference=result.challenge.reference,
        )
    else:
        recipient = dry_run.nobody() if dry_run.is_dry_run(event) else recipients.from_event(event)
        result = sending.send(recipient, purposes.SIGN_IN, started=started)
    challenge = result.challenge
    event["response"] = {
        "publicChallengeParameters": {
            # Not even its last digits: for an unknown name they would be invented, and tell.
            "phone": phones.HIDDEN_PHONE,
            "expiresAt": str(challenge.expires_at),
            "resendAt": str(result.resend_at),
            "textedAt": _written(result.texted_at),
            # The clocks of phones and of other machines may be wrong by minutes.
            "now": str(int(time.time())),
            "triesLeft": str(TRIES_PER_CODE - len(history)),
            "codeLength": str(challenge.code_length),
            "delivery": result.delivery,
            "reference": challenge.reference,
        },
        "privateChallengeParameters": {
            **challenge.private_parameters(),
            # Cognito does not show Verify the history.
            **({"wrongAnswers": str(len(history))} if history else {}),
        },
        "challengeMetadata": " ".join(
            [
                challenge.id,
                str(challenge.expires_at),
                str(result.resend_at),
                _written(result.texted_at) or "-",
                result.delivery,
            ]
        ),
    }
    return event


def _written(seconds: int | None) -> str:
    return "" if seconds is None else str(seconds)


def _read_metadata(metadata: Any) -> StartedChallenge:
    found = _METADATA.fullmatch(metadata) if isinstance(metadata, str) else None
    challenge = Challenge.parse(found["id"], found["expires_at"]) if found else None
    if found is None or challenge is None:
        raise ValueError("The history of this flow holds no challenge of ours")
    texted_at = None if found["texted_at"] == "-" else int(found["texted_at"])
    return StartedChallenge(challenge, int(found["resend_at"]), found["delivery"], texted_at)

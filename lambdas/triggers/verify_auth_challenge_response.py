"""VerifyAuthChallengeResponse: tell whether an answer is right, by the kind of its challenge."""

import time
from functools import cache, partial
from typing import Any

from . import clients, dry_run, errors, kinds, phones, telemetry
from .codes import recipients, unsent
from .kinds import Answered
from .plans import Role


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return Cognito's event with ``answerCorrect``. Raises TryAgainLater and ClientNotAllowed."""
    started = time.monotonic()
    with errors.hiding_aws_errors():
        role = clients.require(event["callerContext"].get("clientId"))
        if dry_run.is_dry_run(event):
            dry_run.answer()
            telemetry.record(unsent.NoRecipient.DRY_RUN, metrics={}, purpose="answer")
            is_correct = False
        else:
            is_correct = _is_correct(event, role, started)
    event["response"] = {"answerCorrect": is_correct}
    return event


def _is_correct(event: dict[str, Any], role: Role, started: float) -> bool:
    request = event["request"]
    private = request.get("privateChallengeParameters")
    if not isinstance(private, dict):
        return False
    attributes = request.get("userAttributes") or {}
    answered = Answered(
        private=private,
        answer=request.get("challengeAnswer"),
        attributes={} if request.get("userNotFound") is True else attributes,
        pool=event["userPoolId"],
        wrong_before=int(private.get("wrongAnswers", 0)),
        recipient=cache(partial(recipients.from_event, event, role)),
        phone=phones.mask(attributes.get("phone_number", "")),
        now=time.time(),
        started=started,
    )
    return kinds.is_right(private.get("kind"), answered)

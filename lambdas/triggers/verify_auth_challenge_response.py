"""VerifyAuthChallengeResponse: count the answer, then compare it, then take the code for good."""

import time
from typing import Any

from . import clients, dry_run, errors, ledger, phones, telemetry
from .challenge import Challenge
from .codes import checking, purposes, recipients, unsent
from .codes.pace import milliseconds_since


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return Cognito's event with ``answerCorrect``. Raises TryAgainLater and ClientNotAllowed."""
    if dry_run.is_dry_run(event):
        return _dry_run(event)
    started = time.monotonic()
    with errors.hiding_aws_errors():
        is_correct = _is_correct(event, now=time.time())
    challenge = Challenge.from_private_parameters(
        event["request"].get("privateChallengeParameters")
    )
    telemetry.record(
        "code_verified" if is_correct else "code_refused",
        metrics={"Verified" if is_correct else "Failed": 1},
        phone=phones.mask((event["request"].get("userAttributes") or {}).get("phone_number", "")),
        challenge_id=challenge.id if challenge else "",
        reference=challenge.reference if challenge else "",
        milliseconds=milliseconds_since(started),
    )
    event["response"] = {"answerCorrect": is_correct}
    return event


def _dry_run(event: dict[str, Any]) -> dict[str, Any]:
    with errors.hiding_aws_errors():
        clients.require(event["callerContext"].get("clientId"))
        dry_run.answer()
    telemetry.record(unsent.NoRecipient.DRY_RUN, metrics={}, purpose="answer")
    event["response"] = {"answerCorrect": False}
    return event


def _is_correct(event: dict[str, Any], *, now: float) -> bool:
    request = event["request"]
    clients.require(event["callerContext"].get("clientId"))
    challenge = Challenge.from_private_parameters(request.get("privateChallengeParameters"))
    answer = request.get("challengeAnswer")
    if challenge is None or not challenge.fits(answer):
        # It cannot be a code, so it is neither counted nor compared.
        return False
    recipient = recipients.from_event(event)
    if recipient.phone is None:
        # Counted like any other answer, and never right.
        ledger.configured().answers.count(recipient.name, challenge, now=now)
        return False
    return checking.accept(
        recipient.phone,
        challenge,
        answer,
        purposes.SIGN_IN,
        user=recipient.user,
        now=now,
        wrong_before=int(request["privateChallengeParameters"].get("wrongAnswers", 0)),
    )

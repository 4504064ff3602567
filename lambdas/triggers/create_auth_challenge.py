"""CreateAuthChallenge: make the challenge of the step that a sign-in has reached.

``plans`` says which step that is, and ``kinds`` what a challenge of its kind is.
"""

import time
from functools import partial
from typing import Any

from . import clients, dry_run, errors, kinds, ledger, plans
from .codes import recipients
from .kinds import Asked
from .plans import Decision


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return Cognito's event with a response. Raises TryAgainLater and ClientNotAllowed."""
    with errors.hiding_aws_errors():
        return _answered(event)


def _answered(event: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    role = clients.require(event["callerContext"].get("clientId"))
    number, plan = plans.of_client(role)
    is_dry_run = dry_run.is_dry_run(event)
    request = event["request"]
    plan = plans.of_user(plan, request.get("userAttributes"))
    history = request.get("session") or []
    if is_dry_run:
        following = dry_run.step(plan)
    else:
        is_known = role is plans.Role.KNOWN
        wants_work = not is_known and ledger.configured().budgets.wants_work(time.time())
        following = plans.next_step(plan, history, number, wants_work=wants_work)
    if following.decision is not Decision.CHALLENGE:
        raise ValueError("The history of this flow holds no challenge of ours")
    recipient = dry_run.nobody if is_dry_run else partial(recipients.from_event, event, role)
    is_proven = plans.proves_before(plans.with_work(plan), following.kind)
    asked = Asked(following.earlier, recipient, started, is_proven)
    made = kinds.make(following.kind, asked)
    # Cognito does not show Verify the history.
    wrong = {"wrongAnswers": str(len(following.earlier))} if following.earlier else {}
    tries_left = plans.KINDS[following.kind].tries - len(following.earlier)
    if made.tries_left is not None:
        tries_left = min(tries_left, made.tries_left)
    shown = {"triesLeft": str(tries_left), "kind": following.kind}
    event["response"] = {
        "publicChallengeParameters": {**made.public, **shown},
        "privateChallengeParameters": {**made.private, **wrong, "kind": following.kind},
        "challengeMetadata": plans.marked(following.kind, made.metadata, number),
    }
    return event

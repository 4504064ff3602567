"""DefineAuthChallenge: decide the next step of a sign-in from its history.

The caller chooses how a flow starts (it may send SRP_A or other built-in challenges), so tokens
are granted for one history only: wrong answers to our own challenge, then a right one.
"""

from enum import Enum
from typing import Any

from .limits import TRIES_PER_CODE

OUR_CHALLENGE = "CUSTOM_CHALLENGE"


class Step(Enum):
    """The next step of a flow."""

    CHALLENGE = "challenge"
    TOKENS = "tokens"
    FAIL = "fail"


def next_step(history: Any, *, user_exists: bool) -> Step:
    """Decide the next step.

    ``history`` is the event's ``request.session``: a list of
    ``{"challengeName": str, "challengeResult": bool}``, oldest first. Anything else fails.
    """
    if not isinstance(history, list) or len(history) > TRIES_PER_CODE:
        return Step.FAIL
    if any(not _is_ours(entry) for entry in history):
        return Step.FAIL
    results = [entry["challengeResult"] for entry in history]
    if any(result is not False for result in results[:-1]):
        return Step.FAIL
    if results and results[-1] is True:
        return Step.TOKENS if user_exists else Step.FAIL
    return Step.CHALLENGE if len(results) < TRIES_PER_CODE else Step.FAIL


def _is_ours(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("challengeName") == OUR_CHALLENGE
        and isinstance(entry.get("challengeResult"), bool)
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return Cognito's event with the next step in its response."""
    request = event["request"]
    history = request.get("session")
    step = next_step(
        [] if history is None else history,
        user_exists=request.get("userNotFound") is not True,
    )
    event["response"] = {
        "challengeName": OUR_CHALLENGE if step is Step.CHALLENGE else None,
        "issueTokens": step is Step.TOKENS,
        "failAuthentication": step is Step.FAIL,
    }
    return event

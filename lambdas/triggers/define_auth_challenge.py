"""DefineAuthChallenge: decide the next step of a sign-in from its history.

The caller chooses how a flow starts (it may send SRP_A or other built-in challenges), so tokens
are granted only after every step of the plan was answered right, in this flow and in its order.
"""

from typing import Any

from . import plans
from .plans import Decision

# Cognito's names of the rounds that may follow.
_ROUNDS = {Decision.CHALLENGE: plans.OUR_CHALLENGE, Decision.PASSWORD: plans.PASSWORD_ROUNDS[1]}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return Cognito's event with the next step in its response. Raises WrongEnvironment."""
    request = event["request"]
    history = request.get("session")
    decision = plans.decide([] if history is None else history).decision
    if decision is Decision.TOKENS and request.get("userNotFound") is True:
        decision = Decision.FAIL
    event["response"] = {
        "challengeName": _ROUNDS.get(decision),
        "issueTokens": decision is Decision.TOKENS,
        "failAuthentication": decision is Decision.FAIL,
    }
    return event

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
    attributes = request.get("userAttributes")
    decision = plans.decide([] if history is None else history, attributes).decision
    if decision is Decision.TOKENS and request.get("userNotFound") is True:
        decision = Decision.FAIL
    if _began_with_password(history) and _has_temporary_password(request):
        decision = Decision.FAIL
    event["response"] = {
        "challengeName": _ROUNDS.get(decision),
        "issueTokens": decision is Decision.TOKENS,
        "failAuthentication": decision is Decision.FAIL,
    }
    return event


def _began_with_password(history: Any) -> bool:
    return bool(
        isinstance(history, list)
        and history
        and isinstance(history[0], dict)
        and history[0].get("challengeName") == plans.PASSWORD_ROUNDS[0]
    )


def _has_temporary_password(request: dict[str, Any]) -> bool:
    """Tell whether Cognito will ask for a new password once this one was right.

    After that it gives tokens without asking us, so such a password must not be asked for at all.
    """
    attributes = request.get("userAttributes") or {}
    return bool(attributes.get("cognito:user_status") == "FORCE_CHANGE_PASSWORD")

"""PreSignUp: accounts are made by our own back end, never by strangers.

The pool closes public sign-up as well; this holds if that setting is ever lost.
"""

from typing import Any


class SignUpClosed(Exception):
    """A stranger asks for an account. Cognito hands the message to the caller."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return Cognito's event with a response. Raises SignUpClosed."""
    if event.get("triggerSource") != "PreSignUp_AdminCreateUser":
        raise SignUpClosed("Sign-up is closed")
    # Nothing is verified by asking: a number is proven by a code.
    event["response"] = {
        "autoConfirmUser": False,
        "autoVerifyEmail": False,
        "autoVerifyPhone": False,
    }
    return event

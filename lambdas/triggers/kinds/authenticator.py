"""A code of an authenticator app, from people who have set one up on the site, or a backup code."""

from .. import authenticators, backup_codes, telemetry
from ..codes.pace import milliseconds_since
from ..plans import KINDS
from . import Answered, Asked, Made


def make(asked: Asked) -> Made:
    """Ask for a code. Nothing is sent, and nothing is told of the app."""
    tries = KINDS["authenticator"].tries - len(asked.earlier)
    return Made(
        public={"triesLeft": str(tries), "codeLength": str(authenticators.DIGITS)},
        private={},
        metadata="",
    )


def is_right(answered: Answered) -> bool:
    """Count the answer, then compare it with the codes of the user: of the app, or backup codes."""
    user = answered.attributes.get("sub")
    salt = answered.attributes.get(authenticators.ATTRIBUTE)
    is_correct = False
    if isinstance(user, str) and authenticators.is_salt(salt):
        if backup_codes.read(answered.answer):
            is_correct = backup_codes.accept(
                user, answered.answer, lane=backup_codes.Lane.APP, now=answered.now
            )
        else:
            is_correct = authenticators.accept(user, str(salt), answered.answer, now=answered.now)
    telemetry.record(
        "authenticator_verified" if is_correct else "authenticator_refused",
        metrics={"AuthenticatorVerified" if is_correct else "AuthenticatorFailed": 1},
        phone=answered.phone,
        milliseconds=milliseconds_since(answered.started),
    )
    return is_correct

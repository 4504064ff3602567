"""Set up an authenticator app in the middle of a sign-in, where Cognito asks for MFA_SETUP.

An answer to MFA_SETUP alone proves nothing. The code goes to VerifySoftwareToken first, and its
session says that it was right (reference of RespondToAuthChallenge).
"""

from dataclasses import replace
from typing import Any

from accounts.aws import cognito_errors
from accounts.aws.challenges.factors import AppSetup


def begin(client: Any, challenge: AppSetup) -> AppSetup:
    """Return the challenge with the secret that the app must know. Raises CognitoError."""
    with cognito_errors.translated():
        reply = client.associate_software_token(Session=challenge.session)
        return replace(
            challenge, session=_text(reply["Session"]), secret=_text(reply["SecretCode"])
        )


def prove(client: Any, challenge: AppSetup, code: str) -> AppSetup:
    """Return the challenge with a session that may be answered, for a right code.

    Raises WrongAnswer and other CognitoErrors.
    """
    with cognito_errors.translated():
        reply = client.verify_software_token(Session=challenge.session, UserCode=code)
        if reply["Status"] != "SUCCESS":
            raise cognito_errors.WrongAnswer(str(reply["Status"])[:40])
        return replace(challenge, session=_text(reply["Session"]))


def _text(value: Any) -> str:
    if not (isinstance(value, str) and 0 < len(value) <= 20_000):
        raise ValueError("The reply makes no sense")
    return value

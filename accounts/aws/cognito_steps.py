"""Steps of a sign-in: begin, by phone or with a password, and answer what is asked.

``cognito.Gateway`` adds the users of the pool. Each call is sent once (``clients``).
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.views.decorators.debug import sensitive_variables

from accounts.aws import app_setup, cognito_errors, srp
from accounts.aws.challenges import AppSetup, Challenge
from accounts.aws.cognito_values import (
    PasswordAsked,
    Tokens,
    read_challenge,
    read_outcome,
    read_password_asked,
)

T = TypeVar("T")
_FLOW = "CUSTOM_AUTH"


class Steps:
    """Calls on one user pool and one confidential client, as ``cognito.Gateway`` says them."""

    def __init__(
        self,
        client: Any,
        *,
        user_pool_id: str,
        client_id: str,
        client_secret: str,
        admin_api: bool = False,
    ) -> None:
        self._client = client
        self._user_pool_id = user_pool_id
        self._client_id = client_id
        self._client_secret = client_secret
        self._admin_api = admin_api

    def start_challenge(self, phone: str) -> Challenge:
        """Start a sign-in with the first step of the stack's plan. Raises CognitoError."""
        return self._step(
            "initiate_auth",
            partial(read_challenge, default_username=phone),
            AuthFlow=_FLOW,
            AuthParameters=self._named(phone),
        )

    def answer_challenge(self, challenge: Challenge, answer: str) -> Challenge | Tokens:
        """Send an answer. A wrong one gives a challenge of the same kind again.

        A right one gives tokens, or the challenge of the next step. The session of a challenge
        replaces the one before. Raises Refused when no further try is left, WrongAnswer after a
        wrong one to a challenge of Cognito's own, and the other CognitoErrors.
        """
        if isinstance(challenge, AppSetup):
            challenge = app_setup.prove(self._client, challenge, answer)
        outcome = self._step(
            "respond_to_auth_challenge",
            partial(read_outcome, default_username=challenge.username),
            ChallengeName=challenge.cognito_name,
            ChallengeResponses={
                **self._named(challenge.username),
                **challenge.responses(answer),
            },
            Session=challenge.session,
        )
        if isinstance(outcome, AppSetup):
            return app_setup.begin(self._client, outcome)
        return outcome

    def ask_password(self, phone: str) -> PasswordAsked:
        """Start a sign-in that begins with a password. Nothing is texted yet.

        What is returned serves for some seconds. Raises CognitoError.
        """
        proof = srp.Proof.begin()
        return self._step(
            "initiate_auth",
            partial(read_password_asked, default_username=phone, proof=proof),
            AuthFlow=_FLOW,
            AuthParameters={
                **self._named(phone),
                "CHALLENGE_NAME": "SRP_A",
                "SRP_A": proof.srp_a,
            },
        )

    @sensitive_variables("password")
    def prove_password(self, given: PasswordAsked, password: str) -> Challenge:
        """Prove the password, which texts a code. Raises CognitoError.

        Refused means that it is wrong, or anybody's but this user's, or that there is none;
        NewPasswordNeeded and OtherChallenge come after a right one.
        """
        with cognito_errors.translated():
            answers = given.proof.answers(given.asked, password, pool_id=self._user_pool_id)
        username = given.asked.user_id
        return self._step(
            "respond_to_auth_challenge",
            partial(read_challenge, default_username=username),
            ChallengeName="PASSWORD_VERIFIER",
            # The hash is that of the name inside the pool, whatever was typed.
            ChallengeResponses={**self._named(username), **answers},
            Session=given.session,
        )

    def _step(self, operation: str, read: Callable[[Any], T], **parameters: Any) -> T:
        """Take a step of a sign-in, by one API or the other."""
        parameters["ClientId"] = self._client_id
        if self._admin_api:
            return self._call(
                f"admin_{operation}", read, UserPoolId=self._user_pool_id, **parameters
            )
        return self._call(operation, read, **parameters)

    def _call(self, operation: str, read: Callable[[Any], T], **parameters: Any) -> T:
        """Make one call, by boto3's name, and read its reply. Raises CognitoError."""
        with cognito_errors.translated():
            return read(getattr(self._client, operation)(**parameters))

    def _named(self, username: str) -> dict[str, str]:
        """Return the name of a request and the hash that must be made of exactly that name."""
        digest = hmac.digest(
            self._client_secret.encode(), (username + self._client_id).encode(), hashlib.sha256
        )
        return {"USERNAME": username, "SECRET_HASH": base64.b64encode(digest).decode()}

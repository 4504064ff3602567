"""Steps of a sign-in: begin, by phone or with a password, and answer what is asked.

``cognito.Gateway`` adds the users of the pool. Each call is sent once (``clients``).
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self, TypeVar

from django.views.decorators.debug import sensitive_variables

from accounts.aws import app_setup, cognito_errors, srp, statements
from accounts.aws.challenges import AppSetup, Challenge, StatementChallenge
from accounts.aws.cognito_values import (
    PasswordAsked,
    Tokens,
    read_challenge,
    read_outcome,
    read_password_asked,
)

T = TypeVar("T")
_FLOW = "CUSTOM_AUTH"
# The name of the proof in ClientMetadata (lambdas/triggers/pre_authentication.py).
_PROOF = "knownBrowser"


@dataclass(frozen=True)
class AppClient:
    """An app client of the pool."""

    id: str
    secret: str = field(repr=False)


class Steps:
    """Calls on one user pool and our confidential clients, as ``cognito.Gateway`` says them.

    ``known`` is the client for known browsers. A flow begins there with a proof
    (``statements.known_browser``), else with the usual one, and stays with its client.
    """

    def __init__(
        self,
        client: Any,
        *,
        user_pool_id: str,
        client_id: str,
        client_secret: str,
        known: AppClient | None = None,
        admin_api: bool = False,
    ) -> None:
        self._client = client
        self._user_pool_id = user_pool_id
        self._usual = AppClient(client_id, client_secret)
        self._known = known
        self._admin_api = admin_api

    def of_client(self, client_id: str, client_secret: str) -> Self:
        """Return the same for one other client of the pool."""
        return type(self)(
            self._client,
            user_pool_id=self._user_pool_id,
            client_id=client_id,
            client_secret=client_secret,
            admin_api=self._admin_api,
        )

    def start_challenge(self, phone: str, *, proof: str = "") -> Challenge:
        """Start a sign-in with the first step of the stack's plan. Raises CognitoError.

        With a ``proof``, in the lane of known browsers. Raises LaneClosed where that takes none.
        """
        app, metadata = self._app(proof)
        challenge = self._step(
            app,
            "initiate_auth",
            partial(read_challenge, default_username=phone),
            AuthFlow=_FLOW,
            AuthParameters=_named(app, phone),
            **metadata,
        )
        return replace(challenge, is_known=bool(proof))

    def answer_challenge(
        self, challenge: Challenge, answer: str, *, metadata: dict[str, str] | None = None
    ) -> Challenge | Tokens:
        """Send an answer. A wrong one gives a challenge of the same kind again.

        A right one gives tokens, or the challenge of the next step. The session of a challenge
        replaces the one before. Raises Refused when no further try is left, WrongAnswer after a
        wrong one to a challenge of Cognito's own, and the other CognitoErrors. ``metadata`` reaches
        the triggers.
        """
        if isinstance(challenge, AppSetup):
            challenge = app_setup.prove(self._client, challenge, answer)
        app = self._of(is_known=challenge.is_known)
        outcome = self._step(
            app,
            "respond_to_auth_challenge",
            partial(read_outcome, default_username=challenge.username),
            ChallengeName=challenge.cognito_name,
            ChallengeResponses={
                **_named(app, challenge.username),
                **challenge.responses(answer),
            },
            Session=challenge.session,
            **({"ClientMetadata": metadata} if metadata else {}),
        )
        if isinstance(outcome, Challenge):
            outcome = replace(outcome, is_known=challenge.is_known)
        if isinstance(outcome, AppSetup):
            return app_setup.begin(self._client, outcome)
        return outcome

    def sign_in_proven(self, sub: str, *, methods: Iterable[str]) -> Tokens:
        """Sign in a user whom this site has proven, by the client that is for it.

        Two calls, and no text. Raises Refused, UnknownUser and the other CognitoErrors.
        """
        asked = self.start_challenge(self._sign_in_name(sub))
        if not isinstance(asked, StatementChallenge):
            raise cognito_errors.OtherChallenge(asked.kind)
        outcome = self.answer_challenge(
            asked,
            statements.proven(sub=sub, challenge=asked.challenge, methods=methods),
            metadata={"methods": statements.proven_by(sub=sub, methods=methods)},
        )
        if isinstance(outcome, Challenge):
            raise cognito_errors.OtherChallenge(outcome.kind)
        return outcome

    def _sign_in_name(self, sub: str) -> str:
        """Return the name by which a sign-in begins: Cognito takes a sub where names are phones."""
        return sub

    def ask_password(self, phone: str, *, proof: str = "") -> PasswordAsked:
        """Start a sign-in that begins with a password. Nothing is texted yet.

        What is returned serves for some seconds. ``proof`` is as in ``start_challenge``. Raises
        CognitoError.
        """
        ours = srp.Proof.begin()
        app, metadata = self._app(proof)
        asked = self._step(
            app,
            "initiate_auth",
            partial(read_password_asked, default_username=phone, proof=ours),
            AuthFlow=_FLOW,
            AuthParameters={
                **_named(app, phone),
                "CHALLENGE_NAME": "SRP_A",
                "SRP_A": ours.srp_a,
            },
            **metadata,
        )
        return replace(asked, is_known=bool(proof))

    @sensitive_variables("password")
    def prove_password(self, given: PasswordAsked, password: str) -> Challenge:
        """Prove the password, which texts a code. Raises CognitoError.

        Refused means that it is wrong, or anybody's but this user's, or that there is none;
        NewPasswordNeeded and OtherChallenge come after a right one.
        """
        with cognito_errors.translated():
            answers = given.proof.answers(given.asked, password, pool_id=self._user_pool_id)
        username = given.asked.user_id
        app = self._of(is_known=given.is_known)
        challenge = self._step(
            app,
            "respond_to_auth_challenge",
            partial(read_challenge, default_username=username),
            ChallengeName="PASSWORD_VERIFIER",
            # The hash is that of the name inside the pool, whatever was typed.
            ChallengeResponses={**_named(app, username), **answers},
            Session=given.session,
        )
        return replace(challenge, is_known=given.is_known)

    def _app(self, proof: str) -> tuple[AppClient, dict[str, Any]]:
        """Return the client with which a flow begins, and what it carries for the triggers."""
        return self._of(is_known=bool(proof)), {"ClientMetadata": {_PROOF: proof}} if proof else {}

    def _of(self, *, is_known: bool) -> AppClient:
        if not is_known:
            return self._usual
        if self._known is None:
            # The settings have changed since the sign-in began.
            raise cognito_errors.LaneClosed("There is no client for known browsers")
        return self._known

    def _step(
        self, app: AppClient, operation: str, read: Callable[[Any], T], **parameters: Any
    ) -> T:
        """Take a step of a sign-in, by one API or the other."""
        parameters["ClientId"] = app.id
        if self._admin_api:
            return self._call(
                f"admin_{operation}", read, UserPoolId=self._user_pool_id, **parameters
            )
        return self._call(operation, read, **parameters)

    def _call(self, operation: str, read: Callable[[Any], T], **parameters: Any) -> T:
        """Make one call, by boto3's name, and read its reply. Raises CognitoError."""
        with cognito_errors.translated():
            return read(getattr(self._client, operation)(**parameters))


def _named(app: AppClient, username: str) -> dict[str, str]:
    """Return the name of a request and the hash that must be made of exactly that name."""
    digest = hmac.digest(app.secret.encode(), (username + app.id).encode(), hashlib.sha256)
    return {"USERNAME": username, "SECRET_HASH": base64.b64encode(digest).decode()}

"""Passwords in a flow: Cognito's own rounds SRP_A, PASSWORD_VERIFIER and NEW_PASSWORD_REQUIRED.

The emulator holds the passwords, so a proof is checked by its own sign-in with SRP, with a client
that the front makes in the pool; what that sign-in would grant is dropped.
"""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes.cognito_front.pools import Refusal, invalid
from tests.fakes.cognito_front.triggers import Flow

VERIFIER = "PASSWORD_VERIFIER"
NEW_PASSWORD = "NEW_PASSWORD_REQUIRED"
_ANSWERS = ("PASSWORD_CLAIM_SIGNATURE", "PASSWORD_CLAIM_SECRET_BLOCK", "TIMESTAMP")
# "Within a few seconds", says the reference of RespondToAuthChallenge.
PROOF_SECONDS = 10.0
# "After five failed sign-in attempts … for one second. The lockout duration then doubles."
_FREE, _FORGOTTEN_AFTER = 5, 15 * 60
# Tests move it.
now = time.monotonic


@dataclass
class _Failures:
    count: int = 0
    last: float = 0.0

    def require(self) -> None:
        """Raise Refusal while the user is locked out."""
        since = now() - self.last
        if since >= _FORGOTTEN_AFTER:
            self.count = 0
        beyond = self.count - _FREE
        if beyond >= 0 and since < min(2**beyond, _FORGOTTEN_AFTER):
            raise Refusal("Password attempts exceeded")

    def add(self) -> None:
        self.count += 1
        self.last = now()


class Passwords:
    """``api`` is a client of the emulator with every right."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self._clients: dict[str, str] = {}  # by pool
        self._failures: dict[tuple[str, str], _Failures] = {}

    def close(self) -> None:
        for pool_id, client_id in self._clients.items():
            # A test may have removed its pool.
            try:
                self._api.delete_user_pool_client(UserPoolId=pool_id, ClientId=client_id)
            except ClientError:
                continue

    def challenge(self, flow: Flow) -> tuple[Flow, dict[str, str]]:
        """Return the flow and the public parameters of a challenge to prove the password."""
        if flow.user.exists:
            asked = {"USERNAME": flow.user.username, "SRP_A": flow.srp_a}
            reply = self._ask("initiate_auth", flow, AuthFlow="USER_SRP_AUTH", AuthParameters=asked)
            given: dict[str, str] = reply["ChallengeParameters"]
        else:
            given = _simulated(flow)
        given = given | {"USERNAME": flow.user.username, "USER_ID_FOR_SRP": flow.user.username}
        until = now() + PROOF_SECONDS
        return replace(flow, secret_block=given["SECRET_BLOCK"], proof_until=until), given

    def check(self, flow: Flow, responses: dict[str, Any]) -> None:
        """Raise Refusal where what was sent does not prove the password."""
        for name in _ANSWERS:
            if not (responses.get(name) and isinstance(responses[name], str)):
                raise invalid(f"Missing required parameter {name}")
        failures = self._failures.setdefault(
            (flow.client["UserPoolId"], flow.user.username), _Failures()
        )
        failures.require()
        try:
            self._check(flow, {name: responses[name] for name in _ANSWERS})
        except Refusal as refusal:
            if refusal.code == "NotAuthorizedException":
                failures.add()
            raise

    def _check(self, flow: Flow, answers: dict[str, str]) -> None:
        # The emulator finds its own exchange by the block, whichever Session brings it.
        is_of_this_flow = answers["PASSWORD_CLAIM_SECRET_BLOCK"] == flow.secret_block
        if not (flow.user.exists and is_of_this_flow) or now() >= flow.proof_until:
            raise Refusal("Incorrect username or password.")
        self._ask(
            "respond_to_auth_challenge",
            flow,
            ChallengeName=VERIFIER,
            ChallengeResponses={**answers, "USERNAME": flow.user.username},
        )

    def new_one_wanted(self, flow: Flow) -> dict[str, str]:
        """Return the public parameters of a challenge to choose another password."""
        return {
            "USER_ID_FOR_SRP": flow.user.username,
            "userAttributes": json.dumps(flow.user.attributes),
            "requiredAttributes": "[]",
        }

    def renew(self, flow: Flow, password: str) -> None:
        self._api.admin_set_user_password(
            UserPoolId=flow.client["UserPoolId"],
            Username=flow.user.username,
            Password=password,
            Permanent=True,
        )

    def _ask(self, operation: str, flow: Flow, **parameters: Any) -> dict[str, Any]:
        client_id = self._client_of(flow.client["UserPoolId"])
        try:
            reply: dict[str, Any] = getattr(self._api, operation)(ClientId=client_id, **parameters)
        except ClientError as error:
            details = error.response["Error"]
            raise Refusal(details["Message"], code=details["Code"]) from error
        return reply

    def _client_of(self, pool_id: str) -> str:
        if pool_id not in self._clients:
            made = self._api.create_user_pool_client(
                UserPoolId=pool_id,
                ClientName="strict-front-passwords",
                ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            )
            self._clients[pool_id] = made["UserPoolClient"]["ClientId"]
        return self._clients[pool_id]


def _simulated(flow: Flow) -> dict[str, str]:
    """Return what somebody unknown gets: the same salt each time, and nothing that can be right."""
    seed = f"{flow.client['UserPoolId']} {flow.typed}".encode()
    return {
        "SALT": hashlib.sha256(seed).hexdigest()[:32],
        "SRP_B": secrets.token_hex(384),
        "SECRET_BLOCK": base64.b64encode(secrets.token_bytes(32)).decode(),
    }

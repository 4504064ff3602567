"""A user pool at the wire in which people sign in: as strict as Cognito, with triggers made up."""

import base64
import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.codes import wrong
from tests.fakes.password_check import PasswordCheck
from tests.fakes.tokens import (
    CLIENT_ID,
    CLIENT_SECRET,
    KNOWN_CLIENT_ID,
    KNOWN_CLIENT_SECRET,
    POOL_ID,
    SITE_CLIENT_ID,
    SITE_CLIENT_SECRET,
    id_token,
    key_set,
)
from tests.fakes.user_pool import Refusal, UserPool
from tests.wire import Reply, WireServer

# As the exchange about a password has it.
POOL_NAME = POOL_ID.partition("_")[2]


@dataclass
class Flow:
    """``sub`` is None for a user that the pool does not have.

    ``check`` is the exchange about a password, until it was proven.
    """

    username: str
    sub: str | None
    code: str
    tries_left: int = 3
    check: PasswordCheck | None = None
    client: str = CLIENT_ID


class SignInPool(UserPool):
    """A user pool with PreventUserExistenceErrors, as documented.

    Every step gives a new Session and every Session serves one answer; who is unknown gets a
    challenge like everybody, but no text; Admin operations ask for IAM, the others for the hash.
    ``says`` is what the next challenges say in addition. ``texts`` are pairs of phone and code.
    ``passwords`` are by sub: a flow may begin with one (SRP), and then texts once it was proven.
    With a ``cooldown``, in seconds, another flow within it has the code of the last text, as with
    our triggers.
    With ``proves_itself`` the site has a client for people whom it has proven: the pool believes
    every statement, which the triggers' own tests do not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys = WireServer()
        self.serves_keys(Reply(key_set()))
        self.says: dict[str, str] = {}
        self.texts: list[tuple[str, str]] = []
        self.sessions: list[str] = []
        self.tokens: list[str] = []
        self.passwords: dict[str, str] = {}
        self.mint: Callable[..., str] = id_token
        self.cooldown = 0.0
        self._flows: dict[str, Flow] = {}
        self._texted: dict[str, tuple[float, str]] = {}

    def connect(self, settings: Any) -> None:
        super().connect(settings)
        settings.COGNITO_JWKS_URL = f"{self.keys.url}/jwks.json"

    def proves_itself(self, settings: Any) -> None:
        settings.COGNITO_SITE_CLIENT_ID = SITE_CLIENT_ID
        settings.COGNITO_SITE_CLIENT_SECRET = SITE_CLIENT_SECRET
        settings.SITE_KEY = "examplesitekey" * 3

    def serves_keys(self, reply: Reply) -> None:
        self.keys.renew(reply)

    def code(self) -> str:
        return self.texts[-1][1]

    def wrong_code(self, offset: int = 1) -> str:
        return wrong(self.code(), offset)

    def end_cooldowns(self) -> None:
        self._texted.clear()

    def close(self) -> None:
        super().close()
        self.keys.close()

    def _do(self, operation: str, asked: dict[str, Any]) -> Reply:
        if operation in ("InitiateAuth", "AdminInitiateAuth"):
            return Reply(self._initiate(asked))
        if operation in ("RespondToAuthChallenge", "AdminRespondToAuthChallenge"):
            return Reply(self._respond(asked))
        return super()._do(operation, asked)

    def _initiate(self, asked: Any) -> dict[str, Any]:
        assert asked["AuthFlow"] == "CUSTOM_AUTH"
        self._check_hash(asked["ClientId"], asked["AuthParameters"])
        named = asked["AuthParameters"]["USERNAME"]
        # As Cognito takes them where names are phones.
        sub = named if named in self.users else self._sub_with(named)
        if sub and not self.users[sub]["Enabled"]:
            raise Refusal("NotAuthorizedException", "User is disabled.")
        # The same name for the same number: an unknown one must not tell.
        typed = asked["AuthParameters"]["USERNAME"]
        name = self.users[sub]["Username"] if sub else str(uuid.uuid3(uuid.NAMESPACE_URL, typed))
        flow = Flow(name, sub, f"{secrets.randbelow(10**6):06d}", client=asked["ClientId"])
        if flow.client == SITE_CLIENT_ID:
            flow.tries_left = 1
            shown = {"kind": "statement", "challenge": flow.code, "triesLeft": "1"}
            return self._step("CUSTOM_CHALLENGE", flow, shown)
        if srp_a := asked["AuthParameters"].get("SRP_A"):
            assert asked["AuthParameters"]["CHALLENGE_NAME"] == "SRP_A"
            if sub and self.users[sub]["UserStatus"] == "FORCE_CHANGE_PASSWORD":
                # As our trigger has it.
                raise Refusal("NotAuthorizedException", "Incorrect username or password.")
            flow.check = PasswordCheck(POOL_NAME, name, self.passwords.get(sub or ""), srp_a)
            return self._step("PASSWORD_VERIFIER", flow, flow.check.parameters())
        return self._text(flow)

    def _text(self, flow: Flow) -> dict[str, Any]:
        if flow.sub:
            now = time.monotonic()
            at, code = self._texted.get(flow.sub, (now, ""))
            if code and now - at < self.cooldown:
                flow.code = code
            else:
                self._texted[flow.sub] = (now, flow.code)
                self.texts.append((self.attributes(flow.sub)["phone_number"], flow.code))
        return self._challenge(flow)

    def _respond(self, asked: Any) -> dict[str, Any]:
        responses = asked["ChallengeResponses"]
        self._check_hash(asked["ClientId"], responses)
        if asked["Session"] not in self.sessions:
            raise Refusal("NotAuthorizedException", "Invalid session for the user.")
        flow = self._flows.pop(asked["Session"], None)
        if flow is None:
            message = "Invalid session for the user, session can only be used once."
            raise Refusal("NotAuthorizedException", message)
        awaited = "PASSWORD_VERIFIER" if flow.check else "CUSTOM_CHALLENGE"
        if responses["USERNAME"] != flow.username or asked["ChallengeName"] != awaited:
            raise Refusal("NotAuthorizedException", "Invalid session for the user.")
        if flow.check:
            return self._prove(flow, flow.check, responses)
        if flow.client != asked["ClientId"]:
            raise Refusal("NotAuthorizedException", "Invalid session for the user.")
        is_stated = flow.client == SITE_CLIENT_ID and responses["ANSWER"].startswith("v1.")
        if flow.sub and (is_stated or responses["ANSWER"] == flow.code):
            self._texted.pop(flow.sub, None)
            return {"AuthenticationResult": self._tokens(flow.sub)}
        flow.tries_left -= 1
        if not flow.tries_left:
            raise Refusal("NotAuthorizedException", "Incorrect username or password.")
        return self._challenge(flow)

    def _prove(self, flow: Flow, check: PasswordCheck, responses: dict[str, Any]) -> dict[str, Any]:
        # Computed for everybody, so that time tells nothing either.
        if not (check.accepts(responses) and flow.sub):
            raise Refusal("NotAuthorizedException", "Incorrect username or password.")
        if self.users[flow.sub]["UserStatus"] == "RESET_REQUIRED":
            raise Refusal("PasswordResetRequiredException", "Password reset required for the user")
        flow.check = None
        return self._text(flow)

    def _challenge(self, flow: Flow) -> dict[str, Any]:
        now = int(time.time())
        parameters = {
            "USERNAME": flow.username,
            "expiresAt": str(now + 300),
            "resendAt": str(now + 30),
            "triesLeft": str(flow.tries_left),
            "codeLength": "6",
            **self.says,
        }
        return self._step("CUSTOM_CHALLENGE", flow, parameters)

    def _step(self, name: str, flow: Flow, parameters: dict[str, str]) -> dict[str, Any]:
        session = secrets.token_urlsafe(60)
        self.sessions.append(session)
        self._flows[session] = flow
        return {"ChallengeName": name, "Session": session, "ChallengeParameters": parameters}

    def _tokens(self, sub: str) -> dict[str, Any]:
        given = {
            "IdToken": self.mint(sub, **self._claims(sub)),
            "AccessToken": secrets.token_urlsafe(200),
            "RefreshToken": secrets.token_urlsafe(200),
        }
        self.tokens.extend(given.values())
        return {**given, "ExpiresIn": 3600, "TokenType": "Bearer"}

    def _claims(self, sub: str) -> dict[str, Any]:
        attributes = self.attributes(sub)
        return {
            "phone_number": attributes["phone_number"],
            "phone_number_verified": attributes["phone_number_verified"] == "true",
            "locale": attributes.get("locale"),
        }

    def _check_hash(self, client: str, named: dict[str, str]) -> None:
        secret = {
            CLIENT_ID: CLIENT_SECRET,
            SITE_CLIENT_ID: SITE_CLIENT_SECRET,
            KNOWN_CLIENT_ID: KNOWN_CLIENT_SECRET,
        }[client]
        message = (named["USERNAME"] + client).encode()
        digest = hmac.digest(secret.encode(), message, hashlib.sha256)
        if named.get("SECRET_HASH") != base64.b64encode(digest).decode():
            message = f"Unable to verify secret hash for client {client}"
            raise Refusal("NotAuthorizedException", message)


def further_step(challenge: str, **parameters: str) -> Reply:
    """What Cognito says where it asks for a challenge of its own."""
    parameters = {"USER_ID_FOR_SRP": "somebody"} | parameters
    return Reply(
        {"ChallengeName": challenge, "Session": "s" * 40, "ChallengeParameters": parameters}
    )

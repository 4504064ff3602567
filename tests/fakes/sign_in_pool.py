"""A user pool at the wire in which people sign in: as strict as Cognito, with triggers made up."""

import base64
import dataclasses
import hashlib
import hmac
import secrets
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.tokens import CLIENT_ID, CLIENT_SECRET, id_token, key_set
from tests.wire import Reply, Request, WireServer, aws_error


class Refusal(Exception):
    def __init__(self, code: str, message: str) -> None:
        self.reply = aws_error(code, message)


@dataclass
class Flow:
    """``sub`` is None for a user that the pool does not have."""

    username: str
    sub: str | None
    code: str
    tries_left: int = 3


class SignInPool(WireServer):
    """A user pool with PreventUserExistenceErrors, as documented.

    Every step gives a new Session and every Session serves one answer; who is unknown gets a
    challenge like everybody, but no text; Admin operations ask for IAM, the others for the hash.
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys = WireServer()
        self.keys.will(Reply(key_set()))
        self.subs: dict[str, str] = {}
        self.verified: set[str] = set()
        # Whom it has disabled, by phone.
        self.refuses: set[str] = set()
        self.locales: dict[str, str] = {}
        # What the next challenges say beside what they always say.
        self.says: dict[str, str] = {}
        self.texts: list[tuple[str, str]] = []
        self.sessions: list[str] = []
        self.tokens: list[str] = []
        self.mint: Callable[..., str] = id_token
        self._flows: dict[str, Flow] = {}
        self.ledger: dict[str, Any] = {
            "failures": 0,
            "held_until": 0,
            "is_locked": False,
            "sends_last_hour": 0,
            "sends_last_day": 0,
        }
        self._faults: dict[str, deque[Reply]] = defaultdict(deque)
        self._lost: set[str] = set()
        # How long an operation takes, in seconds.
        self.delays: dict[str, float] = {}

    def connect(self, settings: Any) -> None:
        """Let the site of this process take this for AWS."""
        settings.AWS_ENDPOINT_URL = self.url
        settings.ACCOUNTS_JWKS_URL = f"{self.keys.url}/jwks.json"

    def add(self, phone: str, *, verified: bool = True) -> str:
        """Let a user be there already, and return the sub."""
        self.subs[phone] = sub = str(uuid.uuid4())
        self.locales[sub] = "en"
        if verified:
            self.verified.add(sub)
        return sub

    def fails(self, operation: str, *replies: Reply) -> None:
        """Give these replies to the next calls of an operation, which do nothing."""
        self._faults[operation].extend(replies)

    def loses_the_answer_to(self, operation: str) -> None:
        """Do what the next call asks for, and hang up before saying so."""
        self._lost.add(operation)

    def serves_keys(self, reply: Reply) -> None:
        self.keys._replies.clear()
        self.keys.will(reply)

    def code(self) -> str:
        return self.texts[-1][1]

    def wrong_code(self, offset: int = 1) -> str:
        return f"{(int(self.code()) + offset) % 1_000_000:06d}"

    def forget_calls(self) -> None:
        self.requests.clear()

    def calls(self, operation: str) -> list[Any]:
        return [request.json for request in self.requests if request.operation == operation]

    def close(self) -> None:
        super().close()
        self.keys.close()

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            if faults := self._faults[request.operation]:
                return faults.popleft()
            try:
                reply = self._answer(request)
            except Refusal as refusal:
                return refusal.reply
            if request.operation in self._lost:
                self._lost.discard(request.operation)
                return Reply(drop=True)
            return dataclasses.replace(reply, delay=self.delays.get(request.operation, 0.0))

    def _answer(self, request: Request) -> Reply:
        if "/functions/" in request.path:
            return Reply(self.ledger)
        asked, operation = request.json, request.operation
        is_signed = request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 ")
        if operation.startswith("Admin") and not is_signed:
            raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        if operation in ("InitiateAuth", "AdminInitiateAuth"):
            return Reply(self._initiate(asked))
        if operation in ("RespondToAuthChallenge", "AdminRespondToAuthChallenge"):
            return Reply(self._respond(asked))
        if operation == "AdminCreateUser":
            return Reply(self._create(asked))
        if operation == "AdminGetUser":
            phone, sub = self._find(asked["Username"])
            return Reply(
                {
                    "Username": sub,
                    "UserAttributes": self._attributes(phone, sub),
                    "UserStatus": "FORCE_CHANGE_PASSWORD",
                    "Enabled": True,
                    "UserCreateDate": 1_700_000_000,
                    "UserLastModifiedDate": 1_700_000_000,
                }
            )
        if operation == "AdminUpdateUserAttributes":
            _, sub = self._find(asked["Username"])
            [attribute] = asked["UserAttributes"]
            if attribute["Name"] == "locale":
                self.locales[sub] = attribute["Value"]
            else:
                assert attribute == {"Name": "phone_number_verified", "Value": "true"}
                self.verified.add(sub)
            return Reply({})
        raise Refusal("InvalidParameterException", f"Unknown operation {operation}")

    def _initiate(self, asked: Any) -> dict[str, Any]:
        assert asked["AuthFlow"] == "CUSTOM_AUTH"
        phone = asked["AuthParameters"]["USERNAME"]
        self._check_hash(asked["AuthParameters"])
        if phone in self.refuses:
            raise Refusal("NotAuthorizedException", "User is disabled.")
        sub = self.subs.get(phone)
        flow = Flow(sub or str(uuid.uuid4()), sub, f"{secrets.randbelow(10**6):06d}")
        if sub:
            self.texts.append((phone, flow.code))
        return self._challenge(flow)

    def _respond(self, asked: Any) -> dict[str, Any]:
        assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
        responses = asked["ChallengeResponses"]
        self._check_hash(responses)
        if asked["Session"] not in self.sessions:
            raise Refusal("NotAuthorizedException", "Invalid session for the user.")
        flow = self._flows.pop(asked["Session"], None)
        if flow is None:
            message = "Invalid session for the user, session can only be used once."
            raise Refusal("NotAuthorizedException", message)
        if responses["USERNAME"] != flow.username:
            raise Refusal("NotAuthorizedException", "Invalid session for the user.")
        if flow.sub and responses["ANSWER"] == flow.code:
            return {"AuthenticationResult": self._tokens(flow.sub)}
        flow.tries_left -= 1
        if not flow.tries_left:
            raise Refusal("NotAuthorizedException", "Incorrect username or password.")
        return self._challenge(flow)

    def _challenge(self, flow: Flow) -> dict[str, Any]:
        session = secrets.token_urlsafe(60)
        self.sessions.append(session)
        self._flows[session] = flow
        now = int(time.time())
        return {
            "ChallengeName": "CUSTOM_CHALLENGE",
            "Session": session,
            "ChallengeParameters": {
                "USERNAME": flow.username,
                "expiresAt": str(now + 300),
                "resendAt": str(now + 30),
                "triesLeft": str(flow.tries_left),
                "codeLength": "6",
                **self.says,
            },
        }

    def _tokens(self, sub: str) -> dict[str, Any]:
        phone, _ = self._find(sub)
        given = {
            "IdToken": self.mint(
                sub,
                phone_number=phone,
                phone_number_verified=sub in self.verified,
                locale=self.locales.get(sub),
            ),
            "AccessToken": secrets.token_urlsafe(200),
            "RefreshToken": secrets.token_urlsafe(200),
        }
        self.tokens.extend(given.values())
        return {**given, "ExpiresIn": 3600, "TokenType": "Bearer"}

    def _create(self, asked: Any) -> dict[str, Any]:
        phone = asked["Username"]
        assert asked["MessageAction"] == "SUPPRESS"
        given = {each["Name"]: each["Value"] for each in asked["UserAttributes"]}
        assert given.pop("phone_number") == phone
        assert set(given) <= {"locale"}
        if phone in self.subs:
            raise Refusal("UsernameExistsException", "User account already exists")
        sub = self.add(phone, verified=False)
        self.locales[sub] = given.get("locale", "")
        return {"User": {"Username": sub, "Attributes": self._attributes(phone, sub)}}

    def _find(self, name: str) -> tuple[str, str]:
        for phone, sub in self.subs.items():
            if name in (phone, sub):
                return phone, sub
        raise Refusal("UserNotFoundException", "User does not exist.")

    def _attributes(self, phone: str, sub: str) -> list[dict[str, str]]:
        found = {
            "phone_number": phone,
            "sub": sub,
            "phone_number_verified": str(sub in self.verified).lower(),
            "locale": self.locales[sub],
        }
        return [{"Name": name, "Value": value} for name, value in found.items()]

    def _check_hash(self, named: dict[str, str]) -> None:
        message = (named["USERNAME"] + CLIENT_ID).encode()
        digest = hmac.digest(CLIENT_SECRET.encode(), message, hashlib.sha256)
        if named.get("SECRET_HASH") != base64.b64encode(digest).decode():
            message = f"Unable to verify secret hash for client {CLIENT_ID}"
            raise Refusal("NotAuthorizedException", message)


def further_step(challenge: str) -> Reply:
    """What Cognito says after a right code where it asks for a challenge of its own."""
    parameters = {"USER_ID_FOR_SRP": "somebody"}
    return Reply(
        {"ChallengeName": challenge, "Session": "s" * 40, "ChallengeParameters": parameters}
    )

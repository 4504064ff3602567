"""The flow against a Cognito that is as strict as the real one, where the local AWS is kinder."""

import base64
import dataclasses
import hashlib
import hmac
import json
import logging
import re
import secrets
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core import serializers
from django.db.models.signals import pre_save
from django.test import Client
from django.views.debug import ExceptionReporter

from accounts import tokens, turns
from accounts.models import Session, SignInEvent, Turn, UnprovenAccount, User
from accounts.sessions import SessionStore
from tests.clock import seconds_later
from tests.concurrency import at_once, database_in_a_file
from tests.wire import Reply, Request, WireServer, aws_error

pytestmark = pytest.mark.django_db

LOGIN, CODE, RESEND, LOGOUT = (
    "/accounts/login/",
    "/accounts/login/code/",
    "/accounts/login/resend/",
    "/accounts/logout/",
)
CLIENT_ID, CLIENT_SECRET = "exampleclientid", "exampleclientsecret"
ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example01"


@cache
def signing_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_set() -> dict[str, Any]:
    """The pool's public keys, as its JWKS endpoint serves them."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(signing_key("pool").public_key(), as_dict=True)
    return {"keys": [public | {"kid": "pool", "use": "sig", "alg": "RS256"}]}


def id_token(sub: str, *, signed_by: str = "pool", **claims: Any) -> str:
    """An ID token of the pool. A claim that is None is left out."""
    now = int(time.time())
    content = {
        "sub": sub,
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "token_use": "id",
        "iat": now,
        "exp": now + 3600,
        **claims,
    }
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(content, signing_key(signed_by), "RS256", headers={"kid": "pool"})


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


class StrictCognito(WireServer):
    """A user pool with PreventUserExistenceErrors, as documented.

    Every step gives a new Session and every Session serves one answer; who is unknown gets a
    challenge like everybody, but no text; Admin operations ask for IAM, the others for the hash.
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys = WireServer()
        self.keys.will(Reply(key_set()))
        for each in (self, self.keys):
            # A reply leaves in two pieces, which would wait 40 ms for each other.
            each._server.RequestHandlerClass.disable_nagle_algorithm = True  # type: ignore[attr-defined]
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


@contextmanager
def strict_cognito(settings: Any) -> Iterator[StrictCognito]:
    """Point the site of this process at a StrictCognito."""
    server = StrictCognito()
    settings.AWS_ENDPOINT_URL = server.url
    settings.ACCOUNTS_JWKS_URL = f"{server.keys.url}/jwks.json"
    yield server
    server.close()


@pytest.fixture
def pool(settings) -> Iterator[StrictCognito]:
    with strict_cognito(settings) as server:
        yield server


@pytest.fixture
def known(pool, phone) -> User:
    """Somebody who signed in here before, with a verified phone."""
    return User.objects.for_identity(pool.add(phone), phone, phone_verified=True)


def further_step(challenge: str) -> Reply:
    """What Cognito says after a right code where it asks for a challenge of its own."""
    parameters = {"USER_ID_FOR_SRP": "somebody"}
    return Reply(
        {"ChallengeName": challenge, "Session": "s" * 40, "ChallengeParameters": parameters}
    )


def ask(client: Client, phone: str, **extra: str):
    return client.post(LOGIN, {"phone": phone, **extra})


def answer(client: Client, code: str):
    return client.post(CODE, {"code": code})


def who(client: Client) -> User | None:
    """Whom the browser is signed in as."""
    found = client.session.get("_auth_user_id")
    return User.objects.get(pk=found) if found else None


def same_cookies(client: Client) -> Client:
    """The same browser, before it learns how its next request ends."""
    twin = Client()
    twin.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    return twin


# Which calls are made


def test_new_number_takes_three_calls_and_one_to_mark_it(client, pool, phone):
    assert ask(client, phone).url == CODE
    assert pool.operations() == ["AdminCreateUser", "InitiateAuth"]
    assert answer(client, pool.code()).url == "/"
    assert pool.operations() == [
        "AdminCreateUser",
        "InitiateAuth",
        "RespondToAuthChallenge",
        "AdminUpdateUserAttributes",
    ]
    user = who(client)
    assert (user.phone, user.sub, user.phone_verified) == (phone, pool.subs[phone], True)


def test_second_sign_in_takes_two_calls(client, pool, phone):
    ask(client, phone)
    answer(client, pool.code())
    client.post(LOGOUT)
    pool.forget_calls()
    ask(client, phone)
    answer(client, pool.code())
    assert who(client).phone == phone
    assert pool.operations() == ["InitiateAuth", "RespondToAuthChallenge"]


def test_signing_in_with_iam_makes_the_admin_calls(client, pool, known, settings):
    settings.ACCOUNTS_COGNITO_API = "admin"
    ask(client, known.phone)
    answer(client, pool.code())
    assert who(client) == known
    assert pool.operations() == ["AdminInitiateAuth", "AdminRespondToAuthChallenge"]


def test_number_that_only_cognito_has_is_found_there(client, pool, phone):
    sub = pool.add(phone)
    ask(client, phone)
    answer(client, pool.code())
    assert who(client).sub == sub
    assert pool.operations() == [
        "AdminCreateUser",
        "AdminGetUser",
        "InitiateAuth",
        "RespondToAuthChallenge",
    ]


def test_number_that_a_stranger_typed_before_is_texted_in_the_language_of_its_owner(
    client, pool, phone
):
    stranger, operations = Client(headers={"Accept-Language": "ja"}), pool.operations
    ask(stranger, phone)
    sub = pool.subs[phone]
    assert pool.locales[sub] == "ja"
    pool.forget_calls()
    client.post(LOGIN, {"phone": phone}, headers={"Accept-Language": "pt-BR"})
    assert pool.locales[sub] == "pt-BR"
    assert operations()[-2:] == ["AdminUpdateUserAttributes", "InitiateAuth"]
    pool.forget_calls()
    client.post(RESEND)
    assert "AdminUpdateUserAttributes" not in operations()
    assert UnprovenAccount.objects.get().changed_at


def test_number_that_was_proven_elsewhere_keeps_its_language(client, pool, phone):
    sub = pool.add(phone)
    client.post(LOGIN, {"phone": phone}, headers={"Accept-Language": "ja"})
    assert pool.locales[sub] == "en"


def test_fault_at_the_language_of_a_number_typed_before_stops_nobody(client, pool, phone):
    ask(Client(headers={"Accept-Language": "ja"}), phone)
    pool.fails("AdminUpdateUserAttributes", Reply({}, 500))
    assert ask(client, phone).url == CODE
    assert answer(client, pool.code()).url == "/"


def test_account_made_by_somebody_else_a_moment_ago_is_no_obstacle(client, pool, phone):
    pool.add(phone)
    pool.fails("AdminCreateUser", aws_error("UsernameExistsException", "User account exists"))
    assert ask(client, phone).url == CODE
    assert answer(client, pool.code()).url == "/"
    assert who(client).phone == phone


def test_account_that_the_site_made_is_written_down_until_somebody_signs_in(client, pool, phone):
    ask(client, phone)
    assert UnprovenAccount.objects.get().sub == pool.subs[phone]
    ask(Client(), phone)
    assert UnprovenAccount.objects.count() == 1


def test_no_more_accounts_are_made_than_may_be(client, pool, phone, settings):
    settings.ACCOUNTS_SIGN_UPS_PER_BLOCK = "10/hour"
    for n in range(120):
        visitor = Client(REMOTE_ADDR=f"192.0.2.{n}")
        assert ask(visitor, f"{phone[:-4]}{n:04d}").url == CODE
    assert len(pool.subs) == len(pool.calls("AdminCreateUser")) == 10
    assert UnprovenAccount.objects.count() == 10
    # Nobody is told, but operators are.
    assert "We sent it to" in visitor.get(CODE).content.decode()
    event = SignInEvent.objects.latest("pk")
    assert (event.kind, event.reason) == ("blocked", "sign_ups")


def test_members_sign_in_when_no_more_accounts_are_made(client, pool, known, settings):
    settings.ACCOUNTS_SIGN_UPS = "1/hour"
    ask(Client(REMOTE_ADDR="192.0.2.1"), "+12015550001")
    ask(client, known.phone)
    assert answer(client, pool.code()).url == "/"


def test_account_of_an_app_signs_in_when_no_more_accounts_are_made(client, pool, phone, settings):
    """It has no row here, so the site cannot know that there is one."""
    settings.ACCOUNTS_SIGN_UPS = "1/hour"
    ask(Client(REMOTE_ADDR="192.0.2.1"), "+12015550001")
    pool.add(phone)
    ask(client, phone)
    assert answer(client, pool.code()).url == "/"


@pytest.mark.django_db(transaction=True)
def test_thirty_wrong_codes_at_once_from_one_address_are_ten(pool, phone, settings, tmp_path):
    settings.ACCOUNTS_SENDS = "1000/hour"
    settings.ACCOUNTS_WRONG_CODES = "10/5 minutes"
    with database_in_a_file(tmp_path):
        visitors = []
        for n in range(30):
            number = f"{phone[:-4]}{n:04d}"
            User.objects.for_identity(pool.add(number), number, phone_verified=True)
            visitors.append(Client())
            ask(visitors[-1], number)
        pool.delays["RespondToAuthChallenge"] = 0.3
        codes = {code for _, code in pool.texts}
        wrong = next(f"{n:06d}" for n in range(10**6) if f"{n:06d}" not in codes)
        answers = at_once(*[partial(answer, visitor, wrong) for visitor in visitors])
    assert len(pool.calls("RespondToAuthChallenge")) == 10
    assert sorted(page.status_code for page in answers) == [200] * 10 + [429] * 20


def test_right_codes_cost_their_network_nothing(pool, known, settings):
    settings.ACCOUNTS_SENDS = "1000/hour"
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    for _ in range(4):
        visitor = Client()
        ask(visitor, known.phone)
        assert answer(visitor, pool.code()).url == "/"


def test_outage_costs_the_network_nothing(client, pool, known, settings):
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    ask(client, known.phone)
    pool.fails("RespondToAuthChallenge", *[Reply({}, 500)] * 3)
    assert [answer(client, pool.code()).status_code for _ in range(3)] == [503] * 3
    assert answer(client, pool.code()).url == "/"


def test_closed_sign_up_creates_nobody(client, pool, phone, settings):
    settings.ACCOUNTS_SIGN_UP = "closed"
    assert ask(client, phone).url == CODE
    with seconds_later(31):
        assert client.post(RESEND).url == CODE
    assert pool.operations() == ["InitiateAuth", "InitiateAuth"]


# Sessions


def test_newest_session_answers_every_challenge(client, pool, known):
    ask(client, known.phone)
    answer(client, pool.wrong_code(1))
    answer(client, pool.wrong_code(2))
    assert answer(client, pool.code()).url == "/"
    used = [asked["Session"] for asked in pool.calls("RespondToAuthChallenge")]
    assert used == pool.sessions
    assert len(set(used)) == 3
    assert who(client) == known


def test_answers_carry_the_name_that_cognito_gave(client, pool, known):
    ask(client, known.phone)
    answer(client, pool.code())
    [asked] = pool.calls("RespondToAuthChallenge")
    assert asked["ChallengeResponses"]["USERNAME"] == known.sub
    [asked] = pool.calls("InitiateAuth")
    assert asked["AuthParameters"]["USERNAME"] == known.phone


def test_resent_code_is_answered_in_its_own_session(client, pool, known):
    ask(client, known.phone)
    answer(client, pool.wrong_code())
    with seconds_later(31):
        assert client.post(RESEND).url == CODE
        assert answer(client, pool.code()).url == "/"
    assert pool.calls("RespondToAuthChallenge")[-1]["Session"] == pool.sessions[-1]
    assert len(pool.texts) == 2


def test_code_from_before_the_resend_costs_a_try(client, pool, known):
    ask(client, known.phone)
    old = pool.code()
    with seconds_later(31):
        client.post(RESEND)
        if pool.code() != old:
            assert "You have 2 tries left" in answer(client, old).content.decode()
        assert answer(client, pool.code()).url == "/"


def test_wrong_code_that_was_typed_before_the_resend_is_sent_again(client, pool, known):
    ask(client, known.phone)
    bad = pool.wrong_code()
    answer(client, bad)
    with seconds_later(31):
        client.post(RESEND)
        answer(client, bad)
    assert len(pool.calls("RespondToAuthChallenge")) == 2


def test_same_wrong_code_twice_reaches_cognito_once(client, pool, known):
    ask(client, known.phone)
    for _ in range(3):
        assert "You have 2 tries left" in answer(client, pool.wrong_code()).content.decode()
    assert len(pool.calls("RespondToAuthChallenge")) == 1


def test_third_wrong_code_ends_it_before_cognito_is_asked_again(client, pool, known):
    ask(client, known.phone)
    for offset in (1, 2):
        answer(client, pool.wrong_code(offset))
    assert answer(client, pool.wrong_code(3)).url == LOGIN
    assert answer(client, pool.code()).url == LOGIN
    assert len(pool.calls("RespondToAuthChallenge")) == 3
    assert who(client) is None


def test_spent_session_starts_over(client, pool, known):
    ask(client, known.phone)
    pool.loses_the_answer_to("RespondToAuthChallenge")
    lost = answer(client, pool.code())
    assert lost.status_code == 503
    assert lost["Retry-After"] == "60"
    assert "we do not know whether your code was used up" in lost.content.decode()
    assert "Nothing is lost" not in lost.content.decode()
    assert answer(client, pool.code()).url == LOGIN
    assert who(client) is None
    assert ask(client, known.phone).url == CODE
    assert answer(client, pool.code()).url == "/"


@pytest.mark.parametrize(
    "message",
    [
        "Invalid session for the user, session is expired.",
        "Invalid session for the user.",
        "User is disabled.",
        "Words that AWS has not found yet",
    ],
)
def test_refused_answer_starts_over_in_our_own_words(client, pool, known, message):
    ask(client, known.phone)
    pool.fails("RespondToAuthChallenge", aws_error("NotAuthorizedException", message))
    page = client.post(CODE, {"code": pool.code()}, follow=True)
    assert page.redirect_chain == [(LOGIN, 302)]
    assert message not in page.content.decode()
    assert "cannot be used any more" in page.content.decode()
    assert who(client) is None


def test_expired_code_is_not_sent_to_cognito(client, pool, known):
    ask(client, known.phone)
    with seconds_later(301):
        assert "too old" in answer(client, pool.code()).content.decode()
    assert pool.calls("RespondToAuthChallenge") == []


# Faults

FAULTS = {
    "throttled": aws_error("TooManyRequestsException", "Rate exceeded"),
    "text failed": aws_error(
        "UserLambdaValidationException", "CreateAuthChallenge failed with error Sandbox 555."
    ),
    "trigger failed": aws_error(
        "UnexpectedLambdaException", "CreateAuthChallenge invocation failed due to error Timeout."
    ),
    "trigger babbled": aws_error("InvalidLambdaResponseException", "Unrecognizable lambda output"),
    "their fault": aws_error("InternalErrorException", "Sandbox", 500),
    "html": Reply(b"<html>Sandbox</html>", 503),
    "not allowed": aws_error("AccessDeniedException", "Sandbox is not authorized to perform"),
    "bad hash": aws_error("NotAuthorizedException", "Unable to verify secret hash for client x"),
    "empty object": Reply({}),
    "list": Reply([]),
    "binary": Reply(b"\xff\xfe\x00"),
    "hang-up": Reply(drop=True),
}


@pytest.fixture(params=FAULTS.values(), ids=FAULTS.keys())
def fault(request) -> Reply:
    return request.param


@pytest.fixture(params=["throttled", "html", "hang-up", "not allowed"])
def common_fault(request) -> Reply:
    return FAULTS[request.param]


def test_fault_at_the_start_is_a_503_page_with_the_number(client, pool, known, fault):
    pool.fails("InitiateAuth", fault)
    page = ask(client, known.phone)
    assert page.status_code == 503
    assert known.phone in page.content.decode()
    assert "Sandbox" not in page.content.decode()
    assert pool.operations() == ["InitiateAuth"]
    assert ask(client, known.phone).url == CODE
    assert answer(client, pool.code()).url == "/"


def test_fault_at_the_answer_is_a_503_page_and_costs_nothing(client, pool, known, fault):
    ask(client, known.phone)
    pool.fails("RespondToAuthChallenge", fault)
    page = answer(client, pool.code())
    assert page.status_code == 503
    assert ("Nothing is lost" in page.content.decode()) == (not fault.drop)
    assert "Sandbox" not in page.content.decode()
    assert len(pool.calls("RespondToAuthChallenge")) == 1
    assert who(client) is None
    assert answer(client, pool.code()).url == "/"
    assert who(client) == known


def test_fault_at_making_the_account_sends_no_text(client, pool, phone, common_fault):
    pool.fails("AdminCreateUser", common_fault)
    assert ask(client, phone).status_code == 503
    assert pool.operations() == ["AdminCreateUser"]


def test_fault_at_finding_the_owner_signs_nobody_in(client, pool, phone, common_fault, settings):
    # An account of the pool that nobody was made for here, so its sub is not known before the code.
    settings.ACCOUNTS_SIGN_UP = "closed"
    pool.add(phone)
    ask(client, phone)
    pool.fails("AdminGetUser", common_fault)
    page = answer(client, pool.code())
    assert page.status_code == 503
    assert who(client) is None
    # The code was spent by it.
    assert client.get(CODE).url == LOGIN
    assert answer(client, pool.code()).url == LOGIN
    assert len(pool.calls("RespondToAuthChallenge")) == 1


def test_fault_at_the_resend_keeps_the_old_code(client, pool, known, common_fault):
    ask(client, known.phone)
    with seconds_later(31):
        pool.fails("AdminCreateUser", common_fault)
        page = client.post(RESEND)
        assert page.status_code == 503
        assert "Type your code" in page.content.decode()
        assert answer(client, pool.code()).url == "/"


def test_failing_mark_does_not_stop_the_sign_in_and_is_tried_again(
    client, pool, phone, common_fault
):
    pool.fails("AdminUpdateUserAttributes", common_fault)
    ask(client, phone)
    assert answer(client, pool.code()).url == "/"
    assert not who(client).phone_verified
    client.post(LOGOUT)
    pool.forget_calls()
    ask(client, phone)
    assert answer(client, pool.code()).url == "/"
    assert who(client).phone_verified
    assert pool.operations() == [
        "InitiateAuth",
        "RespondToAuthChallenge",
        "AdminUpdateUserAttributes",
    ]
    assert pool.verified == {pool.subs[phone]}


def test_request_that_waits_too_long_for_another_is_a_503_page(client, pool, known, monkeypatch):
    ask(client, known.phone)
    monkeypatch.setattr(turns, "_PATIENCE", 0.1)
    request = client.get(CODE).wsgi_request
    with turns.turn(request):
        page = answer(client, pool.code())
    assert page.status_code == 503
    assert pool.calls("RespondToAuthChallenge") == []
    assert answer(client, pool.code()).url == "/"


# Who it is


def test_deleted_account_heals_when_another_code_is_asked_for(client, pool, known):
    del pool.subs[known.phone]
    assert ask(client, known.phone).url == CODE
    assert pool.texts == []
    with seconds_later(31):
        assert client.post(RESEND).url == CODE
        assert answer(client, pool.code()).url == "/"
    assert pool.operations() == [
        "InitiateAuth",
        "AdminCreateUser",
        "InitiateAuth",
        "RespondToAuthChallenge",
        "AdminUpdateUserAttributes",
    ]
    assert who(client).sub == pool.subs[known.phone] != known.sub
    known.refresh_from_db()
    assert known.phone is None


def test_resend_is_no_obstacle_to_an_account_that_is_there(client, pool, known):
    ask(client, known.phone)
    with seconds_later(31):
        client.post(RESEND)
        assert pool.operations() == ["InitiateAuth", "AdminCreateUser", "InitiateAuth"]
        assert answer(client, pool.code()).url == "/"
    assert who(client) == known
    assert "AdminGetUser" not in pool.operations()


def test_deleted_account_heals_at_once_where_the_pool_tells(client, pool, known):
    del pool.subs[known.phone]
    pool.fails("InitiateAuth", aws_error("UserNotFoundException", "User does not exist."))
    assert ask(client, known.phone).url == CODE
    assert answer(client, pool.code()).url == "/"
    assert who(client).sub == pool.subs[known.phone] != known.sub


def test_number_that_moved_to_another_account_signs_that_one_in(client, pool, known):
    new = pool.add(known.phone)
    ask(client, known.phone)
    assert answer(client, pool.code()).url == "/"
    assert who(client).sub == new
    assert pool.operations()[-1] == "AdminGetUser"
    known.refresh_from_db()
    assert known.phone is None


def test_token_of_somebody_else_signs_nobody_in(client, pool, known):
    pool.mint = lambda sub, **claims: id_token("somebody-else", **claims)
    ask(client, known.phone)
    assert answer(client, pool.code()).url == LOGIN
    assert who(client) is None
    assert not User.objects.filter(sub="somebody-else").exists()


def test_token_of_somebody_else_signs_nobody_in_as_a_new_number(client, pool, phone):
    pool.mint = lambda sub, **claims: id_token("somebody-else", **claims)
    ask(client, phone)
    assert answer(client, pool.code()).url == LOGIN
    assert who(client) is None
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "damage",
    [
        {"signed_by": "somebody"},
        {"token_use": "access"},
        {"aud": "another-client"},
        {"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Another01"},
        {"exp": 1},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_token_that_is_no_good_signs_nobody_in(client, pool, known, damage):
    pool.mint = lambda sub, **claims: id_token(sub, **{**claims, **damage})
    ask(client, known.phone)
    assert answer(client, pool.code()).url == LOGIN
    assert who(client) is None


def test_pool_without_keys_is_a_503_page_and_needs_a_fresh_code(client, pool, known):
    pool.serves_keys(Reply(b"", 500))
    ask(client, known.phone)
    page = answer(client, pool.code())
    assert page.status_code == 503
    assert "cannot reach the sign-in service" in page.content.decode()
    assert who(client) is None
    assert answer(client, pool.code()).url == LOGIN
    assert len(pool.calls("RespondToAuthChallenge")) == 1
    pool.serves_keys(Reply(key_set()))
    # Another process of the site: this one remembers the failure for some seconds.
    tokens._verifier.cache_clear()
    assert ask(client, known.phone).url == CODE
    assert answer(client, pool.code()).url == "/"
    assert who(client) == known


@pytest.mark.parametrize("where", ["here", "in Cognito"])
def test_who_is_shut_out_gets_the_challenge_of_somebody_unknown(pool, known, where):
    """Always of the same one: a decoy of ours would be another one in every browser."""
    if where == "here":
        User.objects.update(is_active=False)
    else:
        pool.refuses = {known.phone}
    for _ in range(2):
        client = Client()
        assert ask(client, known.phone).url == CODE
        assert "You have 2 tries left" in answer(client, "123456").content.decode()
    asked = [call["AuthParameters"]["USERNAME"] for call in pool.calls("InitiateAuth")]
    names = set(asked) - {known.phone}
    assert len(names) == 1
    assert known.phone[1:] not in names.pop()
    assert len(pool.calls("RespondToAuthChallenge")) == 2
    assert pool.texts == []


def test_user_shut_out_after_the_text_is_not_signed_in(client, pool, known):
    ask(client, known.phone)
    User.objects.update(is_active=False)
    assert answer(client, pool.code()).url == LOGIN
    assert who(client) is None


# Nobody learns whether a number has an account


def normal(body: bytes) -> str:
    """A page without what differs from one request to the next."""
    text = re.sub(r'name="(csrfmiddlewaretoken|attempt)" value="[^"]*"', "", body.decode())
    text = re.sub(r"<strong>\w{3}-\w{2}</strong>", "a reference", text)
    text = re.sub(r'data-seconds="\d+"', "", text)
    text = re.sub(r"in (\d+ seconds|<bdi>\d:\d\d</bdi>)", "in some seconds", text)
    return re.sub(r"•\d\d", "•", text)


def pages(phone: str) -> list[tuple[int, str, str]]:
    """What somebody sees who never gets the code right."""
    client = Client()
    seen = [ask(client, phone), client.get(CODE)]
    seen += [answer(client, code) for code in ("000001", "000002", "000003")]
    seen += [client.get(CODE), client.post(RESEND), client.get(CODE)]
    return [
        (page.status_code, page.headers.get("Location", ""), normal(page.content)) for page in seen
    ]


@pytest.mark.parametrize("why", ["unknown", "revealed", "disabled", "shut out here"])
def test_number_without_an_account_sees_the_same_pages(pool, known, why, settings):
    settings.ACCOUNTS_SIGN_UP = "closed"
    # The one chance in 333,333 that a guess is right would be a different page.
    secret = {"000001", "000002", "000003"}
    expected = pages(known.phone)
    assert not secret & {code for _, code in pool.texts}
    texts = len(pool.texts)
    other = known.phone[:-4] + str(9999 - int(known.phone[-4:])).zfill(4)
    if why == "revealed":
        pool.fails("InitiateAuth", *[aws_error("UserNotFoundException", "No such user")] * 2)
    elif why == "disabled":
        pool.refuses = {other}
    elif why == "shut out here":
        User.objects.for_identity("shut-out", other)
        User.objects.filter(sub="shut-out").update(is_active=False)
    assert pages(other) == expected
    assert len(pool.texts) == texts


# Two presses


def test_second_press_of_the_right_code_signs_in_without_another_call(client, pool, known):
    ask(client, known.phone)
    twin = same_cookies(client)
    assert answer(client, pool.code()).url == "/"
    assert answer(twin, pool.code()).url == "/"
    assert who(client) == who(twin) == known
    # The very same session: the browser keeps one of the two cookies, and nobody knows which.
    assert client.session.session_key == twin.session.session_key
    assert Session.objects.filter(user=known).count() == 1
    assert len(pool.calls("RespondToAuthChallenge")) == 1


def test_second_press_with_another_code_has_one_guess_only(client, pool, known):
    ask(client, known.phone)
    planted = same_cookies(client)
    again = same_cookies(client)
    answer(client, pool.code())
    assert answer(planted, pool.wrong_code()).url == LOGIN
    assert answer(again, pool.code()).url == LOGIN
    assert who(planted) is who(again) is None
    assert len(pool.calls("RespondToAuthChallenge")) == 1


def test_second_press_is_late_after_half_a_minute(client, pool, known):
    ask(client, known.phone)
    twin = same_cookies(client)
    answer(client, pool.code())
    with seconds_later(31):
        assert answer(twin, pool.code()).url == LOGIN
    assert who(twin) is None


def test_second_press_ends_where_the_first_one_did(client, pool, known):
    ask(client, known.phone, next="/admin/")
    twin = same_cookies(client)
    page = client.get(CODE).content.decode().partition("<footer>")[0]
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    typed = {**form, "code": pool.code()}
    assert client.post(CODE, typed).url == "/admin/"
    assert twin.post(CODE, typed).url == "/admin/"


# Secrets


@pytest.fixture
def all_logs(caplog) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that an operator could switch on for all of the site at once."""
    caplog.set_level(logging.DEBUG)
    apart = [
        logger
        for logger in map(logging.getLogger, list(logging.root.manager.loggerDict))
        if not logger.propagate
    ]
    levels = [logger.level for logger in apart]
    for logger in apart:
        logger.addHandler(caplog.handler)
        logger.setLevel(logging.DEBUG)
    yield caplog
    for logger, level in zip(apart, levels, strict=True):
        logger.removeHandler(caplog.handler)
        logger.setLevel(level)


def sign_in_the_long_way(client: Client, pool: StrictCognito, phone: str) -> tuple[str, list[str]]:
    """Return all that a browser was told, and all that it must not be."""
    told = [ask(client, phone), client.get(LOGIN), client.get(CODE)]
    told.append(answer(client, pool.wrong_code()))
    with seconds_later(31):
        told += [client.post(RESEND), client.get(CODE)]
        told.append(answer(client, pool.wrong_code()))
        told += [answer(client, pool.code()), client.get("/"), client.get(LOGIN)]
    assert who(client) is not None
    bodies = "".join(f"{page.serialize_headers()}{page.content}" for page in told)
    codes = [
        asked["ChallengeResponses"]["ANSWER"] for asked in pool.calls("RespondToAuthChallenge")
    ]
    secret = [*pool.tokens, *pool.sessions, *(code for _, code in pool.texts), *codes]
    return bodies, [*secret, CLIENT_SECRET]


def test_secrets_are_in_no_response(client, pool, phone):
    bodies, secret = sign_in_the_long_way(client, pool, phone)
    assert [each for each in secret if each in bodies] == []


def test_secrets_are_in_no_log(client, pool, phone, all_logs):
    _, secret = sign_in_the_long_way(client, pool, phone)
    assert "Signed in" in all_logs.text
    assert [each for each in secret if each in all_logs.text] == []
    assert phone not in all_logs.text


def test_secrets_are_in_no_table_after_the_sign_in(client, pool, phone):
    _, secret = sign_in_the_long_way(client, pool, phone)
    rows = [*Turn.objects.all(), *User.objects.all(), *SignInEvent.objects.all()]
    stored = serializers.serialize("json", rows)
    data = [SessionStore().decode(row.session_data) for row in Session.objects.all()]
    assert any("_auth_user_id" in each for each in data)
    stored += json.dumps(data)
    assert [each for each in secret if each in stored] == []
    assert set(client.session.keys()) == {
        "_auth_user_id",
        "_auth_user_backend",
        "_auth_user_hash",
    }


def test_secrets_are_in_no_error_report(client, pool, phone):
    def broken(**kwargs: Any) -> None:
        raise RuntimeError("The database is away")

    ask(client, phone)
    pre_save.connect(broken, sender=User)
    try:
        with pytest.raises(RuntimeError) as caught:
            answer(client, pool.code())
    finally:
        pre_save.disconnect(broken, sender=User)
    request = client.get(CODE).wsgi_request
    report = ExceptionReporter(request, caught.type, caught.value, caught.tb)
    told = {
        f"{frame['function']}: {name}": value
        for frame in report.get_traceback_data()["frames"]
        if "/tests/" not in frame["filename"] and "/django/test/" not in frame["filename"]
        for name, value in frame["vars"]
    }
    assert "finish: waiting" in told
    secret = [*pool.tokens, *pool.sessions, pool.code()]
    assert [name for name, value in told.items() if any(each in value for each in secret)] == []

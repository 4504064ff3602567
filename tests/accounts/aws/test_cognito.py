"""The gateway with a real boto3 client, against a Cognito at the wire."""

import base64
import contextlib
import hashlib
import hmac
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.validate import ParamValidator

from accounts.aws import challenges, cognito, cognito_errors, cognito_values
from tests.wire import Reply, Request, WireServer, aws_error

PHONE = "+12015550123"
SUB = "5f1d3f0c-6a9d-4b3e-9d0c-2f1f5a0f7c11"
CODE = "048213"
FIRST, SECOND, THIRD = ("AYABe" + letter * 60 for letter in "abc")
POOL, CLIENT, SECRET = "eu-west-1_Example01", "exampleclientid", "exampleclientsecret"
CHALLENGE = challenges.CodeChallenge(
    session=FIRST,
    username=SUB,
    expires_at=1_700_000_300,
    resend_at=1_700_000_030,
    tries_left=3,
    code_length=6,
)


@pytest.fixture
def site(settings, wire):
    settings.AWS_ENDPOINT_URL = wire.url
    return settings


def gateway_over(client: Any, api: str) -> cognito.Gateway:
    return cognito.Gateway(
        client,
        user_pool_id=POOL,
        client_id=CLIENT,
        client_secret=SECRET,
        admin_api=api == "admin",
    )


class Line:
    """One Cognito and one client for many tests: boto3 takes a tenth of a second to make one."""

    def __init__(self) -> None:
        self.wire = WireServer()
        self.client = cognito.make_client(region="eu-west-1", endpoint_url=self.wire.url, threads=2)

    @property
    def requests(self) -> list[Request]:
        return self.wire.requests

    def will(self, *replies: Reply) -> None:
        """Forget what an earlier test left, and answer so."""
        end = Reply()
        self.wire.will(end)
        nothing = Request("GET", "/", {}, b"")
        while self.wire.answer(nothing) is not end:
            pass
        self.wire.will(*replies)
        self.wire.answer(nothing)
        self.requests.clear()


@pytest.fixture(scope="module")
def line():
    opened = Line()
    yield opened
    opened.wire.close()


@pytest.fixture(params=["public", "admin"])
def gateway(request, line) -> cognito.Gateway:
    return gateway_over(line.client, request.param)


@pytest.fixture
def public(line) -> cognito.Gateway:
    return gateway_over(line.client, "public")


@pytest.fixture
def no_credentials(monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def challenge_reply(session: str = FIRST, **changes: Any) -> Reply:
    parameters = {
        "USERNAME": SUB,
        "expiresAt": "1700000300",
        "resendAt": "1700000030",
        "triesLeft": "3",
        "codeLength": "6",
    } | changes
    return Reply(
        {
            "ChallengeName": "CUSTOM_CHALLENGE",
            "Session": session,
            "ChallengeParameters": {k: v for k, v in parameters.items() if v is not None},
        }
    )


def tokens_reply(**changes: Any) -> Reply:
    result = {"IdToken": "an.id.token", "AccessToken": "an.access.token", "ExpiresIn": 3600}
    return Reply({"ChallengeParameters": {}, "AuthenticationResult": result | changes})


def secret_hash(username: str) -> str:
    digest = hmac.new(SECRET.encode(), (username + CLIENT).encode(), hashlib.sha256)
    return base64.b64encode(digest.digest()).decode()


def start(gateway: cognito.Gateway) -> Any:
    return gateway.start_challenge(PHONE)


def answer(gateway: cognito.Gateway) -> Any:
    return gateway.answer_challenge(CHALLENGE, CODE)


def create(gateway: cognito.Gateway) -> Any:
    return gateway.create_user(PHONE)


def find(gateway: cognito.Gateway) -> Any:
    return gateway.find_user(PHONE)


def mark(gateway: cognito.Gateway) -> Any:
    return gateway.mark_phone_verified(SUB)


def read(gateway: cognito.Gateway) -> Any:
    return gateway.read_user(SUB)


def listing(gateway: cognito.Gateway) -> Any:
    return gateway.list_users()


def disable(gateway: cognito.Gateway) -> Any:
    return gateway.disable(SUB)


def enable(gateway: cognito.Gateway) -> Any:
    return gateway.enable(SUB)


def sign_out(gateway: cognito.Gateway) -> Any:
    return gateway.sign_out_everywhere(SUB)


def delete(gateway: cognito.Gateway) -> Any:
    return gateway.delete(SUB)


def change(gateway: cognito.Gateway) -> Any:
    return gateway.change_phone(SUB, PHONE, verified=True)


def groups(gateway: cognito.Gateway) -> Any:
    return gateway.groups_of(SUB)


def join(gateway: cognito.Gateway) -> Any:
    return gateway.add_to_group(SUB, "editors")


def leave(gateway: cognito.Gateway) -> Any:
    return gateway.remove_from_group(SUB, "editors")


STEPS = [start, answer]
ACCOUNTS = [create, find, mark]
OPERATIONS = {
    "AdminGetUser": read,
    "ListUsers": listing,
    "AdminDisableUser": disable,
    "AdminEnableUser": enable,
    "AdminUserGlobalSignOut": sign_out,
    "AdminDeleteUser": delete,
    "AdminUpdateUserAttributes": change,
    "AdminListGroupsForUser": groups,
    "AdminAddUserToGroup": join,
    "AdminRemoveUserFromGroup": leave,
}
EVERY_CALL = [*STEPS, *ACCOUNTS, *OPERATIONS.values()]


# What is asked


def test_secret_hash_is_what_openssl_makes_of_it():
    # printf %s '+12015550123exampleclientid' | openssl dgst -sha256 -hmac exampleclientsecret
    assert secret_hash(PHONE) == "aBkkZpTLgylxh1oisppMAeVpk4MANAO7MvjjBHkyX60="


def test_start_of_the_public_api_sends_name_and_hash_only(site, wire):
    wire.will(challenge_reply())

    start(cognito.gateway())

    assert wire.operations() == ["InitiateAuth"]
    assert wire.requests[0].json == {
        "ClientId": CLIENT,
        "AuthFlow": "CUSTOM_AUTH",
        "AuthParameters": {"USERNAME": PHONE, "SECRET_HASH": secret_hash(PHONE)},
    }


def test_start_of_the_admin_api_names_the_pool_as_well(site, wire):
    site.COGNITO_API = "admin"
    wire.will(challenge_reply())

    start(cognito.gateway())

    assert wire.operations() == ["AdminInitiateAuth"]
    assert wire.requests[0].json == {
        "UserPoolId": POOL,
        "ClientId": CLIENT,
        "AuthFlow": "CUSTOM_AUTH",
        "AuthParameters": {"USERNAME": PHONE, "SECRET_HASH": secret_hash(PHONE)},
    }


def test_answer_of_the_public_api_hashes_the_name_that_it_sends(site, wire):
    wire.will(tokens_reply())

    answer(cognito.gateway())

    assert wire.operations() == ["RespondToAuthChallenge"]
    assert wire.requests[0].json == {
        "ClientId": CLIENT,
        "ChallengeName": "CUSTOM_CHALLENGE",
        "ChallengeResponses": {
            "USERNAME": SUB,
            "SECRET_HASH": secret_hash(SUB),
            "ANSWER": CODE,
        },
        "Session": FIRST,
    }


def test_answer_of_the_admin_api_names_the_pool_as_well(site, wire):
    site.COGNITO_API = "admin"
    wire.will(tokens_reply())

    answer(cognito.gateway())

    assert wire.operations() == ["AdminRespondToAuthChallenge"]
    assert wire.requests[0].json == {
        "UserPoolId": POOL,
        "ClientId": CLIENT,
        "ChallengeName": "CUSTOM_CHALLENGE",
        "ChallengeResponses": {
            "USERNAME": SUB,
            "SECRET_HASH": secret_hash(SUB),
            "ANSWER": CODE,
        },
        "Session": FIRST,
    }


def test_create_user_tells_nobody_and_verifies_nothing(site, wire):
    wire.will(Reply({"User": {"Attributes": [{"Name": "sub", "Value": SUB}]}}))

    assert create(cognito.gateway()) == cognito_values.Identity(sub=SUB)

    assert wire.operations() == ["AdminCreateUser"]
    assert wire.requests[0].json == {
        "UserPoolId": POOL,
        "Username": PHONE,
        "UserAttributes": [{"Name": "phone_number", "Value": PHONE}],
        "MessageAction": "SUPPRESS",
    }


def test_create_user_of_a_number_that_has_one_is_none(site, wire):
    wire.will(aws_error("UsernameExistsException", "An account already exists."))

    assert create(cognito.gateway()) is None


def test_find_user_reads_the_sub_among_the_attributes(site, wire):
    attributes = [{"Name": "phone_number", "Value": PHONE}, {"Name": "sub", "Value": SUB}]
    wire.will(Reply({"Username": SUB, "UserAttributes": attributes}))

    assert find(cognito.gateway()) == cognito_values.Identity(sub=SUB)

    assert wire.operations() == ["AdminGetUser"]
    assert wire.requests[0].json == {"UserPoolId": POOL, "Username": PHONE}


def test_mark_phone_verified_sends_the_attribute_as_a_string(site, wire):
    wire.will(Reply({}))

    assert mark(cognito.gateway()) is None

    assert wire.operations() == ["AdminUpdateUserAttributes"]
    assert wire.requests[0].json == {
        "UserPoolId": POOL,
        "Username": SUB,
        "UserAttributes": [{"Name": "phone_number_verified", "Value": "true"}],
    }


NAMED = {"UserPoolId": POOL, "Username": SUB}
USER = {
    "UserStatus": "CONFIRMED",
    "Enabled": True,
    "UserCreateDate": 1_700_000_000.5,
    "UserLastModifiedDate": 1_700_000_100,
}
ATTRIBUTES = [
    {"Name": "sub", "Value": SUB},
    {"Name": "phone_number", "Value": PHONE},
    {"Name": "phone_number_verified", "Value": "true"},
]
READ = cognito_values.CognitoUser(
    sub=SUB,
    phone=PHONE,
    phone_verified=True,
    status="CONFIRMED",
    enabled=True,
    created_at=datetime.fromtimestamp(1_700_000_000.5, UTC),
    modified_at=datetime.fromtimestamp(1_700_000_100, UTC),
)


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("AdminGetUser", NAMED),
        ("ListUsers", {"UserPoolId": POOL, "Limit": 60}),
        ("AdminDisableUser", NAMED),
        ("AdminEnableUser", NAMED),
        ("AdminUserGlobalSignOut", NAMED),
        ("AdminDeleteUser", NAMED),
        (
            "AdminUpdateUserAttributes",
            NAMED
            | {
                "UserAttributes": [
                    {"Name": "phone_number", "Value": PHONE},
                    {"Name": "phone_number_verified", "Value": "true"},
                ]
            },
        ),
        ("AdminListGroupsForUser", NAMED),
        ("AdminAddUserToGroup", NAMED | {"GroupName": "editors"}),
        ("AdminRemoveUserFromGroup", NAMED | {"GroupName": "editors"}),
    ],
)
def test_operation_asks_for_one_user_of_the_pool(line, public, operation, asked):
    line.will(Reply({"UserAttributes": ATTRIBUTES, "Users": [], "Groups": [], **USER}))

    OPERATIONS[operation](public)

    assert line.wire.operations() == [operation]
    assert line.requests[0].json == asked


def test_changed_phone_that_nobody_proved_is_not_verified(line, public):
    line.will(Reply({}))

    public.change_phone(SUB, PHONE, verified=False)

    assert line.requests[0].json["UserAttributes"][1]["Value"] == "false"


def test_user_is_read_with_status_and_times(line, public):
    line.will(Reply({"UserAttributes": ATTRIBUTES, **USER}))

    assert public.read_user(SUB) == READ
    assert PHONE not in repr(READ)


def test_user_without_a_phone_who_is_disabled_is_read(line, public):
    line.will(Reply({"UserAttributes": ATTRIBUTES[:1], **USER, "Enabled": False}))

    assert public.read_user(SUB) == replace(READ, phone="", phone_verified=False, enabled=False)


@pytest.mark.parametrize("lacking", ["UserStatus", "Enabled", "UserCreateDate", "UserAttributes"])
def test_user_that_lacks_something_is_unavailable(line, public, lacking):
    content = {"UserAttributes": ATTRIBUTES, **USER}
    del content[lacking]
    line.will(Reply(content))

    with pytest.raises(cognito.Unavailable):
        public.read_user(SUB)


def test_users_are_listed_page_by_page(line, public):
    line.will(
        Reply({"Users": [{"Attributes": ATTRIBUTES, **USER}], "PaginationToken": "next"}),
        Reply({"Users": []}),
    )

    assert public.list_users() == ([READ], "next")
    assert public.list_users("next") == ([], None)
    assert [request.json.get("PaginationToken") for request in line.requests] == [None, "next"]


def test_groups_are_read_to_the_last_page(line, public):
    line.will(
        Reply({"Groups": [{"GroupName": "staff"}], "NextToken": "next"}),
        Reply({"Groups": [{"GroupName": "editors"}]}),
    )

    assert public.groups_of(SUB) == {"staff", "editors"}
    assert [request.json.get("NextToken") for request in line.requests] == [None, "next"]


def test_groups_that_never_end_are_read_once_per_page(line, public):
    line.will(Reply({"Groups": [{"GroupName": "staff"}], "NextToken": "same"}))

    assert public.groups_of(SUB) == {"staff"}
    assert len(line.requests) == 2


@pytest.mark.parametrize("code", ["AliasExistsException", "UsernameExistsException"])
def test_change_to_the_phone_of_somebody_else_is_phone_taken(line, public, code):
    line.will(aws_error(code, f"An account with {PHONE} already exists."))

    with pytest.raises(cognito.PhoneTaken) as caught:
        change(public)

    assert PHONE not in str(caught.value)


@pytest.mark.parametrize("call", EVERY_CALL)
def test_request_has_the_shape_that_cognito_asks_for(line, gateway, call):
    """The site's client does not check it, so that a call costs less."""
    line.will(Reply({}))

    with contextlib.suppress(cognito.Unavailable):
        call(gateway)

    [request] = line.requests
    shape = line.client.meta.service_model.operation_model(request.operation).input_shape
    assert not ParamValidator().validate(request.json, shape).has_errors()


def test_public_steps_are_unsigned_and_need_no_credentials(site, wire, no_credentials):
    wire.will(challenge_reply())

    for step in STEPS:
        step(cognito.gateway())

    assert wire.operations() == ["InitiateAuth", "RespondToAuthChallenge"]
    assert not any("authorization" in request.headers for request in wire.requests)


@pytest.mark.parametrize("step", STEPS)
def test_public_step_is_unsigned_where_there_are_credentials(line, public, step):
    line.will(challenge_reply())

    step(public)

    assert "authorization" not in line.requests[0].headers


@pytest.mark.parametrize("step", STEPS)
def test_admin_step_is_signed_for_the_region(line, step):
    line.will(challenge_reply())

    step(gateway_over(line.client, "admin"))

    signature = line.requests[0].headers["authorization"]
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=tests/")
    assert "/eu-west-1/cognito-idp/aws4_request" in signature


# What is read


def test_challenge_is_read_from_its_parameters(line, gateway):
    line.will(challenge_reply())

    assert start(gateway) == CHALLENGE


def test_tokens_are_read_after_the_right_code(line, gateway):
    line.will(tokens_reply())

    assert answer(gateway) == cognito_values.Tokens(id_token="an.id.token")


def test_wrong_code_gives_the_newest_session_for_the_next_answer(line, gateway):
    line.will(
        challenge_reply(FIRST),
        challenge_reply(SECOND, triesLeft="2"),
        challenge_reply(THIRD, triesLeft="1"),
    )

    first = gateway.start_challenge(PHONE)
    second = gateway.answer_challenge(first, "000001")
    third = gateway.answer_challenge(second, "000002")

    assert second == replace(CHALLENGE, session=SECOND, tries_left=2)
    assert third == replace(CHALLENGE, session=THIRD, tries_left=1)
    assert [r.json["Session"] for r in line.requests[1:]] == [FIRST, SECOND]


def test_answer_uses_the_name_that_the_challenge_gave(line, gateway):
    line.will(challenge_reply(), tokens_reply())

    gateway.answer_challenge(gateway.start_challenge(PHONE), CODE)

    responses = line.requests[1].json["ChallengeResponses"]
    assert responses["USERNAME"] == SUB
    assert responses["SECRET_HASH"] == secret_hash(SUB)


def test_name_absent_from_the_parameters_is_the_one_that_was_sent(line, gateway):
    line.will(
        challenge_reply(FIRST, USERNAME=None),
        challenge_reply(SECOND, USERNAME=None),
        tokens_reply(),
    )

    first = gateway.start_challenge(PHONE)
    second = gateway.answer_challenge(replace(first, username=SUB), "000001")
    gateway.answer_challenge(first, CODE)

    assert (first.username, second.username) == (PHONE, SUB)
    responses = line.requests[2].json["ChallengeResponses"]
    assert responses["USERNAME"] == PHONE
    assert responses["SECRET_HASH"] == secret_hash(PHONE)


def test_internal_name_is_read_where_cognito_returns_it(line, public):
    line.will(challenge_reply(USERNAME=None, USER_ID_FOR_SRP=SUB))

    assert start(public).username == SUB


@pytest.mark.parametrize(
    ("said", "texted_at"), [({}, None), ({"textedAt": ""}, None), ({"textedAt": "17"}, 17)]
)
def test_challenge_says_when_its_code_was_texted(line, public, said, texted_at):
    line.will(challenge_reply(**said))

    assert start(public).texted_at == texted_at


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", ["DEVICE_SRP_AUTH", "NEW_PASSWORD_REQUIRED", "SELECT_CHALLENGE"])
def test_challenge_of_another_kind_is_misconfigured(line, public, step, name):
    reply = challenge_reply()
    reply.body["ChallengeName"] = name
    line.will(reply)

    with pytest.raises(cognito.OtherChallenge, match=name) as caught:
        step(public)
    assert caught.value.name == name


# Errors that Cognito answers

ERRORS = [
    # A sign-in that is over, in Cognito's words for it.
    ("NotAuthorizedException", "Incorrect username or password.", cognito.Refused),
    (
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
        cognito.Refused,
    ),
    (
        "NotAuthorizedException",
        "Invalid session for the user, session is expired.",
        cognito.Refused,
    ),
    ("NotAuthorizedException", "Invalid session for the user.", cognito.Refused),
    ("NotAuthorizedException", "User is disabled.", cognito.Refused),
    ("NotAuthorizedException", "", cognito.Refused),
    ("PasswordResetRequiredException", "Password reset required", cognito.NewPasswordNeeded),
    ("UserNotConfirmedException", "User is not confirmed.", cognito.NotConfirmed),
    (
        "InvalidParameterException",
        f"1 validation error detected: Value '{FIRST}' at 'session' failed to satisfy constraint",
        cognito.Refused,
    ),
    ("UserNotFoundException", "User does not exist.", cognito.UnknownUser),
    ("AliasExistsException", f"{PHONE} already exists.", cognito.PhoneTaken),
    # Too much.
    ("TooManyRequestsException", "Too many requests", cognito.Busy),
    ("LimitExceededException", "Attempt limit exceeded, try after some time.", cognito.Busy),
    ("ThrottlingException", "Rate exceeded", cognito.Busy),
    # Theirs, or of a trigger.
    (
        "UserLambdaValidationException",
        f"CreateAuthChallenge failed with error no text to {PHONE}.",
        cognito.Unavailable,
    ),
    (
        "UnexpectedLambdaException",
        "CreateAuthChallenge invocation failed due to error AccessDeniedException.",
        cognito.Unavailable,
    ),
    ("InvalidLambdaResponseException", "Unrecognizable lambda output", cognito.Unavailable),
    ("InternalErrorException", "Something went wrong", cognito.NoAnswer),
    ("ServiceUnavailable", "", cognito.NoAnswer),
    ("SomethingNewException", f"{PHONE} {CODE}", cognito.Unavailable),
    ("CodeMismatchException", "Invalid code", cognito.WrongAnswer),
    ("EnableSoftwareTokenMFAException", "Code mismatch", cognito.WrongAnswer),
    ("ExpiredCodeException", "Your software token has been used", cognito.ExpiredAnswer),
    ("SoftwareTokenMFANotFoundException", "No app", cognito.OtherChallenge),
    ("InvalidSmsRoleAccessPolicyException", "No role", cognito.OtherChallenge),
    # Ours.
    ("NotAuthorizedException", f"Unable to verify secret hash for client {CLIENT}", None),
    ("NotAuthorizedException", f"SecretHash does not match for the client: {CLIENT}", None),
    (
        "NotAuthorizedException",
        f"Client {CLIENT} is configured with secret but SECRET_HASH was not received",
        None,
    ),
    (
        "InvalidParameterException",
        "Custom auth lambda trigger is not configured for the user pool.",
        None,
    ),
    ("InvalidParameterException", "CUSTOM_AUTH flow not enabled for this client", None),
    ("InvalidParameterException", f"{PHONE}: invalid phone number format, {CODE}", None),
    ("InvalidPasswordException", "Password does not conform to policy", None),
    ("InvalidUserPoolConfigurationException", "Invalid configuration", None),
    ("ResourceNotFoundException", "User pool client does not exist.", None),
    ("UnsupportedUserStateException", "Unsupported", None),
    ("AccessDeniedException", f"Not authorized for {PHONE}", None),
    ("ForbiddenException", "Request not allowed due to WAF block.", None),
    ("ExpiredTokenException", "The security token is expired", None),
    ("InvalidSignatureException", "Signature expired", None),
    ("UnrecognizedClientException", "The security token is invalid.", None),
]


@pytest.mark.parametrize(("code", "message", "kind"), ERRORS)
def test_error_becomes_the_class_that_says_what_to_do(line, public, code, message, kind):
    line.will(aws_error(code, message))

    with pytest.raises(cognito.CognitoError) as caught:
        answer(public)

    assert type(caught.value) is (kind or cognito.Misconfigured)
    assert caught.value.__cause__ is not None
    assert line.wire.operations() == ["RespondToAuthChallenge"]
    for secret in (PHONE, PHONE[1:], CODE, FIRST):
        assert secret not in f"{caught.value} {caught.value!r}"


def test_errors_tested_here_are_all_that_the_gateway_knows():
    tested = {code for code, _, _ in ERRORS} | {"UsernameExistsException"}

    assert set(cognito_errors._BY_CODE) <= tested


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("TooManyRequestsException", cognito.Busy),
        ("UserNotFoundException", cognito.UnknownUser),
        ("AccessDeniedException", cognito.Misconfigured),
    ],
)
def test_error_is_translated_for_every_call_and_sent_once(line, gateway, call, code, kind):
    line.will(aws_error(code, "Anything"))

    with pytest.raises(kind):
        call(gateway)

    assert len(line.requests) == 1


def test_misconfigured_repeats_the_words_of_aws_without_numbers(line, public):
    line.will(
        aws_error("AccessDeniedException", f"Role site-1 of 123456789012 may not read {PHONE}")
    )

    with pytest.raises(cognito.Misconfigured) as caught:
        find(public)

    assert str(caught.value) == "AccessDeniedException: Role site-1 of … may not read …"


def test_misconfigured_with_endless_words_is_cut(line, public):
    line.will(aws_error("ResourceNotFoundException", "x" * 100_000))

    with pytest.raises(cognito.Misconfigured) as caught:
        find(public)

    assert len(str(caught.value)) < 400


# Faults


def truncated() -> Reply:
    return Reply(
        b'ff\r\n{"ChallengeName": "CUSTOM_',
        headers={"transfer-encoding": "chunked", "connection": "close"},
    )


FAULTS = {
    "500": lambda: aws_error("InternalErrorException", "Something went wrong", 500),
    "500 without a body": lambda: Reply(b"", 500),
    "503 HTML": lambda: Reply(b"<html>Service Unavailable</html>", 503),
    "400 HTML": lambda: Reply(b"<html>Bad Request</html>", 400),
    "dropped": lambda: Reply(drop=True),
    "truncated": truncated,
    "200 with []": lambda: Reply([]),
    "200 with binary": lambda: Reply(b"\xff\xfe\x00\x9c"),
    "200 with half of JSON": lambda: Reply(b'{"ChallengeName": "CUS'),
    "200 with a string": lambda: Reply("CUSTOM_CHALLENGE"),
}
EMPTY = {
    "{}": {},
    "no bytes": b"",
    "null": None,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("step", STEPS)
def test_fault_in_a_step_is_unavailable_after_one_request(line, gateway, step, fault):
    line.will(fault())

    with pytest.raises(cognito.Unavailable) as caught:
        step(gateway)

    # Any other reply may have come after it was done.
    is_refusal = fault is FAULTS["400 HTML"]
    assert type(caught.value) is (cognito.Unavailable if is_refusal else cognito.NoAnswer)
    assert len(line.requests) == 1


@pytest.mark.parametrize("fault", [FAULTS["500"], FAULTS["dropped"], FAULTS["503 HTML"]])
@pytest.mark.parametrize("call", [*ACCOUNTS, *OPERATIONS.values()])
def test_fault_with_an_account_is_unavailable_after_one_request(line, public, call, fault):
    line.will(fault())

    with pytest.raises(cognito.Unavailable) as caught:
        call(public)

    assert type(caught.value) is cognito.NoAnswer
    assert len(line.requests) == 1


@pytest.mark.parametrize("call", [*ACCOUNTS, read, listing, groups])
def test_binary_reply_about_an_account_is_unavailable(line, public, call):
    line.will(FAULTS["200 with binary"]())

    with pytest.raises(cognito.Unavailable):
        call(public)


@pytest.mark.parametrize("body", EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize("call", [start, answer, create, find, read, listing, groups])
def test_reply_of_nothing_is_unavailable_after_one_request(line, public, call, body):
    line.will(Reply(body))

    with pytest.raises(cognito.Unavailable) as caught:
        call(public)

    assert type(caught.value) is cognito.NoAnswer
    assert len(line.requests) == 1


def test_nobody_answering_is_unavailable(settings):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        settings.AWS_ENDPOINT_URL = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(cognito.Unavailable, match="EndpointConnectionError"):
        start(cognito.gateway())


@pytest.mark.parametrize("api", ["public", "admin"])
def test_no_answer_in_time_is_unavailable_after_one_request_each(line, api):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        impatient = boto3.Session().client(
            "cognito-idp",
            region_name="eu-west-1",
            endpoint_url=f"http://127.0.0.1:{hanging.getsockname()[1]}",
            config=line.client.meta.config.merge(Config(read_timeout=0.2)),
        )
        for step in STEPS:
            with pytest.raises(cognito.NoAnswer, match="ReadTimeoutError"):
                step(gateway_over(impatient, api))

        hanging.setblocking(False)
        asked = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                hanging.accept()[0].close()
                asked += 1
    assert asked == len(STEPS)


def test_client_waits_two_seconds_to_connect_and_ten_to_be_answered(line):
    config = line.client.meta.config

    assert (config.connect_timeout, config.read_timeout) == (2, 10)


@pytest.mark.parametrize(
    "changes",
    [
        {"expiresAt": None},
        {"expiresAt": "soon"},
        {"resendAt": None},
        {"triesLeft": "many"},
        {"codeLength": ""},
        {"textedAt": "just now"},
    ],
    ids=str,
)
def test_challenge_with_parameters_amiss_is_unavailable(line, public, changes):
    line.will(challenge_reply(**changes))

    with pytest.raises(cognito.Unavailable):
        start(public)


@pytest.mark.parametrize(
    "session", ["", 5, None, ["a"], "x" * 20_001, "x" * 20_000_000], ids=lambda s: str(s)[:5]
)
def test_session_that_is_none_is_unavailable(line, public, session):
    line.will(challenge_reply(session))

    with pytest.raises(cognito.Unavailable):
        start(public)


@pytest.mark.parametrize("token", ["", 5, None, {}, "x" * 20_001], ids=lambda t: str(t)[:5])
def test_id_token_that_is_none_is_unavailable(line, public, token):
    line.will(tokens_reply(IdToken=token))

    with pytest.raises(cognito.Unavailable):
        answer(public)


@pytest.mark.parametrize(
    "attributes",
    [[], [{"Name": "phone_number", "Value": PHONE}], [{"Name": "sub", "Value": ""}]],
    ids=["none", "other", "empty"],
)
def test_user_without_a_sub_is_unavailable(line, public, attributes):
    line.will(Reply({"UserAttributes": attributes, "User": {"Attributes": attributes}}))

    for call in (find, create):
        with pytest.raises(cognito.Unavailable):
            call(public)


# Faults of ours


def test_signed_call_without_credentials_is_misconfigured(site, wire, no_credentials):
    site.COGNITO_API = "admin"

    for call in EVERY_CALL:
        with pytest.raises(cognito.Misconfigured, match="NoCredentialsError"):
            call(cognito.gateway())

    assert wire.requests == []


@pytest.mark.parametrize("case", ["half a credential", "no region"])
def test_client_that_cannot_be_made_is_misconfigured(settings, monkeypatch, case):
    settings.AWS_ENDPOINT_URL = ""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    if case == "half a credential":
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    else:
        settings.AWS_REGION = ""

    with pytest.raises(cognito.Misconfigured):
        cognito.gateway().start_challenge(PHONE)


@pytest.mark.parametrize("name", ["COGNITO_USER_POOL_ID", "COGNITO_CLIENT_ID"])
def test_setting_that_is_empty_is_misconfigured(site, wire, name):
    setattr(site, name, "")

    with pytest.raises(cognito.Misconfigured, match=f"{name}.* is not set"):
        start(cognito.gateway())

    assert wire.requests == []


# Secrets


def test_repr_of_a_challenge_holds_neither_session_nor_name():
    assert FIRST not in repr(CHALLENGE)
    assert PHONE not in repr(replace(CHALLENGE, username=PHONE))
    assert SUB not in repr(CHALLENGE)


def test_repr_of_tokens_holds_no_token():
    assert "an.id.token" not in repr(cognito_values.Tokens(id_token="an.id.token"))


# Threads


def test_gateway_is_one_for_the_whole_process(site):
    assert cognito.gateway() is cognito.gateway()


def test_gateway_is_one_for_threads_that_come_at_once(site):
    ready = threading.Barrier(4)

    def gateway(_: int) -> cognito.Gateway:
        ready.wait(timeout=20)
        return cognito.gateway()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(gateway, range(4)))) == 1


@pytest.mark.parametrize(("width", "is_full"), [(5, False), (2, True)])
def test_connections_are_kept_for_as_many_threads_as_configured(site, wire, caplog, width, is_full):
    site.COGNITO_THREADS = width
    wire.will(Reply(challenge_reply().body, delay=0.2))
    gateway = cognito.gateway()

    with caplog.at_level(logging.WARNING, "urllib3"), ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: start(gateway), range(5)))

    assert ("pool is full" in caplog.text) is is_full

"""The strict front itself, before a pool whose triggers do what the user's nickname says."""

import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import boto3
import jwt
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from localcloud.emulator import REGION
from tests.fakes.cognito_front import steps
from tests.fakes.cognito_front.front import CognitoFront
from tests.fakes.cognito_front.triggers import CREATE, DEFINE, VERIFY
from tests.fakes.scripted_pool import RIGHT, WRONG, Pool, error_of, phones

pytestmark = pytest.mark.cloud

# The flow and its events


def test_right_code_after_a_wrong_one_gives_tokens_of_the_pool(pool, strict):
    phone = pool.add_user()
    reply = pool.answer(pool.start(phone), WRONG)
    assert reply["ChallengeName"] == "CUSTOM_CHALLENGE"
    tokens = pool.answer(reply, RIGHT)["AuthenticationResult"]
    key = jwt.PyJWKClient(f"{strict.url}/{pool.id}/.well-known/jwks.json")
    claims = jwt.decode(
        tokens["IdToken"],
        key.get_signing_key_from_jwt(tokens["IdToken"]),
        ["RS256"],
        audience=pool.client_id,
        issuer=f"https://cognito-idp.{REGION}.amazonaws.com/{pool.id}",
    )
    assert (claims["sub"], claims["phone_number"]) == (pool.sub(phone), phone)
    assert claims["token_use"] == "id"
    assert pool.api.get_user(AccessToken=tokens["AccessToken"])["Username"] == pool.sub(phone)


def test_triggers_get_the_events_of_cognito(pool, strict):
    phone = pool.add_user()
    metadata = {"locale": "de"}
    reply = pool.answer(pool.start(phone, ClientMetadata=metadata), WRONG, ClientMetadata=metadata)
    assert reply["ChallengeParameters"] == {"USERNAME": pool.sub(phone), "tries": "1"}
    attributes = {
        "sub": pool.sub(phone),
        "phone_number": phone,
        "nickname": "{}",
        "cognito:user_status": "FORCE_CHANGE_PASSWORD",
    }
    rounds = [{"challengeName": "CUSTOM_CHALLENGE", "challengeResult": False}]
    rounds[0]["challengeMetadata"] = "m0"
    define = {"challengeName": None, "issueTokens": None, "failAuthentication": None}
    create = {
        "publicChallengeParameters": None,
        "privateChallengeParameters": None,
        "challengeMetadata": None,
    }
    known = {"userAttributes": attributes, "userNotFound": False}
    later = known | {"clientMetadata": metadata}
    challenge = {"challengeName": "CUSTOM_CHALLENGE"}
    answer = {"privateChallengeParameters": {"code": RIGHT}, "challengeAnswer": WRONG}
    expected = [
        (DEFINE, known | {"session": []}, define),
        (CREATE, known | challenge | {"session": []}, create),
        (VERIFY, later | answer, {"answerCorrect": None}),
        (DEFINE, later | {"session": rounds}, define),
        (CREATE, later | challenge | {"session": rounds}, create),
    ]
    assert [record.event for record in strict.records] == [
        {
            "version": "1",
            "triggerSource": f"{trigger}_Authentication",
            "region": REGION,
            "userPoolId": pool.id,
            "userName": pool.sub(phone),
            "callerContext": {
                "awsSdkVersion": "aws-sdk-unknown-unknown",
                "clientId": pool.client_id,
            },
            "request": request,
            "response": response,
        }
        for trigger, request, response in expected
    ]


def test_records_hold_what_was_returned_and_show_nothing(pool, strict):
    pool.answer(pool.start(pool.add_user()), WRONG)
    assert [record.trigger for record in strict.records] == [DEFINE, CREATE, VERIFY, DEFINE, CREATE]
    assert (strict.count(DEFINE), strict.count(CREATE), strict.count(VERIFY)) == (2, 2, 1)
    assert strict.records[2].response["response"] == {"answerCorrect": False}
    assert RIGHT not in repr(strict.records)


def test_emulator_runs_no_trigger_of_its_own(pool, strict, tmp_path):
    log = tmp_path / "log"
    pool.answer(pool.start(pool.add_user(log=str(log))), RIGHT)
    assert log.read_text().split() == [record.trigger for record in strict.records]


def test_user_not_found_is_left_out_of_events_where_the_client_reveals_users(open_pool, strict):
    pool = open_pool(PreventUserExistenceErrors="LEGACY")
    pool.answer(pool.start(pool.add_user()), WRONG)
    assert not any("userNotFound" in record.event["request"] for record in strict.records)


def test_srp_start_is_in_the_history(pool, strict):
    parameters = {"SRP_A": "ab" * 128, "CHALLENGE_NAME": "SRP_A"}
    pool.start(pool.add_user(), parameters=parameters)
    [entry] = strict.records[0].event["request"]["session"]
    assert (entry["challengeName"], entry["challengeResult"]) == ("SRP_A", True)


def test_define_can_end_the_flow(pool):
    reply = pool.start(pool.add_user())
    for _ in range(2):
        reply = pool.answer(reply, WRONG)
    refusal = "NotAuthorizedException: Incorrect username or password."
    assert error_of(lambda: pool.answer(reply, WRONG)) == refusal
    dead = "NotAuthorizedException: Invalid session for the user."
    assert error_of(lambda: pool.answer(reply, WRONG)) == dead


# Sessions


def test_session_is_new_at_every_step_and_serves_one_answer(pool, strict):
    first = pool.start(pool.add_user())
    second = pool.answer(first, WRONG)
    assert first["Session"] != second["Session"]
    assert min(len(first["Session"]), len(second["Session"])) >= 20
    spent = "NotAuthorizedException: Invalid session for the user, session can only be used once."
    assert error_of(lambda: pool.answer(first, RIGHT)) == spent
    assert strict.count(VERIFY) == 1
    pool.answer(second, RIGHT)
    assert error_of(lambda: pool.answer(second, RIGHT)) == spent


def in_parallel(times: int, call) -> list[str]:
    barrier = threading.Barrier(times)

    def once(_: int) -> str:
        barrier.wait()
        try:
            call()
        except ClientError as error:
            return error.response["Error"]["Message"]
        return "served"

    with ThreadPoolExecutor(times) as executor:
        return sorted(executor.map(once, range(times)))


def test_one_of_parallel_answers_is_processed(pool, strict):
    reply = pool.start(pool.add_user())
    refused, *others, served = in_parallel(6, lambda: pool.answer(reply, WRONG))
    assert (served, set(others)) == ("served", {refused})
    assert "only be used once" in refused
    assert strict.count(VERIFY) == 1


def test_all_parallel_answers_are_processed_on_request(cloud, open_pool):
    with CognitoFront(cloud, single_use=False) as front:
        pool = open_pool(front)
        reply = pool.start(pool.add_user())
        assert in_parallel(6, lambda: pool.answer(reply, WRONG)) == ["served"] * 6
        assert front.count(VERIFY) == 6


@pytest.mark.parametrize(("settings", "minutes"), [({}, 3), ({"AuthSessionValidity": 15}, 15)])
def test_session_expires(open_pool, monkeypatch, settings, minutes):
    pool = open_pool(**settings)
    reply = pool.start(pool.add_user())
    expired = "NotAuthorizedException: Invalid session for the user, session is expired."
    began = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(steps, "now", lambda: began + minutes * 60 + 1)
        assert error_of(lambda: pool.answer(reply, RIGHT)) == expired
    with monkeypatch.context() as patch:
        patch.setattr(steps, "now", lambda: began + minutes * 60 - 5)
        assert pool.answer(reply, RIGHT)["AuthenticationResult"]


def test_session_serves_nobody_else(pool, monkeypatch):
    mine, theirs = pool.start(pool.add_user()), pool.start(pool.add_user())
    invalid = "NotAuthorizedException: Invalid session for the user."
    name = theirs["ChallengeParameters"]["USERNAME"]
    assert error_of(lambda: pool.answer(mine, RIGHT, name=name)) == invalid
    assert error_of(lambda: pool.answer(mine | {"Session": "x" * 64}, RIGHT)) == invalid
    client_id, secret = pool.add_client()
    with monkeypatch.context() as patch:
        patch.setattr(pool, "client_id", client_id)
        patch.setattr(pool, "secret", secret)
        assert error_of(lambda: pool.answer(mine, RIGHT)) == invalid
    assert pool.answer(mine, RIGHT)["AuthenticationResult"]


def test_answer_under_the_typed_name_is_accepted(pool):
    phone = pool.add_user()
    assert pool.answer(pool.start(phone), RIGHT, name=phone)["AuthenticationResult"]


@pytest.mark.parametrize("name", ["MFA_SETUP", "NEW_PASSWORD_REQUIRED", "PASSWORD_VERIFIER"])
def test_no_other_challenge_can_be_answered(pool, name):
    reply = pool.start(pool.add_user())
    invalid = "NotAuthorizedException: Invalid session for the user."
    assert error_of(lambda: pool.answer(reply, RIGHT, ChallengeName=name)) == invalid


# Triggers that fail

UNRECOGNIZABLE = "InvalidLambdaResponseException: Unrecognizable lambda output"


@pytest.mark.parametrize("trigger", [DEFINE, CREATE, VERIFY])
@pytest.mark.parametrize("returned", [None, "text", {}, {"response": []}])
def test_no_object_from_a_trigger_is_an_error(pool, strict, trigger, returned):
    phone = pool.add_user(**{trigger: {"return": returned}})
    assert error_of(lambda: pool.answer(pool.start(phone), RIGHT)) == UNRECOGNIZABLE
    assert strict.count(trigger) == 1


@pytest.mark.parametrize(
    ("trigger", "response"),
    [
        (DEFINE, {"issueTokens": "true"}),
        (DEFINE, {"failAuthentication": 1}),
        (DEFINE, {"challengeName": 1}),
        (DEFINE, {"challengeName": None}),
        (CREATE, {"publicChallengeParameters": {"tries": 3}}),
        (CREATE, {"privateChallengeParameters": {"code": None}}),
        (CREATE, {"privateChallengeParameters": "code"}),
        (CREATE, {"challengeMetadata": {}}),
        (VERIFY, {"answerCorrect": "true"}),
    ],
)
def test_wrong_types_from_a_trigger_are_an_error(pool, trigger, response):
    phone = pool.add_user(**{trigger: {"response": response}})
    assert error_of(lambda: pool.answer(pool.start(phone), RIGHT)) == UNRECOGNIZABLE


@pytest.mark.parametrize("trigger", [DEFINE, CREATE, VERIFY])
def test_trigger_that_raises_is_quoted_and_not_tried_again(pool, strict, trigger):
    phone = pool.add_user(**{trigger: {"raise": "broken"}})
    words = f"UserLambdaValidationException: {trigger} failed with error broken."
    assert error_of(lambda: pool.answer(pool.start(phone), RIGHT)) == words
    assert strict.count(trigger) == 1


def test_session_is_dead_once_a_trigger_failed(pool):
    reply = pool.start(pool.add_user(**{VERIFY: {"raise": "broken"}}))
    error_of(lambda: pool.answer(reply, RIGHT))
    dead = "NotAuthorizedException: Invalid session for the user."
    assert error_of(lambda: pool.answer(reply, RIGHT)) == dead


def test_slow_trigger_is_run_three_times(cloud, open_pool):
    with CognitoFront(cloud, trigger_timeout=1) as front:
        pool = open_pool(front)
        phone = pool.add_user(**{CREATE: {"sleep": 2}})
        assert error_of(lambda: pool.start(phone)) == (
            "UnexpectedLambdaException: CreateAuthChallenge invocation failed due to error "
            "Socket timeout while invoking Lambda function."
        )
        first, *again = [record for record in front.records if record.trigger == CREATE]
        assert [record.event for record in again] == [first.event] * 2
        assert first.response is None


def test_second_try_of_a_slow_trigger_serves(cloud, open_pool, tmp_path):
    with CognitoFront(cloud, trigger_timeout=1) as front:
        pool = open_pool(front)
        phone = pool.add_user(**{CREATE: {"sleep once": str(tmp_path / "slept")}})
        assert pool.answer(pool.start(phone), RIGHT)["AuthenticationResult"]
        assert front.count(CREATE) == 2


def test_missing_trigger_is_an_error(open_pool, function):
    pool = open_pool(triggers={DEFINE: function})
    assert error_of(lambda: pool.start(pool.add_user())) == (
        "InvalidParameterException: Custom auth lambda trigger is not configured for the user pool."
    )


def test_function_that_cannot_be_invoked_is_an_error(open_pool, function):
    pool = open_pool(triggers={DEFINE: f"{function}-gone"})
    assert error_of(lambda: pool.start(pool.add_user())) == (
        "UnexpectedLambdaException: "
        "DefineAuthChallenge invocation failed due to error ResourceNotFoundException."
    )


# Users


def test_unknown_user_meets_the_triggers_and_gets_no_tokens(pool, strict):
    phone = next(phones)
    reply = pool.start(phone)
    name = reply["ChallengeParameters"]["USERNAME"]
    assert str(uuid.UUID(name)) == name
    assert pool.start(phone)["ChallengeParameters"]["USERNAME"] == name
    refusal = "NotAuthorizedException: Incorrect username or password."
    assert error_of(lambda: pool.answer(reply, RIGHT)) == refusal
    assert strict.count(VERIFY) == 1
    for record in strict.records:
        assert record.event["request"]["userNotFound"] is True
        assert record.event["request"]["userAttributes"] == {}
        assert record.event["userName"] == name


def test_unknown_user_is_told_where_the_client_reveals_users(open_pool, strict):
    pool = open_pool(PreventUserExistenceErrors="LEGACY")
    told = "UserNotFoundException: User does not exist."
    assert error_of(lambda: pool.start(next(phones))) == told
    assert strict.records == []


def test_user_deleted_during_the_flow_gets_no_tokens(pool, root, strict):
    phone = pool.add_user()
    reply = pool.start(phone)
    root.cognito.admin_delete_user(UserPoolId=pool.id, Username=phone)
    refusal = "NotAuthorizedException: Incorrect username or password."
    assert error_of(lambda: pool.answer(reply, RIGHT)) == refusal
    assert strict.records[-1].event["request"]["userNotFound"] is True


def test_disabled_user_is_refused_at_every_step(pool, root, strict):
    phone = pool.add_user()
    reply = pool.start(phone)
    root.cognito.admin_disable_user(UserPoolId=pool.id, Username=phone)
    disabled = "NotAuthorizedException: User is disabled."
    assert error_of(lambda: pool.answer(reply, RIGHT)) == disabled
    assert error_of(lambda: pool.start(phone)) == disabled
    assert strict.count(VERIFY) == 0


def test_user_who_must_reset_a_password_is_refused(pool, root):
    phone = pool.add_user()
    root.cognito.admin_reset_user_password(UserPoolId=pool.id, Username=phone)
    assert error_of(lambda: pool.start(phone)).startswith("PasswordResetRequiredException: ")


def sign_up(pool: Pool, phone: str):
    named = pool.named(phone)
    return pool.api.sign_up(
        ClientId=pool.client_id,
        SecretHash=named["SECRET_HASH"],
        Username=phone,
        Password="Aa1!" + "x" * 40,
    )


def test_unconfirmed_user_is_refused(pool):
    phone = next(phones)
    sign_up(pool, phone)
    unconfirmed = "UserNotConfirmedException: User is not confirmed."
    assert error_of(lambda: pool.start(phone)) == unconfirmed


def test_sign_up_is_closed_where_the_pool_closes_it(open_pool):
    closed = "NotAuthorizedException: SignUp is not permitted for this user pool"
    assert error_of(lambda: sign_up(open_pool(admin_only=True), next(phones))) == closed


# Clients, secrets and permissions


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"SECRET_HASH": ""}, "is configured with secret but SECRET_HASH was not received"),
        ({"SECRET_HASH": "YWJj"}, "Unable to verify secret hash for client"),
        ({"USERNAME": "+12015550199"}, "Unable to verify secret hash for client"),
    ],
)
def test_secret_hash_is_checked_at_the_start(pool, strict, parameters, words):
    phone = pool.add_user()
    error = error_of(lambda: pool.start(phone, parameters=parameters))
    assert error.startswith("NotAuthorizedException: ")
    assert words in error
    assert strict.records == []


def test_secret_hash_is_checked_at_an_answer(pool, strict, monkeypatch):
    reply = pool.start(pool.add_user())
    with monkeypatch.context() as patch:
        patch.setattr(pool, "named", lambda name: {"USERNAME": name, "SECRET_HASH": "YWJj"})
        assert "Unable to verify secret hash" in error_of(lambda: pool.answer(reply, RIGHT))
    assert strict.count(VERIFY) == 0
    assert pool.answer(reply, RIGHT)["AuthenticationResult"]


@pytest.mark.parametrize("flow", ["CUSTOM_AUTH", "USER_SRP_AUTH", "USER_PASSWORD_AUTH"])
def test_flow_that_the_client_does_not_allow_is_refused(open_pool, flow):
    pool = open_pool(ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"])
    assert error_of(lambda: pool.start(pool.add_user(), flow=flow)) == (
        f"InvalidParameterException: {flow} flow not enabled for this client"
    )


def admin_api(strict: CognitoFront, key: str, secret: str):
    session = boto3.Session(key, secret, region_name=REGION)
    return session.client("cognito-idp", endpoint_url=strict.url)


def admin_sign_in(api, pool: Pool, phone: str):
    ids = {"UserPoolId": pool.id, "ClientId": pool.client_id}
    reply = api.admin_initiate_auth(**ids, AuthFlow="CUSTOM_AUTH", AuthParameters=pool.named(phone))
    return api.admin_respond_to_auth_challenge(
        **ids,
        ChallengeName="CUSTOM_CHALLENGE",
        ChallengeResponses=pool.named(phone) | {"ANSWER": RIGHT},
        Session=reply["Session"],
    )


@pytest.fixture(scope="module")
def operator(root) -> dict[str, str]:
    """The key of a user who may do anything with pools. The root's signature is not checked."""
    allowed = {"Effect": "Allow", "Action": "cognito-idp:*", "Resource": "*"}
    root.iam.create_user(UserName="strict-operator")
    root.iam.put_user_policy(
        UserName="strict-operator",
        PolicyName="pools",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    return root.iam.create_access_key(UserName="strict-operator")["AccessKey"]


def test_admin_calls_need_a_signature_and_permission(pool, root, strict, operator):
    phone, id_ = pool.add_user(), operator["AccessKeyId"]
    root.iam.create_user(UserName="strict-stranger")
    key = root.iam.create_access_key(UserName="strict-stranger")["AccessKey"]
    stranger = admin_api(strict, key["AccessKeyId"], key["SecretAccessKey"])
    assert "AccessDenied" in error_of(lambda: admin_sign_in(stranger, pool, phone))
    forger = admin_api(strict, id_, "x" * 40)
    assert "Signature" in error_of(lambda: admin_sign_in(forger, pool, phone))
    assert strict.records == []
    api = admin_api(strict, id_, operator["SecretAccessKey"])
    assert admin_sign_in(api, pool, phone)["AuthenticationResult"]


def test_body_that_was_changed_after_signing_is_refused(pool, strict, operator):
    content = {
        "UserPoolId": pool.id,
        "ClientId": pool.client_id,
        "AuthFlow": "CUSTOM_AUTH",
        "AuthParameters": pool.named(pool.add_user()),
    }
    request = AWSRequest(
        "POST",
        strict.url,
        headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AWSCognitoIdentityProviderService.AdminInitiateAuth",
        },
        data=json.dumps(content),
    )
    key = Credentials(operator["AccessKeyId"], operator["SecretAccessKey"])
    SigV4Auth(key, "cognito-idp", REGION).add_auth(request)
    headers = dict(request.headers.items())
    signed = requests.post(strict.url, data=request.body, headers=headers, timeout=10)
    assert signed.status_code == 200
    changed = json.dumps(content | {"ClientMetadata": {"a": "b"}})
    refused = requests.post(strict.url, data=changed, headers=headers, timeout=10)
    assert "Signature" in refused.json()["__type"]


# What the emulator lets pass, and faults that tests want


@pytest.fixture
def api(strict, operator):
    return admin_api(strict, operator["AccessKeyId"], operator["SecretAccessKey"])


def test_phone_of_another_user_is_not_given_twice(pool, api):
    mine, theirs = pool.add_user(), pool.add_user()
    sub = pool.sub(mine)

    def give(phone: str):
        attributes = [{"Name": "phone_number", "Value": phone}]
        return api.admin_update_user_attributes(
            UserPoolId=pool.id, Username=sub, UserAttributes=attributes
        )

    assert error_of(lambda: give(theirs)).startswith("AliasExistsException")
    assert pool.sub(mine) == sub
    give(mine)
    give(next(phones))


def test_operation_fails_as_often_as_a_test_wants(pool, api, strict):
    named = {"UserPoolId": pool.id, "Username": pool.add_user()}
    strict.fail("AdminDisableUser", "NotAuthorizedException", times=2)
    for _ in range(2):
        assert "NotAuthorized" in error_of(lambda: api.admin_disable_user(**named))
    assert api.admin_get_user(**named)["Enabled"]
    api.admin_disable_user(**named)
    strict.fail("AdminGetUser", "NotAuthorizedException")
    assert "NotAuthorized" in error_of(lambda: api.admin_get_user(**named))
    strict.heal()
    assert not api.admin_get_user(**named)["Enabled"]


def test_answer_is_lost_after_it_was_done(pool, api, strict):
    named = {"UserPoolId": pool.id, "Username": pool.add_user()}
    strict.fail("AdminDisableUser", "NotAuthorizedException", after=True)
    assert "NotAuthorized" in error_of(lambda: api.admin_disable_user(**named))
    assert not api.admin_get_user(**named)["Enabled"]


# Everything else


def test_other_requests_pass_as_they_are(cloud, strict, pool):
    path = f"/{pool.id}/.well-known/jwks.json"
    direct = requests.get(cloud.emulator.url + path, timeout=5)
    passed = requests.get(strict.url + path, timeout=5)
    assert (passed.status_code, passed.content) == (direct.status_code, direct.content)
    store = cloud.root_session().client("s3", endpoint_url=strict.url)
    store.create_bucket(Bucket="strict-front")
    content = bytes(range(256)) * 1000
    store.put_object(Bucket="strict-front", Key="a b/ü", Body=content)
    assert store.get_object(Bucket="strict-front", Key="a b/ü")["Body"].read() == content
    assert store.head_object(Bucket="strict-front", Key="a b/ü")["ContentLength"] == len(content)
    assert requests.head(strict.url + "/nothing-here", timeout=5).status_code >= 400


def test_unknown_client_is_the_emulators_to_refuse(pool, monkeypatch):
    monkeypatch.setattr(pool, "client_id", "nobodysclient")
    assert error_of(lambda: pool.start("+12015550199")).startswith("ResourceNotFoundException")

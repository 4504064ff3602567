"""Passwords before the strict front. Each part quotes the page of AWS's documentation that says so.

The developer guide is docs.aws.amazon.com/cognito/latest/developerguide, the reference
docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference.
"""

import pytest

from accounts.aws import srp
from tests.fakes.cognito_front import passwords
from tests.fakes.cognito_front.front import CognitoFront
from tests.fakes.cognito_front.triggers import CREATE, DEFINE, VERIFY
from tests.fakes.scripted_pool import RIGHT, WRONG, error_of, phones

pytestmark = pytest.mark.cloud

PASSWORD = "Right-Horse-7"
REFUSED = "NotAuthorizedException: Incorrect username or password."
INVALID = "NotAuthorizedException: Invalid session for the user."


@pytest.fixture
def user(pool) -> str:
    phone = pool.add_user()
    pool.set_password(phone, PASSWORD)
    return phone


def entry(name: str, result: bool = True, metadata: str | None = None) -> dict[str, object]:
    return {"challengeName": name, "challengeResult": result, "challengeMetadata": metadata}


def histories(strict, trigger: str) -> list[list[dict[str, object]]]:
    return [each.event["request"]["session"] for each in strict.records if each.trigger == trigger]


def test_password_comes_before_the_challenges_of_ours(pool, strict, user):
    """Developer guide, user-pool-lambda-define-auth-challenge:

    "Amazon Cognito invokes your define auth challenge Lambda trigger with an initial session that
    contains challengeName: SRP_A and challengeResult: true. […] your Lambda function responds with
    challengeName: PASSWORD_VERIFIER […] If the password verification succeeds, Amazon Cognito
    invokes your Lambda function again with a new session containing challengeName:
    PASSWORD_VERIFIER and challengeResult: true. To initiate your custom challenges, your Lambda
    function responds with challengeName: CUSTOM_CHALLENGE".
    """
    proof = srp.Proof.begin()
    reply = pool.start_with_password(user, proof)
    assert reply["ChallengeName"] == "PASSWORD_VERIFIER"
    assert strict.count(CREATE) == 0
    reply = pool.prove(reply, proof, PASSWORD)
    assert reply["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert pool.answer(reply, RIGHT)["AuthenticationResult"]["IdToken"]
    password = [entry("SRP_A"), entry("PASSWORD_VERIFIER")]
    assert histories(strict, DEFINE) == [
        password[:1],
        password,
        [*password, entry("CUSTOM_CHALLENGE", metadata="m0")],
    ]
    assert histories(strict, CREATE) == [password]


def test_parameters_of_the_proof_are_those_of_the_reference(pool, user):
    """Reference, API_AdminInitiateAuth:

    "In SRP challenges, Amazon Cognito returns the username attribute in USER_ID_FOR_SRP instead of
    any email address, preferred username, or phone number alias".
    """
    given = pool.start_with_password(user, srp.Proof.begin())["ChallengeParameters"]
    assert given.keys() == {"SALT", "SRP_B", "SECRET_BLOCK", "USERNAME", "USER_ID_FOR_SRP"}
    assert given["USER_ID_FOR_SRP"] == given["USERNAME"] == pool.sub(user)


def test_flow_after_a_password_has_as_many_rounds_as_define_wants(pool, user):
    """Developer guide, user-pool-lambda-define-auth-challenge:

    "The challenge loop repeats until all challenges are answered."
    """
    proof = srp.Proof.begin()
    reply = pool.prove(pool.start_with_password(user, proof), proof, PASSWORD)
    for _ in range(2):
        reply = pool.answer(reply, WRONG)
    assert pool.answer(reply, RIGHT)["AuthenticationResult"]


def test_wrong_password_runs_no_trigger_and_ends_the_flow(pool, strict, user):
    """Developer guide, cognito-user-pool-managing-errors:

    "When you send a RespondToAuthChallenge API request with proof of password, Amazon Cognito
    returns a generic NotAuthorizedException error when either user name or password is incorrect."
    """
    proof = srp.Proof.begin()
    reply = pool.start_with_password(user, proof)
    assert error_of(lambda: pool.prove(reply, proof, "Wrong-Horse-7")) == REFUSED
    assert (strict.count(DEFINE), strict.count(CREATE), strict.count(VERIFY)) == (1, 0, 0)
    assert error_of(lambda: pool.prove(reply, proof, PASSWORD)) == INVALID


def test_unknown_user_gets_a_simulated_challenge(pool, strict):
    """Developer guide, cognito-user-pool-managing-errors:

    "When a user isn't found, Amazon Cognito returns a simulated response in the first step […]
    Amazon Cognito returns the same salt and an internal user ID in Universally Unique Identifier
    (UUID) format for the same user name and user pool combination."
    """
    phone, proof = next(phones), srp.Proof.begin()
    reply = pool.start_with_password(phone, proof)
    given = reply["ChallengeParameters"]
    again = pool.start_with_password(phone, srp.Proof.begin())["ChallengeParameters"]
    assert (again["SALT"], again["USERNAME"]) == (given["SALT"], given["USERNAME"])
    assert again["SRP_B"] != given["SRP_B"]
    assert error_of(lambda: pool.prove(reply, proof, PASSWORD)) == REFUSED
    assert strict.records[0].event["request"]["userNotFound"] is True
    assert strict.count(DEFINE) == 2


def test_unknown_user_is_told_where_the_client_reveals_users(open_pool):
    pool = open_pool(PreventUserExistenceErrors="LEGACY")
    told = "UserNotFoundException: User does not exist."
    phone = next(phones)
    assert error_of(lambda: pool.start_with_password(phone, srp.Proof.begin())) == told


def test_late_proof_is_refused(pool, user, monkeypatch):
    """Reference, API_RespondToAuthChallenge:

    "Amazon Cognito requires that your application respond to this challenge within a few seconds.
    When the response time exceeds this period, your user pool returns a NotAuthorizedException
    error."
    """
    proof = srp.Proof.begin()
    reply = pool.start_with_password(user, proof)
    late = passwords.now() + passwords.PROOF_SECONDS
    monkeypatch.setattr(passwords, "now", lambda: late)
    assert error_of(lambda: pool.prove(reply, proof, PASSWORD)) == REFUSED


def test_many_wrong_passwords_lock_the_user_for_a_while(pool, user, monkeypatch):
    """Developer guide, amazon-cognito-user-pools-authentication-flow:

    "After five failed sign-in attempts, Amazon Cognito locks out your user for one second. The
    lockout duration then doubles after each additional one failed attempt […] Attempts made during
    a lockout period generate a Password attempts exceeded exception".
    """
    clock = [passwords.now()]
    monkeypatch.setattr(passwords, "now", lambda: clock[0])

    def attempt(password: str):
        proof = srp.Proof.begin()
        return pool.prove(pool.start_with_password(user, proof), proof, password)

    exceeded = "NotAuthorizedException: Password attempts exceeded"
    for _ in range(5):
        assert error_of(lambda: attempt("Wrong-Horse-7")) == REFUSED
    assert error_of(lambda: attempt(PASSWORD)) == exceeded
    clock[0] += 1
    assert error_of(lambda: attempt("Wrong-Horse-7")) == REFUSED
    clock[0] += 1
    assert error_of(lambda: attempt(PASSWORD)) == exceeded
    clock[0] += 1
    assert attempt(PASSWORD)["ChallengeName"] == "CUSTOM_CHALLENGE"


def test_temporary_password_leads_to_a_new_one_and_past_define(pool, strict, user):
    """Reference, API_InitiateAuth:

    "NEW_PASSWORD_REQUIRED: For users who are required to change their passwords after successful
    first login." Tokens follow without Define: issue 341 of amazon-cognito-identity-js.
    """
    pool.set_password(user, "Given-Horse-7", permanent=False)
    proof = srp.Proof.begin()
    reply = pool.prove(pool.start_with_password(user, proof), proof, "Given-Horse-7")
    assert reply["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    assert reply["ChallengeParameters"].keys() == {
        "USER_ID_FOR_SRP",
        "userAttributes",
        "requiredAttributes",
    }
    tokens = pool.api.respond_to_auth_challenge(
        ClientId=pool.client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        ChallengeResponses=pool.named(pool.sub(user)) | {"NEW_PASSWORD": PASSWORD},
        Session=reply["Session"],
    )
    assert tokens["AuthenticationResult"]["IdToken"]
    assert strict.count(DEFINE) == 1


def test_user_who_must_reset_a_password_is_told_by_its_proof_alone(pool, root, user):
    """Reference, API_RespondToAuthChallenge, on its errors:

    "PasswordResetRequiredException: This exception is thrown when a password reset is required."
    """
    root.cognito.admin_reset_user_password(UserPoolId=pool.id, Username=user)
    proof = srp.Proof.begin()
    reply = pool.start_with_password(user, proof)
    assert error_of(lambda: pool.prove(reply, proof, "Wrong-Horse-7")) == REFUSED
    reply = pool.start_with_password(user, proof)
    told = error_of(lambda: pool.prove(reply, proof, PASSWORD))
    assert told.startswith("PasswordResetRequiredException: ")


def test_disabled_user_is_refused_before_the_proof(pool, root, strict, user):
    root.cognito.admin_disable_user(UserPoolId=pool.id, Username=user)
    proof = srp.Proof.begin()
    disabled = "NotAuthorizedException: User is disabled."
    assert error_of(lambda: pool.start_with_password(user, proof)) == disabled
    assert strict.records == []


@pytest.mark.parametrize("name", ["CUSTOM_CHALLENGE", "NEW_PASSWORD_REQUIRED", "SRP_A"])
def test_session_serves_the_challenge_that_it_was_given_for(pool, strict, user, name):
    proof = srp.Proof.begin()
    reply = pool.start_with_password(user, proof)
    assert error_of(lambda: pool.answer(reply, RIGHT, ChallengeName=name)) == INVALID
    assert strict.count(VERIFY) == 0
    assert pool.prove(reply, proof, PASSWORD)["ChallengeName"] == "CUSTOM_CHALLENGE"


def test_proof_of_another_exchange_is_wrong(pool, user):
    proof = srp.Proof.begin()
    first, second = (pool.start_with_password(user, proof) for _ in range(2))
    taken = {"ChallengeParameters": first["ChallengeParameters"], "Session": second["Session"]}
    assert error_of(lambda: pool.prove(taken, proof, PASSWORD)) == REFUSED


def test_start_with_a_password_needs_srp_a(pool, user):
    missing = "InvalidParameterException: Missing required parameter SRP_A"
    assert error_of(lambda: pool.start(user, parameters={"CHALLENGE_NAME": "SRP_A"})) == missing


@pytest.mark.parametrize("name", ["PASSWORD_VERIFIER", "NEW_PASSWORD_REQUIRED"])
def test_define_cannot_ask_for_a_password_in_a_flow_without_one(pool, name):
    phone = pool.add_user(**{DEFINE: {"response": {"challengeName": name}}})
    unrecognizable = "InvalidLambdaResponseException: Unrecognizable lambda output"
    assert error_of(lambda: pool.start(phone)) == unrecognizable


def test_client_of_the_front_goes_with_it(cloud, root, open_pool):
    with CognitoFront(cloud) as front:
        pool = open_pool(front)
        phone, proof = pool.add_user(), srp.Proof.begin()
        pool.set_password(phone, PASSWORD)
        pool.prove(pool.start_with_password(phone, proof), proof, PASSWORD)
    left = root.cognito.list_user_pool_clients(UserPoolId=pool.id, MaxResults=60)["UserPoolClients"]
    assert [client["ClientId"] for client in left] == [pool.client_id]

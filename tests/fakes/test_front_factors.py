"""Second factors after our challenges, before the strict front.

Each part quotes the page of AWS's documentation that says so. The reference is
docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference. Whether a second factor follows
a custom challenge at all is told in two ways: see ADR 20.
"""

import json

import pytest

from tests.fakes.cognito_front import factors, steps
from tests.fakes.cognito_front.factors import code_of
from tests.fakes.cognito_front.front import CognitoFront
from tests.fakes.scripted_pool import RIGHT, error_of

pytestmark = pytest.mark.cloud

MISMATCH = "CodeMismatchException: Invalid code or auth state for the user."
OTHER = {"000000": "111111"}


@pytest.fixture
def guarded(open_pool):
    """``guarded(mode, …)``: a pool in which second factors are OPTIONAL, or ON for everybody."""

    def make(mode="OPTIONAL", **settings):
        pool = open_pool(**settings)
        pool.root.cognito.set_user_pool_mfa_config(
            UserPoolId=pool.id,
            MfaConfiguration=mode,
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )
        return pool

    return make


def prefer(pool, phone, *, preferred=None, **kinds):
    pool.root.cognito.admin_set_user_mfa_preference(
        UserPoolId=pool.id,
        Username=phone,
        **{
            f"{kind}MfaSettings": {"Enabled": on, "PreferredMfa": kind == preferred}
            for kind, on in kinds.items()
        },
    )


def begin(pool, phone):
    """Answer our challenge right. Returns the reply, which asks for a second factor or has none."""
    return pool.answer(pool.start(phone), RIGHT)


def second(pool, reply, code, **more):
    name = reply["ChallengeName"]
    answer = {"SMS_MFA": "SMS_MFA_CODE", "EMAIL_OTP": "EMAIL_OTP_CODE"}.get(name, f"{name}_CODE")
    return pool.api.respond_to_auth_challenge(
        ClientId=pool.client_id,
        ChallengeName=name,
        ChallengeResponses=pool.named(reply["ChallengeParameters"]["USER_ID_FOR_SRP"])
        | {answer: code}
        | more,
        Session=reply["Session"],
    )


def set_up(pool, phone) -> str:
    """Let somebody have an authenticator app, and return its secret."""
    tokens = begin(pool, phone)["AuthenticationResult"]
    made = pool.root.cognito.associate_software_token(AccessToken=tokens["AccessToken"])
    pool.root.cognito.verify_software_token(
        AccessToken=tokens["AccessToken"], UserCode=code_of(made["SecretCode"])
    )
    return made["SecretCode"]


def test_pool_without_second_factors_asks_for_none(pool):
    """Reference, API_SetUserPoolMfaConfig: "Sets multi-factor authentication (MFA) to be on, off,
    or optional."
    """
    phone = pool.add_user()
    prefer(pool, phone, SMS=True)
    assert "AuthenticationResult" in begin(pool, phone)


def test_optional_asks_those_who_have_set_one_up(guarded, strict):
    """Reference, API_SetUserPoolMfaConfig: "Amazon Cognito generates MFA prompts in API responses
    and in managed login for users who have chosen and configured a preferred MFA factor."
    """
    pool = guarded()
    phone, plain = pool.add_user(), pool.add_user()
    prefer(pool, phone, preferred="SMS", SMS=True)
    assert "AuthenticationResult" in begin(pool, plain)
    reply = begin(pool, phone)
    assert reply["ChallengeName"] == "SMS_MFA"
    given = reply["ChallengeParameters"]
    assert given["CODE_DELIVERY_DELIVERY_MEDIUM"] == "SMS"
    assert given["CODE_DELIVERY_DESTINATION"] == f"+*******{phone[-4:]}"
    assert strict.factors.sent[-1].to == phone
    assert second(pool, reply, strict.factors.sent[-1].code)["AuthenticationResult"]["IdToken"]


def test_wrong_code_leaves_the_session_as_it_is(guarded, strict):
    """Reference, API_RespondToAuthChallenge: "CodeMismatchException: This exception is thrown if
    the provided code doesn't match what the server was expecting."
    """
    pool = guarded()
    phone = pool.add_user()
    prefer(pool, phone, preferred="SMS", SMS=True)
    reply = begin(pool, phone)
    code = strict.factors.sent[-1].code
    for _ in range(6):
        assert error_of(lambda: second(pool, reply, OTHER.get(code, "000000"))) == MISMATCH
    assert "AuthenticationResult" in second(pool, reply, code)
    assert "only be used once" in error_of(lambda: second(pool, reply, code))


def test_code_that_is_too_old_is_expired(guarded, strict, monkeypatch):
    """Reference, API_RespondToAuthChallenge: "ExpiredCodeException: This exception is thrown if a
    code has expired."
    """
    pool = guarded()
    phone = pool.add_user()
    prefer(pool, phone, preferred="SMS", SMS=True)
    reply = begin(pool, phone)
    later = factors.now() + 181
    monkeypatch.setattr(factors, "now", lambda: later)
    assert error_of(lambda: second(pool, reply, strict.factors.sent[-1].code)).startswith("Expired")


def test_session_ends_with_its_validity(guarded, strict, monkeypatch):
    """Reference, API_CreateUserPoolClient, AuthSessionValidity: "Amazon Cognito creates a session
    token for each API request in an authentication flow. AuthSessionValidity is the duration, in
    minutes, of that session token."
    """
    pool = guarded()
    phone = pool.add_user()
    prefer(pool, phone, preferred="SMS", SMS=True)
    reply = begin(pool, phone)
    later = steps.now() + 181
    monkeypatch.setattr(steps, "now", lambda: later)
    assert "session is expired" in error_of(
        lambda: second(pool, reply, strict.factors.sent[-1].code)
    )


def test_code_by_mail_is_answered_under_its_own_name(guarded, strict):
    """Reference, API_RespondToAuthChallenge: "EMAIL_OTP: Respond with the code that your user pool
    delivered in an email message, as EMAIL_OTP_CODE".
    """
    pool = guarded()
    phone = pool.add_user()
    pool.root.cognito.admin_update_user_attributes(
        UserPoolId=pool.id,
        Username=phone,
        UserAttributes=[{"Name": "email", "Value": "ann@example.com"}],
    )
    strict.factors.prefer({"Username": pool.sub(phone), "EmailMfaSettings": {"Enabled": True}})
    reply = begin(pool, phone)
    assert reply["ChallengeName"] == "EMAIL_OTP"
    assert error_of(lambda: second(pool, reply, "", SMS_MFA_CODE="123456")).startswith("Invalid")
    assert "AuthenticationResult" in second(pool, reply, strict.factors.sent[-1].code)


def test_code_of_an_app_is_taken_once(guarded):
    """Reference, API_AssociateSoftwareToken: "After you set up software token MFA for your user,
    Amazon Cognito generates a SOFTWARE_TOKEN_MFA challenge when they authenticate. Respond to this
    challenge with your user's TOTP."
    """
    pool = guarded()
    phone = pool.add_user()
    secret = set_up(pool, phone)
    reply = begin(pool, phone)
    assert reply["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    wrong = OTHER.get(code_of(secret), "000000")
    assert error_of(lambda: second(pool, reply, wrong)).startswith("CodeMismatchException")
    code = code_of(secret)
    assert "AuthenticationResult" in second(pool, reply, code)
    again = begin(pool, phone)
    assert "already been used once" in error_of(lambda: second(pool, again, code))


def test_several_factors_without_a_preferred_one_are_chosen_from(guarded, strict):
    """Reference, API_AdminSetUserMFAPreference: "If multiple options are activated and no
    preference is set, a challenge to choose an MFA option will be returned during sign-in."
    """
    pool = guarded()
    phone = pool.add_user()
    secret = set_up(pool, phone)
    prefer(pool, phone, SMS=True, SoftwareToken=False)
    prefer(pool, phone, SMS=True, SoftwareToken=True)
    reply = begin(pool, phone)
    assert reply["ChallengeName"] == "SELECT_MFA_TYPE"
    assert set(json.loads(reply["ChallengeParameters"]["MFAS_CAN_CHOOSE"])) == {
        "SMS_MFA",
        "SOFTWARE_TOKEN_MFA",
    }
    assert error_of(lambda: second(pool, reply, "", ANSWER="EMAIL_OTP")).startswith("Invalid")
    asked = second(pool, reply, "", ANSWER="SOFTWARE_TOKEN_MFA")
    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert "AuthenticationResult" in second(pool, asked, code_of(secret))


def test_setup_gives_tokens_after_the_code_of_the_app_alone(guarded):
    """Reference, API_RespondToAuthChallenge: "To set up time-based one-time password (TOTP) MFA,
    use the session returned in this challenge from InitiateAuth or AdminInitiateAuth as an input to
    AssociateSoftwareToken. Then, use the session returned by VerifySoftwareToken as an input to
    RespondToAuthChallenge or AdminRespondToAuthChallenge with challenge name MFA_SETUP to complete
    sign-in."
    """
    pool = guarded("ON")
    reply = begin(pool, pool.add_user())
    assert reply["ChallengeName"] == "MFA_SETUP"
    assert reply["ChallengeParameters"]["MFAS_CAN_SETUP"] == '["SOFTWARE_TOKEN_MFA"]'
    assert error_of(lambda: second(pool, reply, "x")).startswith("InvalidParameterException")
    assert error_of(
        lambda: pool.api.verify_software_token(Session=reply["Session"], UserCode="000000")
    ).startswith("InvalidParameterException")
    made = pool.api.associate_software_token(Session=reply["Session"])
    session = made["Session"]
    code = code_of(made["SecretCode"])
    wrong = OTHER.get(code, "000000")
    assert error_of(
        lambda: pool.api.verify_software_token(Session=session, UserCode=wrong)
    ).startswith("EnableSoftwareTokenMFAException")
    assert error_of(lambda: second(pool, reply | {"Session": session}, "x")).startswith("Invalid")
    verified = pool.api.verify_software_token(Session=session, UserCode=code)
    assert verified["Status"] == "SUCCESS"
    done = second(pool, reply | {"Session": verified["Session"]}, "x")
    assert done["AuthenticationResult"]["IdToken"]


def test_front_of_aws_support_asks_for_nothing_after_our_challenges(cloud, guarded):
    """github.com/aws-amplify/amplify-js issue 12887: a maintainer was told by the service that a
    second factor comes after PASSWORD_VERIFIER alone.
    """
    with CognitoFront(cloud, factors_follow_ours=False) as front:
        pool = guarded(front=front)
        phone = pool.add_user()
        prefer(pool, phone, preferred="SMS", SMS=True)
        assert "AuthenticationResult" in begin(pool, phone)

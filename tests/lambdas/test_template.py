"""The security of the AWS side, as the template states it."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdas.triggers import text

PATH = Path(__file__).resolve().parents[2] / "lambdas" / "template.yaml"
TEMPLATE = json.loads(json.dumps(cfn_yaml.load(str(PATH))))
RESOURCES = TEMPLATE["Resources"]
POOL = RESOURCES["UserPool"]["Properties"]
CLIENT = RESOURCES["UserPoolClient"]["Properties"]
TRIGGERS = [
    "CreateAuthChallenge",
    "DefineAuthChallenge",
    "PreSignUp",
    "VerifyAuthChallengeResponse",
]
CODE_KEY_ID = {"Fn::GetAtt": ["CodeKey", "Id"]}
READ_CODE_KEY = {
    "Sid": "ReadCodeKey",
    "Effect": "Allow",
    "Action": "secretsmanager:GetSecretValue",
    "Resource": CODE_KEY_ID,
}
TEXT_PHONES = {
    "Sid": "TextPhones",
    "Effect": "Allow",
    "Action": "sns:Publish",
    "NotResource": "arn:aws:sns:*:*:*",
}


def of_type(kind: str) -> list[str]:
    return sorted(name for name, resource in RESOURCES.items() if resource["Type"] == kind)


def function(name: str) -> dict:
    """A function's properties, those that all functions share included."""
    return TEMPLATE["Globals"]["Function"] | RESOURCES[name]["Properties"]


def matches(parameter: str, value: str) -> bool:
    return bool(re.fullmatch(TEMPLATE["Parameters"][parameter]["AllowedPattern"], value))


def test_resources_are_these_kinds_only():
    """A role, a permission or an address of a function is nothing to add unseen."""
    assert {resource["Type"] for resource in RESOURCES.values()} == {
        "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolClient",
        "AWS::IAM::ManagedPolicy",
        "AWS::Logs::LogGroup",
        "AWS::SecretsManager::Secret",
        "AWS::Serverless::Function",
    }


def test_pool_and_client_are_the_only_ones():
    assert of_type("AWS::Cognito::UserPool") == ["UserPool"]
    assert of_type("AWS::Cognito::UserPoolClient") == ["UserPoolClient"]


def test_pool_names_are_phones():
    assert POOL["UsernameAttributes"] == ["phone_number"]
    assert "AliasAttributes" not in POOL


def test_pool_is_closed_to_strangers():
    assert POOL["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}


def test_pool_sends_no_text_of_its_own():
    assert POOL["AutoVerifiedAttributes"] == []
    assert POOL["MfaConfiguration"] == "OFF"
    assert not [name for name in POOL if name.startswith(("Sms", "Email"))]


def test_pool_recovers_accounts_through_operators_only():
    assert POOL["AccountRecoverySetting"] == {
        "RecoveryMechanisms": [{"Name": "admin_only", "Priority": 1}]
    }


def test_pool_outlives_mistakes():
    assert POOL["DeletionProtection"] == "ACTIVE"
    assert RESOURCES["UserPool"]["DeletionPolicy"] == "Retain"
    assert RESOURCES["UserPool"]["UpdateReplacePolicy"] == "Retain"


def test_pool_passwords_are_strong_and_short_lived():
    policy = POOL["Policies"]["PasswordPolicy"]
    assert policy["MinimumLength"] >= 12
    assert policy["TemporaryPasswordValidityDays"] == 1
    assert all(
        policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols")
    )


def test_pool_has_no_other_way_in():
    assert "SignInPolicy" not in POOL["Policies"]
    assert not {"SupportedIdentityProviders", "AllowedOAuthFlows", "CallbackURLs"} & set(CLIENT)


def test_client_belongs_to_the_pool():
    assert CLIENT["UserPoolId"] == {"Ref": "UserPool"}


def test_client_has_a_secret():
    assert CLIENT["GenerateSecret"] is True


def test_client_allows_exactly_these_flows():
    assert sorted(CLIENT["ExplicitAuthFlows"]) == ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


def test_client_does_not_tell_who_exists():
    assert CLIENT["PreventUserExistenceErrors"] == "ENABLED"


def test_client_tokens_can_be_revoked_and_are_short_lived():
    assert CLIENT["EnableTokenRevocation"] is True
    assert CLIENT["TokenValidityUnits"] == {
        "IdToken": "minutes",
        "AccessToken": "minutes",
        "RefreshToken": "days",
    }
    validity = {name: CLIENT[f"{name}Validity"] for name in CLIENT["TokenValidityUnits"]}
    assert validity == {"IdToken": 5, "AccessToken": 5, "RefreshToken": 1}


def test_client_session_outlives_every_code():
    assert CLIENT["AuthSessionValidity"] == 15
    longest = TEMPLATE["Parameters"]["CodeLifetimeSeconds"]["MaxValue"]
    assert longest <= 600 < CLIENT["AuthSessionValidity"] * 60


def test_client_users_cannot_write_their_phone():
    assert CLIENT["WriteAttributes"] == ["locale"]


def test_client_reads_no_more_than_it_needs():
    assert sorted(CLIENT["ReadAttributes"]) == ["locale", "phone_number", "phone_number_verified"]


def test_functions_are_the_four_triggers():
    assert of_type("AWS::Serverless::Function") == TRIGGERS


@pytest.mark.parametrize("name", TRIGGERS)
def test_function_is_wired_to_the_pool_as_its_trigger_and_to_nothing_else(name):
    assert list(function(name)["Events"].values()) == [
        {"Type": "Cognito", "Properties": {"UserPool": {"Ref": "UserPool"}, "Trigger": name}}
    ]
    assert "FunctionUrlConfig" not in function(name)


@pytest.mark.parametrize("name", TRIGGERS)
def test_function_handler_is_the_module_of_its_trigger(name):
    package, module, attribute = function(name)["Handler"].split(".")
    assert (package, attribute) == ("triggers", "handler")
    assert module == re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    assert callable(import_module(f"lambdas.triggers.{module}").handler)
    assert function(name)["CodeUri"] == "."


@pytest.mark.parametrize("name", TRIGGERS)
def test_function_ends_when_cognito_stops_waiting(name):
    assert function(name)["Timeout"] == 5


@pytest.mark.parametrize("name", TRIGGERS)
def test_function_logs_json_to_a_group_that_forgets(name):
    assert function(name)["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "LogGroup": {"Ref": "TriggerLogs"},
    }
    assert RESOURCES["TriggerLogs"]["Type"] == "AWS::Logs::LogGroup"
    assert RESOURCES["TriggerLogs"]["Properties"]["RetentionInDays"] == 30


def test_function_that_texts_has_the_cpu_to_be_in_time():
    assert function("CreateAuthChallenge")["MemorySize"] >= 1024


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("DefineAuthChallenge", {}),
        ("PreSignUp", {}),
        ("VerifyAuthChallengeResponse", {"CODE_KEY_SECRET_ID": CODE_KEY_ID}),
        (
            "CreateAuthChallenge",
            {
                "APP_NAME": {"Ref": "AppName"},
                "SITE_HOST": {"Ref": "SiteHost"},
                "CODE_LIFETIME_SECONDS": {"Ref": "CodeLifetimeSeconds"},
                "CODE_KEY_SECRET_ID": CODE_KEY_ID,
            },
        ),
    ],
)
def test_function_environment_is_exactly_this(name, variables):
    assert function(name).get("Environment", {}).get("Variables", {}) == variables


@pytest.mark.parametrize(
    ("name", "statements"),
    [
        ("DefineAuthChallenge", []),
        ("PreSignUp", []),
        ("VerifyAuthChallengeResponse", [READ_CODE_KEY]),
        ("CreateAuthChallenge", [READ_CODE_KEY, TEXT_PHONES]),
    ],
)
def test_function_role_may_do_exactly_this(name, statements):
    policies = function(name).get("Policies", [])
    assert [one for policy in policies for one in policy["Statement"]] == statements
    assert "Role" not in function(name)


def test_code_key_is_generated():
    secret = RESOURCES["CodeKey"]
    assert secret["Type"] == "AWS::SecretsManager::Secret"
    assert secret["Properties"]["GenerateSecretString"]["PasswordLength"] >= 64
    assert "SecretString" not in secret["Properties"]


def test_code_key_is_no_parameter_and_no_output():
    assert set(TEMPLATE["Parameters"]) == {"Stage", "AppName", "SiteHost", "CodeLifetimeSeconds"}
    assert "CodeKey" not in json.dumps(TEMPLATE["Outputs"])
    assert "{{resolve:" not in PATH.read_text(encoding="utf-8")


def test_web_tier_may_do_exactly_this_on_the_pool():
    assert of_type("AWS::IAM::ManagedPolicy") == ["WebTierPolicy"]
    assert RESOURCES["WebTierPolicy"]["Properties"]["PolicyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "SignPeopleIn",
                "Effect": "Allow",
                "Action": [
                    "cognito-idp:AdminCreateUser",
                    "cognito-idp:AdminGetUser",
                    "cognito-idp:AdminInitiateAuth",
                    "cognito-idp:AdminRespondToAuthChallenge",
                    "cognito-idp:AdminUpdateUserAttributes",
                ],
                "Resource": {"Fn::GetAtt": ["UserPool", "Arn"]},
            }
        ],
    }


def test_web_tier_policy_is_attached_by_hand_only():
    properties = set(RESOURCES["WebTierPolicy"]["Properties"])
    assert not properties & {"Roles", "Users", "Groups"}


def test_outputs_name_what_the_site_needs():
    values = {name: output["Value"] for name, output in TEMPLATE["Outputs"].items()}
    assert values == {
        "CognitoUserPoolId": {"Ref": "UserPool"},
        "CognitoClientId": {"Ref": "UserPoolClient"},
        "WebTierPolicyArn": {"Ref": "WebTierPolicy"},
    }


def test_app_name_keeps_the_text_cheap():
    taken = {chr(n) for n in range(0x3000) if matches("AppName", chr(n))}
    assert taken == set(" &'+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    assert matches("AppName", "A" * 30)
    assert not matches("AppName", "A" * 31)


def test_app_name_and_site_host_at_their_longest_are_one_text():
    longest = max(n for n in range(1, 254) if matches("SiteHost", "h" * n))
    message = text.sign_in_text("012345", app_name="A" * 30, site_host="h" * longest, minutes=10)
    assert len(message) <= 160


SITE_HOST = TEMPLATE["Parameters"]["SiteHost"]["AllowedPattern"]


@given(st.from_regex(SITE_HOST.removeprefix("(?=.{1,52}$)"), fullmatch=True))
def test_site_host_that_the_template_takes_is_taken_by_the_text(host):
    assume(matches("SiteHost", host))
    message = text.sign_in_text("012345", app_name="Example", site_host=host, minutes=5)
    assert message.endswith(f"\n@{host} #012345")


@pytest.mark.parametrize(
    "host", ["https://example.com", "example.com:443", "example.com/", "Example.com", "a" * 64, ""]
)
def test_site_host_with_more_than_a_name_is_refused(host):
    assert not matches("SiteHost", host)


def test_code_lifetime_default_is_five_minutes():
    lifetime = TEMPLATE["Parameters"]["CodeLifetimeSeconds"]
    assert (lifetime["Type"], lifetime["Default"]) == ("Number", 300)
    assert (lifetime["MinValue"], lifetime["MaxValue"]) == (60, 600)

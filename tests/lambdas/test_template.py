"""The security of the AWS side, as the template states it."""

import itertools
import json
import re
import subprocess
from importlib import import_module

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from lambdas.triggers import environment, limits, messages, senders, telemetry
from localcloud.cloud import EMULATOR_PROGRAM
from tests.lambdas.template import PATH, RESOURCES, TEMPLATE

POOL = RESOURCES["UserPool"]["Properties"]
CLIENT = RESOURCES["UserPoolClient"]["Properties"]
LEDGER = RESOURCES["Ledger"]["Properties"]
FUNCTIONS = [
    "CreateAuthChallenge",
    "DefineAuthChallenge",
    "ManageLedger",
    "PreAuthentication",
    "PreSignUp",
    "PreTokenGeneration",
    "SiteTexts",
    "VerifyAuthChallengeResponse",
]
TRIGGERS = [
    "CreateAuthChallenge",
    "DefineAuthChallenge",
    "PreAuthentication",
    "PreSignUp",
    "PreTokenGeneration",
    "VerifyAuthChallengeResponse",
]
PUBLIC_CLIENT = RESOURCES["PublicUserPoolClient"]["Properties"]
PLANS = {
    "SIGN_IN_PLAN": {"Ref": "SignInPlan"},
    "PUBLIC_SIGN_IN_PLAN": {"Ref": "PublicSignInPlan"},
    "SITE_CLIENT": {"Ref": "SiteClient"},
}
POOL_ID = {"Fn::If": ["OwnPool", {"Ref": "UserPool"}, {"Ref": "ExistingUserPoolId"}]}
POOL_ARN = {
    "Fn::Sub": [
        "arn:${AWS::Partition}:cognito-idp:${AWS::Region}:${AWS::AccountId}:userpool/${Id}",
        {"Id": POOL_ID},
    ]
}
OWN_POOL_ARN = {"Fn::Sub": [POOL_ARN["Fn::Sub"][0], {"Id": {"Ref": "UserPool"}}]}
CODE_KEY_ID = {"Fn::Sub": "phone-login/${Stage}/code-key"}
LEDGER_NAME = {"Fn::Sub": "phone-login-ledger-${Stage}"}
LEDGER_ARN = {
    "Fn::Sub": "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}"
    ":table/phone-login-ledger-${Stage}"
}
LOGS_NAME = {"Fn::Sub": "/phone-login/${Stage}/triggers"}
CLIENT_IDS_NAME = {"Fn::Sub": "/phone-login/${Stage}/client-ids"}
OF_EVERY_FUNCTION = {"STAGE": {"Ref": "Stage"}, "REVISION": {"Ref": "Revision"}}
READ_CODE_KEY = {
    "Sid": "ReadCodeKey",
    "Effect": "Allow",
    "Action": "secretsmanager:GetSecretValue",
    "Resource": {
        "Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}"
        ":secret:phone-login/${Stage}/code-key-??????"
    },
}
READ_CAPTCHA_SECRET = {
    "Sid": "ReadCaptchaSecret",
    "Effect": "Allow",
    "Action": "secretsmanager:GetSecretValue",
    "Resource": {
        "Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}"
        ":secret:${CaptchaSecretId}-??????"
    },
}
READ_SITE_KEY = {
    "Sid": "ReadSiteKey",
    "Effect": "Allow",
    "Action": "secretsmanager:GetSecretValue",
    "Resource": {
        "Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}"
        ":secret:phone-login/${Stage}/site-key/*"
    },
}
READ_CLIENTS = {
    "Sid": "ReadClients",
    "Effect": "Allow",
    "Action": "ssm:GetParameter",
    "Resource": {
        "Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}"
        ":parameter/phone-login/${Stage}/client-ids"
    },
}
COUNT_AND_LOOK = {
    "Sid": "Count",
    "Effect": "Allow",
    "Action": ["dynamodb:UpdateItem", "dynamodb:GetItem"],
    "Resource": LEDGER_ARN,
}
COUNT = {
    "Sid": "Count",
    "Effect": "Allow",
    "Action": "dynamodb:UpdateItem",
    "Resource": LEDGER_ARN,
}
SHOW_AND_CLEAR = {
    "Sid": "ShowAndClear",
    "Effect": "Allow",
    "Action": ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:DeleteItem"],
    "Resource": LEDGER_ARN,
}
TEXT_PHONES = {
    "Sid": "TextPhones",
    "Effect": "Allow",
    "Action": "sns:Publish",
    "NotResource": {"Fn::Sub": "arn:${AWS::Partition}:sns:*:*:*"},
}
TEXT_THROUGH_END_USER_MESSAGING = {
    "Sid": "TextThroughEndUserMessaging",
    "Effect": "Allow",
    "Action": "sms-voice:SendTextMessage",
    # Without an identity nothing can be named, and a shared one belongs to another account.
    "Resource": "*",
}
TEXT_THROUGH_PINPOINT = {
    "Sid": "TextThroughPinpoint",
    "Effect": "Allow",
    "Action": "mobiletargeting:SendMessages",
    "Resource": {"Fn::Sub": "arn:${AWS::Partition}:mobiletargeting:*:${AWS::AccountId}:apps/*"},
}
NOTIFY_ARN = {
    "Fn::Sub": "arn:${AWS::Partition}:sms-voice:*:${AWS::AccountId}:notify-configuration/*"
}
TEXT_THROUGH_NOTIFY = {
    "Sid": "TextThroughNotify",
    "Effect": "Allow",
    "Action": "sms-voice:SendNotifyTextMessage",
    "Resource": NOTIFY_ARN,
}
CALL_THROUGH_NOTIFY = {
    "Sid": "CallThroughNotify",
    "Effect": "Allow",
    "Action": "sms-voice:SendNotifyVoiceMessage",
    "Resource": NOTIFY_ARN,
}
CALL_THROUGH_END_USER_MESSAGING = {
    "Sid": "CallThroughEndUserMessaging",
    "Effect": "Allow",
    "Action": "sms-voice:SendVoiceMessage",
    "Resource": "*",
}
SEND_WHATSAPP = {
    "Sid": "SendWhatsapp",
    "Effect": "Allow",
    "Action": "social-messaging:SendWhatsAppMessage",
    "Resource": {
        "Fn::Sub": "arn:${AWS::Partition}:social-messaging:*:${AWS::AccountId}:phone-number-id/*"
    },
}
ASK_CARRIERS = {
    "Sid": "AskCarriers",
    "Effect": "Allow",
    "Action": "sms-voice:CarrierLookup",
    "Resource": "*",
}
SEND_MAIL = {
    "Sid": "SendMail",
    "Effect": "Allow",
    "Action": "ses:SendEmail",
    "Resource": "*",
}
READ_ACCOUNTS = {
    "Sid": "ReadAccounts",
    "Effect": "Allow",
    "Action": "cognito-idp:AdminGetUser",
    "Resource": POOL_ARN,
}
SEE_WHAT_WAS_USED = {
    "Sid": "SeeWhatWasUsed",
    "Effect": "Allow",
    "Action": "dynamodb:GetItem",
    "Resource": LEDGER_ARN,
}
REPORT_USED_CODES = {
    "Sid": "ReportUsedCodes",
    "Effect": "Allow",
    "Action": "sms-voice:PutMessageFeedback",
    "Resource": {"Fn::Sub": "arn:${AWS::Partition}:sms-voice:*:${AWS::AccountId}:message/*"},
}

READ_PROVIDER_KEY = {
    "Sid": "ReadProviderKey",
    "Effect": "Allow",
    "Action": "secretsmanager:GetSecretValue",
    "Resource": {
        "Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}"
        ":secret:${ProviderSecretName}-??????"
    },
}
PROVIDER = {
    "PROVIDER_URL": {"Ref": "ProviderUrl"},
    "PROVIDER_SECRET_ID": {"Ref": "ProviderSecretName"},
    "PROVIDER_ACTION": {"Ref": "ProviderAction"},
}


def only_if(condition: str, statement: dict) -> dict:
    return {"Fn::If": [condition, statement, {"Ref": "AWS::NoValue"}]}


# parameter: the variable that it becomes
LIMITS = {
    "CodeLifetimeSeconds": "CODE_LIFETIME_SECONDS",
    "SendsPerPhoneHour": "SENDS_PER_PHONE_HOUR",
    "SendsPerPhoneDay": "SENDS_PER_PHONE_DAY",
    "SendsPerBlockHour": "SENDS_PER_BLOCK_HOUR",
    "SendsPerUnusedBlockHour": "SENDS_PER_UNUSED_BLOCK_HOUR",
    "SendsPerCountryHour": "SENDS_PER_COUNTRY_HOUR",
    "SendsPerPoolHour": "SENDS_PER_POOL_HOUR",
    "SendsPerPoolDay": "SENDS_PER_POOL_DAY",
    "DollarsPerPoolHour": "DOLLARS_PER_POOL_HOUR",
    "DollarsPerPoolDay": "DOLLARS_PER_POOL_DAY",
    "FailuresPerPool5Minutes": "FAILURES_PER_POOL_5_MINUTES",
    "FailuresPerPoolDay": "FAILURES_PER_POOL_DAY",
    "FailuresPerPhone": "FAILURES_PER_PHONE",
    "StopHours": "STOP_HOURS",
}
SENDERS = {
    "SmsSenders": "SMS_SENDERS",
    "SmsRegion": "SMS_REGION",
    "SnsSenderId": "SNS_SENDER_ID",
    "SnsOriginationNumber": "SNS_ORIGINATION_NUMBER",
    "SnsMaxPrice": "SNS_MAX_PRICE",
    "EumOriginationIdentity": "EUM_ORIGINATION_IDENTITY",
    "EumConfigurationSet": "EUM_CONFIGURATION_SET",
    "EumProtectConfigurationId": "EUM_PROTECT_CONFIGURATION_ID",
    "EumMaxPrice": "EUM_MAX_PRICE",
    "EumMessageFeedback": "EUM_MESSAGE_FEEDBACK",
    "PinpointProjectId": "PINPOINT_PROJECT_ID",
    "PinpointOriginationNumber": "PINPOINT_ORIGINATION_NUMBER",
    "PinpointKeyword": "PINPOINT_KEYWORD",
    "PinpointSenderId": "PINPOINT_SENDER_ID",
    "NotifyConfigurationId": "NOTIFY_CONFIGURATION_ID",
    "NotifyTextTemplates": "NOTIFY_TEXT_TEMPLATES",
    "VoiceSenders": "VOICE_SENDERS",
    "WhatsappNumberId": "WHATSAPP_NUMBER_ID",
    "EmailSender": "EMAIL_SENDER",
    "InEntityId": "IN_ENTITY_ID",
    "InTemplateId": "IN_TEMPLATE_ID",
}
# What a channel needs besides what switches it on.
CHANNELS = {
    "NotifyVoiceTemplates": "NOTIFY_VOICE_TEMPLATES",
    "VoiceOriginationIdentity": "VOICE_ORIGINATION_IDENTITY",
    "VoiceMaxPrice": "VOICE_MAX_PRICE",
    "WhatsappTemplate": "WHATSAPP_TEMPLATE",
    "WhatsappLanguages": "WHATSAPP_LANGUAGES",
    "EmailConfigurationSet": "EMAIL_CONFIGURATION_SET",
    "CarrierLookup": "CARRIER_LOOKUP",
    "CognitoUsername": "COGNITO_USERNAME",
}


def of_type(kind: str) -> list[str]:
    return sorted(name for name, resource in RESOURCES.items() if resource["Type"] == kind)


def function(name: str) -> dict:
    """A function's properties, those that all functions share included."""
    return TEMPLATE["Globals"]["Function"] | RESOURCES[name]["Properties"]


def variables(name: str) -> dict:
    """A function's environment; what all functions share is added to its own."""
    shared = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    return shared | RESOURCES[name]["Properties"].get("Environment", {}).get("Variables", {})


def holds(condition: str, **parameters: object) -> bool:
    """Tell whether a condition holds: Equals, Not and And, of parameters and their defaults."""

    def value(expression: object) -> object:
        if isinstance(expression, dict) and "Ref" in expression:
            name = expression["Ref"]
            return str(parameters.get(name, TEMPLATE["Parameters"][name]["Default"]))
        if isinstance(expression, dict):
            glue, parts = expression["Fn::Join"]
            cut, whole = parts["Fn::Split"]
            return glue.join(str(value(whole)).split(cut))
        return str(expression)

    def judged(expression: dict) -> bool:
        ((operator, operands),) = expression.items()
        if operator == "Condition":
            return holds(operands, **parameters)
        if operator == "Fn::And":
            return all(map(judged, operands))
        if operator == "Fn::Not":
            return not judged(operands[0])
        assert operator == "Fn::Equals"
        return value(operands[0]) == value(operands[1])

    return judged(TEMPLATE["Conditions"][condition])


def transformed(revision: str) -> dict:
    """What SAM on AWS, which knows the values of parameters, makes of the resources."""
    script = """
import json, sys
from samtranslator.translator.transform import transform
template, revision = json.load(sys.stdin)
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key.zip"
print(json.dumps(transform(template, {"Revision": revision}, None)["Resources"]))
"""
    done = subprocess.run(
        [EMULATOR_PROGRAM.with_name("python"), "-c", script],
        input=json.dumps([TEMPLATE, revision]),
        env={"AWS_DEFAULT_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    made: dict = json.loads(done.stdout)
    return made


def matches(parameter: str, value: str) -> bool:
    return bool(re.fullmatch(TEMPLATE["Parameters"][parameter]["AllowedPattern"], value))


def test_resources_are_these_kinds_only():
    """A role, a permission or an address of a function is nothing to add unseen."""
    assert {resource["Type"] for resource in RESOURCES.values()} == {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolClient",
        "AWS::DynamoDB::Table",
        "AWS::IAM::ManagedPolicy",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SSM::Parameter",
        "AWS::SecretsManager::Secret",
        "AWS::Serverless::Function",
    }


def test_pool_and_client_are_the_only_ones():
    assert of_type("AWS::Cognito::UserPool") == ["UserPool"]
    assert of_type("AWS::Cognito::UserPoolClient") == [
        "KnownUserPoolClient",
        "PublicUserPoolClient",
        "SiteUserPoolClient",
        "UserPoolClient",
    ]
    assert RESOURCES["PublicUserPoolClient"]["Condition"] == "HasPublicClient"
    assert TEMPLATE["Parameters"]["PublicClient"]["Default"] == "false"


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


def test_pool_passwords_are_strong_and_shut_nobody_out_by_their_end():
    policy = POOL["Policies"]["PasswordPolicy"]
    assert policy["MinimumLength"] >= 12
    # The most that Cognito takes.
    assert policy["TemporaryPasswordValidityDays"] == 365
    assert all(
        policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols")
    )


def test_pool_has_no_other_way_in():
    assert "SignInPolicy" not in POOL["Policies"]
    assert not {"SupportedIdentityProviders", "AllowedOAuthFlows", "CallbackURLs"} & set(CLIENT)


def test_client_belongs_to_the_pool():
    assert CLIENT["UserPoolId"] == PUBLIC_CLIENT["UserPoolId"] == POOL_ID


def test_public_client_differs_in_its_secret_and_its_sessions_only():
    differences = {name for name in CLIENT if CLIENT[name] != PUBLIC_CLIENT.get(name)}
    assert set(PUBLIC_CLIENT) == set(CLIENT)
    assert differences == {
        "ClientName",
        "GenerateSecret",
        "IdTokenValidity",
        "AccessTokenValidity",
        "RefreshTokenValidity",
    }
    assert PUBLIC_CLIENT["GenerateSecret"] is False


@pytest.mark.parametrize(
    ("client", "condition"),
    [("KnownUserPoolClient", "KnowsBrowsers"), ("SiteUserPoolClient", "HasSiteClient")],
)
def test_other_clients_of_the_site_differ_in_their_names_alone(client, condition):
    assert RESOURCES[client]["Condition"] == condition
    properties = RESOURCES[client]["Properties"]
    assert {name for name in CLIENT if CLIENT[name] != properties.get(name)} == {"ClientName"}
    assert set(properties) == set(CLIENT)


def test_lane_of_known_browsers_is_there_unless_it_is_switched_off():
    assert holds("KnowsBrowsers")
    assert not holds("KnowsBrowsers", KnownBrowsers="false")
    for name in ("KnownUserPoolClient", "PreAuthentication", "PreAuthenticationPermission"):
        assert RESOURCES[name]["Condition"] == "KnowsBrowsers"


def test_site_key_is_generated_and_apart_from_the_code_key():
    properties = RESOURCES["SiteKey"]["Properties"]
    assert properties["GenerateSecretString"]["PasswordLength"] >= 64
    assert "SecretString" not in properties
    assert variables("PreAuthentication") == OF_EVERY_FUNCTION | {
        "CLIENT_IDS_PARAMETER": CLIENT_IDS_NAME,
        "SITE_KEY_SECRET_ID": {"Ref": "SiteKey"},
    }
    readers = {"PreAuthentication", "PreTokenGeneration", "VerifyAuthChallengeResponse"}
    for name in FUNCTIONS:
        may_read = "site-key" in json.dumps(RESOURCES[name]["Properties"].get("Policies", []))
        assert may_read is (name in readers)


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
    assert CLIENT["WriteAttributes"] == {"Ref": "ClientWriteAttributes"}
    assert TEMPLATE["Parameters"]["ClientWriteAttributes"]["Default"] == "locale"


def test_client_reads_no_more_than_it_needs():
    assert sorted(CLIENT["ReadAttributes"]) == ["locale", "phone_number", "phone_number_verified"]


def test_functions_are_the_triggers_and_two_for_the_site():
    assert of_type("AWS::Serverless::Function") == FUNCTIONS


@pytest.mark.parametrize("name", ["ManageLedger", "SiteTexts"])
def test_function_for_the_site_is_run_by_nothing_but_a_call(name):
    assert "Events" not in function(name)
    assert "FunctionUrlConfig" not in function(name)


def test_pool_calls_these_triggers_and_no_other():
    always = [name for name in TRIGGERS if name not in ("PreTokenGeneration", "PreAuthentication")]
    versioned = {"LambdaArn": {"Ref": "PreTokenGeneration.Alias"}, "LambdaVersion": "V2_0"}
    assert POOL["LambdaConfig"] == {
        **{name: {"Ref": f"{name}.Alias"} for name in always},
        "PreAuthentication": only_if("KnowsBrowsers", {"Ref": "PreAuthentication.Alias"}),
        "PreTokenGenerationConfig": only_if("TokensSayHow", versioned),
    }


def test_tokens_say_how_only_where_that_is_asked_of_a_pool_of_ours():
    """Cognito lets such a function into access tokens in the dearer tier alone."""
    assert TEMPLATE["Parameters"]["TokenClaims"]["Default"] == "false"
    assert TEMPLATE["Conditions"]["TokensSayHow"] == {
        "Fn::And": [{"Condition": "OwnPool"}, {"Fn::Equals": [{"Ref": "TokenClaims"}, "true"]}]
    }
    assert POOL["UserPoolTier"] == {"Fn::If": ["TokensSayHow", "ESSENTIALS", "LITE"]}
    for name in ("PreTokenGeneration", "PreTokenGenerationPermission"):
        assert RESOURCES[name]["Condition"] == "TokensSayHow"


@pytest.mark.parametrize("name", TRIGGERS)
def test_function_is_called_by_the_pool_and_by_nothing_else(name):
    assert "Events" not in function(name)
    assert "FunctionUrlConfig" not in function(name)
    assert RESOURCES[f"{name}Permission"]["Properties"] == {
        "FunctionName": {"Ref": f"{name}.Alias"},
        "Action": "lambda:InvokeFunction",
        "Principal": "cognito-idp.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
        "SourceArn": OWN_POOL_ARN if name == "PreTokenGeneration" else POOL_ARN,
    }


def test_permissions_are_those_of_the_triggers():
    assert of_type("AWS::Lambda::Permission") == [f"{name}Permission" for name in TRIGGERS]


@pytest.mark.parametrize("name", TRIGGERS)
def test_function_is_published_anew_when_anything_of_it_changes(name):
    assert function(name)["AutoPublishAlias"] == "live"
    assert function(name)["AutoPublishAliasAllProperties"] is True
    # SAM does not look at the values of parameters, on which a function's environment depends.
    assert function(name)["AutoPublishCodeSha256"] == {"Ref": "Revision"}


@pytest.mark.programs
def test_version_that_is_replaced_is_deleted():
    """SnapStart keeps a snapshot of each version, and each is paid for."""
    made = transformed("a" * 64)
    versions = [one for one in made.values() if one["Type"] == "AWS::Lambda::Version"]
    assert len(versions) == len(TRIGGERS)
    assert {one["DeletionPolicy"] for one in versions} == {"Delete"}


@pytest.mark.parametrize("name", sorted(set(TRIGGERS) - {"PreSignUp"}))
def test_function_on_the_way_of_every_sign_in_can_have_instances_reserved(name):
    assert function(name)["ReservedConcurrentExecutions"] == {
        "Fn::If": ["HasReservedInstances", {"Ref": "ReservedInstances"}, {"Ref": "AWS::NoValue"}]
    }
    # None would switch the function off.
    assert TEMPLATE["Parameters"]["ReservedInstances"]["Default"] == 0
    assert holds("HasReservedInstances", ReservedInstances=5)
    assert not holds("HasReservedInstances", ReservedInstances=0)


@pytest.mark.parametrize("name", set(TRIGGERS) - {"PreSignUp"})
def test_function_on_the_way_of_every_sign_in_can_be_kept_from_cold_starts(name):
    nothing = {"Ref": "AWS::NoValue"}
    ready = {"ProvisionedConcurrentExecutions": {"Ref": "ReadyInstances"}}
    assert function(name)["SnapStart"] == {
        "Fn::If": ["UseSnapStart", {"ApplyOn": "PublishedVersions"}, nothing]
    }
    assert function(name)["ProvisionedConcurrencyConfig"] == {
        "Fn::If": ["UseReadyInstances", ready, nothing]
    }


def test_functions_run_on_arm():
    assert TEMPLATE["Globals"]["Function"]["Architectures"] == ["arm64"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_handler_is_the_module_of_its_trigger(name):
    package, module, attribute = function(name)["Handler"].split(".")
    assert (package, attribute) == ("triggers", "handler")
    assert module == re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    assert callable(import_module(f"lambdas.triggers.{module}").handler)
    assert function(name)["CodeUri"] == "."


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_ends_when_cognito_stops_waiting(name):
    assert function(name)["Timeout"] == 5


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_logs_json_to_a_group_that_forgets(name):
    assert function(name)["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "LogGroup": {"Fn::If": ["NewLogs", {"Ref": "TriggerLogs"}, LOGS_NAME]},
    }
    assert RESOURCES["TriggerLogs"]["Type"] == "AWS::Logs::LogGroup"
    assert RESOURCES["TriggerLogs"]["Properties"]["LogGroupName"] == LOGS_NAME
    assert RESOURCES["TriggerLogs"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert TEMPLATE["Parameters"]["LogRetentionDays"]["Default"] == 30
    assert 0 not in TEMPLATE["Parameters"]["LogRetentionDays"]["AllowedValues"]


@pytest.mark.parametrize(
    "name", ["CreateAuthChallenge", "SiteTexts", "VerifyAuthChallengeResponse"]
)
def test_function_that_calls_aws_has_the_cpu_to_be_in_time(name):
    assert function(name)["MemorySize"] >= 1024


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("DefineAuthChallenge", PLANS),
        ("PreSignUp", {}),
        (
            "PreTokenGeneration",
            {
                "CLIENT_IDS_PARAMETER": CLIENT_IDS_NAME,
                "CODE_KEY_SECRET_ID": CODE_KEY_ID,
                "SITE_KEY_SECRET_ID": {"Ref": "SiteKey"},
                "LEDGER_TABLE": LEDGER_NAME,
                **PLANS,
            },
        ),
        (
            "VerifyAuthChallengeResponse",
            {
                "SITE_HOST": {"Ref": "SiteHost"},
                "CAPTCHA_PROVIDER": {"Ref": "CaptchaProvider"},
                "CAPTCHA_SECRET_ID": {"Ref": "CaptchaSecretId"},
                "CAPTCHA_FAILS": {"Ref": "CaptchaFails"},
                "ALLOWED_COUNTRIES": {"Ref": "AllowedCountries"},
                "COGNITO_USERNAME": {"Ref": "CognitoUsername"},
                "CLIENT_IDS_PARAMETER": CLIENT_IDS_NAME,
                "CODE_KEY_SECRET_ID": CODE_KEY_ID,
                "SITE_KEY_SECRET_ID": {"Ref": "SiteKey"},
                "LEDGER_TABLE": LEDGER_NAME,
                **PROVIDER,
                "PROVIDER_METHODS": {"Ref": "ProviderMethods"},
                "SMS_REGION": {"Ref": "SmsRegion"},
                "FAILURES_PER_PHONE": {"Ref": "FailuresPerPhone"},
                "STOP_HOURS": {"Ref": "StopHours"},
                "SENDS_PER_PHONE_DAY": {"Ref": "SendsPerPhoneDay"},
            },
        ),
        (
            "ManageLedger",
            {
                "CODE_KEY_SECRET_ID": CODE_KEY_ID,
                "LEDGER_TABLE": LEDGER_NAME,
                "FAILURES_PER_PHONE": {"Ref": "FailuresPerPhone"},
                "STOP_HOURS": {"Ref": "StopHours"},
            },
        ),
        (
            "SiteTexts",
            {
                "APP_NAME": {"Ref": "AppName"},
                "SITE_HOST": {"Ref": "SiteHost"},
                "ALLOWED_COUNTRIES": {"Ref": "AllowedCountries"},
                "CODE_KEY_SECRET_ID": CODE_KEY_ID,
                "LEDGER_TABLE": LEDGER_NAME,
                "USER_POOL_ID": POOL_ID,
                **{
                    name: {"Ref": parameter}
                    for parameter, name in (LIMITS | SENDERS | CHANNELS).items()
                },
            },
        ),
        (
            "CreateAuthChallenge",
            {
                "APP_NAME": {"Ref": "AppName"},
                "SITE_HOST": {"Ref": "SiteHost"},
                "ALLOWED_COUNTRIES": {"Ref": "AllowedCountries"},
                "COGNITO_USERNAME": {"Ref": "CognitoUsername"},
                "CLIENT_IDS_PARAMETER": CLIENT_IDS_NAME,
                "CODE_KEY_SECRET_ID": CODE_KEY_ID,
                "LEDGER_TABLE": LEDGER_NAME,
                **PLANS,
                "PROOF_WORK": {"Ref": "ProofWork"},
                **PROVIDER,
                "PROVIDER_RETURN_URL": {"Ref": "ProviderReturnUrl"},
                "CAPTCHA_PROVIDER": {"Ref": "CaptchaProvider"},
                "CAPTCHA_SITE_KEY": {"Ref": "CaptchaSiteKey"},
                **{name: {"Ref": parameter} for parameter, name in (LIMITS | SENDERS).items()},
            },
        ),
    ],
)
def test_function_environment_is_exactly_this(name, own):
    assert variables(name) == OF_EVERY_FUNCTION | own


def test_functions_that_need_no_aws_are_given_none():
    for name in ("DefineAuthChallenge", "PreSignUp"):
        assert set(variables(name)) <= set(OF_EVERY_FUNCTION) | set(PLANS)
        assert "Policies" not in function(name)


@pytest.mark.parametrize(
    ("name", "statements"),
    [
        ("DefineAuthChallenge", []),
        ("PreSignUp", []),
        ("PreTokenGeneration", [READ_CODE_KEY, READ_SITE_KEY, READ_CLIENTS, SEE_WHAT_WAS_USED]),
        (
            "VerifyAuthChallengeResponse",
            [
                READ_CODE_KEY,
                READ_SITE_KEY,
                READ_CLIENTS,
                COUNT,
                only_if("AsksProvider", READ_PROVIDER_KEY),
                only_if("HasCaptcha", READ_CAPTCHA_SECRET),
                only_if("ReportsUsedCodes", REPORT_USED_CODES),
            ],
        ),
        (
            "CreateAuthChallenge",
            [
                READ_CODE_KEY,
                READ_CLIENTS,
                COUNT_AND_LOOK,
                only_if("AsksProvider", READ_PROVIDER_KEY),
                only_if("TextsThroughSns", TEXT_PHONES),
                only_if("TextsThroughEndUserMessaging", TEXT_THROUGH_END_USER_MESSAGING),
                only_if("TextsThroughPinpoint", TEXT_THROUGH_PINPOINT),
                only_if("TextsThroughNotify", TEXT_THROUGH_NOTIFY),
            ],
        ),
        (
            "SiteTexts",
            [
                READ_CODE_KEY,
                COUNT,
                only_if("TextsThroughSns", TEXT_PHONES),
                only_if("TextsThroughEndUserMessaging", TEXT_THROUGH_END_USER_MESSAGING),
                only_if("TextsThroughPinpoint", TEXT_THROUGH_PINPOINT),
                only_if("TextsThroughNotify", TEXT_THROUGH_NOTIFY),
                only_if("CallsThroughNotify", CALL_THROUGH_NOTIFY),
                only_if("CallsThroughEndUserMessaging", CALL_THROUGH_END_USER_MESSAGING),
                only_if("AsksCarriers", ASK_CARRIERS),
                only_if("HasWhatsapp", SEND_WHATSAPP),
                only_if("HasEmail", SEND_MAIL),
                only_if("HasOtherChannels", READ_ACCOUNTS),
                only_if("ReportsUsedCodes", REPORT_USED_CODES),
            ],
        ),
        ("ManageLedger", [READ_CODE_KEY, SHOW_AND_CLEAR]),
    ],
)
def test_function_role_may_do_exactly_this(name, statements):
    policies = function(name).get("Policies", [])
    assert [one for policy in policies for one in policy["Statement"]] == statements
    assert "Role" not in function(name)


def test_ledger_is_one_table_with_one_key():
    assert of_type("AWS::DynamoDB::Table") == ["Ledger"]
    assert LEDGER["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert LEDGER["AttributeDefinitions"] == [{"AttributeName": "pk", "AttributeType": "S"}]


def test_ledger_grows_with_the_attack():
    """A table of a set size would refuse everybody when somebody comes in masses."""
    assert LEDGER["BillingMode"] == "PAY_PER_REQUEST"
    assert not {"ProvisionedThroughput", "OnDemandThroughput"} & set(LEDGER)


def test_ledger_forgets_encrypts_and_can_be_restored():
    assert LEDGER["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert LEDGER["SSESpecification"] == {"SSEEnabled": True}
    assert LEDGER["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_ledger_outlives_mistakes():
    """Without it every lock is open and every limit full again."""
    assert RESOURCES["Ledger"]["DeletionPolicy"] == "Retain"
    assert RESOURCES["Ledger"]["UpdateReplacePolicy"] == "Retain"
    assert LEDGER["DeletionProtectionEnabled"] is True


def test_ledger_and_its_key_outlive_a_stack_together():
    """The table's names are hashes under the key: either is of no use without the other."""
    for name in ("Ledger", "CodeKey"):
        assert RESOURCES[name]["DeletionPolicy"] == "Retain"
        assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"
    assert LEDGER["TableName"] == LEDGER_NAME
    assert RESOURCES["CodeKey"]["Properties"]["Name"] == CODE_KEY_ID


@pytest.mark.parametrize("name", ["Ledger", "CodeKey", "Logs"])
def test_what_outlives_a_stack_is_not_made_again_by_the_next_one(name):
    resource = RESOURCES["TriggerLogs" if name == "Logs" else name]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert resource["Condition"] == f"New{name}"
    assert holds(f"New{name}")
    assert not holds(f"New{name}", **{f"Reuse{name}": "true"})


def test_ledger_streams_to_nobody():
    assert not {"StreamSpecification", "KinesisStreamSpecification"} & set(LEDGER)


def test_list_of_clients_is_our_clients():
    assert of_type("AWS::SSM::Parameter") == ["ClientIds"]
    properties = RESOURCES["ClientIds"]["Properties"]
    assert properties["Name"] == CLIENT_IDS_NAME
    assert properties["Type"] == "String"
    known, public = ",${KnownUserPoolClient}=known", ",${PublicUserPoolClient}=public"
    site = ",${SiteUserPoolClient}=site"
    assert properties["Value"] == {
        "Fn::Sub": [
            "${UserPoolClient}${Known}${Site}${Public}",
            {
                "Known": {"Fn::If": ["KnowsBrowsers", {"Fn::Sub": known}, ""]},
                "Site": {"Fn::If": ["HasSiteClient", {"Fn::Sub": site}, ""]},
                "Public": {"Fn::If": ["HasPublicClient", {"Fn::Sub": public}, ""]},
            },
        ]
    }


def test_code_key_is_generated():
    secret = RESOURCES["CodeKey"]
    assert secret["Type"] == "AWS::SecretsManager::Secret"
    assert secret["Properties"]["GenerateSecretString"]["PasswordLength"] >= 64
    assert "SecretString" not in secret["Properties"]


def test_code_key_is_no_parameter_and_no_output():
    named = {"Stage", "AppName", "SiteHost", "AllowedCountries"}
    optional = {
        "ExistingUserPoolId",
        "KnownBrowsers",
        "PublicClient",
        "SiteClient",
        "ClientWriteAttributes",
        "ColdStarts",
        "ReadyInstances",
        "LogRetentionDays",
        "AlarmEmail",
        "BlockedTextsAlarm",
        "FailedAnswersAlarm",
        "ExpectedSignIns",
        "ExpectedSignInsHours",
        "UnusedTextsAlarm",
        "ProviderAction",
        "ProviderMethods",
        "ProviderReturnUrl",
        "ProviderSecretName",
        "ProviderUrl",
        "ReservedInstances",
        "ReuseLedger",
        "ReuseCodeKey",
        "ReuseLogs",
        "SignInPlan",
        "PublicSignInPlan",
        "TokenClaims",
        "CognitoUsername",
        "ProofWork",
        "CaptchaProvider",
        "CaptchaSiteKey",
        "CaptchaSecretId",
        "CaptchaFails",
        "Revision",
    }
    assert set(TEMPLATE["Parameters"]) == named | optional | set(LIMITS | SENDERS | CHANNELS)
    assert "CodeKey" not in json.dumps(TEMPLATE["Outputs"])
    assert "{{resolve:" not in PATH.read_text(encoding="utf-8")


def test_captcha_has_its_secret_only_where_there_is_one():
    assert not holds("HasCaptcha")
    assert holds("HasCaptcha", CaptchaProvider="turnstile")
    assert TEMPLATE["Parameters"]["CaptchaFails"]["Default"] == "closed"


def test_web_tier_may_do_exactly_this():
    assert of_type("AWS::IAM::ManagedPolicy") == ["SignInPolicy", "WebTierPolicy"]
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
                "Resource": POOL_ARN,
            },
            {
                "Sid": "HealAccounts",
                "Effect": "Allow",
                "Action": [
                    "cognito-idp:AdminConfirmSignUp",
                    "cognito-idp:AdminSetUserPassword",
                    "cognito-idp:AdminUserGlobalSignOut",
                ],
                "Resource": POOL_ARN,
            },
            {
                "Sid": "RunAccounts",
                "Effect": "Allow",
                "Action": [
                    "cognito-idp:AdminAddUserToGroup",
                    "cognito-idp:AdminDeleteUser",
                    "cognito-idp:AdminDisableUser",
                    "cognito-idp:AdminEnableUser",
                    "cognito-idp:AdminListGroupsForUser",
                    "cognito-idp:AdminRemoveUserFromGroup",
                    "cognito-idp:ListUsers",
                ],
                "Resource": POOL_ARN,
            },
            {
                "Sid": "HelpPeopleWhoAreHeld",
                "Effect": "Allow",
                "Action": "lambda:InvokeFunction",
                "Resource": {"Fn::GetAtt": ["ManageLedger", "Arn"]},
            },
            {
                "Sid": "TextPeople",
                "Effect": "Allow",
                "Action": "lambda:InvokeFunction",
                "Resource": {"Fn::GetAtt": ["SiteTexts", "Arn"]},
            },
        ],
    }


def test_site_without_the_admin_may_do_exactly_this():
    every = {
        one["Sid"]: one
        for one in RESOURCES["WebTierPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    }
    assert RESOURCES["SignInPolicy"]["Properties"]["PolicyDocument"]["Statement"] == [
        every["SignPeopleIn"],
        every["HealAccounts"],
        {
            "Sid": "ReadGroups",
            "Effect": "Allow",
            "Action": [
                "cognito-idp:AdminListGroupsForUser",
                # Everybody's data, so only where a sign-in cannot begin without it.
                {
                    "Fn::If": [
                        "FindsAccountsByPhone",
                        "cognito-idp:ListUsers",
                        {"Ref": "AWS::NoValue"},
                    ]
                },
            ],
            "Resource": POOL_ARN,
        },
        every["TextPeople"],
    ]


@pytest.mark.parametrize("name", of_type("AWS::IAM::ManagedPolicy"))
def test_policy_of_the_site_is_attached_by_hand_only(name):
    properties = set(RESOURCES[name]["Properties"])
    assert not properties & {"Roles", "Users", "Groups"}


@pytest.mark.parametrize(
    "name", [*of_type("AWS::IAM::ManagedPolicy"), *of_type("AWS::CloudWatch::Dashboard")]
)
def test_name_that_is_the_whole_account_s_carries_the_region(name):
    """A stage of the same name may stand in another region."""
    (named,) = [
        value for key, value in RESOURCES[name]["Properties"].items() if key.endswith("Name")
    ]
    assert named["Fn::Sub"].endswith("-${Stage}-${AWS::Region}")


def test_outputs_are_named_as_the_variables_of_the_site():
    for_the_site = {
        "AwsRegion": {"Ref": "AWS::Region"},
        "CognitoUserPoolId": POOL_ID,
        "CognitoUsername": {"Ref": "CognitoUsername"},
        "CognitoClientId": {"Ref": "UserPoolClient"},
        "CognitoKnownClientId": {"Ref": "KnownUserPoolClient"},
        "CognitoSiteClientId": {"Ref": "SiteUserPoolClient"},
        "LedgerFunction": {"Ref": "ManageLedger"},
        "TextsFunction": {"Ref": "SiteTexts"},
        "AccountsCountries": {"Ref": "AllowedCountries"},
        "AccountsSignInPlan": {"Ref": "SignInPlan"},
        "AccountsEmail": {"Fn::If": ["HasEmail", "true", "false"]},
        "SiteName": {"Ref": "AppName"},
    }
    for_operators = {
        "PublicClientId": {"Ref": "PublicUserPoolClient"},
        "SiteKeySecret": {"Ref": "SiteKey"},
        "WebTierPolicyArn": {"Ref": "WebTierPolicy"},
        "SignInPolicyArn": {"Ref": "SignInPolicy"},
        "AlarmTopicArn": {"Ref": "AlarmTopic"},
    }
    outputs = TEMPLATE["Outputs"]
    assert {name: output["Value"] for name, output in outputs.items()} == {
        **for_the_site,
        **for_operators,
    }
    settings = (PATH.parents[1] / "config" / "settings.py").read_text(encoding="utf-8")
    for name, output in outputs.items():
        variable = re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
        assert (output["Description"].split()[0] == variable) is (name in for_the_site)
        assert (f'"{variable}"' in settings) is (name in for_the_site)


def test_every_parameter_says_what_it_is():
    for name, parameter in TEMPLATE["Parameters"].items():
        assert len(parameter["Description"]) > 15, name


def test_alarms_watch_what_can_go_wrong():
    alarms = {
        (
            one["Properties"]["Namespace"],
            one["Properties"]["MetricName"],
            *sorted(str(each["Value"]) for each in one["Properties"]["Dimensions"]),
            str(one["Properties"]["Threshold"]),
        )
        for one in RESOURCES.values()
        if one["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" not in one["Properties"]
    }
    stage = str({"Ref": "Stage"})
    # Somebody waits for these; PreSignUp only says no, and operators can ask the ledger again.
    awaited = [str({"Ref": name}) for name in {*TRIGGERS, "SiteTexts"} - {"PreSignUp"}]
    assert alarms == {
        *(
            ("PhoneLogin", f"{window}PercentUsed", stage, percent)
            for window in ("Hour", "Day")
            for percent in ("50", "80", "90", "100")
        ),
        *(("PhoneLogin", "CountryPercentUsed", stage, percent) for percent in ("80", "90")),
        ("PhoneLogin", "Blocked", stage, str({"Ref": "BlockedTextsAlarm"})),
        ("PhoneLogin", "Held", "locked", stage, "1"),
        *(("AWS/Lambda", "Errors", name, "5") for name in awaited),
        *(("AWS/Lambda", "Throttles", name, "1") for name in awaited),
        *(("AWS/Lambda", "Duration", name, "2500") for name in awaited),
        ("PhoneLogin", "Verified", stage, str({"Ref": "ExpectedSignIns"})),
        ("AWS/DynamoDB", "WriteThrottleEvents", str(LEDGER_NAME), "1"),
        *(
            ("AWS/Cognito", "SignInThrottles", *sorted((str(POOL_ID), client)), "1")
            for client in (str({"Ref": "UserPoolClient"}), str({"Ref": "PublicUserPoolClient"}))
        ),
        ("AWS/Cognito", "SignInThrottles", *sorted((str(POOL_ID), "Admin")), "1"),
        ("AWS/Cognito", "SignUpThrottles", *sorted((str(POOL_ID), "Admin")), "1"),
    }


def test_alarms_are_as_many_as_the_bill_says():
    """AWS bills each metric that an alarm watches, 0.10 US dollars a month."""

    def bill(**parameters: object) -> tuple[int, int]:
        alarms = [
            one["Properties"]
            for one in RESOURCES.values()
            if one["Type"] == "AWS::CloudWatch::Alarm"
            and ("Condition" not in one or holds(one["Condition"], **parameters))
        ]
        watched = [
            max(1, len([each for each in one.get("Metrics", []) if "MetricStat" in each]))
            for one in alarms
        ]
        return len(alarms), sum(watched)

    page = (PATH.parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
    usual, usual_metrics = bill()
    most, most_metrics = bill(ExpectedSignIns=1, PublicClient="true")
    assert (
        f"| {usual} alarms on {usual_metrics} metrics; with those of `ExpectedSignIns` and of a"
        f" public client {most} on {most_metrics} |"
        f" {usual_metrics / 10:.2f}; {most_metrics / 10:.2f} |"
    ) in page


def test_every_alarm_is_in_the_table_of_alarms():
    page = (PATH.parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.split("\n| Alarm | Means | Do |\n")[1].split("\n\n")[0]
    named = set(re.findall(r"`([a-z0-9-]+)`", table))
    # Rows of the form "…-slow of the same five" are for the functions of the row above.
    functions = {name.removesuffix("-errors") for name in named if name.endswith("-errors")}
    endings = re.findall(r"`…(-\w+)` of the same five", table)
    named |= {f"{function}{ending}" for function in functions for ending in endings}
    alarms = {
        one["Properties"]["AlarmName"]["Fn::Sub"]
        .removeprefix("phone-login-")
        .removesuffix("-${Stage}")
        for one in RESOURCES.values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    }
    assert len(alarms) > 30
    assert alarms <= named


def test_alarm_rings_when_nobody_signs_in():
    """What is broken altogether writes nothing, so nothing is what must ring."""
    alarm = RESOURCES["NoSignInsAlarm"]["Properties"]
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    assert (alarm["Period"], alarm["Statistic"]) == (3600, "Sum")
    assert alarm["EvaluationPeriods"] == {"Ref": "ExpectedSignInsHours"}
    # A site with few users has quiet days; whoever knows better says so.
    assert RESOURCES["NoSignInsAlarm"]["Condition"] == "ExpectsSignIns"
    assert not holds("ExpectsSignIns")
    assert holds("ExpectsSignIns", ExpectedSignIns=1)


def test_alarm_rings_when_texts_leave_and_no_code_comes_back():
    alarm = RESOURCES["UnusedTextsAlarmed"]["Properties"]
    back, *parts = alarm["Metrics"]
    assert back["Expression"] == {
        "Fn::Sub": "IF(sent >= ${UnusedTextsAlarm}, 100 * (verified + proven) / sent, 100)"
    }
    assert {one["Id"]: one["MetricStat"]["Metric"]["MetricName"] for one in parts} == {
        "sent": "CodesSent",
        "verified": "Verified",
        "proven": "Proven",
    }
    assert [one["ReturnData"] for one in alarm["Metrics"]] == [True, False, False, False]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 20)
    assert holds("WatchesUnusedTexts")
    assert not holds("WatchesUnusedTexts", UnusedTextsAlarm=0)


def test_alarm_rings_when_many_answers_are_wrong_and_those_are_a_quarter_of_all():
    """A site with 60 sign-ins a second has a hundred typing errors in five minutes."""
    alarm = RESOURCES["FailedAnswersAlarmed"]["Properties"]
    wrong, *parts = alarm["Metrics"]
    assert wrong["Expression"] == {
        "Fn::Sub": "IF(failed >= ${FailedAnswersAlarm}, 100 * failed / (failed + verified), 0)"
    }
    assert {one["Id"]: one["MetricStat"]["Metric"]["MetricName"] for one in parts} == {
        "failed": "Failed",
        "verified": "Verified",
    }
    assert {one["MetricStat"]["Period"] for one in parts} == {300}
    assert [one["ReturnData"] for one in alarm["Metrics"]] == [True, False, False]
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["Threshold"] == 25
    assert holds("WatchesFailedAnswers")
    assert not holds("WatchesFailedAnswers", FailedAnswersAlarm=0)


@pytest.mark.parametrize("name", of_type("AWS::CloudWatch::Alarm"))
def test_alarm_reaches_somebody_and_is_silent_at_night(name):
    alarm = RESOURCES[name]["Properties"]
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]
    if name != "NoSignInsAlarm":
        assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["AlarmName"]["Fn::Sub"].endswith("-${Stage}")
    if alarm.get("MetricName") == "Duration":
        assert alarm["ExtendedStatistic"] == "p95"


def test_metrics_that_are_watched_are_written_by_the_triggers():
    watched = {
        metric["MetricName"]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
        for metric in (
            [each["MetricStat"]["Metric"] for each in one["Properties"]["Metrics"][1:]]
            if "Metrics" in one["Properties"]
            else [one["Properties"]]
        )
        if metric["Namespace"] == telemetry.NAMESPACE
    }
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    shown = set(re.findall(r'\["PhoneLogin", "(\w+)"', body))
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (PATH.parent / "triggers").rglob("*.py")
    )
    assert watched <= shown
    assert all(f'"{metric}"' in sources for metric in shown)


def test_dashboard_is_json():
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    assert {widget["type"] for widget in widgets} == {"metric", "log"}


def test_names_end_in_the_stage():
    """Several environments live in one account."""
    names = [
        value["Fn::Sub"]
        for resource in RESOURCES.values()
        for key, value in resource["Properties"].items()
        if key.endswith("Name") and isinstance(value, dict) and "Fn::Sub" in value
    ]
    assert len(names) > 20
    assert [name for name in names if "${Stage}" not in str(name)] == []


def test_app_name_keeps_the_text_cheap():
    taken = {chr(n) for n in range(0x3000) if matches("AppName", chr(n))}
    assert taken == set(" &'+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    assert matches("AppName", "A" * 30)
    assert not matches("AppName", "A" * 31)


def test_app_name_and_site_host_at_their_longest_are_one_text():
    longest = max(n for n in range(1, 254) if matches("SiteHost", "h" * n))
    message = messages.code_message(
        "012345", language="en", app_name="A" * 30, site_host="h" * longest, minutes=10
    )
    assert messages.parts(message) == 1


SITE_HOST = TEMPLATE["Parameters"]["SiteHost"]["AllowedPattern"]


@given(st.from_regex(SITE_HOST.removeprefix("(?=.{1,52}$)"), fullmatch=True))
def test_site_host_that_the_template_takes_is_taken_by_the_text(host):
    assume(matches("SiteHost", host))
    message = messages.code_message(
        "012345", language="en", app_name="Example", site_host=host, minutes=5
    )
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


@pytest.mark.parametrize("parameter", LIMITS)
def test_limit_default_is_that_of_the_functions(monkeypatch, parameter):
    for variable in LIMITS.values():
        monkeypatch.delenv(variable, raising=False)
    default = getattr(limits.configured(), LIMITS[parameter].lower())
    assert TEMPLATE["Parameters"][parameter]["Default"] == default
    assert TEMPLATE["Parameters"][parameter]["Type"] == "Number"


@pytest.mark.parametrize("parameter", LIMITS)
@pytest.mark.parametrize("end", ["MinValue", "MaxValue"])
def test_limit_that_the_template_takes_is_taken_by_the_functions(monkeypatch, parameter, end):
    value = TEMPLATE["Parameters"][parameter][end]
    monkeypatch.setenv(LIMITS[parameter], str(value))
    assert getattr(limits.configured(), LIMITS[parameter].lower()) == value


@pytest.mark.parametrize("parameter", LIMITS)
def test_limit_beyond_the_template_is_refused_by_the_functions(monkeypatch, parameter):
    value = TEMPLATE["Parameters"][parameter]["MaxValue"] + 1
    monkeypatch.setenv(LIMITS[parameter], str(value))
    with pytest.raises(environment.WrongEnvironment, match=LIMITS[parameter]):
        limits.configured()


@pytest.mark.parametrize("value", ["US", "US,CA", "US,CA,GB"])
def test_countries_are_a_list_of_codes(monkeypatch, value):
    assert matches("AllowedCountries", value)
    monkeypatch.setenv("ALLOWED_COUNTRIES", value)
    assert environment.words("ALLOWED_COUNTRIES") == set(value.split(","))


@pytest.mark.parametrize("value", ["", "*", "us", "USA", "US,", ",US", "US, CA", "US;CA", "1"])
def test_countries_other_than_a_list_of_codes_are_refused(value):
    assert not matches("AllowedCountries", value)


def test_countries_have_no_default():
    """Whoever deploys says where texts may go; nobody gets the whole world by chance."""
    assert "Default" not in TEMPLATE["Parameters"]["AllowedCountries"]


@pytest.mark.parametrize(
    "value", ["sns", "end_user_messaging", "pinpoint", "end_user_messaging,sns"]
)
def test_senders_that_the_template_takes_are_known(value):
    assert matches("SmsSenders", value)
    assert set(value.split(",")) <= set(senders._TEXTS)


def test_senders_of_the_template_are_all_there_are():
    allowed = TEMPLATE["Parameters"]["SmsSenders"]["AllowedPattern"]
    assert set(re.findall("[a-z_]+", allowed)) == set(senders._TEXTS)
    assert TEMPLATE["Parameters"]["SmsSenders"]["Default"] == "sns"


@pytest.mark.parametrize("value", ["", "SNS", "sns,", "twilio", "sns pinpoint"])
def test_senders_unknown_are_refused(value):
    assert not matches("SmsSenders", value)


CAPS = {"SnsMaxPrice": "1.00", "EumMaxPrice": "0.50"}


@pytest.mark.parametrize("parameter", sorted(set(SENDERS) - {"SmsSenders", *CAPS}))
def test_option_of_a_sender_may_be_left_out(parameter):
    assert TEMPLATE["Parameters"][parameter]["Default"] == ""


@pytest.mark.parametrize("parameter", CAPS)
def test_price_of_a_text_has_a_cap_by_default_that_its_sender_takes(monkeypatch, parameter):
    cap = TEMPLATE["Parameters"][parameter]["Default"]
    assert cap == CAPS[parameter]
    monkeypatch.setenv(SENDERS[parameter], cap)
    monkeypatch.setenv("SMS_SENDERS", "sns,end_user_messaging")
    monkeypatch.setenv("EUM_ORIGINATION_IDENTITY", "EXAMPLE")
    assert senders.configured().names == ("sns", "end_user_messaging")


def test_senders_are_made_of_what_the_template_leaves_empty(monkeypatch):
    for variable in SENDERS.values():
        monkeypatch.setenv(variable, "")
    assert senders.configured().names == ("sns",)


def test_template_has_no_anchors():
    """CloudFormation refuses them."""
    tokens = yaml.scan(PATH.read_text(encoding="utf-8"))
    assert not [one for one in tokens if isinstance(one, yaml.AliasToken | yaml.AnchorToken)]


def test_template_is_small_enough_for_cloudformation():
    """As SAM sends it, by way of S3."""
    assert len(PATH.read_bytes()) < 1_000_000


SENDER_LISTS = [
    ",".join(order)
    for count in (1, 2, 3, 4)
    for order in itertools.permutations(senders._TEXTS, count)
]


@pytest.mark.parametrize("value", SENDER_LISTS)
def test_condition_of_a_sender_holds_where_it_is_listed(value):
    found = {name: holds(name, SmsSenders=value) for name in TEXT_CONDITIONS.values()}
    assert found == {name: sender in value.split(",") for sender, name in TEXT_CONDITIONS.items()}


TEXT_CONDITIONS = {
    "sns": "TextsThroughSns",
    "end_user_messaging": "TextsThroughEndUserMessaging",
    "pinpoint": "TextsThroughPinpoint",
    "notify": "TextsThroughNotify",
}


@pytest.mark.parametrize(
    ("value", "notify", "own"),
    [
        ("", False, False),
        ("notify", True, False),
        ("end_user_messaging", False, True),
        ("notify,end_user_messaging", True, True),
        ("end_user_messaging,notify", True, True),
    ],
)
def test_calls_are_allowed_through_the_senders_that_are_listed(value, notify, own):
    assert not value or matches("VoiceSenders", value)
    assert holds("CallsThroughNotify", VoiceSenders=value) is notify
    assert holds("CallsThroughEndUserMessaging", VoiceSenders=value) is own


def test_every_other_channel_is_off_by_default():
    """Each costs money, and each must be set up at AWS first."""
    for name in ("VoiceSenders", "WhatsappNumberId", "EmailSender"):
        assert TEMPLATE["Parameters"][name]["Default"] == ""
    assert set(re.findall("[a-z_]+", TEMPLATE["Parameters"]["VoiceSenders"]["AllowedPattern"])) == (
        set(senders._CALLS)
    )


def test_channel_that_is_switched_on_lets_its_function_read_accounts():
    either = TEMPLATE["Conditions"]["HasOtherChannels"]["Fn::Or"]
    assert either[0] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "VoiceSenders"}, ""]}]}
    assert either[1:] == [{"Condition": "HasWhatsapp"}, {"Condition": "HasEmail"}]
    assert holds("HasWhatsapp", WhatsappNumberId="phone-number-id-1")
    assert holds("HasEmail", EmailSender="login@example.com")


@pytest.mark.programs
def test_new_revision_publishes_the_triggers_anew():
    def versions(revision: str) -> set[str]:
        made = transformed(revision)
        return {name for name, one in made.items() if one["Type"] == "AWS::Lambda::Version"}

    first = versions("a" * 64)
    assert len(first) == len(TRIGGERS)
    assert versions("a" * 64) == first
    assert not versions("b" * 64) & first


def test_limits_are_documented_with_their_defaults_and_ranges():
    page = (PATH.parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    documented = {}
    for row in re.findall(r"^\| (`[^|]+`) \| ([\d, ]+) \| (\d[^|]+) \|", page, re.MULTILINE):
        names, defaults, ranges = (cell.split(", ") for cell in row)
        ranges *= len(names) // len(ranges)
        for name, default, span in zip(names, defaults, ranges, strict=True):
            least, most = span.split("\N{EN DASH}")
            documented[name.strip("`")] = tuple(
                int(number.replace(",", "")) for number in (default, least, most)
            )

    stated = {
        name: (each["Default"], each["MinValue"], each["MaxValue"])
        for name, each in TEMPLATE["Parameters"].items()
        if re.match("CodeLifetime|Sends|Dollars|Failures|StopHours", name)
    }
    assert documented == stated


def test_parameters_of_texts_that_are_documented_are_there():
    page = (PATH.parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
    named = re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", page.split("\n## Limits\n")[1])
    assert len(set(named)) > 20
    assert set(named) <= TEMPLATE["Parameters"].keys() | TEMPLATE["Outputs"].keys()
    about_texts = {
        name for name in TEMPLATE["Parameters"] if re.match("Sns|Eum|Pinpoint|Sms", name)
    }
    assert about_texts <= set(named)


@pytest.mark.parametrize(("value", "asks"), [("true", True), ("false", False)])
def test_carriers_are_asked_where_it_is_switched_on(value, asks):
    assert holds("AsksCarriers", CarrierLookup=value) is asks
    assert holds("AsksCarriers") is False

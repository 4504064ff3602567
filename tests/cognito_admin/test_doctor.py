"""The doctor, before set-ups that are broken each in its own way; every remedy is tried."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError

from cognito_admin import aws_account, doctor
from cognito_admin.doctor import clients, texts, triggers
from cognito_admin.doctor import site as of_the_site
from localcloud import stack as local_stack
from localcloud.__main__ import EVERY_CHANNEL
from localcloud.cloud import PROJECT
from tests.cognito_admin.breaking import (
    CLIENT_FLOWS,
    Broken,
    call,
    client_list,
    client_settings,
    complaints,
    fresh_version,
    known_to_botocore,
    no_strangers,
    only,
    other_client,
    policy_as_deployed,
    policy_without,
    pool_settings,
    role_without,
    stale_version,
    try_remedy,
    without_permission,
)
from tests.cognito_admin.conftest import LEDGER, PARAMETERS, Aws

pytestmark = pytest.mark.cloud


def test_nothing_is_wrong_with_what_make_deploy_made(examine):
    findings = examine()
    assert complaints(findings) == []
    assert {each["level"] for each in findings if each["check"] != "django"} == {"ok"}


ON_AWS = {
    "trigger is not wired": Broken(
        "triggers",
        "danger",
        "CreateAuthChallenge is nothing",
        lambda aws: pool_settings(
            LambdaConfig={
                name: arn
                for name, arn in aws.client("cognito-idp")
                .describe_user_pool(UserPoolId=aws.outputs["CognitoUserPoolId"])["UserPool"][
                    "LambdaConfig"
                ]
                .items()
                if name != "CreateAuthChallenge"
            }
        )(aws),
        "cognito_attach",
    ),
    "permission is missing": Broken(
        "permissions",
        "danger",
        "VerifyAuthChallengeResponse",
        without_permission,
        "aws lambda add-permission",
    ),
    "function is switched off": Broken(
        "functions",
        "danger",
        "CreateAuthChallenge is switched off",
        call(
            "lambda",
            "put_function_concurrency",
            FunctionName="phone-login-create-local",
            ReservedConcurrentExecutions=0,
        ),
        "aws lambda delete-function-concurrency",
    ),
    "old version is called": Broken(
        "functions",
        "warning",
        "the version from before",
        stale_version,
        "make revert STAGE=local",
        undo=fresh_version,
    ),
    "site may not run accounts": Broken(
        "policy",
        "danger",
        "AdminDisableUser",
        policy_without("RunAccounts"),
        "make revert STAGE=local",
        undo=policy_as_deployed,
    ),
    "site may not help people who are held": Broken(
        "policy",
        "danger",
        "may not invoke phone-login-ledger-local",
        policy_without("HelpPeopleWhoAreHeld"),
        "make revert STAGE=local",
        undo=policy_as_deployed,
    ),
    "site may not text people": Broken(
        "policy",
        "danger",
        "may not invoke phone-login-texts-local",
        policy_without("TextPeople"),
        "make revert STAGE=local",
        undo=policy_as_deployed,
    ),
    "sign-up is open": Broken(
        "sign-up",
        "danger",
        "anybody can sign up",
        pool_settings(AdminCreateUserConfig={"AllowAdminCreateUserOnly": False}),
        "cognito_set",
    ),
    "second factor is required": Broken(
        "second factor",
        "warning",
        "Cognito may ask everybody",
        pool_settings(MfaConfiguration="ON"),
        "MfaConfiguration=OFF",
        undo=pool_settings(MfaConfiguration="OFF"),
    ),
    "second factor is possible": Broken(
        "second factor",
        "warning",
        "Cognito may ask people who have set one up",
        pool_settings(MfaConfiguration="OPTIONAL"),
        "MfaConfiguration=OFF",
    ),
    "recovery by text": Broken(
        "recovery",
        "danger",
        "past every limit",
        pool_settings(
            AccountRecoverySetting={
                "RecoveryMechanisms": [{"Name": "verified_phone_number", "Priority": 1}]
            }
        ),
        "AccountRecoverySetting",
    ),
    "Cognito verifies by text": Broken(
        "own texts",
        "danger",
        "codes of its own",
        pool_settings(AutoVerifiedAttributes=["phone_number"]),
        "AutoVerifiedAttributes=[]",
    ),
    "Cognito's own codes": Broken(
        "native codes",
        "danger",
        "past every limit",
        lambda aws: pool_settings(
            UserPoolTier="ESSENTIALS",
            Policies={
                **aws.client("cognito-idp").describe_user_pool(
                    UserPoolId=aws.outputs["CognitoUserPoolId"]
                )["UserPool"]["Policies"],
                "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "SMS_OTP"]},
            },
        )(aws),
        "SignInPolicy",
    ),
    "pool is not protected": Broken(
        "deletion protection",
        "warning",
        "one command",
        pool_settings(DeletionProtection="INACTIVE"),
        "DeletionProtection=ACTIVE",
    ),
    "our client takes passwords": Broken(
        "flows",
        "danger",
        "ALLOW_USER_PASSWORD_AUTH",
        client_settings(ExplicitAuthFlows=[*CLIENT_FLOWS, "ALLOW_USER_PASSWORD_AUTH"]),
        "ExplicitAuthFlows",
    ),
    "our client tells who exists": Broken(
        "existence",
        "danger",
        "tells whether",
        client_settings(PreventUserExistenceErrors="LEGACY"),
        "PreventUserExistenceErrors=ENABLED",
    ),
    "tokens cannot be revoked": Broken(
        "revocation",
        "warning",
        "cannot be revoked",
        client_settings(EnableTokenRevocation=False),
        "EnableTokenRevocation=true",
    ),
    "sessions end too early": Broken(
        "session validity",
        "danger",
        "after 3 minutes",
        client_settings(AuthSessionValidity=3),
        "AuthSessionValidity=15",
    ),
    "our client writes phones": Broken(
        "write attributes",
        "danger",
        "can put any number",
        # Such names are allowed, and the remedy is for a shell.
        client_settings(WriteAttributes=["locale", "phone_number", "custom:it's"]),
        "WriteAttributes",
    ),
    "another client writes everything": Broken(
        "write attributes",
        "danger",
        "of the client stranger",
        other_client(ExplicitAuthFlows=CLIENT_FLOWS),
        "WriteAttributes",
        undo=no_strangers,
    ),
    "another client gets codes": Broken(
        "other clients",
        "danger",
        "the client stranger gets codes",
        other_client(listed=True, ExplicitAuthFlows=CLIENT_FLOWS, WriteAttributes=["locale"]),
        "aws ssm put-parameter",
    ),
    "another client takes passwords": Broken(
        "other clients",
        "danger",
        "lets people in with passwords",
        other_client(ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"], WriteAttributes=["locale"]),
        "ExplicitAuthFlows",
    ),
    "another client asks Cognito for texts": Broken(
        "other clients",
        "warning",
        "USER_AUTH",
        other_client(
            ExplicitAuthFlows=["ALLOW_USER_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            WriteAttributes=["locale"],
        ),
        "ExplicitAuthFlows",
    ),
    "our client is not listed": Broken(
        "client list",
        "danger",
        "not on the list",
        client_list("somebody-else"),
        "aws ssm put-parameter",
    ),
    "known browsers need no proof": Broken(
        "client list",
        "danger",
        "is listed as usual, and is for known",
        lambda aws: client_list(aws.client_list().replace("=known", ""))(aws),
        "aws ssm put-parameter",
    ),
    "a client that is gone is listed": Broken(
        "client list",
        "warning",
        "is no client",
        lambda aws: client_list(f"{aws.client_list()},gone")(aws),
        "aws ssm put-parameter",
    ),
    "table is not protected": Broken(
        "ledger",
        "warning",
        "deletes the table",
        call("dynamodb", "update_table", TableName=LEDGER, DeletionProtectionEnabled=False),
        "aws dynamodb update-table",
    ),
    "table forgets nothing": Broken(
        "ledger",
        "warning",
        "never deleted",
        call(
            "dynamodb",
            "update_time_to_live",
            TableName=LEDGER,
            TimeToLiveSpecification={"Enabled": False, "AttributeName": "ttl"},
        ),
        "aws dynamodb update-time-to-live",
    ),
    "table cannot be restored": Broken(
        "ledger",
        "warning",
        "cannot be restored",
        call(
            "dynamodb",
            "update_continuous_backups",
            TableName=LEDGER,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
        ),
        "aws dynamodb update-continuous-backups",
    ),
    "key is about to go": Broken(
        "code key",
        "danger",
        "about to be deleted",
        call("secretsmanager", "delete_secret", SecretId="phone-login/local/code-key"),
        "aws secretsmanager restore-secret",
    ),
}


@pytest.mark.parametrize("name", ON_AWS)
def test_what_is_broken_on_aws_is_found_and_its_remedy_repairs_it(site, examine, run, name):
    broken = ON_AWS[name]
    broken.do(site)
    try:
        examined = complaints(examine(*only(broken.check)))
        found = [each for each in examined if each["check"] == broken.check]
        assert [each["level"] for each in found] == [broken.level]
        assert broken.says in found[0]["text"]
        assert broken.repair in found[0]["repair"]
        try_remedy(site, run, found[0]["repair"])
    finally:
        if broken.undo:
            broken.undo(site)
    no_strangers(site)
    assert complaints(examine()) == []


def test_actions_that_the_site_needs_are_those_of_the_template():
    template = (PROJECT / "lambdas" / "template.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"- (cognito-idp:\w+)", template)) == triggers.ASKED_BY_SITE


def test_stage_that_was_never_deployed_is_a_danger(site, capsys):
    with pytest.raises(CommandError, match="1 danger"):
        call_command("cognito_doctor", "--stage", "nowhere")
    assert "Repair: make deploy STAGE=nowhere" in capsys.readouterr().out


def test_wrong_region_is_not_answered_with_another_stack(site, capsys, settings):
    settings.AWS_REGION = "eu-west-1"
    with pytest.raises(CommandError, match="1 danger"):
        call_command("cognito_doctor", "--stage", "local")
    assert "Repair: AWS_REGION=us-east-1, where the pool" in capsys.readouterr().out


@dataclass(frozen=True)
class Texts:
    check: str
    level: str
    says: str
    repair: str
    replies: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)


EUM = {"SmsSenders": "end_user_messaging", "EumProtectConfigurationId": "protect-1"}


def refused(code: str, reason: str) -> dict[str, Any]:
    return {"SendTextMessage": (code, reason)}


TEXTS = {
    "sandbox of SNS": Texts(
        "sandbox",
        "danger",
        "SNS is in the sandbox",
        "production access",
        {"GetSMSSandboxAccountStatus": "<IsInSandbox>true</IsInSandbox>"},
    ),
    "spend limit of SNS": Texts(
        "spend limit",
        "warning",
        "stops at 1 USD",
        "MonthlySpendLimit=360",
        {"GetSMSAttributes": "<attributes/>"},
    ),
    "sandbox": Texts(
        "sandbox",
        "danger",
        "End User Messaging is in the sandbox",
        "create-verified-destination",
        {
            "DescribeAccountAttributes": {
                "AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "SANDBOX"}]
            }
        },
        EUM,
    ),
    "spend limit": Texts(
        "spend limit",
        "warning",
        "stops at 1 USD",
        "set-text-message-spend-limit-override",
        {
            "DescribeSpendLimits": {
                "SpendLimits": [
                    {
                        "Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT",
                        "EnforcedLimit": 1,
                        "MaxLimit": 500,
                        "Overridden": True,
                    }
                ]
            }
        },
        EUM,
    ),
    "no number to text from": Texts(
        "countries",
        "danger",
        "US: there is no number",
        "request-sender-id",
        refused("ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND"),
        EUM,
    ),
    "protect configuration": Texts(
        "countries",
        "danger",
        "blocks the country",
        "--protect-configuration-id protect-1",
        refused("ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"),
        EUM,
    ),
    "wrong number for the country": Texts(
        "countries",
        "danger",
        "may not text there",
        "request-phone-number",
        refused("ValidationException", "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY"),
        EUM,
    ),
    "month is spent": Texts(
        "countries",
        "danger",
        "money is spent",
        "set-text-message-spend-limit-override",
        refused("ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"),
        EUM,
    ),
    "unknown reason": Texts(
        "countries",
        "not checked",
        "SendTextMessage: ValidationException",
        "",
        refused("ValidationException", "OTHER"),
        EUM,
    ),
    "india without registration": Texts(
        "india",
        "danger",
        "InEntityId and InTemplateId",
        'InEntityId = "…" under [local]',
        {},
        {"AllowedCountries": "US,CA,IN"},
    ),
    "pinpoint cannot be asked": Texts(
        "countries",
        "not checked",
        "without sending",
        "",
        {},
        {"SmsSenders": "pinpoint"},
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_would_not_arrive_are_found(site, front, examine, name):
    expected = TEXTS[name]
    front.replies.update(expected.replies)
    deploy_with(site, expected.parameters)
    examined = complaints(examine(*only(expected.check)))
    found = [each for each in examined if each["check"] == expected.check]
    assert found[0]["level"] == expected.level
    assert expected.says in found[0]["text"]
    assert expected.repair in found[0]["repair"]
    if expected.repair.startswith("aws"):
        known_to_botocore(site, found[0]["repair"])


def deploy_with(aws: Aws, parameters: dict[str, str]) -> None:
    if parameters:
        local_stack.deploy(
            aws.root_session(), aws.emulator.url, PROJECT / "lambdas", {**PARAMETERS, **parameters}
        )


@pytest.fixture(autouse=True)
def _parameters_as_before(request: pytest.FixtureRequest, deployed: Aws) -> Iterator[None]:
    yield
    name = getattr(getattr(request.node, "callspec", None), "params", {}).get("name")
    if name in TEXTS and TEXTS[name].parameters:
        deployed.deploy()


def test_every_aws_command_of_a_refused_text_is_known_to_botocore(site):
    for _, repair in texts._REASONS.values():
        if repair.startswith("aws"):
            known_to_botocore(
                site, repair.split(",")[0].format(country="US", protect="p", kind="LONG_CODE")
            )


SITE = {
    "other pool": (
        {"COGNITO_USER_POOL_ID": "us-east-1_Other0000"},
        "settings",
        "COGNITO_USER_POOL_ID is",
        "COGNITO_USER_POOL_ID=",
    ),
    "other secret": (
        {"COGNITO_CLIENT_SECRET": "x" * 40},
        "client secret",
        "is not that of the client",
        "aws cognito-idp describe-user-pool-client",
    ),
    "other secret of the known client": (
        {"COGNITO_KNOWN_CLIENT_SECRET": "x" * 40},
        "client secret",
        "COGNITO_KNOWN_CLIENT_SECRET of the site is not that of the client",
        "aws cognito-idp describe-user-pool-client",
    ),
    "other secret of the site client": (
        {"COGNITO_SITE_CLIENT_SECRET": "x" * 40},
        "client secret",
        "COGNITO_SITE_CLIENT_SECRET of the site is not that of the client",
        "aws cognito-idp describe-user-pool-client",
    ),
    "no site client": (
        {"COGNITO_SITE_CLIENT_ID": ""},
        "settings",
        "COGNITO_SITE_CLIENT_ID is not set",
        "COGNITO_SITE_CLIENT_ID=",
    ),
    "no known client": (
        {"COGNITO_KNOWN_CLIENT_ID": ""},
        "settings",
        "COGNITO_KNOWN_CLIENT_ID is not set",
        "COGNITO_KNOWN_CLIENT_ID=",
    ),
    "other site key": (
        {"SITE_KEY": "x" * 64},
        "site key",
        "SITE_KEY of the site is not that of the stack",
        "aws secretsmanager get-secret-value",
    ),
    "no ledger function": (
        {"LEDGER_FUNCTION": ""},
        "settings",
        "LEDGER_FUNCTION is not set",
        "LEDGER_FUNCTION=phone-login-ledger-local",
    ),
    "no function for texts": (
        {"TEXTS_FUNCTION": ""},
        "settings",
        "TEXTS_FUNCTION is not set",
        "TEXTS_FUNCTION=phone-login-texts-local",
    ),
    "user names taken for what they are not": (
        {"COGNITO_USERNAME": "attribute"},
        "settings",
        "COGNITO_USERNAME is attribute, and phone in the stack",
        "COGNITO_USERNAME=phone",
    ),
    "another plan than the triggers": (
        {"ACCOUNTS_SIGN_IN_PLAN": "password code"},
        "settings",
        "ACCOUNTS_SIGN_IN_PLAN is password code, and code in the stack",
        "ACCOUNTS_SIGN_IN_PLAN=code",
    ),
    "country that is not texted": (
        {"ACCOUNTS_COUNTRIES": ["US", "FR"]},
        "countries of the site",
        "numbers of FR",
        'AllowedCountries = "CA,FR,US"',
    ),
    "addresses that the stack cannot mail to": (
        {"ACCOUNTS_EMAIL": True},
        "addresses",
        "the stack sends no mail",
        "ACCOUNTS_EMAIL=false",
    ),
    "carriers that the stack may not ask": (
        {"ACCOUNTS_CARRIER_LOOKUP": True},
        "carriers",
        "learns none",
        'CarrierLookup = "true" under [local]',
    ),
    "other name than in texts": (
        {"SITE_NAME": "Example & Co"},
        "name",
        "pages call the site 'Example & Co', and texts call it 'Phone login'",
        "SITE_NAME='Phone login'",
    ),
    "keys out of reach": (
        {"COGNITO_JWKS_URL": "http://127.0.0.1:9/jwks.json"},
        "keys",
        "cannot be had",
        "COGNITO_JWKS_URL=https://cognito-idp.us-east-1.amazonaws.com/",
    ),
    "other issuer": (
        {"COGNITO_ISSUER": "https://example.com"},
        "issuer",
        "the site expects https://example.com",
        "COGNITO_ISSUER=https://cognito-idp.us-east-1.amazonaws.com/",
    ),
    "debug": ({"DEBUG": True}, "django", "DEBUG", ""),
}


@pytest.mark.parametrize("name", SITE)
def test_settings_that_are_wrong_are_found(examine, settings, name):
    wrong, check, says, repair = SITE[name]
    for setting, value in wrong.items():
        setattr(settings, setting, value)
    examined = examine(*only(check))
    found = [each for each in examined if each["check"] == check and says in each["text"]]
    assert found
    assert found[0]["level"] in ("danger", "warning")
    assert repair in found[0]["repair"]


@pytest.mark.parametrize(("seconds", "level"), [(40, "danger"), (20, "warning"), (-40, "danger")])
def test_clock_that_is_off_is_found(site, seconds, level):
    case = doctor.Context(aws_account.configured(), "local")
    with time_machine.travel(time.time() + seconds, tick=True):
        (found,) = of_the_site.clock(case)
    assert (found.check, found.level) == ("clock", level)
    assert f"{abs(seconds)} s off" in found.text or f"{abs(seconds) - 1} s off" in found.text


def test_wrong_pool_is_named_and_its_keys_and_issuer_are_not_recommended(examine, settings):
    settings.COGNITO_USER_POOL_ID = "us-east-1_Other0000"
    found = {each["check"]: each for each in examine() if each["level"] != "ok"}
    assert found["settings"]["repair"].startswith("COGNITO_USER_POOL_ID=us-east-1_")
    assert found["keys"]["level"] == found["issuer"]["level"] == "not checked"


def test_keys_of_another_pool_are_found_and_its_issuer_is_not_recommended(
    site, examine, settings, front
):
    other = site.client("cognito-idp").create_user_pool(PoolName="other")["UserPool"]["Id"]
    settings.COGNITO_JWKS_URL = f"{front.url}/{other}/.well-known/jwks.json"
    (found,) = [each for each in examine(*only("issuer")) if each["check"] == "issuer"]
    assert found["level"] == "danger"
    assert "keys of another pool" in found["text"]
    assert other not in found["repair"]


def test_what_could_not_be_checked_is_an_exit_code_of_its_own(site, front, capsys, db):
    front.replies["SendTextMessage"] = ("AccessDeniedException", "INSUFFICIENT_ACCOUNT_REPUTATION")
    with pytest.raises(CommandError, match="not checked") as caught:
        call_command("cognito_doctor", "--stage", "local", "--without-site")
    assert caught.value.returncode == 2
    site.client("ssm").delete_parameter(Name="/phone-login/local/client-ids")
    with pytest.raises(CommandError, match="danger") as caught:
        call_command("cognito_doctor", "--stage", "local", "--without-site")
    assert caught.value.returncode == 1
    site.client("ssm").put_parameter(
        Name="/phone-login/local/client-ids", Type="String", Value=site.client_list()
    )


def test_part_alone_is_examined_and_the_others_are_said_to_be_left_out(examine):
    findings = examine("--only", "alarms")
    assert {each["check"] for each in findings} == {"alarms", "alarm topic", "the rest"}
    assert "storage" in findings[-1]["text"]


def test_lives_of_tokens_are_those_of_the_template():
    template = (PROJECT / "lambdas" / "template.yaml").read_text(encoding="utf-8")
    spelled = re.findall(
        r"IdTokenValidity: (\d+)\n +AccessTokenValidity: (\d+)\n +RefreshTokenValidity: (\d+)\n"
        r" +TokenValidityUnits:\n +IdToken: minutes\n +AccessToken: minutes\n +RefreshToken: days",
        template,
    )
    *of_the_site, of_apps = [
        {"IdToken": int(one) * 60, "AccessToken": int(two) * 60, "RefreshToken": int(days) * 86_400}
        for one, two, days in spelled
    ]
    assert len(of_the_site) > 1
    assert all(each == clients.LIVES_OF_OURS for each in of_the_site)
    assert of_apps == clients.LIVES_OF_PUBLIC


def test_client_that_writes_everything_keeps_everything_but_the_phone(site, examine, run):
    cognito, pool = site.client("cognito-idp"), site.outputs["CognitoUserPoolId"]
    other_client(ExplicitAuthFlows=CLIENT_FLOWS)(site)
    try:
        examined = examine(*only("write attributes"))
        (found,) = [each for each in examined if each["check"] == "write attributes"]
        try_remedy(site, run, found["repair"])
        listed = cognito.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"]
        (stranger,) = [each for each in listed if each["ClientName"] == "stranger"]
        written = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=stranger["ClientId"])[
            "UserPoolClient"
        ]["WriteAttributes"]
        assert {"name", "email", "locale", "address"} <= set(written)
        assert not {"sub", "phone_number", "phone_number_verified"} & set(written)
    finally:
        no_strangers(site)


def test_check_that_is_denied_says_so_and_ends_no_other(site, examine, front):
    front.replies["GetSMSSandboxAccountStatus"] = ""
    front.replies["SendTextMessage"] = ("AccessDeniedException", "INSUFFICIENT_ACCOUNT_REPUTATION")
    found = {(each["check"], each["level"]): each for each in examine()}
    assert ("countries", "not checked") in found
    assert ("keys", "ok") in found


def test_without_the_sites_settings_it_says_that_they_were_left_out(examine):
    findings = examine("--without-site")
    assert (findings[-1]["check"], findings[-1]["level"]) == ("site", "left out")


def test_one_line_each_for_people(site, front, capsys):
    front.replies["GetSMSSandboxAccountStatus"] = "<IsInSandbox>true</IsInSandbox>"
    with pytest.raises(CommandError):
        call_command("cognito_doctor", "--stage", "local", "--without-site")
    lines = capsys.readouterr().out.splitlines()
    assert "ok          triggers: the pool calls ours" in lines
    assert any(re.match(r"danger      sandbox: .* Repair: ", line) for line in lines)


@pytest.mark.parametrize(
    "parameters",
    [
        {"SignInPlan": "password code"},
        {"SignInPlan": "password code", "PublicClient": "true", "PublicSignInPlan": "code"},
        {"PublicClient": "true", "PublicSignInPlan": "password code"},
    ],
)
def test_functions_of_a_plan_with_a_password_do_their_work(site, examine, parameters):
    try:
        deploy_with(site, parameters)
        assert complaints(examine(*only("dry run"))) == []
    finally:
        site.deploy()


def test_roles_of_every_channel_are_looked_at(site, examine):
    notify = {"SmsSenders": "notify,sns", "NotifyConfigurationId": "nc-1"}
    try:
        deploy_with(site, EVERY_CHANNEL | notify | {"CarrierLookup": "true"})
        assert complaints(examine(*only("roles"))) == []
        role_without("phone-login-texts-local", "sms-voice:CarrierLookup")(site)
        (found,) = complaints(examine(*only("roles")))
        assert "SiteTexts may not do sms-voice:CarrierLookup" in found["text"]
    finally:
        site.deploy()

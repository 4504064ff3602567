"""The doctor, before set-ups that are broken each in its own way; every remedy is tried."""

import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
import time_machine
from botocore import xform_name
from botocore.validate import ParamValidator
from django.core.management import call_command
from django.core.management.base import CommandError

from cognito_admin import account, doctor
from cognito_admin.doctor import site as of_the_site
from cognito_admin.doctor import texts, triggers
from localcloud import stack as local_stack
from localcloud.cloud import PROJECT
from tests.cognito_admin import aws_cli
from tests.cognito_admin.conftest import PARAMETERS, Aws
from tests.strict_cognito import StrictCognito, _Message

pytestmark = pytest.mark.cloud

Findings = list[dict[str, str]]


class WithTexts(StrictCognito):
    """The front, with the services for texts that the local AWS lacks.

    ``replies`` are by operation; each is checked against botocore's model of it. A tuple is an
    error with its reason.
    """

    def __init__(self, aws: Aws) -> None:
        super().__init__(aws)  # type: ignore[arg-type]
        self.replies: dict[str, Any] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._models = {
            "PinpointSMSVoiceV2": aws.client("pinpoint-sms-voice-v2").meta.service_model,
            "sns": aws.client("sns").meta.service_model,
        }

    def _answer(self, request: _Message) -> _Message:
        service, _, operation = request.header("x-amz-target").partition(".")
        if service == "PinpointSMSVoiceV2":
            data = json.loads(request.body)
            self.asked.append((operation, data))
            return self._texting(operation, data)
        action = parse_qs(request.body.decode("latin-1")).get("Action", [""])[0]
        if action in ("GetSMSSandboxAccountStatus", "GetSMSAttributes"):
            return self._sns(action)
        return super()._answer(request)

    def _texting(self, operation: str, data: dict[str, Any]) -> _Message:
        reply = self.replies[operation]
        if callable(reply):
            reply = reply(data)
        model = self._models["PinpointSMSVoiceV2"].operation_model(operation)
        kind = "application/x-amz-json-1.0"
        if isinstance(reply, tuple):
            code, reason = reply
            shapes = {shape.name: shape for shape in model.error_shapes}
            reasons = shapes[code].members["Reason"].enum
            assert reason in reasons
            body = {"__type": code, "Message": reason, "Reason": reason}
            return _Message([("Content-Type", kind)], json.dumps(body).encode(), status=400)
        report = ParamValidator().validate(reply, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        return _Message([("Content-Type", kind)], json.dumps(reply).encode(), status=200)

    def _sns(self, action: str) -> _Message:
        inner = self.replies[action]
        body = f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"
        return _Message([("Content-Type", "text/xml")], body.encode(), status=200)


def would_leave(data: dict[str, Any]) -> dict[str, str]:
    assert data["DryRun"] is True
    return {"MessageId": "dry-run"}


WELL: dict[str, Any] = {
    "GetSMSSandboxAccountStatus": "<IsInSandbox>false</IsInSandbox>",
    "GetSMSAttributes": "<attributes><entry><key>MonthlySpendLimit</key><value>1000</value>"
    "</entry></attributes>",
    "SendTextMessage": would_leave,
    "DescribeAccountAttributes": {
        "AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": "PRODUCTION"}]
    },
    "DescribeSpendLimits": {
        "SpendLimits": [
            {
                "Name": "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT",
                "EnforcedLimit": 1000,
                "MaxLimit": 1000,
                "Overridden": False,
            }
        ]
    },
}


@pytest.fixture(scope="module")
def front(aws: Aws) -> Iterator[WithTexts]:
    with WithTexts(aws) as made:
        yield made


@pytest.fixture(scope="module")
def deployed(aws: Aws) -> Aws:
    aws.deploy()
    # The local CloudFormation leaves these two of the template out.
    restorable(aws)
    return aws


def restorable(aws: Aws) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.update_time_to_live(
        TableName=LEDGER, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )
    dynamodb.update_continuous_backups(
        TableName=LEDGER, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


@pytest.fixture
def site(deployed: Aws, as_operator, front: WithTexts, settings) -> Aws:
    """A stack and a site that are well."""
    outputs = deployed.outputs
    front.replies = dict(WELL)
    front.asked.clear()
    settings.ACCOUNTS_USER_POOL_ID = outputs["CognitoUserPoolId"]
    settings.ACCOUNTS_CLIENT_ID = outputs["CognitoClientId"]
    settings.ACCOUNTS_CLIENT_SECRET = deployed.secret_of(outputs["CognitoClientId"])
    settings.ACCOUNTS_LEDGER_FUNCTION = outputs["LedgerFunction"]
    settings.ACCOUNTS_TEXTS_FUNCTION = outputs["TextsFunction"]
    settings.ACCOUNTS_COUNTRIES = ["US", "CA"]
    settings.ACCOUNTS_JWKS_URL = f"{front.url}/{outputs['CognitoUserPoolId']}/.well-known/jwks.json"
    return deployed


@pytest.fixture
def examine(site: Aws, capsys) -> Callable[..., Findings]:
    def run(*arguments: str) -> Findings:
        capsys.readouterr()
        failed = False
        try:
            call_command("cognito_doctor", "--stage", "local", "--json", *arguments)
        except CommandError:
            failed = True
        findings: Findings = json.loads(capsys.readouterr().out)
        assert failed is any(each["level"] == "danger" for each in findings)
        return findings

    return run


def complaints(findings: Findings) -> Findings:
    # This test run is no production: what Django says of its settings is another test's.
    return [f for f in findings if f["level"] != "ok" and f["check"] != "django"]


def test_nothing_is_wrong_with_what_make_deploy_made(examine):
    findings = examine()
    assert complaints(findings) == []
    assert {each["level"] for each in findings if each["check"] != "django"} == {"ok"}


@dataclass(frozen=True)
class Broken:
    """``do`` breaks it. ``undo`` where the remedy is no command that a test can run."""

    check: str
    level: str
    says: str
    do: Callable[[Aws], None]
    mend: str
    undo: Callable[[Aws], None] | None = None
    others: frozenset[str] = field(default_factory=frozenset)


def pool_settings(**settings: Any) -> Callable[[Aws], None]:
    # The emulator behind the front resets nothing.
    return lambda aws: aws.client("cognito-idp").update_user_pool(
        UserPoolId=aws.outputs["CognitoUserPoolId"], **settings
    )


def client_settings(**settings: Any) -> Callable[[Aws], None]:
    return lambda aws: aws.client("cognito-idp").update_user_pool_client(
        UserPoolId=aws.outputs["CognitoUserPoolId"],
        ClientId=aws.outputs["CognitoClientId"],
        **settings,
    )


def other_client(listed: bool = False, **settings: Any) -> Callable[[Aws], None]:
    def make(aws: Aws) -> None:
        made = aws.client("cognito-idp").create_user_pool_client(
            UserPoolId=aws.outputs["CognitoUserPoolId"], ClientName="stranger", **settings
        )["UserPoolClient"]
        if listed:
            client_list(f"{aws.outputs['CognitoClientId']},{made['ClientId']}")(aws)

    return make


def no_strangers(aws: Aws) -> None:
    cognito, pool = aws.client("cognito-idp"), aws.outputs["CognitoUserPoolId"]
    for one in cognito.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"]:
        if one["ClientName"] == "stranger":
            cognito.delete_user_pool_client(UserPoolId=pool, ClientId=one["ClientId"])


def client_list(value: str) -> Callable[[Aws], None]:
    return lambda aws: aws.client("ssm").put_parameter(
        Name="/phone-login/local/client-ids", Value=value, Type="String", Overwrite=True
    )


def call(service: str, operation: str, **parameters: Any) -> Callable[[Aws], None]:
    return lambda aws: getattr(aws.client(service), operation)(**parameters)


def without_permission(aws: Aws) -> None:
    functions, arn = aws.client("lambda"), "phone-login-verify-local"
    policy = json.loads(functions.get_policy(FunctionName=arn, Qualifier="live")["Policy"])
    functions.remove_permission(
        FunctionName=arn, Qualifier="live", StatementId=policy["Statement"][0]["Sid"]
    )


def stale_version(aws: Aws) -> None:
    functions, name = aws.client("lambda"), "phone-login-define-local"
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {"STAGE": "local", "NEW": "1"}}
    )


def fresh_version(aws: Aws) -> None:
    functions, name = aws.client("lambda"), "phone-login-define-local"
    live = functions.get_function_configuration(FunctionName=name, Qualifier="live")
    functions.update_function_configuration(FunctionName=name, Environment=live["Environment"])


def policy_without(sid: str) -> Callable[[Aws], None]:
    """Leave the policy of the site as it was before the site did this."""

    def take_out(aws: Aws) -> None:
        document = policy_document(aws, policy_version(aws))
        rest = [one for one in document["Statement"] if one["Sid"] != sid]
        assert len(rest) == len(document["Statement"]) - 1
        new_policy_version(aws, {**document, "Statement": rest})

    return take_out


def policy_as_deployed(aws: Aws) -> None:
    broken = policy_version(aws)
    # The local IAM has no SetDefaultPolicyVersion.
    new_policy_version(aws, policy_document(aws, "v1"))
    aws.client("iam").delete_policy_version(PolicyArn=policy_arn(aws), VersionId=broken)


def policy_arn(aws: Aws) -> str:
    return aws.outputs["WebTierPolicyArn"]


def policy_version(aws: Aws) -> str:
    described = aws.client("iam").get_policy(PolicyArn=policy_arn(aws))
    return str(described["Policy"]["DefaultVersionId"])


def policy_document(aws: Aws, version: str) -> dict[str, Any]:
    described = aws.client("iam").get_policy_version(PolicyArn=policy_arn(aws), VersionId=version)
    return dict(described["PolicyVersion"]["Document"])


def new_policy_version(aws: Aws, document: dict[str, Any]) -> None:
    aws.client("iam").create_policy_version(
        PolicyArn=policy_arn(aws), PolicyDocument=json.dumps(document), SetAsDefault=True
    )


LEDGER = "phone-login-ledger-local"
CLIENT_FLOWS = ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
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
        "danger",
        "the version from before",
        stale_version,
        "make deploy STAGE=local",
        undo=fresh_version,
    ),
    "site may not run accounts": Broken(
        "policy",
        "danger",
        "AdminDisableUser",
        policy_without("RunAccounts"),
        "make deploy STAGE=local",
        undo=policy_as_deployed,
    ),
    "site may not help people who are held": Broken(
        "policy",
        "danger",
        "may not invoke phone-login-ledger-local",
        policy_without("HelpPeopleWhoAreHeld"),
        "make deploy STAGE=local",
        undo=policy_as_deployed,
    ),
    "site may not text people": Broken(
        "policy",
        "danger",
        "may not invoke phone-login-texts-local",
        policy_without("TextPeople"),
        "make deploy STAGE=local",
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
        "danger",
        "everybody is asked",
        pool_settings(MfaConfiguration="ON"),
        "MfaConfiguration=OPTIONAL",
        undo=pool_settings(MfaConfiguration="OFF"),
    ),
    "second factor is possible": Broken(
        "second factor",
        "warning",
        "cannot sign in by phone",
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
        "aws cognito-idp delete-user-pool-client",
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
    "a client that is gone is listed": Broken(
        "client list",
        "warning",
        "is no client",
        lambda aws: client_list(f"{aws.outputs['CognitoClientId']},gone")(aws),
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
def test_what_is_broken_on_aws_is_found_and_its_remedy_mends_it(site, examine, run, name):
    broken = ON_AWS[name]
    broken.do(site)
    try:
        found = [each for each in complaints(examine()) if each["check"] == broken.check]
        assert [each["level"] for each in found] == [broken.level]
        assert broken.says in found[0]["text"]
        assert broken.mend in found[0]["mend"]
        try_remedy(site, run, found[0]["mend"])
    finally:
        if broken.undo:
            broken.undo(site)
    no_strangers(site)
    assert complaints(examine()) == []


def try_remedy(aws: Aws, run: Callable[..., str], command: str) -> None:
    words = shlex.split(command)
    if words[0] == "aws":
        aws_cli.run(aws.client, words[1:])
    elif words[:2] == ["python", "manage.py"]:
        run(*words[2:], "--yes")
    else:
        assert words[0] == "make"


def test_actions_that_the_site_needs_are_those_of_the_template():
    template = (PROJECT / "lambdas" / "template.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"- (cognito-idp:\w+)", template)) == triggers.ASKED_BY_SITE


def test_pool_stack_and_table_that_are_gone_are_found(site, examine, run):
    dynamodb = site.client("dynamodb")
    dynamodb.update_table(TableName=LEDGER, DeletionProtectionEnabled=False)
    table = dynamodb.describe_table(TableName=LEDGER)["Table"]
    dynamodb.delete_table(TableName=LEDGER)
    try:
        (found,) = complaints(examine())
        assert (found["check"], found["level"]) == ("ledger", "danger")
        assert found["mend"].startswith("aws dynamodb restore-table-to-point-in-time")
    finally:
        dynamodb.create_table(
            TableName=LEDGER,
            KeySchema=table["KeySchema"],
            AttributeDefinitions=table["AttributeDefinitions"],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
        )
        restorable(site)


def test_stage_that_was_never_deployed_is_a_danger(site, capsys):
    with pytest.raises(CommandError, match="1 danger"):
        call_command("cognito_doctor", "--stage", "nowhere")
    assert "Mend: make deploy STAGE=nowhere" in capsys.readouterr().out


@dataclass(frozen=True)
class Texts:
    check: str
    level: str
    says: str
    mend: str
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
        "aws sns set-sms-attributes --attributes MonthlySpendLimit=360",
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
    found = [each for each in complaints(examine()) if each["check"] == expected.check]
    assert found[0]["level"] == expected.level
    assert expected.says in found[0]["text"]
    assert expected.mend in found[0]["mend"]
    if expected.mend.startswith("aws"):
        known_to_botocore(site, found[0]["mend"])


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


def known_to_botocore(aws: Aws, command: str) -> None:
    """An operation and options that botocore's models have."""
    service, operation, *words = shlex.split(re.split(r"[(;]", command)[0])[1:]
    model = aws.client(service).meta.service_model
    names = {xform_name(name, "-"): name for name in model.operation_names}
    members = {
        xform_name(m, "-") for m in model.operation_model(names[operation]).input_shape.members
    }
    assert {word[2:] for word in words if word.startswith("--")} <= members


def test_every_aws_command_of_a_refused_text_is_known_to_botocore(site):
    for _, mend in texts._REASONS.values():
        if mend.startswith("aws"):
            known_to_botocore(site, mend.split(",")[0].format(country="US", protect="p"))


SITE = {
    "other pool": (
        {"ACCOUNTS_USER_POOL_ID": "us-east-1_Other0000"},
        "settings",
        "COGNITO_USER_POOL_ID is",
        "COGNITO_USER_POOL_ID=",
    ),
    "other secret": (
        {"ACCOUNTS_CLIENT_SECRET": "x" * 40},
        "client secret",
        "is not that of the client",
        "aws cognito-idp describe-user-pool-client",
    ),
    "no ledger function": (
        {"ACCOUNTS_LEDGER_FUNCTION": ""},
        "settings",
        "LEDGER_FUNCTION is not set",
        "LEDGER_FUNCTION=phone-login-ledger-local",
    ),
    "no function for texts": (
        {"ACCOUNTS_TEXTS_FUNCTION": ""},
        "settings",
        "TEXTS_FUNCTION is not set",
        "TEXTS_FUNCTION=phone-login-texts-local",
    ),
    "country that is not texted": (
        {"ACCOUNTS_COUNTRIES": ["US", "FR"]},
        "countries of the site",
        "numbers of FR",
        'AllowedCountries = "CA,FR,US"',
    ),
    "keys out of reach": (
        {"ACCOUNTS_JWKS_URL": "http://127.0.0.1:9/jwks.json"},
        "keys",
        "cannot be had",
        "curl",
    ),
    "other issuer": (
        {"ACCOUNTS_ISSUER": "https://example.com"},
        "issuer",
        "the site expects https://example.com",
        "COGNITO_ISSUER=https://cognito-idp.us-east-1.amazonaws.com/",
    ),
    "debug": ({"DEBUG": True}, "django", "DEBUG", ""),
}


@pytest.mark.parametrize("name", SITE)
def test_settings_that_are_wrong_are_found(examine, settings, name):
    wrong, check, says, mend = SITE[name]
    for setting, value in wrong.items():
        setattr(settings, setting, value)
    found = [each for each in examine() if each["check"] == check and says in each["text"]]
    assert found
    assert found[0]["level"] in ("danger", "warning")
    assert mend in found[0]["mend"]


@pytest.mark.parametrize(("seconds", "level"), [(40, "danger"), (20, "warning"), (-40, "danger")])
def test_clock_that_is_off_is_found(site, seconds, level):
    case = doctor.Case(account.configured(), "local")
    with time_machine.travel(time.time() + seconds, tick=True):
        (found,) = of_the_site.clock(case)
    assert (found.check, found.level) == ("clock", level)
    assert f"{abs(seconds)} s off" in found.text or f"{abs(seconds) - 1} s off" in found.text


def test_check_that_is_denied_says_so_and_ends_no_other(site, examine, front):
    front.replies["GetSMSSandboxAccountStatus"] = ""
    front.replies["SendTextMessage"] = ("AccessDeniedException", "INSUFFICIENT_ACCOUNT_REPUTATION")
    found = {(each["check"], each["level"]): each for each in examine()}
    assert ("countries", "not checked") in found
    assert ("keys", "ok") in found


def test_without_the_sites_settings_it_says_that_they_were_not_checked(examine):
    findings = examine("--without-site")
    assert findings[-1]["level"] == "not checked"
    assert findings[-1]["check"] == "site"


def test_one_line_each_for_people(site, front, capsys):
    front.replies["GetSMSSandboxAccountStatus"] = "<IsInSandbox>true</IsInSandbox>"
    with pytest.raises(CommandError):
        call_command("cognito_doctor", "--stage", "local", "--without-site")
    lines = capsys.readouterr().out.splitlines()
    assert "ok          triggers: the pool calls ours" in lines
    assert any(re.match(r"danger      sandbox: .* Mend: ", line) for line in lines)

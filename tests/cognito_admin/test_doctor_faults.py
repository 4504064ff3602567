"""Forty faults that a stack, its roles, its alarms and a site can have, and what the doctor says.

Each is a fault that somebody really makes: in the console, with the AWS CLI, by a half-finished
change. Those of settings that one call breaks are in test_doctor.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud import stack as local_stack
from localcloud.cloud import PROJECT
from tests.cognito_admin.breaking import (
    CLIENT_FLOWS,
    call,
    client_settings,
    complaints,
    only,
    pool_settings,
    role_without,
    try_remedy,
)
from tests.cognito_admin.conftest import LEDGER, Aws, well
from tests.cognito_admin.texting_front import WithTexts

pytestmark = pytest.mark.cloud

CODE_KEY = "phone-login/local/code-key"
CLIENT_LIST = "/phone-login/local/client-ids"
LOG_GROUP = "/phone-login/local/triggers"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """What a local AWS keeps of a stack that is well, and the outputs of that."""
    aws = Aws(tmp_path_factory.mktemp("aws"))
    aws.emulator.start()
    try:
        aws.deploy(PublicClient="true", AlarmEmail="ops@example.com")
        well(aws)
    finally:
        aws.emulator.stop()
    return aws.state, aws.outputs


def started(prepared: tuple[Path, dict[str, str]], state: Path) -> Iterator[Aws]:
    source, outputs = prepared
    aws = Aws(Path(shutil.copytree(source, state)))
    aws.outputs = dict(outputs)
    aws.emulator.start()
    yield aws
    aws.emulator.stop()


@pytest.fixture(scope="module")
def shared(
    prepared: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Aws]:
    """A local AWS for the faults that their remedies take back."""
    yield from started(prepared, tmp_path_factory.mktemp("shared") / "aws")


@pytest.fixture
def aws(
    request: pytest.FixtureRequest,
    prepared: tuple[Path, dict[str, str]],
    shared: Aws,
    tmp_path: Path,
) -> Iterator[Aws]:
    if FAULTS[request.node.callspec.params["name"]].is_repaired:
        yield shared
    else:
        yield from started(prepared, tmp_path / "aws")


@pytest.fixture
def deployed(aws: Aws) -> Aws:
    return aws


@pytest.fixture
def front(aws: Aws) -> Iterator[WithTexts]:
    with WithTexts(aws) as made:
        yield made


# Ways to break it


def public_client(**settings: Any) -> Callable[[Aws], None]:
    return lambda aws: aws.client("cognito-idp").update_user_pool_client(
        UserPoolId=aws.outputs["CognitoUserPoolId"],
        ClientId=aws.outputs["PublicClientId"],
        **settings,
    )


def live_version(aws: Aws, function: str) -> str:
    alias = aws.client("lambda").get_alias(FunctionName=function, Name="live")
    return str(alias["FunctionVersion"])


def publish_and_call(aws: Aws, function: str) -> None:
    functions = aws.client("lambda")
    made = functions.publish_version(FunctionName=function)
    functions.update_alias(FunctionName=function, Name="live", FunctionVersion=made["Version"])


def changed_environment(function: str, **variables: str) -> Callable[[Aws], None]:
    def change(aws: Aws) -> None:
        functions = aws.client("lambda")
        now = functions.get_function_configuration(FunctionName=function)["Environment"]
        functions.update_function_configuration(
            FunctionName=function, Environment={"Variables": {**now["Variables"], **variables}}
        )
        if functions.list_aliases(FunctionName=function)["Aliases"]:
            publish_and_call(aws, function)

    return change


def with_code(function: str, module: str, source: str) -> Callable[[Aws], None]:
    """Replace one module of a function, and let Cognito call it where it has an alias."""

    def change(aws: Aws) -> None:
        lambdas = Path(shutil.copytree(PROJECT / "lambdas", aws.state / "changed"))
        (lambdas / "triggers" / f"{module}.py").write_text(source, encoding="utf-8")
        code, _ = local_stack.package(lambdas)
        functions = aws.client("lambda")
        functions.update_function_code(FunctionName=function, ZipFile=code)
        if functions.list_aliases(FunctionName=function)["Aliases"]:
            publish_and_call(aws, function)

    return change


def foreign_trigger(slot: str, *, exists: bool) -> Callable[[Aws], None]:
    def change(aws: Aws) -> None:
        # Of each test's own: the other one makes it.
        name = f"somebody-elses-{slot}"
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        if exists:
            functions = aws.client("lambda")
            code, _ = local_stack.package(PROJECT / "lambdas")
            role = functions.get_function_configuration(FunctionName="phone-login-define-local")
            functions.create_function(
                FunctionName=name,
                Role=role["Role"],
                Runtime="python3.13",
                Handler="triggers.pre_sign_up.handler",
                Code={"ZipFile": code},
            )
        pool = aws.client("cognito-idp").describe_user_pool(
            UserPoolId=aws.outputs["CognitoUserPoolId"]
        )["UserPool"]
        pool_settings(LambdaConfig={**pool["LambdaConfig"], slot: arn})(aws)

    return change


def everybody_may_invoke(aws: Aws) -> None:
    aws.client("lambda").add_permission(
        FunctionName="phone-login-create-local",
        Qualifier="live",
        StatementId="everybody",
        Action="lambda:InvokeFunction",
        Principal="*",
    )


def shared_calls(aws: Aws) -> None:
    functions, name = aws.client("lambda"), "phone-login-verify-local"
    functions.update_function_configuration(FunctionName=name, Description="another one")
    other = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(
        FunctionName=name,
        Name="live",
        RoutingConfig={"AdditionalVersionWeights": {other: 0.5}},
    )


def unattached_policy(aws: Aws) -> None:
    aws.client("iam").detach_role_policy(RoleName="site", PolicyArn=aws.outputs["WebTierPolicyArn"])


def without_subscribers(aws: Aws) -> None:
    sns = aws.client("sns")
    for one in sns.list_subscriptions_by_topic(TopicArn=aws.outputs["AlarmTopicArn"])[
        "Subscriptions"
    ]:
        sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])


ALARM = "phone-login-locked-numbers-local"
GRANTS_FOR_A_PASSWORD = """
def handler(event, context):
    history = event["request"].get("session") or []
    done = bool(history) and history[-1]["challengeResult"] is True
    event["response"] = {
        "challengeName": None if done else "CUSTOM_CHALLENGE",
        "issueTokens": done,
        "failAuthentication": False,
    }
    return event
"""
CONFIRMS_EVERYBODY = """
def handler(event, context):
    event["response"] = {
        "autoConfirmUser": True, "autoVerifyEmail": False, "autoVerifyPhone": True
    }
    return event
"""


@dataclass(frozen=True)
class Fault:
    """``check`` and ``says`` are what the doctor is to find; ``repair`` is a part of its remedy."""

    do: Callable[[Aws], None]
    check: str
    level: str
    says: str
    repair: str = ""

    @property
    def is_repaired(self) -> bool:
        """Whether the remedy is a command that takes the whole fault back."""
        return self.repair.startswith(("aws", "cognito_")) and "update-alias" not in self.repair


FAULTS = {
    "public client takes passwords": Fault(
        public_client(ExplicitAuthFlows=[*CLIENT_FLOWS, "ALLOW_USER_PASSWORD_AUTH"]),
        "flows",
        "danger",
        "the public client allows ALLOW_USER_PASSWORD_AUTH",
        "cognito_set",
    ),
    "public client takes SRP": Fault(
        public_client(ExplicitAuthFlows=[*CLIENT_FLOWS, "ALLOW_USER_SRP_AUTH"]),
        "flows",
        "danger",
        "the public client allows ALLOW_USER_SRP_AUTH",
        "cognito_set",
    ),
    "public client tells who exists": Fault(
        public_client(PreventUserExistenceErrors="LEGACY"),
        "existence",
        "danger",
        "the public client tells whether",
        "cognito_set",
    ),
    "tokens of the public client cannot be revoked": Fault(
        public_client(EnableTokenRevocation=False),
        "revocation",
        "warning",
        "the public client",
        "cognito_set",
    ),
    "public client's tokens live for ten years": Fault(
        public_client(RefreshTokenValidity=3650, TokenValidityUnits={"RefreshToken": "days"}),
        "token lives",
        "warning",
        "the public client",
        "cognito_set",
    ),
    "our tokens live for a day": Fault(
        client_settings(AccessTokenValidity=24, TokenValidityUnits={"AccessToken": "hours"}),
        "token lives",
        "warning",
        "our client",
        "cognito_set",
    ),
    "public client is gone": Fault(
        lambda aws: aws.client("cognito-idp").delete_user_pool_client(
            UserPoolId=aws.outputs["CognitoUserPoolId"], ClientId=aws.outputs["PublicClientId"]
        ),
        "clients",
        "danger",
        "the public client is gone",
        "make",
    ),
    "our client signs in at Cognito's pages": Fault(
        client_settings(
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["code"],
            AllowedOAuthScopes=["openid"],
            CallbackURLs=["https://www.example.com/"],
            SupportedIdentityProviders=["COGNITO"],
        ),
        "hosted pages",
        "danger",
        "our client",
        "cognito_set",
    ),
    "code key was changed": Fault(
        call("secretsmanager", "put_secret_value", SecretId=CODE_KEY, SecretString="b" * 64),
        "code key",
        "danger",
        "was changed after",
        "make",
    ),
    "code key is too short": Fault(
        call("secretsmanager", "put_secret_value", SecretId=CODE_KEY, SecretString="short"),
        "code key",
        "danger",
        "was changed after",
        "make",
    ),
    "code texts another site's host": Fault(
        changed_environment("phone-login-create-local", SITE_HOST="www.example.org"),
        "functions",
        "danger",
        "CreateAuthChallenge",
        "aws lambda update-alias",
    ),
    "texts name another site's host": Fault(
        changed_environment("phone-login-texts-local", SITE_HOST="www.example.org"),
        "environment",
        "danger",
        "SiteTexts: SITE_HOST is 'www.example.org'",
        "make",
    ),
    "function knows no table": Fault(
        changed_environment("phone-login-create-local", LEDGER_TABLE="phone-login-ledger-other"),
        "dry run",
        "danger",
        "CreateAuthChallenge",
    ),
    "broken code is called": Fault(
        with_code("phone-login-define-local", "define_auth_challenge", "def handler(:\n"),
        "dry run",
        "danger",
        "DefineAuthChallenge",
    ),
    "tokens are granted for a password": Fault(
        with_code("phone-login-define-local", "define_auth_challenge", GRANTS_FOR_A_PASSWORD),
        "dry run",
        "danger",
        "DefineAuthChallenge",
    ),
    "everybody who signs up is confirmed": Fault(
        with_code("phone-login-pre-sign-up-local", "pre_sign_up", CONFIRMS_EVERYBODY),
        "dry run",
        "danger",
        "PreSignUp",
    ),
    "function of the ledger is broken": Fault(
        with_code("phone-login-ledger-local", "manage_ledger", "import nothing_like_it\n"),
        "dry run",
        "danger",
        "ManageLedger",
    ),
    "function of the texts is switched off": Fault(
        call(
            "lambda",
            "put_function_concurrency",
            FunctionName="phone-login-texts-local",
            ReservedConcurrentExecutions=0,
        ),
        "functions",
        "danger",
        "SiteTexts is switched off",
        "aws lambda delete-function-concurrency",
    ),
    "half of the calls go elsewhere": Fault(
        shared_calls,
        "functions",
        "danger",
        "VerifyAuthChallengeResponse",
        "aws lambda update-alias",
    ),
    "everybody may invoke a trigger": Fault(
        everybody_may_invoke,
        "permissions",
        "danger",
        "CreateAuthChallenge",
        "aws lambda remove-permission",
    ),
    "Create may not count": Fault(
        role_without("phone-login-create-local", "dynamodb:UpdateItem"),
        "roles",
        "danger",
        "CreateAuthChallenge",
        "make",
    ),
    "Create may not text": Fault(
        role_without("phone-login-create-local", "sns:Publish"),
        "roles",
        "danger",
        "CreateAuthChallenge",
        "make",
    ),
    "Verify may not read the clients": Fault(
        role_without("phone-login-verify-local", "ssm:GetParameter"),
        "roles",
        "danger",
        "VerifyAuthChallengeResponse",
        "make",
    ),
    "function has another role": Fault(
        lambda aws: aws.client("lambda").update_function_configuration(
            FunctionName="phone-login-texts-local",
            Role=aws.client("lambda").get_function_configuration(
                FunctionName="phone-login-define-local"
            )["Role"],
        ),
        "roles",
        "danger",
        "SiteTexts",
        "make",
    ),
    "policy is attached to nobody": Fault(
        unattached_policy,
        "policy of the site",
        "warning",
        "attached to nobody",
        "aws iam attach-role-policy",
    ),
    "log group is gone": Fault(
        call("logs", "delete_log_group", logGroupName=LOG_GROUP),
        "logs",
        "danger",
        "is gone",
        "aws logs create-log-group",
    ),
    "logs are kept for ever": Fault(
        call("logs", "delete_retention_policy", logGroupName=LOG_GROUP),
        "logs",
        "warning",
        "for ever",
        "aws logs put-retention-policy",
    ),
    "client list is gone": Fault(
        call("ssm", "delete_parameter", Name=CLIENT_LIST),
        "client list",
        "danger",
        "is gone",
        "aws ssm put-parameter",
    ),
    "trigger of somebody else is gone": Fault(
        foreign_trigger("PostAuthentication", exists=False),
        "other triggers",
        "danger",
        "PostAuthentication",
        "cognito_set",
    ),
    "trigger of somebody else may not be called": Fault(
        foreign_trigger("PreTokenGeneration", exists=True),
        "other triggers",
        "danger",
        "PreTokenGeneration",
        "aws lambda add-permission",
    ),
    "nobody hears the alarms": Fault(
        without_subscribers, "alarm topic", "warning", "nobody hears", "aws sns subscribe"
    ),
    "alarms do nothing": Fault(
        call("cloudwatch", "disable_alarm_actions", AlarmNames=[ALARM]),
        "alarms",
        "warning",
        ALARM,
        "aws cloudwatch enable-alarm-actions",
    ),
    "alarm is gone": Fault(
        call("cloudwatch", "delete_alarms", AlarmNames=[ALARM]),
        "alarms",
        "warning",
        ALARM,
        "make",
    ),
    "alarm rings": Fault(
        call(
            "cloudwatch",
            "set_alarm_state",
            AlarmName=ALARM,
            StateValue="ALARM",
            StateReason="test",
        ),
        "alarms",
        "warning",
        ALARM,
    ),
    "table forgets by another attribute": Fault(
        lambda aws: [
            aws.client("dynamodb").update_time_to_live(
                TableName=LEDGER,
                TimeToLiveSpecification={"Enabled": enabled, "AttributeName": name},
            )
            for enabled, name in ((False, "ttl"), (True, "expires"))
        ],
        "ledger",
        "warning",
        "never deleted",
        "aws dynamodb update-time-to-live",
    ),
    "table writes once a second": Fault(
        call(
            "dynamodb",
            "update_table",
            TableName=LEDGER,
            BillingMode="PROVISIONED",
            ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        ),
        "ledger",
        "danger",
        "a second",
        "aws dynamodb update-table",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found_and_its_remedy_repairs_it(site, examine, run, name):
    fault = FAULTS[name]
    fault.do(site)
    part = only(fault.check)
    (found,) = [
        each
        for each in complaints(examine(*part))
        if each["check"] == fault.check and fault.says in each["text"]
    ]
    assert found["level"] == fault.level
    assert fault.repair in found["repair"]
    if fault.repair.startswith(("aws", "cognito_")):
        for command in found["repair"].split("; "):
            # Whatever runs meanwhile makes a group that is gone.
            with contextlib.suppress(site.client("logs").exceptions.ResourceAlreadyExistsException):
                try_remedy(site, run, filled_in(command.removeprefix("an hour later: ")))
        after = complaints(examine() if fault.is_repaired else examine(*part))
        assert found not in after
        assert after == [] or not fault.is_repaired


def filled_in(command: str) -> str:
    """What an operator writes for the words in capitals."""
    return command.replace("ROLE", "site").replace("ADDRESS", "ops@example.com")

"""Ways to break what the doctor looks at, and to try the remedies that it names."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore import xform_name

from tests.cognito_admin import aws_cli
from tests.cognito_admin.conftest import Aws

Findings = list[dict[str, str]]
CLIENT_FLOWS = ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
# The checks of each part of the doctor: what one of them finds is asked of its part alone, since
# the whole doctor takes a second.
_CHECKS = {
    "triggers": ("triggers", "permissions", "other triggers", "policy", "policy of the site"),
    "functions": ("functions", "environment", "revision"),
    "roles": ("roles",),
    "storage": ("ledger", "code key", "logs"),
    "dry_run": ("dry run",),
    "alarms": ("alarms", "alarm topic"),
    "pool": (
        *("sign-up", "user names", "second factor", "unfinished change", "recovery", "own texts"),
        *("native codes", "deletion protection", "authenticator apps"),
    ),
    "clients": (
        *("clients", "client secret", "flows", "existence", "revocation", "session validity"),
        *("token lives", "hosted pages", "write attributes", "other clients", "client list"),
    ),
    "texts": ("sandbox", "spend limit", "countries", "india"),
    "mail": ("mail", "mail sandbox"),
    "site": (
        "keys",
        "issuer",
        "clock",
        "settings",
        "site key",
        "countries of the site",
        "open sign-up",
        "addresses",
        "carriers",
        "name",
        "django",
    ),
}
_PART_OF = {check: part for part, checks in _CHECKS.items() for check in checks}


def only(check: str) -> tuple[str, str]:
    """Return the options of the doctor that leave out all parts but the one with ``check``."""
    return "--only", _PART_OF[check]


def complaints(findings: Findings) -> Findings:
    # Another test covers Django's checks of the settings, which are not those of production.
    return [
        each
        for each in findings
        if each["level"] not in ("ok", "left out") and each["check"] != "django"
    ]


@dataclass(frozen=True)
class Broken:
    """``do`` breaks it. ``undo`` repairs it if a test cannot run the remedy."""

    check: str
    level: str
    says: str
    do: Callable[[Aws], None]
    repair: str
    undo: Callable[[Aws], None] | None = None


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
            client_list(f"{aws.client_list()},{made['ClientId']}")(aws)

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


def role_of(aws: Aws, function: str) -> str:
    config = aws.client("lambda").get_function_configuration(FunctionName=function)
    return str(config["Role"].rpartition("/")[2])


def role_without(function: str, action: str) -> Callable[[Aws], None]:
    def change(aws: Aws) -> None:
        iam, role = aws.client("iam"), role_of(aws, function)
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            rest = [one for one in document["Statement"] if action not in one["Action"]]
            iam.put_role_policy(
                RoleName=role,
                PolicyName=name,
                PolicyDocument=json.dumps({**document, "Statement": rest}),
            )

    return change


def try_remedy(aws: Aws, run: Callable[..., str], command: str) -> None:
    words = shlex.split(command)
    if words[0] == "aws":
        # A shell may be set to any region.
        assert "--region" in words
        aws_cli.run(aws.client, words[1:])
    elif words[:2] == ["python", "manage.py"]:
        run(*words[2:], "--yes")
    else:
        assert words[0] == "make"


def known_to_botocore(aws: Aws, command: str) -> None:
    """An operation and options that botocore's models have."""
    service, operation, *words = shlex.split(re.split(r"[(;,]", command)[0])[1:]
    model = aws.client(service).meta.service_model
    names = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(names[operation]).input_shape
    members = {xform_name(each, "-") for each in shape.members}
    given = {word[2:] for word in words if word.startswith("--")} - {"region"}
    assert given <= members
    assert {xform_name(each, "-") for each in shape.required_members} <= given

"""The functions behind the pool, what they count and keep in, and what the site may ask of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cognito_admin import revision
from cognito_admin.doctor.case import Case, Finding, danger, not_checked, ok, warning

LAMBDAS = Path(__file__).resolve().parents[2] / "lambdas"

# What the site asks of Cognito with its role; the template's WebTierPolicy allows the same.
ASKED_BY_SITE = frozenset(
    f"cognito-idp:{operation}"
    for operation in (
        "AdminAddUserToGroup",
        "AdminConfirmSignUp",
        "AdminCreateUser",
        "AdminDeleteUser",
        "AdminDisableUser",
        "AdminEnableUser",
        "AdminGetUser",
        "AdminInitiateAuth",
        "AdminListGroupsForUser",
        "AdminRemoveUserFromGroup",
        "AdminRespondToAuthChallenge",
        "AdminSetUserPassword",
        "AdminUpdateUserAttributes",
        "AdminUserGlobalSignOut",
        "ListUsers",
    )
)
# The functions that the site calls, by their outputs, and what fails where it may not.
INVOKED_BY_SITE = {
    "LedgerFunction": "nobody sees or lifts what is held on a number",
    "TextsFunction": "nobody can change their number, and no notice is sent",
}


def wired(case: Case) -> Iterator[Finding]:
    config = case.pool.get("LambdaConfig") or {}
    wrong = {
        slot: config.get(slot) or "nothing"
        for slot, arn in case.stack.triggers.items()
        if config.get(slot) != arn
    }
    if wrong:
        listed = "; ".join(f"{slot} is {there}" for slot, there in wrong.items())
        yield danger("triggers", f"the pool does not call ours: {listed}", case.attach)
    else:
        yield ok("triggers", "the pool calls ours")


def permitted(case: Case) -> Iterator[Finding]:
    functions = case.account.client("lambda")
    bad = False
    for slot, arn in case.stack.triggers.items():
        try:
            policy = json.loads(functions.get_policy(FunctionName=arn)["Policy"])
        except functions.exceptions.ResourceNotFoundException:
            policy = {"Statement": []}
        if any(_lets_pool_call(each, case.pool_arn) for each in policy["Statement"]):
            continue
        bad = True
        yield danger(
            "permissions",
            f"{slot} does not let the pool call it (AccessDeniedException at every sign-in)",
            f"aws lambda add-permission --function-name {arn} --statement-id cognito-{slot} "
            "--action lambda:InvokeFunction --principal cognito-idp.amazonaws.com "
            f"--source-arn {case.pool_arn}",
        )
    if not bad:
        yield ok("permissions", "the functions let the pool call them")


def working(case: Case) -> Iterator[Finding]:
    functions = case.account.client("lambda")
    bad = False
    for slot, arn in case.stack.triggers.items():
        name = case.stack.resources[slot]
        try:
            live = functions.get_function_configuration(FunctionName=arn)
            latest = functions.get_function_configuration(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException:
            bad = True
            yield danger("functions", f"{slot} is gone: {arn}", case.deploy)
            continue
        reserved = functions.get_function_concurrency(FunctionName=name)
        if reserved.get("ReservedConcurrentExecutions") == 0:
            bad = True
            yield danger(
                "functions",
                f"{slot} is switched off: no instances are reserved for it",
                f"aws lambda delete-function-concurrency --function-name {name}",
            )
        if _essence(live) != _essence(latest):
            bad = True
            yield danger(
                "functions",
                f"{slot} was changed, and Cognito still calls the version from before",
                case.deploy,
            )
        if live.get("Timeout", 0) > 5:
            bad = True
            yield warning(
                "functions",
                f"{slot} may take {live['Timeout']} s; Cognito waits for 5 and asks again",
                case.deploy,
            )
    if not bad:
        yield ok("functions", "they are there, and Cognito calls their newest version")


def current(case: Case) -> Iterator[Finding]:
    deployed = case.parameter("Revision")
    if not deployed:
        yield danger(
            "revision",
            "the stack was not deployed by make deploy: changed parameters do not reach triggers",
            case.deploy,
        )
    elif not LAMBDAS.is_dir():
        yield not_checked("revision", "the sources of the triggers are not here")
    elif revision.has_sources(deployed, LAMBDAS):
        yield ok("revision", "the triggers are those of this checkout")
    else:
        yield warning(
            "revision", "the triggers are of other sources than this checkout", case.deploy
        )


def policy(case: Case) -> Iterator[Finding]:
    iam, arn = case.account.client("iam"), case.stack.outputs["WebTierPolicyArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    allowed = [each for each in document["Statement"] if each["Effect"] == "Allow"]
    bad = False
    if missing := sorted(ASKED_BY_SITE.difference(*(_listed(each["Action"]) for each in allowed))):
        bad = True
        names = ", ".join(each.partition(":")[2] for each in missing)
        yield danger("policy", f"the site may not ask Cognito for {names}", case.deploy)
    invoked = {
        resource.rpartition(":")[2]
        for each in allowed
        if "lambda:InvokeFunction" in _listed(each["Action"])
        for resource in _listed(each["Resource"])
    }
    for output, what in INVOKED_BY_SITE.items():
        # A stack from before there was one is told so by the settings' check.
        function = case.stack.outputs.get(output)
        if function and function not in invoked:
            bad = True
            yield danger("policy", f"the site may not invoke {function}: {what}", case.deploy)
    if not bad:
        yield ok("policy", "the site's policy allows what the site asks for")


def ledger(case: Case) -> Iterator[Finding]:
    dynamodb, name = case.account.client("dynamodb"), case.stack.ledger
    try:
        table = dynamodb.describe_table(TableName=name)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        yield danger(
            "ledger",
            f"the table {name} is gone: no text leaves and no code is accepted",
            f"aws dynamodb restore-table-to-point-in-time --source-table-name {name} "
            f"--target-table-name {name} --use-latest-restorable-time",
        )
        return
    if table["TableStatus"] != "ACTIVE":
        yield danger(
            "ledger",
            f"the table is {table['TableStatus']}",
            f"aws dynamodb wait table-exists --table-name {name}",
        )
    else:
        yield ok("ledger", "the table is there")
    if not table.get("DeletionProtectionEnabled"):
        yield warning(
            "ledger",
            "one command deletes the table, and with it all holds and locks",
            f"aws dynamodb update-table --table-name {name} --deletion-protection-enabled",
        )
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if expiry.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        yield warning(
            "ledger",
            "old counts are never deleted",
            f"aws dynamodb update-time-to-live --table-name {name} "
            '--time-to-live-specification \'{"Enabled":true,"AttributeName":"ttl"}\'',
        )
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        yield warning(
            "ledger",
            "the table cannot be restored",
            f"aws dynamodb update-continuous-backups --table-name {name} "
            "--point-in-time-recovery-specification '{\"PointInTimeRecoveryEnabled\":true}'",
        )


def code_key(case: Case) -> Iterator[Finding]:
    secrets, name = case.account.client("secretsmanager"), case.stack.code_key
    try:
        described = secrets.describe_secret(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        yield danger(
            "code key",
            f"the secret {name} is gone: no code can be made",
            f"aws secretsmanager create-secret --name {name} --secret-string "
            "$(openssl rand -hex 32)",
        )
        return
    if described.get("DeletedDate"):
        yield danger(
            "code key",
            "the secret is about to be deleted: no code can be made",
            f"aws secretsmanager restore-secret --secret-id {name}",
        )
    else:
        yield ok("code key", "the secret is there")


def _lets_pool_call(statement: dict[str, Any], pool_arn: str) -> bool:
    conditions = statement.get("Condition") or {}
    sources = [
        value
        for condition in conditions.values()
        for key, value in condition.items()
        if key.lower() == "aws:sourcearn"
    ]
    return bool(
        statement.get("Effect") == "Allow"
        and statement.get("Principal") == {"Service": "cognito-idp.amazonaws.com"}
        and (not sources or pool_arn in sources)
    )


def _listed(value: str | list[str]) -> list[str]:
    """IAM writes a list of one as it likes."""
    return [value] if isinstance(value, str) else value


def _essence(configuration: dict[str, Any]) -> tuple[Any, ...]:
    return (configuration.get("CodeSha256"), configuration.get("Environment"))


CHECKS = (wired, permitted, working, current, policy, ledger, code_key)

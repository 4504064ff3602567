"""The storage of the functions: the table, the code key, and their log."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from cognito_admin.doctor.context import Context, Finding, danger, ok, warning
from cognito_admin.doctor.functions import OF_THE_SITE

_DEFAULT_RETENTION = "30"


def ledger(context: Context) -> Iterator[Finding]:
    """The table is there, protected, backed up, and forgets old counts."""
    dynamodb, name = context.account.client("dynamodb"), context.stack.ledger
    try:
        table = dynamodb.describe_table(TableName=name)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        yield danger(
            "ledger",
            f"the table {name} is gone: no text leaves and no code is accepted",
            _restored(context, name),
        )
        return
    if table["TableStatus"] != "ACTIVE":
        yield danger(
            "ledger",
            f"the table is {table['TableStatus']}",
            context.aws("dynamodb describe-table", f"--table-name {name} --query Table.TableStatus")
            + " until it is ACTIVE",
        )
    else:
        yield ok("ledger", "the table is there")
    if (table.get("BillingModeSummary") or {}).get("BillingMode") != "PAY_PER_REQUEST":
        writes = (table.get("ProvisionedThroughput") or {}).get("WriteCapacityUnits")
        yield danger(
            "ledger",
            f"the table takes {writes} writes a second, and a sign-in needs up to eight",
            context.aws(
                "dynamodb update-table", f"--table-name {name} --billing-mode PAY_PER_REQUEST"
            ),
        )
    yield from _kept(context, name, table)


def _kept(context: Context, name: str, table: dict[str, Any]) -> Iterator[Finding]:
    dynamodb = context.account.client("dynamodb")
    if not table.get("DeletionProtectionEnabled"):
        yield warning(
            "ledger",
            "one command deletes the table, and with it all holds and locks",
            context.aws(
                "dynamodb update-table", f"--table-name {name} --deletion-protection-enabled"
            ),
        )
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    is_on = expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    if is_on and expiry.get("AttributeName") != "ttl":
        yield warning(
            "ledger",
            f"old counts are never deleted: they would go by {expiry.get('AttributeName')}",
            # Only one attribute at a time; AWS takes the change back within the hour.
            f"{_expiry(context, name, expiry['AttributeName'], on=False)}; an hour later: "
            f"{_expiry(context, name, 'ttl', on=True)}",
        )
    elif not is_on:
        yield warning(
            "ledger", "old counts are never deleted", _expiry(context, name, "ttl", on=True)
        )
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        yield warning(
            "ledger",
            "the table cannot be restored",
            context.aws(
                "dynamodb update-continuous-backups",
                f"--table-name {name} "
                "--point-in-time-recovery-specification '{\"PointInTimeRecoveryEnabled\":true}'",
            ),
        )


def _expiry(context: Context, name: str, attribute: str, *, on: bool) -> str:
    specification = f'{{"Enabled":{str(on).lower()},"AttributeName":"{attribute}"}}'
    return context.aws(
        "dynamodb update-time-to-live",
        f"--table-name {name} --time-to-live-specification '{specification}'",
    )


def _restored(context: Context, name: str) -> str:
    """Return how a deleted table comes back: from the backup that AWS made when it went.

    A point in time can be restored only while the table is there. With continuous backups on, AWS
    keeps a backup of the last moment for 35 days.
    """
    backups = context.account.client("dynamodb").list_backups(TableName=name, BackupType="ALL")
    found = sorted(
        backups.get("BackupSummaries", []), key=lambda each: each["BackupCreationDateTime"]
    )
    if not found:
        return (
            f"an empty one, since no backup of it was found: make undeploy STAGE={context.stage}, "
            f"then {context.deploy} USER_POOL_ID={context.pool_id}"
        )
    restore = context.aws(
        "dynamodb restore-table-from-backup",
        f"--target-table-name {name} --backup-arn {found[-1]['BackupArn']}",
    )
    return f"{restore}; then run this again: what a backup does not hold is named then"


def code_key(context: Context) -> Iterator[Finding]:
    """The key of the codes is there, and every function has read the current one."""
    secrets, name = context.account.client("secretsmanager"), context.stack.code_key
    try:
        described = secrets.describe_secret(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        create = context.aws(
            "secretsmanager create-secret",
            f'--name {name} --secret-string "$(openssl rand -hex 32)"',
        )
        yield danger(
            "code key",
            f"the secret {name} is gone: no code can be made",
            f"{create}; then {context.deploy}, since the functions read it once",
        )
        return
    if described.get("DeletedDate"):
        yield danger(
            "code key",
            "the secret is about to be deleted: no code can be made",
            context.aws("secretsmanager restore-secret", f"--secret-id {name}"),
        )
        return
    versions = secrets.list_secret_version_ids(SecretId=name)["Versions"]
    by_label = {label: one for one in versions for label in one.get("VersionStages", ())}
    made = by_label["AWSCURRENT"]["CreatedDate"]
    # A stack's first key may be a little younger than its functions.
    if "AWSPREVIOUS" in by_label and (old := _older_than(context, made)):
        yield danger(
            "code key",
            f"it was changed after {', '.join(old)} read it: some compare with the old key, some "
            "with the new one, and codes fail",
            context.deploy,
        )
    else:
        yield ok("code key", "the secret is there, and the functions have read it")


def _older_than(context: Context, moment: datetime) -> list[str]:
    """Return the functions that were deployed before the moment, so that instances may be older."""
    functions = context.account.client("lambda")
    names = (*context.stack.triggers, *OF_THE_SITE)
    found = {
        name: functions.get_function_configuration(
            FunctionName=context.stack.triggers.get(name) or context.stack.resources[name]
        )
        for name in names
    }
    return [
        name
        for name, config in found.items()
        if "CODE_KEY_SECRET_ID" in config.get("Environment", {}).get("Variables", {})
        and datetime.fromisoformat(config["LastModified"]) < moment
    ]


def logs(context: Context) -> Iterator[Finding]:
    """The log group is there, and keeps lines as long as the stack says."""
    wanted = int(context.parameter("LogRetentionDays") or _DEFAULT_RETENTION)
    group = context.stack.log_group
    client = context.account.client("logs")
    groups = client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    found = next((each for each in groups if each["logGroupName"] == group), None)
    retention = context.aws(
        "logs put-retention-policy", f"--log-group-name {group} --retention-in-days {wanted}"
    )
    if found is None:
        create = context.aws("logs create-log-group", f"--log-group-name {group}")
        yield danger(
            "logs",
            f"the group {group} is gone: nothing is written down, and alarms hear nothing",
            f"{create}; {retention}",
        )
        return
    days = found.get("retentionInDays")
    if days != wanted:
        yield warning(
            "logs",
            f"lines are kept {f'for {days} days' if days else 'for ever'}, not for {wanted} days",
            retention,
        )
    elsewhere = [
        name
        for name in (*context.stack.triggers, *OF_THE_SITE)
        if _log_group(context, name) not in (group, "")
    ]
    if elsewhere:
        yield warning(
            "logs", f"{', '.join(elsewhere)} write to another group than {group}", context.restore
        )
    if days == wanted and not elsewhere:
        yield ok("logs", f"{group} keeps them for {wanted} days")


def _log_group(context: Context, name: str) -> str:
    function = context.stack.triggers.get(name) or context.stack.resources[name]
    config = context.account.client("lambda").get_function_configuration(FunctionName=function)
    return str((config.get("LoggingConfig") or {}).get("LogGroup", ""))


CHECKS = (ledger, code_key, logs)

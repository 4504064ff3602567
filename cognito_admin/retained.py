"""Resources that outlive a stack of a stage: those to use again, and those in the way."""

from botocore.exceptions import WaiterError

from cognito_admin import stack
from cognito_admin.aws_account import Account
from cognito_admin.terminal import DeployError, ask

# Resources that outlive a stack, by the parameter that says that they are there.
LEFT = {"ReuseLedger": "table", "ReuseCodeKey": "code key", "ReuseLogs": "log group"}


def left_by_earlier_stack(account: Account, stage: str) -> dict[str, bool]:
    """Tell what is there and is not the stack's own, so that the stack must not make it again."""
    try:
        own = stack.read(account, stage).resources
    except stack.NoStack:
        own = {}
    return {
        "ReuseLedger": "Ledger" not in own and _has_table(account, stack.ledger_name(stage)),
        "ReuseCodeKey": "CodeKey" not in own and _has_secret(account, stack.code_key_name(stage)),
        "ReuseLogs": "TriggerLogs" not in own and _has_logs(account, stack.log_group_name(stage)),
    }


def _has_pool(account: Account, user_pool_id: str) -> bool:
    cognito = account.client("cognito-idp")
    try:
        cognito.describe_user_pool(UserPoolId=user_pool_id)
    except cognito.exceptions.ResourceNotFoundException:
        return False
    return True


def _has_table(account: Account, name: str) -> bool:
    dynamodb = account.client("dynamodb")
    try:
        dynamodb.describe_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    return True


def _has_secret(account: Account, name: str) -> bool:
    secrets = account.client("secretsmanager")
    try:
        secrets.describe_secret(SecretId=name)
    except secrets.exceptions.ResourceNotFoundException:
        return False
    return True


def _has_logs(account: Account, name: str) -> bool:
    groups = account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in groups)


def clear_the_way(account: Account, stage: str, *, yes: bool) -> None:
    """Remove what a first deployment that failed has left: CloudFormation cannot go on from it.

    Raises DeployError where the stack cannot be changed now.
    """
    status, name = stack.status(account, stage), stack.stack_name(stage)
    if status == "UPDATE_ROLLBACK_FAILED":
        raise DeployError(
            f"The stack {name} is stuck half-way back ({status}) at "
            f"{stack.first_failure(account, stage)}\nPut that right, then: "
            f"aws cloudformation continue-update-rollback --region {account.region} "
            f"--stack-name {name}"
        )
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        raise DeployError(
            f"The stack {name} is being changed ({status}). Wait until it is not: "
            f"aws cloudformation describe-stacks --region {account.region} --stack-name {name} "
            '--query "Stacks[].StackStatus"'
        )
    if status not in stack.NEVER_STOOD:
        return
    print(
        f"The first deployment failed at {stack.first_failure(account, stage)}\n"
        f"What is left of it ({name}, {status}) goes before another. Nobody ever signed in by it."
    )
    ask(f"Remove what is left of {name}?", yes, "Nothing was removed.")
    pool = stack.once_made(account, stage, "UserPool")
    delete(account, stage)
    print(f"Removed {name}.")
    if pool and _has_pool(account, pool):
        print(
            f"Its pool {pool} stays, without anybody in it. It is of no more use:\n"
            f"  aws cognito-idp update-user-pool --region {account.region} --user-pool-id {pool} "
            "--deletion-protection INACTIVE\n"
            f"  aws cognito-idp delete-user-pool --region {account.region} --user-pool-id {pool}"
        )


def delete(account: Account, stage: str) -> None:
    """Delete the stack of a stage and wait for it. Raises DeployError."""
    cloudformation, name = account.client("cloudformation"), stack.stack_name(stage)
    cloudformation.delete_stack(StackName=name)
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=name, WaiterConfig={"Delay": 2, "MaxAttempts": 300}
        )
    except WaiterError as error:
        raise DeployError(
            f"The stack {name} could not be deleted: {stack.first_failure(account, stage)}\n"
            "Remove what holds it, then run the same command again"
        ) from error

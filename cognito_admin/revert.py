"""``python -m cognito_admin.revert --stage STAGE``: run by make revert.

Brings back what was changed past the stack: in the console, with the AWS CLI, by hand. A
deployment of an unchanged template changes nothing, whatever became of the resources; a drift-aware
change set compares the template with what is there. No parameter changes, and what is to change is
shown first.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from cognito_admin import deploy_config, stack
from cognito_admin.aws_account import Account
from cognito_admin.deploy import PROJECT
from cognito_admin.terminal import DeployError, ask

_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
# CloudFormation's message for a change set without changes.
_EMPTY = ("didn't contain changes", "No updates are to be performed", "no changes")
_WAIT = {"Delay": 2, "MaxAttempts": 300}


def main() -> int:
    """Run ``make revert``. Returns 0, or 1 with a message on stderr."""
    parser = argparse.ArgumentParser(prog="make revert", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--config", type=Path, default=PROJECT / "deploy.toml")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    options = parser.parse_args()
    try:
        region, _ = deploy_config.read(options.config, options.stage)
        revert(Account(region), options.stage, yes=options.yes)
    except (DeployError, stack.NoStack) as error:
        print(f"make revert: {error}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"make revert: AWS: {error}", file=sys.stderr)
        return 1
    return 0


def revert(account: Account, stage: str, *, yes: bool) -> None:
    """Show what differs from the template, ask, and bring it back. Raises DeployError."""
    cloudformation, name = account.client("cloudformation"), stack.stack_name(stage)
    parameters = stack.read(account, stage).parameters
    change_set = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=f"revert-{int(time.time())}",
        ChangeSetType="UPDATE",
        DeploymentMode="REVERT_DRIFT",
        UsePreviousTemplate=True,
        # A parameter that is left out goes back to its default.
        Parameters=[
            {"ParameterKey": each, "UsePreviousValue": True} for each in sorted(parameters)
        ],
        Capabilities=_CAPABILITIES,
    )["Id"]
    changes = list(_changes(cloudformation, change_set))
    for change in changes:
        print(f"  {change}")
    if not changes:
        cloudformation.delete_change_set(ChangeSetName=change_set)
        print("Nothing differs from the template.")
        return
    try:
        ask("Bring this back?", yes, "Nothing was changed.")
    except DeployError:
        cloudformation.delete_change_set(ChangeSetName=change_set)
        raise
    cloudformation.execute_change_set(ChangeSetName=change_set)
    _wait(cloudformation, name)
    print(f"Done. See that it is well: manage.py cognito_doctor --stage {stage}")


def _changes(cloudformation: Any, change_set: str) -> Iterator[str]:
    """Yield what the change set would do, resource by resource. Raises DeployError."""
    try:
        waiter = cloudformation.get_waiter("change_set_create_complete")
        waiter.wait(ChangeSetName=change_set, WaiterConfig=_WAIT)
    except WaiterError as error:
        reason = str(error.last_response.get("StatusReason", error))
        if any(each in reason for each in _EMPTY):
            return
        cloudformation.delete_change_set(ChangeSetName=change_set)
        raise DeployError(f"CloudFormation could not compare: {reason}") from error
    for page in cloudformation.get_paginator("describe_change_set").paginate(
        ChangeSetName=change_set
    ):
        for change in page["Changes"]:
            resource = change.get("ResourceChange", {})
            if resource.get("Action") == "SyncWithActual":
                continue
            properties = sorted(
                {
                    detail["Target"]["Name"]
                    for detail in resource.get("Details", ())
                    if detail.get("Target", {}).get("Name")
                }
            )
            what = f" ({', '.join(properties)})" if properties else ""
            yield f"{resource['Action']} {resource['LogicalResourceId']}{what}"


def _wait(cloudformation: Any, name: str) -> None:
    try:
        cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig=_WAIT)
    except WaiterError as error:
        raise DeployError(
            f"CloudFormation could not bring it back; see the events of the stack {name}. "
            "What was deleted may have to be made again: docs/operations.md#when-things-are-lost"
        ) from error


if __name__ == "__main__":
    sys.exit(main())

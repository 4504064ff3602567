"""The CloudFormation stack of lambdas/template.yaml: names, outputs, parameters, resources."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cognito_admin.aws_account import Account

# By slot of LambdaConfig, the prefix of the function that the template deploys for it.
_TRIGGERS = {
    "DefineAuthChallenge": "phone-login-define",
    "CreateAuthChallenge": "phone-login-create",
    "VerifyAuthChallengeResponse": "phone-login-verify",
}
CHALLENGE_SLOTS = tuple(_TRIGGERS)
# The trigger of the client for known browsers, which a stack may be without.
PRE_AUTHENTICATION = "PreAuthentication"


# A stack in one of these was never complete, and can only be deleted.
NEVER_STOOD = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")


_BEGINS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")


class NoStack(Exception):
    """Nothing is deployed under this stage; the message says how to."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack. ``resources`` are physical ids by logical ones, ``alarms`` are names."""

    stage: str
    outputs: dict[str, str]
    parameters: dict[str, str]
    resources: dict[str, str]
    alarms: list[str]

    @property
    def name(self) -> str:
        """CloudFormation's name of the stack."""
        return stack_name(self.stage)

    @property
    def user_pool_id(self) -> str:
        """The id of the pool that the stack works for."""
        return self.outputs["CognitoUserPoolId"]

    @property
    def client_id(self) -> str:
        """The id of the site's app client."""
        return self.outputs["CognitoClientId"]

    @property
    def known_client_id(self) -> str:
        """The id of the client for known browsers, "" where there is none."""
        return self.outputs.get("CognitoKnownClientId", "")

    @property
    def site_client_id(self) -> str:
        """The id of the client for people whom the site has proven, "" where there is none."""
        return self.outputs.get("CognitoSiteClientId", "")

    @property
    def site_key(self) -> str:
        """The name of the secret with SITE_KEY, "" in a stack of before there was one."""
        return self.outputs.get("SiteKeySecret", "")

    @property
    def has_own_pool(self) -> bool:
        """Whether the pool is a resource of the stack."""
        return not self.parameters.get("ExistingUserPoolId")

    @property
    def triggers(self) -> dict[str, str]:
        """The triggers that the pool has to call: ARNs by their slots in LambdaConfig.

        PreSignUp of a pool that existed before is not ours: people may sign up by themselves there.
        """
        slots = (*CHALLENGE_SLOTS, *(("PreSignUp",) if self.has_own_pool else ()))
        if self.known_client_id:
            slots = (*slots, PRE_AUTHENTICATION)
        return {slot: self.resources[f"{slot}Aliaslive"] for slot in slots}

    def version(self, slot: str) -> str:
        """Return the version of a trigger that was deployed, "" where the stack has none."""
        # The logical id ends in a digest that changes with each version.
        made = re.compile(f"{slot}Version[0-9a-f]{{8,}}")
        arns = [arn for name, arn in self.resources.items() if made.fullmatch(name)]
        return arns[0].rpartition(":")[2] if len(arns) == 1 else ""

    @property
    def ledger(self) -> str:
        """The name of the triggers' table."""
        return ledger_name(self.stage)

    @property
    def code_key(self) -> str:
        """The name of the secret with the triggers' code key."""
        return code_key_name(self.stage)

    @property
    def log_group(self) -> str:
        """The log group of all functions."""
        return log_group_name(self.stage)

    @property
    def client_list(self) -> str:
        """The parameter of Systems Manager that names the clients which get codes."""
        return f"/phone-login/{self.stage}/client-ids"


def triggers_of(stage: str, pool_arn: str) -> dict[str, str]:
    """Return the functions of a stage for a pool, deployed or not: ARNs by slot."""
    _, partition, _, region, account_id, _ = pool_arn.split(":", 5)
    prefix = f"arn:{partition}:lambda:{region}:{account_id}:function"
    names = {**_TRIGGERS, PRE_AUTHENTICATION: "phone-login-pre-authentication"}
    return {slot: f"{prefix}:{name}-{stage}" for slot, name in names.items()}


def stack_name(stage: str) -> str:
    """Return CloudFormation's name of a stage."""
    return f"phone-login-{stage}"


# These resources outlive a stack, and are found by name.


def ledger_name(stage: str) -> str:
    """Return the name of the table of a stage."""
    return f"phone-login-ledger-{stage}"


def code_key_name(stage: str) -> str:
    """Return the name of the secret of a stage."""
    return f"phone-login/{stage}/code-key"


def log_group_name(stage: str) -> str:
    """Return the log group of a stage."""
    return f"/phone-login/{stage}/triggers"


def read(account: Account, stage: str) -> Stack:
    """Return the stack of a stage. Raises NoStack, or botocore's errors."""
    name, described = stack_name(stage), _describe(account, stage)
    if described is None:
        raise NoStack(f"There is no stack {name} in {account.region}")
    if not described.get("Outputs"):
        raise NoStack(f"The stack {name} is {described['StackStatus']}")
    listed = list(_resources(account, stage))
    return Stack(
        stage=stage,
        outputs=_values(described["Outputs"], "Output"),
        parameters=_values(described.get("Parameters", []), "Parameter"),
        resources={one["LogicalResourceId"]: one.get("PhysicalResourceId", "") for one in listed},
        alarms=[
            one["PhysicalResourceId"]
            for one in listed
            if one["ResourceType"] == "AWS::CloudWatch::Alarm"
        ],
    )


def resources(account: Account, stage: str) -> dict[str, str]:
    """Return the physical ids of a stack by the logical ones. Raises botocore's errors."""
    return {
        one["LogicalResourceId"]: one.get("PhysicalResourceId", "")
        for one in _resources(account, stage)
    }


def _resources(account: Account, stage: str) -> Iterator[dict[str, Any]]:
    listed = account.client("cloudformation").get_paginator("list_stack_resources")
    for page in listed.paginate(StackName=stack_name(stage)):
        yield from page["StackResourceSummaries"]


def status(account: Account, stage: str) -> str:
    """Return the StackStatus, "" where there is no stack."""
    described = _describe(account, stage)
    return str(described["StackStatus"]) if described else ""


def first_failure(account: Account, stage: str) -> str:
    """Return the resource at which the last change of the stack failed, and why."""
    name, failure = stack_name(stage), "an unknown resource"
    # No further back than the start of that change.
    for event in _events(account, stage):
        logical_id, state = event.get("LogicalResourceId"), event.get("ResourceStatus", "")
        if logical_id == name and state in _BEGINS:
            break
        if state.endswith("_FAILED") and logical_id != name:
            failure = f"{logical_id}: {event.get('ResourceStatusReason', 'no reason given')}"
    return failure


def once_made(account: Account, stage: str, logical_id: str) -> str:
    """Return the physical id of a resource that the stack made once, "" where it never did."""
    events = (one for one in _events(account, stage) if one.get("LogicalResourceId") == logical_id)
    return next((found for one in events if (found := one.get("PhysicalResourceId", ""))), "")


def _events(account: Account, stage: str) -> Iterator[dict[str, Any]]:
    """Yield the events of the stack, newest first."""
    pages = account.client("cloudformation").get_paginator("describe_stack_events")
    for page in pages.paginate(StackName=stack_name(stage)):
        yield from page["StackEvents"]


def _describe(account: Account, stage: str) -> dict[str, Any] | None:
    try:
        described = account.client("cloudformation").describe_stacks(StackName=stack_name(stage))
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return None
    found: dict[str, Any] = described["Stacks"][0]
    return found


def _values(listed: list[dict[str, Any]], kind: str) -> dict[str, str]:
    return {one[f"{kind}Key"]: one[f"{kind}Value"] for one in listed}

"""What lambdas/template.yaml became in an account: names, outputs and parameters."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cognito_admin.account import Account

# The slots of custom sign-ins in LambdaConfig, and what the template names their functions.
_TRIGGERS = {
    "DefineAuthChallenge": "phone-login-define",
    "CreateAuthChallenge": "phone-login-create",
    "VerifyAuthChallengeResponse": "phone-login-verify",
}
CHALLENGE_SLOTS = tuple(_TRIGGERS)


class NoStack(Exception):
    """Nothing is deployed under this stage; the message says how to."""


@dataclass(frozen=True)
class Stack:
    """``resources`` are physical ids by logical ones."""

    stage: str
    outputs: dict[str, str]
    parameters: dict[str, str]
    resources: dict[str, str]

    @property
    def name(self) -> str:
        return stack_name(self.stage)

    @property
    def user_pool_id(self) -> str:
        return self.outputs["CognitoUserPoolId"]

    @property
    def client_id(self) -> str:
        return self.outputs["CognitoClientId"]

    @property
    def has_own_pool(self) -> bool:
        return not self.parameters.get("ExistingUserPoolId")

    @property
    def triggers(self) -> dict[str, str]:
        """The triggers that the pool has to call: ARNs by their slots in LambdaConfig.

        In a pool that was there before us people may sign up by themselves: its PreSignUp is
        not ours.
        """
        slots = (*CHALLENGE_SLOTS, *(("PreSignUp",) if self.has_own_pool else ()))
        return {slot: self.resources[f"{slot}Aliaslive"] for slot in slots}

    @property
    def ledger(self) -> str:
        return ledger_name(self.stage)

    @property
    def code_key(self) -> str:
        return code_key_name(self.stage)

    @property
    def log_group(self) -> str:
        return log_group_name(self.stage)

    @property
    def client_list(self) -> str:
        return f"/phone-login/{self.stage}/client-ids"


def triggers_of(stage: str, pool_arn: str) -> dict[str, str]:
    """Return the functions of a stage for a pool, deployed or not: ARNs by slot."""
    _, partition, _, region, account_id, _ = pool_arn.split(":", 5)
    prefix = f"arn:{partition}:lambda:{region}:{account_id}:function"
    return {slot: f"{prefix}:{name}-{stage}" for slot, name in _TRIGGERS.items()}


def stack_name(stage: str) -> str:
    return f"phone-login-{stage}"


# These outlive a stack, and are known by their names.


def ledger_name(stage: str) -> str:
    return f"phone-login-ledger-{stage}"


def code_key_name(stage: str) -> str:
    return f"phone-login/{stage}/code-key"


def log_group_name(stage: str) -> str:
    return f"/phone-login/{stage}/triggers"


def read(account: Account, stage: str) -> Stack:
    """Raises NoStack, or botocore's errors."""
    cloudformation, name = account.client("cloudformation"), stack_name(stage)
    try:
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise NoStack(f"There is no stack {name} in {account.region}") from error
    if not described.get("Outputs"):
        raise NoStack(f"The stack {name} is {described['StackStatus']}")
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return Stack(
        stage=stage,
        outputs=_values(described["Outputs"], "Output"),
        parameters=_values(described.get("Parameters", []), "Parameter"),
        resources={
            one["LogicalResourceId"]: one.get("PhysicalResourceId", "") for one in resources
        },
    )


def _values(listed: list[dict[str, Any]], kind: str) -> dict[str, str]:
    return {one[f"{kind}Key"]: one[f"{kind}Value"] for one in listed}

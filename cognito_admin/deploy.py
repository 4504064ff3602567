"""``python -m cognito_admin.deploy up|down --stage STAGE``: what make deploy and make undeploy run.

    up     stage the sources, deploy them with SAM, run the doctor, print the site's environment
    down   delete the stack; pool, table and key stay

The parameters of a stage are in deploy.toml. What is not written there keeps the value that the
stack has, or takes the template's default.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from cognito_admin import attach, revision, stack
from cognito_admin.account import Account
from cognito_admin.plans import PlanError

PROJECT = Path(__file__).resolve().parent.parent
LAMBDAS = PROJECT / "lambdas"
STATE = PROJECT / ".local"
# What outlives a stack, by the parameter that says that it is there.
_LEFT = {"ReuseLedger": "table", "ReuseCodeKey": "code key", "ReuseLogs": "log group"}
_EXAMPLE = """
[{stage}]
region = "eu-west-1"
AppName = "Example"
SiteHost = "www.example.com"
AllowedCountries = "US,CA"
"""


class DeployError(Exception):
    """The message is for the person at the terminal."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("--stage", required=True)
    parser.add_argument("--user-pool-id", default="", help="work for this pool, not for a new one")
    parser.add_argument("--config", type=Path, default=PROJECT / "deploy.toml")
    parser.add_argument("--sam", type=Path, default=STATE / "sam-venv" / "bin" / "sam")
    parser.add_argument("--yes", action="store_true", help="ask nothing")
    options = parser.parse_args()
    command = "make deploy" if options.action == "up" else "make undeploy"
    try:
        region, parameters = read_parameters(options.config, options.stage)
        account = Account(region)
        if options.action == "up":
            if options.user_pool_id:
                parameters["ExistingUserPoolId"] = options.user_pool_id
            up(account, options.stage, parameters, sam=options.sam, yes=options.yes)
        else:
            down(account, options.stage, yes=options.yes)
    except (DeployError, PlanError, stack.NoStack) as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"{command}: AWS: {error}", file=sys.stderr)
        return 1
    return 0


def read_parameters(config: Path, stage: str) -> tuple[str, dict[str, str]]:
    """Return the region and the template's parameters of a stage. Raises DeployError."""
    if not re.fullmatch("[a-z][a-z0-9-]{0,19}", stage):
        raise DeployError(f"{stage!r} is no name of a stage: STAGE=prod")
    try:
        section = tomllib.loads(config.read_text()).get(stage)
    except FileNotFoundError:
        section = None
    except tomllib.TOMLDecodeError as error:
        raise DeployError(f"{config.name} cannot be read: {error}") from error
    if not isinstance(section, dict):
        raise DeployError(
            f"{config.name} says nothing of the stage {stage}. Write into it:\n"
            f"{_EXAMPLE.format(stage=stage)}\n"
            "All that can be set is in lambdas/template.yaml, under Parameters."
        )
    parameters = {name: _spelled(value) for name, value in section.items()}
    region = parameters.pop("region", os.environ.get("AWS_REGION", ""))
    if not region:
        raise DeployError(f'{config.name} names no region: region = "eu-west-1"')
    return region, parameters | {"Stage": stage}


def up(account: Account, stage: str, parameters: dict[str, str], *, sam: Path, yes: bool) -> None:
    """Deploy, examine, and print what the site needs. Raises DeployError."""
    if not sam.exists():
        raise DeployError(f"SAM is not installed ({sam}): make deploy installs it")
    existing = parameters.get("ExistingUserPoolId", "")
    if existing:
        writable = parameters.get("ClientWriteAttributes", "locale").split(",")
        for note in attach.examine(account, existing, writable, stage):
            print(f"  note: {note}")
    reused = _left_by_earlier_stack(account, stage)
    for what in sorted(_LEFT[name] for name, is_there in reused.items() if is_there):
        print(f"The {what} of an earlier stack is there, and is used again.")
    parameters |= {name: _spelled(is_there) for name, is_there in reused.items()}
    parameters = parameters | {"Revision": revision_for(account, stage, parameters)}
    _run_sam(sam, account, stage, parameters, yes=yes)
    made = stack.read(account, stage)
    if reused["ReuseLogs"]:
        account.client("logs").put_retention_policy(
            logGroupName=made.log_group, retentionInDays=int(made.parameters["LogRetentionDays"])
        )
    manage = [sys.executable, str(PROJECT / "manage.py")]
    environment = _environment(account)
    if existing:
        wire = ["cognito_attach", "--user-pool-id", existing, "--stage", stage]
        if yes:
            wire.append("--yes")
        if subprocess.run([*manage, *wire], env=environment, check=False).returncode:
            raise DeployError("The stack stands, and the pool does not call it yet; see above")
    print("\nWhat the doctor says:\n", flush=True)
    examine = [*manage, "cognito_doctor", "--stage", stage, "--without-site"]
    is_well = subprocess.run(examine, env=environment, check=False).returncode == 0
    _tell_site(account, made)
    if not is_well:
        raise DeployError("Deployed; the doctor found dangers, see above")


def down(account: Account, stage: str, *, yes: bool) -> None:
    """Delete the stack, and keep what people would miss. Raises DeployError."""
    made = stack.read(account, stage)
    if not made.has_own_pool and attach.plan_detach(account, made).changes:
        raise DeployError(
            "The pool still calls the triggers: python manage.py cognito_detach "
            f"--user-pool-id {made.user_pool_id} --stage {stage}"
        )
    if not yes and input(f"Delete the stack {made.name}? Nobody can sign in then. [y/N] ") != "y":
        print("Nothing was deleted.")
        return
    cloudformation = account.client("cloudformation")
    cloudformation.delete_stack(StackName=made.name)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=made.name, WaiterConfig={"Delay": 2, "MaxAttempts": 300}
    )
    print(
        f"Deleted {made.name}. Kept: the pool {made.user_pool_id}, the table {made.ledger}, the "
        f"secret {made.code_key} and the logs {made.log_group}.\nThe way back, with the same "
        f"users: make deploy STAGE={stage} USER_POOL_ID={made.user_pool_id}"
    )


def revision_for(account: Account, stage: str, parameters: Mapping[str, str]) -> str:
    """Return the revision of what would be deployed now.

    The functions read the code key once, so a key that was changed by hand counts as well.
    """
    secrets = account.client("secretsmanager")
    try:
        described = secrets.describe_secret(SecretId=stack.code_key_name(stage))
        versions = described.get("VersionIdsToStages", {})
    except secrets.exceptions.ResourceNotFoundException:
        versions = {}
    current = next((name for name, labels in versions.items() if "AWSCURRENT" in labels), "")
    return revision.of(LAMBDAS, {**parameters, "code key": current})


def stage_sources(directory: Path) -> Path:
    """Copy the template and the triggers' sources, and nothing that tools left among them."""
    shutil.rmtree(directory, ignore_errors=True)
    code = directory / "code"
    for path in revision.sources(LAMBDAS):
        target = code / path.relative_to(LAMBDAS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    template = (LAMBDAS / "template.yaml").read_text()
    staged = directory / "template.yaml"
    staged.write_text(template.replace("    CodeUri: .\n", "    CodeUri: code\n"))
    return staged


def site_environment(account: Account, made: stack.Stack) -> dict[str, str]:
    """Return the variables of the site that outputs of the stack are named as."""
    described = account.client("cloudformation").describe_stacks(StackName=made.name)
    return {
        words[0]: output["OutputValue"]
        for output in described["Stacks"][0]["Outputs"]
        if (words := output.get("Description", "").split()) and words[0].isupper()
    }


def _run_sam(
    sam: Path, account: Account, stage: str, parameters: dict[str, str], *, yes: bool
) -> None:
    template = stage_sources(STATE / "build" / stage)
    deployed = subprocess.run(
        [
            *(sam, "deploy", "--template-file", template),
            *("--stack-name", stack.stack_name(stage), "--region", account.region),
            *("--capabilities", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"),
            *("--resolve-s3", "--no-fail-on-empty-changeset", "--no-progressbar"),
            "--no-confirm-changeset" if yes else "--confirm-changeset",
            "--parameter-overrides",
            *(
                f"ParameterKey={name},ParameterValue={value!r}"
                if " " in value
                else f"ParameterKey={name},ParameterValue={value}"
                for name, value in sorted(parameters.items())
                if value
            ),
        ],
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        check=False,
    )
    if deployed.returncode:
        raise DeployError("SAM did not deploy; see above")


def _tell_site(account: Account, made: stack.Stack) -> None:
    print("\nThe site's environment:\n")
    for name, value in site_environment(account, made).items():
        print(f"{name}={value}")
    secret = (
        f"aws cognito-idp describe-user-pool-client --region {account.region} "
        f"--user-pool-id {made.user_pool_id} --client-id {made.client_id} "
        "--query UserPoolClient.ClientSecret --output text"
    )
    print(f"# Not shown here:\nCOGNITO_CLIENT_SECRET=$({secret})")
    if public := made.outputs.get("PublicClientId"):
        print(f"\nFor apps, not for the site:\n\nCOGNITO_PUBLIC_CLIENT_ID={public}")
    print(f"\nThe role of the site needs {made.outputs['WebTierPolicyArn']}")


def _left_by_earlier_stack(account: Account, stage: str) -> dict[str, bool]:
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


def _environment(account: Account) -> Mapping[str, str]:
    """Return the environment of a command that needs none of the site's settings."""
    return {
        "DJANGO_SECRET_KEY": "of-no-use-to-these-commands",
        **os.environ,
        "AWS_REGION": account.region,
        "ENV_FILE": os.devnull,
    }


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    sys.exit(main())

"""``python -m cognito_admin.deploy up|down --stage STAGE``: run by make deploy and make undeploy.

    up     stage the sources, deploy them with SAM, run the doctor, print the site's environment
    down   delete the stack; pool, table and key stay

The parameters of a stage are in deploy.toml. A parameter that is not written there keeps the value
that the stack has, or takes the template's default; one that is empty there goes back to the
default. The file also names the doctor's findings that the stage accepts.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from cognito_admin import attach, deploy_config, retained, revision, stack
from cognito_admin.aws_account import Account
from cognito_admin.plans import PlanError
from cognito_admin.terminal import DeployError, ask

PROJECT = Path(__file__).resolve().parent.parent
STATE = PROJECT / ".local"
# Exit code of cognito_doctor for "no danger, but something could not be checked".
_NOT_CHECKED = 2


def main() -> int:
    """Run ``up`` or ``down``. Returns 0, or 1 with a message on stderr."""
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
        region, parameters = deploy_config.read(options.config, options.stage)
        account = Account(region)
        if options.action == "up":
            if options.user_pool_id:
                parameters["ExistingUserPoolId"] = options.user_pool_id
            up(
                account,
                options.stage,
                parameters,
                sam=options.sam,
                yes=options.yes,
                file=options.config,
            )
        else:
            down(account, options.stage, yes=options.yes)
    except (DeployError, PlanError, stack.NoStack) as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"{command}: AWS: {error}", file=sys.stderr)
        return 1
    return 0


def up(
    account: Account,
    stage: str,
    parameters: dict[str, str],
    *,
    sam: Path,
    yes: bool,
    file: Path = PROJECT / "deploy.toml",
) -> None:
    """Deploy, examine, and print what the site needs. Raises DeployError.

    ``file`` names the findings that the stage accepts.
    """
    if not sam.exists():
        raise DeployError(f"SAM is not installed ({sam}): make deploy installs it")
    retained.clear_the_way(account, stage, yes=yes)
    existing = parameters.get("ExistingUserPoolId", "")
    if existing:
        of_the_pool, notes = attach.examine(account, existing, stage, parameters)
        parameters |= of_the_pool
        for note in notes:
            print(f"  note: {note}")
    reused = retained.left_by_earlier_stack(account, stage)
    for what in sorted(retained.LEFT[name] for name, is_there in reused.items() if is_there):
        print(f"The {what} of an earlier stack is there, and is used again.")
    parameters |= {name: str(is_there).lower() for name, is_there in reused.items()}
    parameters = parameters | {"Revision": revision_for(account, stage, parameters)}
    _run_sam(sam, account, stage, parameters, yes=yes)
    # SAM ends with 0 as well when somebody answers no.
    if _deployed_revision(account, stage) != parameters["Revision"]:
        raise DeployError("Nothing was deployed.")
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
    examine += ["--config", str(file.resolve())]
    found = subprocess.run(examine, env=environment, check=False).returncode
    _tell_site(account, made)
    if found == _NOT_CHECKED:
        print("\nDeployed; the doctor could not check all of it, see above")
    elif found:
        raise DeployError(
            "Deployed; the doctor found dangers, see above. A stage can accept one for a time in "
            "deploy.toml, see docs/deploy.md"
        )


def down(account: Account, stage: str, *, yes: bool) -> None:
    """Delete the stack, and keep what people would miss. Raises DeployError."""
    if stack.status(account, stage) in stack.NEVER_STOOD:
        retained.clear_the_way(account, stage, yes=yes)
        return
    made = stack.read(account, stage)
    if not made.has_own_pool and attach.plan_detach(account, made).changes:
        raise DeployError(
            "The pool still calls the triggers: python manage.py cognito_detach "
            f"--user-pool-id {made.user_pool_id} --stage {stage}"
        )
    ask(f"Delete the stack {made.name}? Nobody can sign in then.", yes, "Nothing was deleted.")
    retained.delete(account, stage)
    print(
        f"Deleted {made.name}. Kept: the pool {made.user_pool_id}, the table {made.ledger}, the "
        f"secret {made.code_key} and the logs {made.log_group}.\nThe way back, with the same "
        f"users: make deploy STAGE={stage} USER_POOL_ID={made.user_pool_id}"
    )


def revision_for(account: Account, stage: str, parameters: Mapping[str, str]) -> str:
    """Return the revision of what would be deployed now.

    The functions read their keys once, so a key that was changed by hand counts as well.
    """
    try:
        site_key = stack.read(account, stage).site_key
    except stack.NoStack:
        site_key = ""
    keys = {
        "code key": _version(account, stack.code_key_name(stage)),
        "site key": _version(account, site_key) if site_key else "",
    }
    return revision.of(deploy_config.LAMBDAS, {**parameters, **keys})


def _version(account: Account, secret: str) -> str:
    """Return the version of a secret that is in force, "" where there is none."""
    secrets = account.client("secretsmanager")
    try:
        versions = secrets.describe_secret(SecretId=secret).get("VersionIdsToStages", {})
    except secrets.exceptions.ResourceNotFoundException:
        return ""
    return next((name for name, labels in versions.items() if "AWSCURRENT" in labels), "")


def stage_sources(directory: Path) -> Path:
    """Copy the template and the triggers' sources, and nothing that tools left among them."""
    shutil.rmtree(directory, ignore_errors=True)
    code = directory / "code"
    for path in revision.sources(deploy_config.LAMBDAS):
        target = code / path.relative_to(deploy_config.LAMBDAS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    template = (deploy_config.LAMBDAS / "template.yaml").read_text()
    staged = directory / "template.yaml"
    staged.write_text(template.replace("    CodeUri: .\n", "    CodeUri: code\n"))
    return staged


def site_environment(account: Account, made: stack.Stack) -> dict[str, str]:
    """Return the site's variables that come from the stack, by name."""
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
    # In a file: SAM has its own rules for quotes and spaces of a command line.
    values = template.with_name("parameters.yaml")
    values.write_text(json.dumps(parameters, indent=2, sort_keys=True))
    deployed = subprocess.run(
        [
            *(sam, "deploy", "--template-file", template),
            *("--stack-name", stack.stack_name(stage), "--region", account.region),
            *("--capabilities", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"),
            *("--resolve-s3", "--no-fail-on-empty-changeset", "--no-progressbar"),
            "--no-confirm-changeset" if yes else "--confirm-changeset",
            *("--parameter-overrides", f"file://{values}"),
        ],
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        check=False,
    )
    if deployed.returncode:
        way_out = ""
        if stack.status(account, stage) in stack.NEVER_STOOD:
            way_out = (
                f". It failed at {stack.first_failure(account, stage)}\nPut that right, then run "
                "make deploy again: it removes what is left of this one first"
            )
        raise DeployError(f"SAM did not deploy; see above{way_out}")


def _deployed_revision(account: Account, stage: str) -> str:
    try:
        return stack.read(account, stage).parameters.get("Revision", "")
    except stack.NoStack:
        return ""


def _tell_site(account: Account, made: stack.Stack) -> None:
    print("\nThe site's environment:\n")
    for name, value in site_environment(account, made).items():
        print(f"{name}={value}")
    # Not as lines for the file: no command runs there, and the texts themselves would be secrets.
    print("# Secrets are not shown here. Add them to your file of variables:")
    for name, command in _secrets(account, made).items():
        print(f'# echo "{name}=$({command})" >> .env')
    if public := made.outputs.get("PublicClientId"):
        print(f"\nFor apps, not for the site:\n\nCOGNITO_PUBLIC_CLIENT_ID={public}")
    print(
        f"\nThe role of the site needs {made.outputs['WebTierPolicyArn']}\n"
        f"Where it runs without the admin, {made.outputs['SignInPolicyArn']} is enough"
    )


def _secrets(account: Account, made: stack.Stack) -> dict[str, str]:
    """Return the commands that say the site's secrets, by the names of their variables."""
    clients = {"COGNITO_CLIENT_SECRET": made.client_id}
    if made.known_client_id:
        clients["COGNITO_KNOWN_CLIENT_SECRET"] = made.known_client_id
    if made.site_client_id:
        clients["COGNITO_SITE_CLIENT_SECRET"] = made.site_client_id
    return {
        name: f"aws cognito-idp describe-user-pool-client --region {account.region} "
        f"--user-pool-id {made.user_pool_id} --client-id {client} "
        "--query UserPoolClient.ClientSecret --output text"
        for name, client in clients.items()
    } | {
        "SITE_KEY": f"aws secretsmanager get-secret-value --region {account.region} "
        f"--secret-id {made.site_key} --query SecretString --output text"
    }


def _environment(account: Account) -> Mapping[str, str]:
    """Return the environment of a command that needs none of the site's settings."""
    return {
        "DJANGO_SECRET_KEY": "of-no-use-to-these-commands",
        **os.environ,
        "AWS_REGION": account.region,
        "ENV_FILE": os.devnull,
    }


if __name__ == "__main__":
    sys.exit(main())

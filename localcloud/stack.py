"""Deploy lambdas/template.yaml through CloudFormation, as in production."""

import contextlib
import io
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from cognito_admin import revision
from localcloud import LocalCloudError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

STACK = "phone-login-local"
DEPLOY_TIMEOUT = 60.0
_BUCKET = "phone-login-local-code"
_LOCAL_CODE = "CodeUri: .\n"
# The emulator knows no alarms on more than one metric.
_WITHOUT = {"FailedAnswersAlarm": "0", "UnusedTextsAlarm": "0"}
_REVISION = 'Revision:\n    Type: String\n    Default: ""\n'


def package(lambdas_dir: Path) -> tuple[bytes, str]:
    """Return the functions' zip and a key for it; the same sources give the same key."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in revision.sources(lambdas_dir):
            # Without the file's time, which differs in each clone.
            entry = zipfile.ZipInfo(path.relative_to(lambdas_dir).as_posix())
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue(), f"{revision.digest(lambdas_dir)}.zip"


def deploy(
    session: boto3.Session, endpoint_url: str, lambdas_dir: Path, parameters: dict[str, str]
) -> dict[str, str]:
    """Create or update the stack, wait until it stands and return its outputs.

    Raises LocalCloudError with the first resource that failed, and why.
    """
    try:
        code, key = package(lambdas_dir)
        parameters = _WITHOUT | parameters
        s3 = session.client("s3", endpoint_url=endpoint_url)
        # An emulator that was killed has kept it, and nothing else.
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=_BUCKET)
        s3.put_object(Bucket=_BUCKET, Key=key, Body=code)
        template = (lambdas_dir / "template.yaml").read_text()
        if template.count(_LOCAL_CODE) != 1:
            raise LocalCloudError(f"The template must say {_LOCAL_CODE.strip()!r} exactly once")
        cloudformation = session.client("cloudformation", endpoint_url=endpoint_url)
        # Cognito calls published versions, and SAM publishes one when this changes. The emulator
        # tells SAM the defaults of parameters only.
        deployed = revision.of(lambdas_dir, parameters)
        template = template.replace(_REVISION, f'{_REVISION[:-2]}{deployed}"\n')
        template = template.replace(_LOCAL_CODE, f"CodeUri: s3://{_BUCKET}/{key}\n")
        # Too large for a request: SAM sends it by way of S3 as well.
        s3.put_object(Bucket=_BUCKET, Key="template.yaml", Body=template.encode())
        template_url = f"{endpoint_url}/{_BUCKET}/template.yaml"
        is_changed = _apply(cloudformation, template_url, parameters)
        stack = _wait(cloudformation)
    except (BotoCoreError, ClientError) as error:
        raise LocalCloudError(f"The deployment failed: {error}") from error
    # A change that failed was rolled back, perhaps to just what the template says again.
    stands = ["CREATE_COMPLETE", "UPDATE_COMPLETE"]
    if not is_changed:
        stands.append("UPDATE_ROLLBACK_COMPLETE")
    if stack["StackStatus"] not in stands:
        raise LocalCloudError(f"The deployment failed: {_first_failure(cloudformation, stack)}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _apply(client: "CloudFormationClient", template_url: str, parameters: dict[str, str]) -> bool:
    """Create or update the stack. Returns whether there is anything to wait for."""
    _remove_failed_creation(client)
    change = client.update_stack if _find(client) else client.create_stack
    try:
        change(
            StackName=STACK,
            TemplateURL=template_url,
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
        return False
    return True


def _remove_failed_creation(client: "CloudFormationClient") -> None:
    stack = _find(client)
    if stack and stack["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED"):
        client.delete_stack(StackName=STACK)
        _wait(client, gone=True)


def _find(client: "CloudFormationClient") -> "StackTypeDef | None":
    try:
        return client.describe_stacks(StackName=STACK)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _wait(client: "CloudFormationClient", *, gone: bool = False) -> "StackTypeDef":
    deadline = time.monotonic() + DEPLOY_TIMEOUT
    while time.monotonic() < deadline:
        stack = _find(client)
        if stack is None:
            if gone:
                return {}  # type: ignore[typeddict-item]
            raise LocalCloudError("The deployment failed: the stack is gone")
        if not gone and not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.1)
    raise LocalCloudError(f"The deployment took longer than {DEPLOY_TIMEOUT:.0f} s")


def _first_failure(client: "CloudFormationClient", stack: "StackTypeDef") -> str:
    failure = stack.get("StackStatusReason") or stack["StackStatus"]
    # Newest first, and no further back than the start of this change.
    pages = client.get_paginator("describe_stack_events").paginate(StackName=STACK)
    for event in (each for page in pages for each in page["StackEvents"]):
        name, status = event.get("LogicalResourceId"), event.get("ResourceStatus", "")
        if name == STACK and status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
            break
        if status.endswith("_FAILED"):
            failure = f"{name}: {event.get('ResourceStatusReason', 'no reason given')}"
    return failure

"""``sam deploy`` as far as make deploy uses it: packages the code and applies the template.

AWS SAM itself takes 270 MB; where make deploy has installed it, the tests run it as well.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import boto3

from localcloud import stack

BUCKET = "stand-in-sam"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["deploy"])
    parser.add_argument("--template-file", type=Path, required=True)
    parser.add_argument("--stack-name", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--capabilities", nargs="+", required=True)
    parser.add_argument("--parameter-overrides", required=True)
    for flag in ("resolve-s3", "no-fail-on-empty-changeset", "no-progressbar"):
        parser.add_argument(f"--{flag}", action="store_true", required=True)
    asks = parser.add_mutually_exclusive_group(required=True)
    asks.add_argument("--no-confirm-changeset", action="store_true")
    asks.add_argument("--confirm-changeset", action="store_true")
    options = parser.parse_args()

    code, key = stack.package(options.template_file.parent / "code")
    s3 = boto3.client("s3", region_name=options.region)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=key, Body=code)
    template = options.template_file.read_text().replace(
        "    CodeUri: code\n", f"    CodeUri: s3://{BUCKET}/{key}\n"
    )
    s3.put_object(Bucket=BUCKET, Key="template.yaml", Body=template.encode())
    given = json.loads(Path(options.parameter_overrides.removeprefix("file://")).read_text())
    parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
    client = boto3.client("cloudformation", region_name=options.region)
    existing = {
        one["StackName"]
        for one in client.list_stacks(StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])[
            "StackSummaries"
        ]
    }
    if options.confirm_changeset and input("Deploy this changeset? [y/N]: ") != "y":
        return
    change = client.update_stack if options.stack_name in existing else client.create_stack
    change(
        StackName=options.stack_name,
        TemplateURL=f"{s3.meta.endpoint_url}/{BUCKET}/template.yaml",
        Parameters=parameters,
        Capabilities=options.capabilities,
    )
    while True:
        (found,) = client.describe_stacks(StackName=options.stack_name)["Stacks"]
        if not found["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(0.05)
    sys.exit("ROLLBACK" in found["StackStatus"] or "FAILED" in found["StackStatus"])


if __name__ == "__main__":
    main()

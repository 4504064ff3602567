"""What the doctor is told, what is read once for all checks, and what a check finds."""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from cognito_admin import clients, revision, stack
from cognito_admin.account import Account
from cognito_admin.stack import Stack

LAMBDAS = Path(__file__).resolve().parents[2] / "lambdas"


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    DANGER = "danger"
    # A warning or a danger that the stage lives with for a time.
    ACCEPTED = "accepted"
    NOT_CHECKED = "not checked"
    # By the wish of whoever asked.
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Finding:
    """``check`` names what was looked at; ``mend`` is the command, or one way, to put it right."""

    check: str
    level: Level
    text: str
    mend: str = ""


def ok(check: str, text: str) -> Finding:
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, mend: str) -> Finding:
    return Finding(check, Level.WARNING, text, mend)


def danger(check: str, text: str, mend: str) -> Finding:
    return Finding(check, Level.DANGER, text, mend)


def not_checked(check: str, why: str) -> Finding:
    return Finding(check, Level.NOT_CHECKED, why)


def left_out(check: str, why: str) -> Finding:
    return Finding(check, Level.LEFT_OUT, why)


Check = Callable[["Case"], Iterator[Finding]]


@dataclass
class Case:
    """One pool and the stack that works for it. What is read may raise botocore's errors."""

    account: Account
    stage: str

    @cached_property
    def stack(self) -> Stack:
        return stack.read(self.account, self.stage)

    @property
    def pool_id(self) -> str:
        return self.stack.user_pool_id

    @cached_property
    def pool(self) -> dict[str, Any]:
        described: dict[str, Any] = self.account.client("cognito-idp").describe_user_pool(
            UserPoolId=self.pool_id
        )["UserPool"]
        return described

    @property
    def settable(self) -> list[str]:
        """The settings of a pool that UpdateUserPool takes."""
        model = self.account.client("cognito-idp").meta.service_model
        return list(model.operation_model("UpdateUserPool").input_shape.members)

    @cached_property
    def pool_arn(self) -> str:
        return str(self.pool["Arn"])

    @cached_property
    def clients(self) -> list[dict[str, Any]]:
        """All clients of the pool, described."""
        pages = self.account.client("cognito-idp").get_paginator("list_user_pool_clients")
        return [
            clients.describe(self.account, self.pool_id, one["ClientId"])
            for page in pages.paginate(UserPoolId=self.pool_id)
            for one in page["UserPoolClients"]
        ]

    @cached_property
    def client_list(self) -> list[str]:
        """The clients that get codes, as the triggers read them."""
        reply = self.account.client("ssm").get_parameter(Name=self.stack.client_list)
        return [each.strip() for each in reply["Parameter"]["Value"].split(",") if each.strip()]

    @cached_property
    def texting(self) -> Account:
        """The account in the region that texts leave from, which may be another one."""
        return Account(
            self.parameter("SmsRegion") or self.account.region, self.account.endpoint_url
        )

    def parameter(self, name: str) -> str:
        return self.stack.parameters.get(name, "")

    def in_region(self, finding: Finding) -> Finding:
        """Return a finding whose commands ask the region of the stack, not that of the shell."""
        with_region = rf"\g<0> --region {self.account.region}"
        # Texts may leave from another one, which is named already.
        command = r"\baws [a-z0-9-]+ [a-z-]+(?![a-z-]| --region)"
        return replace(finding, mend=re.sub(command, with_region, finding.mend))

    # Commands that mend. They are pasted into a shell, and names in a pool may hold anything.

    def set_pool(self, setting: str) -> str:
        return f"python manage.py cognito_set --user-pool-id {self.pool_id} {shlex.quote(setting)}"

    def set_client(self, client_id: str, *settings: str) -> str:
        return (
            f"python manage.py cognito_set --user-pool-id {self.pool_id} "
            f"--client-id {client_id} {shlex.join(settings)}"
        )

    def aws(self, operation: str, options: str = "") -> str:
        """Return a command of the AWS CLI; its region is added by ``in_region``."""
        return f"aws {operation} {options}".rstrip()

    @property
    def attach(self) -> str:
        return f"python manage.py cognito_attach --user-pool-id {self.pool_id} --stage {self.stage}"

    @property
    def deploy(self) -> str:
        """What brings a change of sources, template or parameters; without one it does nothing."""
        return f"make deploy STAGE={self.stage}"

    @property
    def restore(self) -> str:
        """What brings back what was changed past the stack; or the stack up to this checkout."""
        deployed = self.parameter("Revision")
        is_current = LAMBDAS.is_dir() and revision.has_sources(deployed, LAMBDAS)
        return f"make revert STAGE={self.stage}" if is_current else self.deploy

    @property
    def anew(self) -> str:
        """What makes what was deleted from the stack, and keeps pool, table and key."""
        return f"make undeploy STAGE={self.stage}; {self.deploy} USER_POOL_ID={self.pool_id}"

    def deploy_with(self, setting: str) -> str:
        return f"{setting} under [{self.stage}] in deploy.toml, then {self.deploy}"

"""What the doctor is told, what is read once for all checks, and what a check finds."""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from cognito_admin import clients, stack
from cognito_admin.account import Account
from cognito_admin.stack import Stack


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    DANGER = "danger"
    # A warning or a danger that the stage lives with for a time.
    ACCEPTED = "accepted"
    NOT_CHECKED = "not checked"


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

    def parameter(self, name: str) -> str:
        return self.stack.parameters.get(name, "")

    def in_region(self, finding: Finding) -> Finding:
        """Return a finding whose commands ask the region of the stack, not that of the shell."""
        with_region = rf"\g<0> --region {self.account.region}"
        return replace(finding, mend=re.sub(r"\baws [a-z0-9-]+ [a-z-]+", with_region, finding.mend))

    # Commands that mend. They are pasted into a shell, and names in a pool may hold anything.

    def set_pool(self, setting: str) -> str:
        return f"python manage.py cognito_set --user-pool-id {self.pool_id} {shlex.quote(setting)}"

    def set_client(self, client_id: str, setting: str) -> str:
        return (
            f"python manage.py cognito_set --user-pool-id {self.pool_id} "
            f"--client-id {client_id} {shlex.quote(setting)}"
        )

    @property
    def attach(self) -> str:
        return f"python manage.py cognito_attach --user-pool-id {self.pool_id} --stage {self.stage}"

    @property
    def deploy(self) -> str:
        return f"make deploy STAGE={self.stage}"

    def deploy_with(self, setting: str) -> str:
        return f"{setting} under [{self.stage}] in deploy.toml, then {self.deploy}"

"""The context that all checks share: stack and pool, read once; findings; commands."""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from cognito_admin import app_clients, revision, stack
from cognito_admin.aws_account import Account
from cognito_admin.stack import Stack

LAMBDAS = Path(__file__).resolve().parents[2] / "lambdas"


class Level(StrEnum):
    """How much a finding matters; the command ends with 1 or 2 after the worst."""

    OK = "ok"
    WARNING = "warning"
    DANGER = "danger"
    # A warning or a danger that deploy.toml accepts for a time.
    ACCEPTED = "accepted"
    NOT_CHECKED = "not checked"
    # Nobody asked for it.
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class Finding:
    """The result of one check. ``repair`` is the command, or one way, to put it right."""

    check: str
    level: Level
    text: str
    repair: str = ""


def ok(check: str, text: str) -> Finding:
    """Return a finding: nothing is wrong."""
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, repair: str) -> Finding:
    """Return a finding that does not make the command fail."""
    return Finding(check, Level.WARNING, text, repair)


def danger(check: str, text: str, repair: str) -> Finding:
    """Return a finding that makes the command end with 1."""
    return Finding(check, Level.DANGER, text, repair)


def not_checked(check: str, why: str) -> Finding:
    """Return a finding that makes the command end with 2, where nothing is a danger."""
    return Finding(check, Level.NOT_CHECKED, why)


def left_out(check: str, why: str) -> Finding:
    """Return a finding about a part that nobody asked for."""
    return Finding(check, Level.LEFT_OUT, why)


Check = Callable[["Context"], Iterator[Finding]]


@dataclass
class Context:
    """One stack and its pool. Every property reads when it is first used, and may raise botocore's
    errors.
    """

    account: Account
    stage: str

    @cached_property
    def stack(self) -> Stack:
        """The stack of the stage. Raises NoStack."""
        return stack.read(self.account, self.stage)

    @property
    def pool_id(self) -> str:
        """The id of the pool that the stack works for."""
        return self.stack.user_pool_id

    @cached_property
    def pool(self) -> dict[str, Any]:
        """The pool, as DescribeUserPool gives it."""
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
        """The ARN of the pool."""
        return str(self.pool["Arn"])

    @cached_property
    def clients(self) -> list[dict[str, Any]]:
        """All clients of the pool, described."""
        pages = self.account.client("cognito-idp").get_paginator("list_user_pool_clients")
        return [
            app_clients.describe(self.account, self.pool_id, one["ClientId"])
            for page in pages.paginate(UserPoolId=self.pool_id)
            for one in page["UserPoolClients"]
        ]

    @cached_property
    def client_list(self) -> dict[str, str]:
        """The clients that get codes, as the triggers read them: their roles by their ids."""
        reply = self.account.client("ssm").get_parameter(Name=self.stack.client_list)
        listed = [each.strip().partition("=") for each in reply["Parameter"]["Value"].split(",")]
        return {identifier: role for identifier, _, role in listed if identifier}

    @cached_property
    def texting(self) -> Account:
        """The account in the region that texts leave from, which may be another one."""
        return Account(
            self.parameter("SmsRegion") or self.account.region, self.account.endpoint_url
        )

    def parameter(self, name: str) -> str:
        """Return a parameter of the stack, "" where it has none of that name."""
        return self.stack.parameters.get(name, "")

    @property
    def username(self) -> str:
        """``phone`` or ``attribute``, as the functions take user names of the pool."""
        # The local CloudFormation does not list parameters that were left at their default.
        return self.parameter("CognitoUsername") or "phone"

    def in_region(self, finding: Finding) -> Finding:
        """Return a finding whose commands ask the region of the stack, not that of the shell."""
        with_region = rf"\g<0> --region {self.account.region}"
        # Texts may leave from another one, which is named already.
        command = r"\baws [a-z0-9-]+ [a-z-]+(?![a-z-]| --region)"
        return replace(finding, repair=re.sub(command, with_region, finding.repair))

    def in_texting_region(self, repair: str) -> str:
        """Return a repair whose commands ask the region that texts and mails leave from."""
        with_region = rf"\g<0> --region {self.texting.region}"
        return re.sub(r"\baws [a-z0-9-]+ [a-z0-9-]+", with_region, repair)

    # Commands for ``repair``. They are pasted into a shell, and names in a pool may hold anything.

    def set_pool(self, setting: str) -> str:
        """Return the command that sets ``NAME=VALUE`` of the pool."""
        return f"python manage.py cognito_set --user-pool-id {self.pool_id} {shlex.quote(setting)}"

    def set_client(self, client_id: str, *settings: str) -> str:
        """Return the command that sets ``NAME=VALUE`` of an app client."""
        return (
            f"python manage.py cognito_set --user-pool-id {self.pool_id} "
            f"--client-id {client_id} {shlex.join(settings)}"
        )

    def aws(self, operation: str, options: str = "") -> str:
        """Return a command of the AWS CLI; its region is added by ``in_region``."""
        return f"aws {operation} {options}".rstrip()

    @property
    def attach(self) -> str:
        """The command that wires the triggers into the pool again."""
        return f"python manage.py cognito_attach --user-pool-id {self.pool_id} --stage {self.stage}"

    @property
    def deploy(self) -> str:
        """Deploys a change of sources, template or parameters; without one it does nothing."""
        return f"make deploy STAGE={self.stage}"

    @property
    def restore(self) -> str:
        """Undoes changes past the stack, or deploys this checkout where the stack is older."""
        deployed = self.parameter("Revision")
        is_current = LAMBDAS.is_dir() and revision.has_sources(deployed, LAMBDAS)
        return f"make revert STAGE={self.stage}" if is_current else self.deploy

    @property
    def recreate(self) -> str:
        """Makes again what was deleted from the stack. Pool, table and key are kept."""
        return f"make undeploy STAGE={self.stage}; {self.deploy} USER_POOL_ID={self.pool_id}"

    def deploy_with(self, setting: str) -> str:
        """Return what to write into deploy.toml, and the command after it."""
        return f"{setting} under [{self.stage}] in deploy.toml, then {self.deploy}"

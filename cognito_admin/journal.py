"""Write down a change of a user pool before its first call, and strike it out after the proof.

A change can take two calls: UpdateUserPool switches off second factors that it cannot be sent, and
SetUserPoolMfaConfig switches them on again. A process that ends in between leaves a pool without
them, and nothing in the pool says so. The entry does: it holds the whole pool as it was before.

Entries are parameters of Systems Manager, one for each 4 KB. The first part is written last and
counts the others, so half an entry is none.
"""

import base64
import json
import zlib
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from cognito_admin import pool
from cognito_admin.aws_account import Account
from cognito_admin.pool import Change, Settings

# The most that a parameter of the standard tier holds.
_PART = 4096 - len("999 ")
_DELETED_AT_ONCE = 10


@dataclass(frozen=True)
class Entry:
    """A change that was begun.

    ``before`` is the pool as DescribeUserPool gave it, ``mfa_before`` its second factors as
    GetUserPoolMfaConfig did; ``after`` and ``mfa_after`` are what they were to become.
    """

    began: str
    before: dict[str, Any]
    mfa_before: dict[str, Any]
    after: dict[str, Any]
    mfa_after: dict[str, Any]

    def has_lost_mfa(self, mfa: Settings) -> bool:
        """Tell whether second factors are as the change left them half-way.

        Another MfaConfiguration than OFF or the planned one is somebody's decision since.
        """
        return (
            bool(pool.mfa_changes(self.mfa_before, mfa))
            and bool(pool.mfa_changes(self.mfa_after, mfa))
            and mfa.get("MfaConfiguration") in ("OFF", self.mfa_after.get("MfaConfiguration"))
        )

    def other_differences(self, described: Settings, members: Collection[str]) -> list[Change]:
        """Return what is neither as it was before nor as it was to become, second factors aside.

        ``members`` are those that UpdateUserPool can set.
        """
        return [
            change
            for change in pool.changes(self.after, described)
            if change.path[0] in members
            and change.path[0] != "MfaConfiguration"
            and pool.setting(self.before, change.path) != pool.setting(described, change.path)
        ]


def begin(
    account: Account,
    before: Settings,
    mfa_before: Settings,
    after: Settings,
    mfa_after: Settings,
) -> None:
    """Write down what is about to change. Raises botocore's errors."""
    entry = Entry(
        datetime.now(UTC).isoformat(timespec="seconds"),
        dict(before),
        dict(mfa_before),
        dict(after),
        dict(mfa_after),
    )
    packed = base64.b64encode(zlib.compress(json.dumps(asdict(entry), default=str).encode(), 9))
    parts = [
        packed[start : start + _PART].decode("ascii") for start in range(0, len(packed), _PART)
    ]
    parts[0] = f"{len(parts)} {parts[0]}"
    ssm = account.client("ssm")
    for number, part in reversed(list(enumerate(parts, 1))):
        ssm.put_parameter(
            Name=_name(before["Id"], number),
            Type="String",
            Value=part,
            Description="A change of this user pool is under way, or was cut off",
            Overwrite=True,
        )


def read(account: Account, user_pool_id: str) -> Entry | None:
    """Return the change that is under way or was cut off. Raises botocore's errors."""
    ssm = account.client("ssm")

    def part(number: int) -> str:
        return str(ssm.get_parameter(Name=_name(user_pool_id, number))["Parameter"]["Value"])

    try:
        count, _, packed = part(1).partition(" ")
        packed += "".join(part(number) for number in range(2, int(count) + 1))
    except ssm.exceptions.ParameterNotFound:
        return None
    return Entry(**json.loads(zlib.decompress(base64.b64decode(packed))))


def end(account: Account, user_pool_id: str) -> None:
    """Strike the entry out. Harmless when repeated. Raises botocore's errors."""
    ssm = account.client("ssm")
    try:
        first = ssm.get_parameter(Name=_name(user_pool_id, 1))["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return
    names = [_name(user_pool_id, number + 1) for number in range(int(first.partition(" ")[0]))]
    for start in range(0, len(names), _DELETED_AT_ONCE):
        ssm.delete_parameters(Names=names[start : start + _DELETED_AT_ONCE])


def _name(user_pool_id: str, number: int) -> str:
    return f"/phone-login/changing/{user_pool_id}/{number}"

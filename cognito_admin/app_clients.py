"""Change single settings of an app client, and nothing else of it."""

from dataclasses import dataclass
from typing import Any

from cognito_admin import pool
from cognito_admin.aws_account import Account
from cognito_admin.pool import Change, NotAsPlanned


@dataclass(frozen=True)
class ClientPlan:
    """``request`` is the whole UpdateUserPoolClient; ``changes`` is all that will differ."""

    before: dict[str, Any]
    request: dict[str, Any]
    changes: list[Change]


def plan_settings(
    account: Account, user_pool_id: str, client_id: str, values: dict[pool.Path, Any]
) -> ClientPlan:
    """Plan to change settings of a client; None takes one away. Raises botocore's errors."""
    before = describe(account, user_pool_id, client_id)
    after = before
    for path, value in values.items():
        after = pool.with_setting(after, path, value)
    model = account.client("cognito-idp").meta.service_model.operation_model("UpdateUserPoolClient")
    return ClientPlan(
        before=before,
        request=pool.client_update_request(after, model.input_shape.members),
        changes=pool.changes(before, after),
    )


def apply(account: Account, planned: ClientPlan) -> None:
    """Do what was planned, and prove it. Raises NotAsPlanned."""
    account.client("cognito-idp").update_user_pool_client(**planned.request)
    after = describe(account, planned.before["UserPoolId"], planned.before["ClientId"])
    undone, more = pool.compare(planned.before, planned.changes, after)
    if undone or more:
        raise NotAsPlanned(undone, more)


def describe(account: Account, user_pool_id: str, client_id: str) -> dict[str, Any]:
    """Return a client as DescribeUserPoolClient gives it. Raises botocore's errors."""
    described: dict[str, Any] = account.client("cognito-idp").describe_user_pool_client(
        UserPoolId=user_pool_id, ClientId=client_id
    )["UserPoolClient"]
    return described

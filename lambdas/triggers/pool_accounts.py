"""Accounts of the user pool, as Cognito has them: for functions that Cognito does not call."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from . import environment

_CONFIG = Config(connect_timeout=0.5, read_timeout=1.0, retries={"total_max_attempts": 1})


def attributes_of(user_name: str) -> dict[str, str]:
    """Return the attributes of an account that may sign in, {} where there is none.

    As Cognito shows them to its triggers. Raises botocore's errors.
    """
    client = _client()
    try:
        found = client.admin_get_user(UserPoolId=pool(), Username=user_name)
    except client.exceptions.UserNotFoundException:
        return {}
    if not found["Enabled"]:
        return {}
    status = {"cognito:user_status": found["UserStatus"]}
    return {each["Name"]: each.get("Value", "") for each in found["UserAttributes"]} | status


def pool() -> str:
    """Return the id of the user pool. Raises WrongEnvironment."""
    return environment.text("USER_POOL_ID")


@cache
def _client() -> Any:
    return boto3.client("cognito-idp", config=_CONFIG)

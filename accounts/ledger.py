"""What the triggers' ledger holds on a number, for operators.

The ledger names numbers by hashes whose key never leaves AWS, so a function there is asked.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from accounts.conf import conf

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class LedgerError(Exception):
    """The function could not be asked, or did not answer as it should."""


@dataclass(frozen=True)
class PhoneState:
    """``held_until`` is in seconds since the epoch, and in the past where nothing is held."""

    failures: int
    held_until: int
    is_locked: bool
    sends_last_hour: int
    sends_last_day: int


@dataclass(frozen=True)
class Blocked:
    """How many texts to a country the triggers blocked for a reason on a day (UTC)."""

    day: str
    country: str
    reason: str
    count: int


def show(phone: str) -> PhoneState:
    """Return what is held on ``phone`` (E.164). Raises LedgerError."""
    return _ask("show", phone)


def unlock(phone: str) -> PhoneState:
    """Forget failures, holds and texts of ``phone``. Raises LedgerError."""
    return _ask("unlock", phone)


def blocked(days: int) -> list[Blocked]:
    """Return what the triggers blocked in the last so many days. Raises LedgerError."""
    payload = _invoke({"action": "overview", "days": days})
    try:
        return [Blocked(**row) for row in payload["blocked"]]
    except (KeyError, TypeError) as error:
        raise LedgerError(type(error).__name__) from error


def _ask(action: str, phone: str) -> PhoneState:
    try:
        return PhoneState(**_invoke({"action": action, "phone": phone}))
    except TypeError as error:
        raise LedgerError(type(error).__name__) from error


def _invoke(event: dict[str, Any]) -> Any:
    if not conf.ledger_function:
        raise LedgerError("LEDGER_FUNCTION is not set")
    try:
        reply = _client().invoke(FunctionName=conf.ledger_function, Payload=json.dumps(event))
        payload = json.loads(reply["Payload"].read())
        if reply.get("FunctionError"):
            raise LedgerError(f"The function failed: {payload.get('errorType', 'unknown')}")
    except ClientError as error:
        raise LedgerError(str(error.response.get("Error", {}).get("Code"))) from error
    except (BotoCoreError, ValueError, TypeError, AttributeError) as error:
        raise LedgerError(type(error).__name__) from error
    return payload


@cache
def _client() -> "LambdaClient":
    return boto3.Session().client(
        "lambda",
        region_name=conf.region,
        endpoint_url=conf.endpoint_url,
        config=Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}),
    )

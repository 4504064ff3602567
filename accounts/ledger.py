"""What the triggers' ledger holds on a number, and how many texts it counted, for operators.

The ledger names numbers by hashes whose key never leaves AWS, so a function there is asked.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from accounts import outbound
from accounts.conf import conf

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class LedgerError(Exception):
    """The function could not be asked, or did not answer as it should."""


@dataclass(frozen=True)
class PhoneState:
    """Times are in seconds since the epoch. ``held_until`` is in the past where nothing is held.

    ``known_since`` is the first text of which the ledger keeps anything, ``used_at`` the last right
    code since then; both are 0 for never, and None from functions that do not say.
    """

    failures: int
    held_until: int
    is_locked: bool
    sends_last_hour: int
    sends_last_day: int
    known_since: int | None = None
    used_at: int | None = None


@dataclass(frozen=True)
class Sent:
    """Texts that left on a UTC day; ``country`` is its ISO code."""

    day: date
    country: str
    count: int


@dataclass(frozen=True)
class Blocked:
    """Texts that were not sent on a UTC day, and why; ``country`` is "" where nobody knows it.

    A ``reason`` is a limit (``held``, ``phone_hour``, ``country`` …), ``unknown`` for numbers
    without an account, or the sender's (``opted_out``, ``landline`` …).
    """

    day: date
    country: str
    reason: str
    count: int


@dataclass(frozen=True)
class Overview:
    sent: list[Sent]
    blocked: list[Blocked]


def show(phone: str) -> PhoneState:
    """Return what is held on ``phone`` (E.164). Raises LedgerError."""
    return _state("show", phone)


def unlock(phone: str, *, user_sub: str = "") -> PhoneState:
    """Forget failures, holds and texts of ``phone``, and those of the user's confirmations.

    Raises LedgerError.
    """
    return _state("unlock", phone, **({"user": user_sub} if user_sub else {}))


def overview(days: int) -> Overview:
    """Return the texts of the last ``days`` (1 to 31), today included. Raises LedgerError."""
    reply = _ask({"action": "overview", "days": days})
    try:
        return Overview(
            sent=[
                Sent(date.fromisoformat(each["day"]), str(each["country"]), int(each["count"]))
                for each in reply["sent"]
            ],
            blocked=[
                Blocked(
                    date.fromisoformat(each["day"]),
                    str(each["country"]),
                    str(each["reason"]),
                    int(each["count"]),
                )
                for each in reply["blocked"]
            ],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise LedgerError("The reply makes no sense") from error


def _state(action: str, phone: str, **more: str) -> PhoneState:
    try:
        return PhoneState(**_ask({"action": action, "phone": phone, **more}))
    except TypeError as error:
        raise LedgerError("The reply makes no sense") from error


def _ask(event: dict[str, Any]) -> dict[str, Any]:
    if not conf.ledger_function:
        raise LedgerError("LEDGER_FUNCTION is not set")
    try:
        payload, failed = outbound.calls_to(conf.ledger_function).run(partial(_invoke, event))
        if failed:
            raise LedgerError(f"The function failed: {payload.get('errorType', 'unknown')}")
    except ClientError as error:
        raise LedgerError(str(error.response.get("Error", {}).get("Code"))) from error
    except (BotoCoreError, outbound.CallError, ValueError, TypeError, AttributeError) as error:
        raise LedgerError(type(error).__name__) from error
    if not isinstance(payload, dict):
        raise LedgerError("The reply makes no sense")
    return payload


def _invoke(event: dict[str, Any]) -> tuple[Any, bool]:
    """Return what the function answers, and whether it failed."""
    reply = _client().invoke(FunctionName=conf.ledger_function, Payload=json.dumps(event))
    return json.loads(reply["Payload"].read()), bool(reply.get("FunctionError"))


@cache
def _client() -> "LambdaClient":
    return boto3.Session().client(
        "lambda",
        region_name=conf.region,
        endpoint_url=conf.endpoint_url,
        config=Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}),
    )

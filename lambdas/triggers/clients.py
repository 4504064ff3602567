"""Which app clients may ask for a code: those in a parameter that the stack fills.

The functions cannot be told by the template itself: the client belongs to the pool, and the pool
to its triggers.
"""

import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from . import environment

_CONFIG = Config(connect_timeout=0.3, read_timeout=0.7, retries={"total_max_attempts": 1})
_KEPT = 60.0


class ClientNotAllowed(Exception):
    """Cognito hands the message to the caller."""


class _Allowed:
    """The list, read again after a minute; an old one serves while it cannot be read."""

    def __init__(self) -> None:
        self._ids: frozenset[str] = frozenset()
        self._read_at = 0.0

    def ids(self) -> frozenset[str]:
        if not self._ids or time.monotonic() - self._read_at > _KEPT:
            try:
                self._ids = _read()
            except (BotoCoreError, ClientError):
                if not self._ids:
                    raise
            self._read_at = time.monotonic()
        return self._ids

    def forget(self) -> None:
        self._ids = frozenset()


allowed = _Allowed()


def require(client_id: object) -> None:
    """Raise ClientNotAllowed, or botocore's errors where no list can be had."""
    if client_id not in allowed.ids():
        raise ClientNotAllowed("This app client gets no codes")


def _read() -> frozenset[str]:
    ssm = boto3.client("ssm", config=_CONFIG)
    reply = ssm.get_parameter(Name=environment.text("CLIENT_IDS_PARAMETER"))
    return frozenset(each.strip() for each in reply["Parameter"]["Value"].split(",")) - {""}

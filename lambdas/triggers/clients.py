"""App clients that may ask for a code, listed in a parameter that the stack fills.

The template cannot pass them to the functions: the client belongs to the pool, and the pool to its
triggers.
"""

import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from . import environment

_CONFIG = Config(connect_timeout=0.3, read_timeout=0.7, retries={"total_max_attempts": 1})
_KEPT = 60.0


class ClientNotAllowed(Exception):
    """The app client is not on the list. Cognito hands the message to the caller."""


class _Allowed:
    """The list, read again after a minute.

    Fails open on what it read before, closed without it: an old list serves while no new one can
    be read.
    """

    def __init__(self) -> None:
        self._ids: frozenset[str] = frozenset()
        self._read_at = 0.0

    def ids(self) -> frozenset[str]:
        """Return the ids. Raises botocore's errors where none were ever read."""
        if not self._ids or time.monotonic() - self._read_at > _KEPT:
            try:
                self._ids = _read()
            except (BotoCoreError, ClientError):
                if not self._ids:
                    raise
            self._read_at = time.monotonic()
        return self._ids

    def forget(self) -> None:
        """Read the list again at the next call."""
        self._ids = frozenset()


allowed = _Allowed()


def require(client_id: object) -> None:
    """Raise ClientNotAllowed for any other client, or botocore's errors without a list."""
    if client_id not in allowed.ids():
        raise ClientNotAllowed("This app client gets no codes")


def _read() -> frozenset[str]:
    ssm = boto3.client("ssm", config=_CONFIG)
    reply = ssm.get_parameter(Name=environment.text("CLIENT_IDS_PARAMETER"))
    return frozenset(each.strip() for each in reply["Parameter"]["Value"].split(",")) - {""}

"""App clients that may ask for a code, listed in a parameter that the stack fills.

The list has commas; ``=public`` behind an id says that the client follows PUBLIC_SIGN_IN_PLAN.

The template cannot pass them to the functions: the client belongs to the pool, and the pool to its
triggers.
"""

import time
from collections.abc import Mapping

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
        self._ids: dict[object, int] = {}
        self._read_at = 0.0

    def ids(self) -> Mapping[object, int]:
        """Return the numbers of their plans by the ids of the clients.

        Raises botocore's errors where none were ever read.
        """
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
        self._ids = {}


allowed = _Allowed()


def require(client_id: object) -> int:
    """Return the number of the client's plan in ``plans.configured()``.

    Raises ClientNotAllowed for a client that is not on the list, or botocore's errors without one.
    """
    if client_id not in allowed.ids():
        raise ClientNotAllowed("This app client gets no codes")
    return allowed.ids()[client_id]


def _read() -> dict[object, int]:
    ssm = boto3.client("ssm", config=_CONFIG)
    reply = ssm.get_parameter(Name=environment.text("CLIENT_IDS_PARAMETER"))
    listed = [each.strip().partition("=") for each in reply["Parameter"]["Value"].split(",")]
    return {client_id: int(plan == "public") for client_id, _, plan in listed if client_id}

"""App clients that may ask for a code, listed in a parameter that the stack fills.

The list has commas; behind an id may stand what the client is for: ``id=known`` (``plans.Role``).

The template cannot pass them to the functions: the client belongs to the pool, and the pool to its
triggers.
"""

import time
from collections.abc import Mapping

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from . import environment
from .plans import Role

_CONFIG = Config(connect_timeout=0.3, read_timeout=0.7, retries={"total_max_attempts": 1})
_KEPT = 60.0
_ROLES = frozenset(Role)


class ClientNotAllowed(Exception):
    """The app client is not on the list. Cognito hands the message to the caller."""


class _Allowed:
    """The list, read again after a minute.

    Fails open on what it read before, closed without it: an old list serves while no new one can
    be read.
    """

    def __init__(self) -> None:
        self._roles: dict[object, Role] = {}
        self._read_at = 0.0

    def roles(self) -> Mapping[object, Role]:
        """Return the roles of the clients by their ids.

        Raises botocore's errors where none were ever read.
        """
        if not self._roles or time.monotonic() - self._read_at > _KEPT:
            try:
                self._roles = _read()
            except (BotoCoreError, ClientError):
                if not self._roles:
                    raise
            self._read_at = time.monotonic()
        return self._roles

    def forget(self) -> None:
        """Read the list again at the next call."""
        self._roles = {}


allowed = _Allowed()


def require(client_id: object) -> Role:
    """Return the role of a client.

    Raises ClientNotAllowed for a client that is not on the list, or botocore's errors without one.
    """
    role = allowed.roles().get(client_id)
    if role is None:
        raise ClientNotAllowed("This app client gets no codes")
    return role


def _read() -> dict[object, Role]:
    ssm = boto3.client("ssm", config=_CONFIG)
    reply = ssm.get_parameter(Name=environment.text("CLIENT_IDS_PARAMETER"))
    listed = [each.strip().partition("=") for each in reply["Parameter"]["Value"].split(",")]
    # One whose role is of a later version gets no codes from this one.
    return {client_id: Role(role) for client_id, _, role in listed if client_id and role in _ROLES}

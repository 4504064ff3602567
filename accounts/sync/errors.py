"""Errors of a comparison or a repair.

SyncError
├── Overtaken        another process works on this run, or somebody began a new one
├── NotDone          this difference was not repaired or undone; the text says why
└── Unreachable      Cognito could not be asked; nothing has changed, and it can be tried again
    └── Misconfigured    trying again does not help
"""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.aws import cognito


class SyncError(Exception):
    pass


class Overtaken(SyncError):
    pass


class NotDone(SyncError):
    pass


class Unreachable(SyncError):
    """``reason`` is the name of the gateway's error."""

    def __init__(self, error: cognito.CognitoError) -> None:
        super().__init__(repr(error))
        self.reason = type(error).__name__


class Misconfigured(Unreachable):
    pass


@contextmanager
def translated() -> Iterator[None]:
    """Raise Unreachable or Misconfigured in place of the gateway's errors."""
    try:
        yield
    except cognito.Misconfigured as error:
        raise Misconfigured(error) from error
    except cognito.CognitoError as error:
        raise Unreachable(error) from error

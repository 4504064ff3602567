"""Ask Cognito and the triggers' ledger about an account, for its page in the admin."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from accounts.aws import call_limits, cognito, functions, ledger
from accounts.aws.cognito_values import CognitoUser
from accounts.aws.ledger import PhoneState
from accounts.models import User

# The page waits no longer, whatever timeout the calls have. In seconds.
_PATIENCE = 3.0


@dataclass(frozen=True)
class RemoteState:
    """The answers of both. ``outage`` and ``ledger_outage`` are errors, or "".

    ``cognito`` is None if Cognito has no such user or was not reached; ``ledger`` is None if the
    user has no phone or the ledger was not reached.
    """

    cognito: CognitoUser | None
    outage: str
    ledger: PhoneState | None
    ledger_outage: str


def ask(user: User) -> RemoteState:
    """Ask both at the same time. An answer that takes over three seconds counts as an outage."""
    threads = ThreadPoolExecutor(2)
    of_cognito = threads.submit(_of_cognito, user.sub)
    of_ledger = threads.submit(_of_ledger, user.phone or "")
    until = time.monotonic() + _PATIENCE
    wait([of_cognito], _PATIENCE)
    wait([of_ledger], max(0.0, until - time.monotonic()))
    threads.shutdown(wait=False, cancel_futures=True)
    theirs, outage = of_cognito.result() if of_cognito.done() else (None, "TimeoutError")
    held, ledger_outage = of_ledger.result() if of_ledger.done() else (None, "TimeoutError")
    return RemoteState(theirs, outage, held, ledger_outage)


def _of_cognito(sub: str) -> tuple[CognitoUser | None, str]:
    try:
        # The request's deadline does not reach this thread.
        with call_limits.deadline(_PATIENCE):
            return cognito.gateway().read_user(sub), ""
    except cognito.UnknownUser:
        return None, ""
    except cognito.CognitoError as error:
        return None, f"{type(error).__name__}: {error}"


def _of_ledger(phone: str) -> tuple[PhoneState | None, str]:
    if not phone:
        return None, ""
    try:
        with call_limits.deadline(_PATIENCE):
            return ledger.show(phone), ""
    except functions.FunctionError as error:
        return None, str(error)

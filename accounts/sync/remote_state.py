"""Ask Cognito and the triggers' ledger about an account while its page is made."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from accounts.aws import cognito, functions, ledger, outbound
from accounts.aws.cognito_values import CognitoUser
from accounts.aws.ledger import PhoneState
from accounts.models import User

# Nobody waits longer for a page, whatever a call would wait.
_PATIENCE = 3.0


@dataclass(frozen=True)
class RemoteState:
    """``cognito`` is None where Cognito has no such user, or was not reached: ``outage`` says why.

    ``ledger`` is None where there is no number to ask for, or where it was not reached:
    ``ledger_outage`` says why.
    """

    cognito: CognitoUser | None
    outage: str
    ledger: PhoneState | None
    ledger_outage: str


def ask(user: User) -> RemoteState:
    """Ask both at once. What takes longer than three seconds is an outage, for this page."""
    threads = ThreadPoolExecutor(2)
    # An empty phone is a question that nobody need be asked.
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
        # A thread of its own knows no deadline of the request.
        with outbound.deadline(_PATIENCE):
            return cognito.gateway().read_user(sub), ""
    except cognito.UnknownUser:
        return None, ""
    except cognito.CognitoError as error:
        return None, f"{type(error).__name__}: {error}"


def _of_ledger(phone: str) -> tuple[PhoneState | None, str]:
    if not phone:
        return None, ""
    try:
        with outbound.deadline(_PATIENCE):
            return ledger.show(phone), ""
    except functions.FunctionError as error:
        return None, str(error)

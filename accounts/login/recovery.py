"""Back in with a code of operators: it opens one page, on which a new number is proven.

    open_with   the code that was read out was typed    → this browser may prove a number
    start, resend, finish   those of ``code_flow``      → the account has the number
    stop        somebody who was told of it stops it

A code alone signs nobody in. After the proof the person is signed in as after a backup code where
a sign-in asks for nothing but a code; elsewhere they sign in with the number, as everybody does.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from accounts import after_response, operations, sessions
from accounts.aws import sms
from accounts.events import sign_ins
from accounts.login import (
    attempt_steps,
    backup_login,
    change_phone,
    code_flow,
    pending,
    proven_login,
    throttle,
)
from accounts.login.attempt_steps import Step
from accounts.login.errors import (
    LoginError,
    NothingPending,
    RecoveryRefused,
    SamePhone,
)
from accounts.login.flow import Texted
from accounts.login.pending import Purpose
from accounts.login.site_codes import SiteCode
from accounts.models import Operation, Recovery, User
from accounts.operations import recoveries, recovery_codes

log = logging.getLogger(__name__)

Kind = sign_ins.Kind
_KEY = "accounts.recovery"
# How the tokens name it (RFC 8176).
_METHODS = "otp sms"


@sensitive_variables("code")
def open_with(request: HttpRequest, code: str) -> None:
    """Let this browser prove a new number. Raises RecoveryRefused and TooMany."""
    attempt_steps.within_limits("wrong_codes", request)
    held = recovery_codes.take(code, by=request)
    if not held:
        raise RecoveryRefused
    throttle.give_back(request)
    pending.forget(request)
    request.session[_KEY] = held
    # From here on the session is worth something, so nobody may have planted its key.
    request.session.cycle_key()


def of_browser(request: HttpRequest) -> Recovery | None:
    """Return the recovery of this browser, whatever became of it."""
    return recovery_codes.of_browser(str(request.session.get(_KEY, "")))


def is_open(request: HttpRequest) -> bool:
    """Tell whether this browser may prove a new number now."""
    row = of_browser(request)
    return row is not None and recovery_codes.is_open(row, timezone.now())


class Recover(SiteCode):
    """The right code gives the account its new number, and ends every other way in."""

    purpose: Purpose = "recovery"
    proves: sms.Purpose = "change_number"
    reason_of_text = "new_number"

    def __init__(self, code: str = "") -> None:
        self._code = code

    def who(self, request: HttpRequest) -> User:
        """Return whose number it is to be. Raises NothingPending."""
        return _open_row(request).user

    def complete(self, step: Step, proof: None) -> Callable[[], bool]:
        """Order the new number, then sign in. Raises NothingPending, Taken, Unavailable."""
        return partial(_sign_in, step.request, _ordered(step), code=self._code)

    def repeat(self, request: HttpRequest, session: str) -> bool:
        """End where the first press of the same button did."""
        if not sessions.adopt(request, session):
            raise NothingPending
        return request.user.is_authenticated


def start(request: HttpRequest, phone: str) -> Texted:
    """Text a code to ``phone``; see ``change_phone.start``. Raises NothingPending as well."""
    if phone == _open_row(request).user.phone:
        raise SamePhone
    return code_flow.start(Recover(), request, phone)


def resend(request: HttpRequest) -> Texted:
    """Text the new number again; see ``code_flow.resend``."""
    return code_flow.resend(Recover(), request)


@sensitive_variables("code")
def finish(request: HttpRequest, code: str, *, attempt: str = "") -> bool:
    """Give the account the number if ``code`` is right. Tell whether the person is signed in now.

    See ``code_flow.finish``. Raises Taken as well.
    """
    return code_flow.finish(Recover(code), request, code, attempt=attempt)


def to_stop(request: HttpRequest, word: str) -> Recovery | None:
    """Return what a word of a text or mail stops. Raises TooMany."""
    attempt_steps.within_limits("wrong_codes", request)
    row = recoveries.to_stop(word)
    if row is not None:
        throttle.give_back(request)
    return row


def stop(row: Recovery, request: HttpRequest) -> bool:
    """Stop it. False where it is over already."""
    return recoveries.stop(row, by=request)


def stop_own(request: HttpRequest) -> bool:
    """Stop that of whoever is signed in. False where there is none any more."""
    row = recoveries.live(request.user) if isinstance(request.user, User) else None
    return row is not None and recoveries.stop(row, by=request)


def _open_row(request: HttpRequest) -> Recovery:
    row = of_browser(request)
    if row is None or not recovery_codes.is_open(row, timezone.now()):
        raise NothingPending
    return row


def _ordered(this: Step) -> Operation:
    """Order the number that is proven. Raises NothingPending, Taken, Unavailable."""
    request, waiting = this.request, this.required()
    row = _open_row(request)
    # The code is used up, whatever comes now.
    this.store(replace(waiting, challenge=None))
    if change_phone.has_another_owner(waiting.phone, row.user):
        raise change_phone.refusal(waiting, row.user)
    ordered = recoveries.order(row, waiting.phone, tell=True, language=get_language() or "")
    if ordered is None:
        raise NothingPending
    done = operations.run(ordered, later=partial(after_response.do, request))
    if done.remark == Operation.Remark.PHONE_TAKEN:
        recoveries.reopen(row)
        raise change_phone.refusal(waiting, row.user)
    if not (done.is_done or done.is_waiting):
        log.error("A recovery was refused at its end: %s", done.remark)
        raise attempt_steps.unavailable(reason="refused")
    pending.forget(request)
    request.session.save()
    return done


@sensitive_variables("code")
def _sign_in(request: HttpRequest, done: Operation, *, code: str) -> bool:
    """Sign in whoever has proven the number, where a sign-in asks for nothing more."""
    row = of_browser(request)
    if row is None or not done.is_done or not backup_login.is_offered():
        return False
    try:
        proven_login.finish(
            request,
            code,
            way="recovery",
            prove=partial(_proven, row=row),
            refused=RecoveryRefused,
            phone=row.user.phone or "",
            next_url="",
        )
    except LoginError as error:
        # The number is set, so they sign in with it.
        log.warning("Nobody is signed in after a recovery: %r", error)
        return False
    request.session.pop(_KEY, None)
    return True


def _proven(this: Step, *, row: Recovery) -> User:
    this.user = row.user
    this.waiting = replace(this.required(), sub=row.user.sub, methods=_METHODS)
    return row.user

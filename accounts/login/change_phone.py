"""Changing one's own number: the new one is proven by a code before anything changes.

    start   another number was typed   → a code is on its way to it
    resend  nothing arrived            → another text is on its way
    finish  the code was typed         → the account has the number, or will have it soon
    cancel

The steps are those of ``code_flow``, and so is what a person can run into (``errors``).
Whether a number has an account is said to nobody who has not proven that it is theirs. From the
right code on, the change is an order (operations): written down before Cognito is asked, and tried
again until Cognito and we agree.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

from django.http import HttpRequest
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from accounts import after_response, operations, phones, sessions
from accounts.aws import cognito, sms
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import attempt_steps, code_flow, pending
from accounts.login.attempt_steps import Step
from accounts.login.errors import LoginError, SamePhone, StartOver, Taken
from accounts.login.flow import Texted
from accounts.login.pending import Pending, Purpose
from accounts.login.site_codes import SiteCode
from accounts.models import Operation, Return, Session, SignInEvent, User
from accounts.operations import returns

log = logging.getLogger(__name__)

# How long a change that was refused behind the person's back is still told.
_TOLD_FOR = 7 * 24 * 60 * 60


class ChangePhone(SiteCode):
    """The right code gives the account its new number."""

    purpose: Purpose = "number"
    proves: sms.Purpose = "change_number"
    reason_of_text = "new_number"

    def complete(self, step: Step, proof: None) -> Callable[[], Any]:
        _change(step)
        return lambda: None

    def over(self, waiting: Pending) -> LoginError:
        return Taken() if waiting.proven else StartOver()


CHANGE = ChangePhone()


def start(request: HttpRequest, phone: str) -> Texted:
    """Text a code to ``phone`` that proves it for who is signed in; see ``code_flow.start``.

    Raises SamePhone as well.
    """
    if phone == cast(User, request.user).phone:
        raise SamePhone
    return code_flow.start(CHANGE, request, phone)


def resend(request: HttpRequest) -> Texted:
    """Text the new number again; see ``code_flow.resend``."""
    return code_flow.resend(CHANGE, request)


@sensitive_variables("code")
def finish(request: HttpRequest, code: str, *, attempt: str = "") -> None:
    """Change the number if ``code`` is right. ``latest`` tells how far that has come.

    See ``code_flow.finish``. Raises Taken as well.
    """
    code_flow.finish(CHANGE, request, code, attempt=attempt)


def cancel(request: HttpRequest) -> None:
    """Forget the change that is under way. The code on its way is worth nothing then."""
    with attempt_steps.step("number", request, mine=CHANGE.mine) as this:
        if this.waiting:
            pending.forget(request)
            request.session.save()


def taken(request: HttpRequest) -> Pending | None:
    """Return the change that ended because the number, now proven, is another account's."""
    found = attempt_steps.current(request, "number")
    return found if found and found.proven and CHANGE.mine(request, found) else None


def is_from_dormant(found: Pending) -> bool:
    """Tell whether the account that has the number is one that nobody used for long."""
    return not found.has_asked and _dormant_holder(found) is not None


def ask_operators(request: HttpRequest) -> bool:
    """Ask operators for a number that a dormant account has. False where there is none to ask for.

    Raises Unavailable.
    """
    with attempt_steps.step("number", request, mine=CHANGE.mine) as this:
        waiting = this.waiting
        if waiting is None or not waiting.proven:
            return False
        user, holder = cast(User, request.user), _dormant_holder(waiting)
        if holder is None or waiting.has_asked:
            return waiting.has_asked
        found = returns.ask(
            Return.Kind.MOVE,
            holder,
            by=request,
            phone=waiting.phone,
            reference=waiting.reference,
            other=user,
        )
        this.note(sign_ins.Kind.DORMANT, user=user, reason="asked")
        this.store(replace(waiting, has_asked=True, reference=found.reference))
        return True


def latest(user: User) -> Operation | None:
    """Return the person's last change of number, while there is something to tell of it."""
    kind, states = Operation.Kind.CHANGE_NUMBER, Operation.State
    operation = user.operations.filter(kind=kind, by=user).order_by("-pk").first()
    if operation is None or operation.state == states.OVERTAKEN:
        return None
    is_old = time.time() - operation.ordered_at.timestamp() > _TOLD_FOR
    return None if is_old and not operation.is_waiting else operation


def was_theirs(user: User, phone: str) -> bool:
    """Tell whether the person has signed in with this number on this account."""
    events_of_it = SignInEvent.objects.filter(phone_key=sign_ins.phone_key(phone))
    return events_of_it.filter(user=user, kind=sign_ins.Kind.SUCCEEDED).exists()


def end_others(request: HttpRequest) -> int:
    """Sign out the person's other devices, and return how many there were."""
    user, here = cast(User, request.user), request.session.session_key
    return sessions.end_all(user, Session.Ended.NUMBER_CHANGED, keep=here, by=request)


def _change(this: Step) -> None:
    """Order the change of a number that is proven. Raises Taken, Unavailable."""
    request, waiting = this.request, this.required()
    user = cast(User, request.user)
    # The code is used up, whatever comes now.
    this.store(replace(waiting, challenge=None))
    if has_another_owner(waiting.phone, user):
        raise refusal(waiting, user)
    operation = operations.perform(
        Operation.Kind.CHANGE_NUMBER,
        user,
        by=user,
        later=partial(after_response.do, request),
        phone=waiting.phone,
        verified=True,
        tell=True,
        language=get_language() or "",
    )
    if operation.remark == Operation.Remark.PHONE_TAKEN:
        raise refusal(waiting, user)
    if not (operation.is_done or operation.is_waiting):
        log.error("A change of number was refused: %s", operation.remark)
        raise attempt_steps.unavailable(reason="refused")
    this.note(
        sign_ins.Kind.NUMBER_CHANGED, user=user, reason="" if operation.is_done else "waiting"
    )
    pending.forget(request)
    request.session.save()
    user.refresh_from_db()


def has_another_owner(phone: str, user: User) -> bool:
    """Tell whether the number is another account's, here or in Cognito."""
    if User.objects.filter(pool=user.pool, phone=phone).exclude(pk=user.pk).exists():
        return True
    try:
        return cognito.gateway().find_user(phone).sub != user.sub
    except cognito.UnknownUser:
        return False
    except cognito.CognitoError as error:
        # Cognito has the last word when the order is carried out.
        log.warning("Could not look for the owner of a number: %r", error)
        return False


def _dormant_holder(waiting: Pending) -> User | None:
    """Return the account here that has the number and slept, None where there is none."""
    found = User.objects.by_phone(conf.user_pool_id, waiting.phone)
    is_other = found is not None and found.sub != waiting.sub
    return found if found and is_other and returns.is_dormant(found) else None


def refusal(waiting: Pending, user: User) -> Taken:
    """Return the refusal of a number that is proven now, and that another account has."""
    log.info("A proven number has an account of its own: %s", phones.mask(waiting.phone))
    proven = replace(waiting, challenge=None, proven=user.pk, proven_at=time.time())
    return Taken(reason="phone_taken", becomes=proven)

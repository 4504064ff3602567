"""The second number of somebody who is signed in: add it, change it, remove it.

    start    another number was typed   → a code is on its way to it
    resend   nothing arrived            → another text is on its way
    finish   the code was typed         → codes go to it, where the first number is gone
    remove

The steps are those of ``code_flow``. SiteTexts keeps a digest of the number with the right code,
and texts a sign-in to no other; the number is a column here. The first number is told of each
change, and so is a second one that ends.
"""

import logging
from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.aws import functions, sms
from accounts.events import sign_ins
from accounts.login import code_flow, notices, other_way, pending
from accounts.login.attempt_steps import Step, unavailable
from accounts.login.errors import SamePhone
from accounts.login.flow import Texted
from accounts.login.pending import Purpose
from accounts.login.site_codes import SiteCode
from accounts.models import User
from accounts.models.statements import update

log = logging.getLogger(__name__)


def is_offered(user: User) -> bool:
    """Tell whether the person may add one."""
    return other_way.is_offered("second_number") and user.phone is not None


class ProveSecond(SiteCode):
    """The right code makes the number a second one of whoever is signed in."""

    purpose: Purpose = "second"
    proves: sms.Purpose = "second_number"
    reason_of_text = "new_second_number"

    def complete(self, step: Step, proof: None) -> Callable[[], Any]:
        request, user = step.request, self.who(step.request)
        _write(request, user, step.required().phone)
        step.note(sign_ins.Kind.SECOND_NUMBER, user=user, reason="set_up")
        pending.forget(request)
        request.session.save()
        return lambda: None


PROVE = ProveSecond()


def start(request: HttpRequest, phone: str) -> Texted:
    """Text a code to ``phone`` that makes it a second number; see ``code_flow.start``.

    Raises SamePhone as well.
    """
    user = cast(User, request.user)
    if phone in (user.phone, user.second_phone):
        raise SamePhone
    return code_flow.start(PROVE, request, phone)


def resend(request: HttpRequest) -> Texted:
    """Text the number again; see ``code_flow.resend``."""
    return code_flow.resend(PROVE, request)


@sensitive_variables("code")
def finish(request: HttpRequest, code: str, *, attempt: str = "") -> None:
    """Make it the second number if ``code`` is right; see ``code_flow.finish``."""
    code_flow.finish(PROVE, request, code, attempt=attempt)


def remove(request: HttpRequest) -> None:
    """Take the second number from the account. Harmless when repeated. Raises Unavailable."""
    user = cast(User, request.user)
    if not user.second_phone:
        return
    try:
        sms.forget_second_number(user.sub)
    except functions.FunctionError as error:
        raise unavailable(error) from error
    _write(request, user, "")
    sign_ins.record(
        sign_ins.Kind.SECOND_NUMBER, request, phone=user.phone or "", user=user, reason="removed"
    )


def _write(request: HttpRequest, user: User, phone: str) -> None:
    """Keep the number, and tell the first one and the second one before it."""
    before = user.second_phone
    update(User, {"id": user.pk}, {"second_phone": phone})
    user.second_phone = phone
    for told in filter(None, (user.phone, before)):
        notices.tell_number(request, told, "second_number_changed", of=user)
    log.info("Second number of %s: %s", user.sub, "set up" if phone else "removed")

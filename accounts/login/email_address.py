"""The e-mail address of somebody who is signed in: add it, change it, remove it.

    start    an address was typed   → a code is on its way to it
    resend   nothing arrived        → another mail is on its way
    finish   the code was typed     → the account has the address, and the phone is told
    store    Cognito failed then    → it is tried again, without another code
    remove

The steps are those of ``code_flow``. The address is Cognito's alone, and is written there once it
is proven: codes are mailed to no other. The code comes from SiteTexts, within limits of the account
and of the mailbox.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.aws import cognito, sms
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import attempt_steps, code_flow, notices, pending, site_codes
from accounts.login.attempt_steps import Step, unavailable
from accounts.login.errors import NothingPending, SameAddress, Taken
from accounts.login.flow import Begun, Texted
from accounts.login.pending import Pending, Purpose
from accounts.login.site_codes import SiteCode
from accounts.models import User

log = logging.getLogger(__name__)


def is_offered(user: User) -> bool:
    """Tell whether the person may add an address.

    Not where accounts of the pool are named otherwise than by phone: there the address is perhaps
    the name by which they sign in elsewhere.
    """
    is_ours = conf.username == "phone" and bool(conf.texts_function)
    return conf.email and is_ours and user.phone is not None


def of(user: User) -> str:
    """Return the address that the account has, "" where it has none. Raises Unavailable."""
    try:
        return cognito.gateway().read_user(user.sub).email
    except cognito.CognitoError as error:
        raise unavailable(error) from error


class ProveAddress(SiteCode):
    """The right code gives the account its address."""

    purpose: Purpose = "email"
    proves: sms.Purpose = "address"
    reason_of_text = "new_address"

    def __init__(self, address: str) -> None:
        self._address = address

    def mine(self, request: HttpRequest, found: Pending) -> bool:
        # Each address is an attempt of its own: a code proves one of them.
        return super().mine(request, found) and found.address == self._address

    def named(self) -> dict[str, Any]:
        return {**super().named(), "address": self._address}

    def begin(self, request: HttpRequest, phone: str, user: User | None, *, first: bool) -> Begun:
        sub = self.who(request).sub
        proof = site_codes.send(phone, user_sub=sub, channel="email", **self.named())
        return Begun(sms.challenge_of(replace(proof, channels="")), sub, address=self._address)

    def complete(self, step: Step, proof: None) -> Callable[[], None]:
        _store(step)
        return lambda: None


def start(request: HttpRequest, address: str) -> Texted:
    """Mail a code to ``address`` (``addresses.parse``) that proves it; see ``code_flow.start``.

    Raises SameAddress as well.
    """
    user = cast(User, request.user)
    if of(user) == address:
        raise SameAddress
    return code_flow.start(ProveAddress(address), request, user.phone or "")


def resend(request: HttpRequest) -> Texted:
    """Mail a code again; see ``code_flow.resend``."""
    return code_flow.resend(_under_way(request), request)


@sensitive_variables("code")
def finish(request: HttpRequest, code: str, *, attempt: str = "") -> None:
    """Give the account the address if ``code`` is right; see ``code_flow.finish``.

    Raises Taken as well.
    """
    code_flow.finish(_under_way(request), request, code, attempt=attempt)


def proven(request: HttpRequest) -> str:
    """Return an address that was proven and that Cognito has not taken yet, "" for none."""
    found = attempt_steps.current(request, "email")
    is_mine = found is not None and found.sub == cast(User, request.user).sub
    return found.address if found and is_mine and found.is_proven() else ""


def store(request: HttpRequest) -> None:
    """Give the account the address that was proven a moment ago.

    Raises NothingPending, Taken, Unavailable.
    """
    with attempt_steps.step("email", request, mine=_under_way(request).mine) as this:
        if not this.required().is_proven():
            raise NothingPending
        _store(this)


def remove(request: HttpRequest) -> None:
    """Take the address from the account. Harmless when repeated. Raises Unavailable."""
    user = cast(User, request.user)
    try:
        cognito.gateway().set_email(user.sub, "")
    except cognito.CognitoError as error:
        raise unavailable(error) from error
    sign_ins.record(
        sign_ins.Kind.EMAIL, request, phone=user.phone or "", user=user, reason="removed"
    )
    notices.tell(request, user, "email_changed")
    log.info("E-mail address of %s: removed", user.sub)


def _under_way(request: HttpRequest) -> ProveAddress:
    found = attempt_steps.current(request, "email")
    return ProveAddress(found.address if found else "")


def _store(this: Step) -> None:
    """Write the proven address, and tell the phone. Raises Taken, Unavailable."""
    request, waiting = this.request, this.required()
    user = cast(User, request.user)
    # The code is used up, whatever comes now.
    over = replace(waiting, challenge=None, proven=user.pk, proven_at=time.time())
    try:
        cognito.gateway().set_email(user.sub, waiting.address)
    except cognito.PhoneTaken as error:
        # Its code was right, and there is nothing to save.
        raise Taken(reason="address_taken", becomes=replace(over, proven_at=0.0)) from error
    except cognito.CognitoError as error:
        raise unavailable(error, becomes=over) from error
    this.note(sign_ins.Kind.EMAIL, user=user, reason="set_up")
    pending.forget(request)
    request.session.save()
    notices.tell(request, user, "email_changed")
    log.info("E-mail address of %s: set up", user.sub)

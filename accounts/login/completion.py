"""Sign in after a right code: verify the token, enter the session, and replay a double press."""

import logging
import time
from dataclasses import dataclass, replace
from functools import partial

from django.contrib.auth import authenticate
from django.http import HttpRequest

from accounts import after_response, phones, sessions
from accounts.aws import cognito, tokens
from accounts.aws.cognito_values import Tokens
from accounts.events import sharing, sign_ins
from accounts.login import attempt_steps, known_browsers, locale, lock, methods, pending
from accounts.login.attempt_steps import Step
from accounts.login.errors import Dormant, InUse, NothingPending, StartOver
from accounts.login.pending import Pending
from accounts.models import User
from accounts.sessions import concurrency
from accounts.sync import number_types

log = logging.getLogger(__name__)

Kind = sign_ins.Kind


@dataclass(frozen=True)
class SignedIn:
    user: User
    next_url: str


def authenticated_user(this: Step, waiting: Pending, granted: Tokens) -> User:
    """Verify the token through Django's own seam, for the identity that asked for it.

    Where that was not known, or the number has moved to another identity since we last saw it,
    Cognito says whose the number is.
    """
    # The code was right, and is used up, whatever comes now.
    over = replace(waiting, challenge=None)
    try:
        user = None
        if waiting.sub:
            user = authenticate(this.request, id_token=granted.id_token, sub=waiting.sub)
        if user is None and waiting.phone:
            owner = cognito.gateway().find_user(waiting.phone).sub
            if owner != waiting.sub:
                user = authenticate(this.request, id_token=granted.id_token, sub=owner)
    except (cognito.CognitoError, tokens.KeysUnavailable) as error:
        raise attempt_steps.unavailable(error, becomes=over) from error
    if user is None:
        raise StartOver(reason="token_refused", becomes=over)
    return user


def let_in(this: Step, user: User, *, may_end_others: bool = False) -> bool:
    """Sign the person in. False where they must be asked first about their other devices."""
    request, waiting = this.request, this.required()
    pending.forget(request)
    if number_types.is_refused(user):
        refused = replace(waiting, challenge=None, proven=None, is_number_refused=True)
        raise StartOver(reason="internet_phone", becomes=refused, user=user)
    try:
        entry = concurrency.enter(request, user, may_end_others=may_end_others)
    except concurrency.InUse:
        # From here on the session is worth a sign-in, so nobody may have planted its key.
        request.session.cycle_key()
        asked = replace(waiting, proven=user.pk, proven_at=time.time())
        how = user.signed_in_by | set(waiting.methods.split())
        this.store(replace(asked, challenge=None, methods=" ".join(how)))
        return False
    except concurrency.ShutOut as error:
        over = replace(waiting, challenge=None, proven=None)
        raise StartOver(reason="shut_out", becomes=over) from error
    known_browsers.signed_in(request, user)
    how = user.signed_in_by | set(waiting.methods.split())
    methods.keep(request, how, passkey=waiting.passkey)
    this.note(
        Kind.SUCCEEDED,
        user=user,
        reason=waiting.way,
        seconds=_seconds(waiting),
        crossed=sign_ins.asked_elsewhere(request, waiting.reference),
        overlaps=entry.overlaps,
    )
    if entry.ended:
        this.note(Kind.TAKEN_OVER, user=user, overlaps=entry.ended)
    number_types.refresh(request, user)
    after_response.do(request, partial(sharing.measure, user))
    after_response.do(request, lock.remove_old)
    log.info("Signed in: %s", phones.mask(waiting.phone))
    return True


def replay(request: HttpRequest, session: str) -> SignedIn:
    """End where the first press of the same button did."""
    if not sessions.adopt(request, session):
        raise NothingPending
    if not request.user.is_authenticated:
        waiting = pending.load(request)
        raise Dormant if waiting and waiting.dormant else InUse
    # The response to the first press may never have arrived.
    known_browsers.signed_in(request, request.user)
    return SignedIn(request.user, next_url="")


def ask_about_others() -> SignedIn:
    """Raise InUse, after the step in which the person was not let in."""
    raise InUse


def after_sign_in(user: User, next_url: str, *, way: str = "") -> SignedIn:
    """Do what nobody else needs to wait for. Neither stops the sign-in.

    ``way`` is that of ``Pending``: only a code that came to the number proves it.
    """
    if not user.phone_verified and not way:
        _mark_verified(user)
    if not locale.is_of_page(user.texted_in):
        locale.sync_locale(user)
    return SignedIn(user, next_url)


def _seconds(waiting: Pending) -> int | None:
    """Return how long the person took from the text to the code, None where there was no text."""
    if waiting.way not in ("", "email", "second_number"):
        return None
    return max(0, round((waiting.proven_at or time.time()) - waiting.texted_at))


def _mark_verified(user: User) -> None:
    try:
        cognito.gateway().mark_phone_verified(user.sub)
    except cognito.CognitoError as error:
        # Of no consequence for the sign-in; the next one tries again.
        log.warning("Could not mark the phone of %s as verified: %r", user.sub, error)
        return
    user.phone_verified = True
    user.save(update_fields=["phone_verified"])

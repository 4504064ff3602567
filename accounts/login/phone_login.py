"""Sign-in by phone, and the confirmation of somebody who is signed in.

    start      a phone was typed         → a code is on its way
    resend     nothing arrived           → another text is on its way
    finish     a code was typed          → signed in
    take_over  other devices may go      → signed in
    cancel     other devices stay        → nobody is signed in
    sign_out

The steps are those of ``attempts``, and so is what a person can run into (``errors``).

Somebody who is signed in goes the same way to confirm that it is still they (``purpose``), and
ends with a new session key and a fresh ``confirmed_at``. With TEXTS_FUNCTION the code comes from
the function that texts for the site, within limits that strangers cannot use up.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

from django.contrib.auth import authenticate, logout
from django.http import HttpRequest
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from accounts import after_response, phones, sessions
from accounts.aws import cognito, functions, sms, tokens
from accounts.aws.cognito_values import Challenge, Tokens
from accounts.conf import conf
from accounts.events import sharing, sign_ins
from accounts.login import attempt_steps, attempts, challenges, locale, lock, pending
from accounts.login.attempt_steps import Step
from accounts.login.attempts import Begun
from accounts.login.errors import FurtherStep, InUse, LoginError, NothingPending, StartOver
from accounts.login.pending import Pending, Purpose
from accounts.models import Session, User
from accounts.sessions import concurrency

log = logging.getLogger(__name__)

Kind = sign_ins.Kind


@dataclass(frozen=True)
class SignedIn:
    user: User
    next_url: str


@dataclass(frozen=True)
class Asked:
    """What ``take_over`` and ``cancel`` are about: the live sessions of the person elsewhere."""

    attempt: str
    next_url: str
    others: list[Session]


class Login:
    """The code comes from Cognito, and the right one signs in."""

    purpose: Purpose = "login"
    reason_of_start: str | None = ""
    reason_of_text = ""

    def mine(self, request: HttpRequest, found: Pending) -> bool:
        return True

    def user_of(self, request: HttpRequest, phone: str) -> User | None:
        return User.objects.filter(pool=conf.user_pool_id, phone=phone).first()

    def begin(self, request: HttpRequest, phone: str, user: User | None, *, first: bool) -> Begun:
        return challenges.begin(phone, user, insist=not first)

    @sensitive_variables("code")
    def answer(
        self, request: HttpRequest, phone: str, challenge: Challenge, code: str
    ) -> Challenge | Tokens | None:
        if not challenge.session:
            # A decoy.
            return attempts.one_try_less(challenge)
        return cognito.gateway().answer_challenge(challenge, code)

    def complete(self, step: Step, proof: Tokens | None) -> Callable[[], SignedIn]:
        waiting = step.required()
        user = _authenticate(step, waiting, cast(Tokens, proof))
        if not _let_in(step, user):
            return _ask_about_others
        return partial(_after_sign_in, user, waiting.next_url)

    def repeat(self, request: HttpRequest, session: str) -> SignedIn:
        return _replay(request, session)

    def over(self, waiting: Pending) -> LoginError:
        return FurtherStep(waiting.further_step) if waiting.further_step else StartOver()


class Confirmation(Login):
    """A right code lets somebody who is signed in do what is sensitive."""

    purpose: Purpose = "confirm"
    reason_of_start = "confirm"

    def begin(self, request: HttpRequest, phone: str, user: User | None, *, first: bool) -> Begun:
        if not conf.texts_function:
            return challenges.begin(phone, user, insist=not first, may_create=False)
        try:
            proof = sms.prove(
                phone,
                user_sub=cast(User, request.user).sub,
                language=get_language() or "",
                purpose="confirm",
            )
        except functions.FunctionError as error:
            raise attempt_steps.unavailable(error) from error
        return Begun(sms.challenge_of(proof), cast(User, request.user).sub)

    @sensitive_variables("code")
    def answer(
        self, request: HttpRequest, phone: str, challenge: Challenge, code: str
    ) -> Challenge | Tokens | None:
        if challenge.username or not challenge.session:
            return super().answer(request, phone, challenge, code)
        if not request.user.is_authenticated:
            raise NothingPending
        is_right = sms.check(
            phone,
            user_sub=request.user.sub,
            challenge_id=challenge.session,
            expires_at=challenge.expires_at,
            code=code,
            purpose="confirm",
        )
        return None if is_right else attempts.one_try_less(challenge)

    def complete(self, step: Step, proof: Tokens | None) -> Callable[[], SignedIn]:
        request, waiting = step.request, step.required()
        user = cast(User, request.user)
        if proof is not None:
            user = _authenticate(step, waiting, proof)
        if user.pk != request.user.pk or user.phone != waiting.phone:
            masked = phones.mask(waiting.phone)
            log.warning("A code of %s was typed to confirm somebody else", masked)
            over = replace(waiting, challenge=None)
            raise StartOver(reason="other_user", becomes=over, user=user)
        pending.forget(request)
        if not sessions.for_request(request).confirm():
            raise NothingPending
        seconds = max(0, round(time.time() - waiting.texted_at))
        step.note(Kind.CONFIRMED, user=user, seconds=seconds)
        return partial(_after_sign_in, user, waiting.next_url)


LOGIN, CONFIRMATION = Login(), Confirmation()
_FLOWS: dict[Purpose, Login] = {"login": LOGIN, "confirm": CONFIRMATION}


def start(request: HttpRequest, phone: str, *, next_url: str, purpose: Purpose = "login") -> bool:
    """Text a code to ``phone``; see ``attempts.start``."""
    return attempts.start(_FLOWS[purpose], request, phone, next_url=next_url)


def resend(request: HttpRequest, *, purpose: Purpose = "login") -> bool:
    """Text the number again; see ``attempts.resend``."""
    return attempts.resend(_FLOWS[purpose], request)


@sensitive_variables("code")
def finish(
    request: HttpRequest, code: str, *, attempt: str = "", purpose: Purpose = "login"
) -> SignedIn:
    """Sign the person in with the digits they typed; see ``attempts.finish``.

    Raises InUse as well, where another device is signed in.
    """
    return attempts.finish(_FLOWS[purpose], request, code, attempt=attempt)


def forget(request: HttpRequest) -> None:
    """Drop the sign-in under way, and the number with it."""
    pending.forget(request)


def asked(request: HttpRequest) -> Asked | None:
    """Return what the person whose code was right is asked, for as long as they may answer."""
    waiting = attempt_steps.current(request)
    user = _proven(waiting) if waiting else None
    if waiting is None or user is None:
        return None
    return Asked(waiting.attempt, waiting.next_url, list(concurrency.others(request, user)))


def take_over(request: HttpRequest, *, attempt: str) -> SignedIn:
    """Sign in whoever is asked, and end their sessions elsewhere.

    ``attempt`` is what the page's form carried. Raises NothingPending, StartOver, OtherAttempt,
    Unavailable.
    """
    with attempt_steps.step("login", request) as this:
        if session := lock.just_signed_in(request, answer=attempt):
            return _replay(request, session)
        waiting = this.required()
        user = _proven(waiting)
        if user is None:
            raise StartOver
        attempt_steps.check_attempt(attempt, waiting)
        _let_in(this, user, may_end_others=True)
        this.held.signed_in(request.session.session_key or "", answer=attempt)
    return _after_sign_in(user, waiting.next_url)


def cancel(request: HttpRequest) -> int | None:
    """Forget the sign-in of whoever is asked. Return how many other devices stay signed in.

    None where nobody is asked, or no longer.
    """
    with attempt_steps.step("login", request) as this:
        user = _proven(this.waiting) if this.waiting else None
        if user is None:
            return None
        this.note(Kind.FAILED, reason="cancelled")
        others = concurrency.others(request, user).count()
        request.session.flush()
        return others


def end_others(request: HttpRequest, *, handle: str | None = None) -> int:
    """Sign the person's other devices out, or the one whose session has this handle."""
    user = cast(User, request.user)
    rows = sessions.elsewhere(request, user)
    if handle is not None:
        rows = rows.filter(handle=handle)
    return sessions.end_all(user, Session.Ended.ENDED_BY_PERSON, among=rows, by=request)


def sign_out(request: HttpRequest) -> None:
    """End this browser's session. Nobody but us is asked.

    Where it was ended behind the person's back, that is left to be told.
    """
    session = sessions.for_request(request)
    if session.ended:
        return
    if session.row:
        sessions.end(session.row, Session.Ended.SIGNED_OUT, by=request)
    logout(request)


def _authenticate(this: Step, waiting: Pending, granted: Tokens) -> User:
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
        if user is None:
            owner = cognito.gateway().find_user(waiting.phone).sub
            if owner != waiting.sub:
                user = authenticate(this.request, id_token=granted.id_token, sub=owner)
    except (cognito.CognitoError, tokens.KeysUnavailable) as error:
        raise attempt_steps.unavailable(error, becomes=over) from error
    if user is None:
        raise StartOver(reason="token_refused", becomes=over)
    return user


def _let_in(this: Step, user: User, *, may_end_others: bool = False) -> bool:
    """Sign the person in. False where they must be asked first about their other devices."""
    request, waiting = this.request, this.required()
    pending.forget(request)
    try:
        entry = concurrency.enter(request, user, may_end_others=may_end_others)
    except concurrency.InUse:
        # From here on the session is worth a sign-in, so nobody may have planted its key.
        request.session.cycle_key()
        this.store(replace(waiting, challenge=None, proven=user.pk, proven_at=time.time()))
        return False
    except concurrency.ShutOut as error:
        over = replace(waiting, challenge=None, proven=None)
        raise StartOver(reason="shut_out", becomes=over) from error
    this.note(
        Kind.SUCCEEDED,
        user=user,
        seconds=max(0, round((waiting.proven_at or time.time()) - waiting.texted_at)),
        crossed=sign_ins.asked_elsewhere(request, waiting.reference),
        overlaps=entry.overlaps,
    )
    if entry.ended:
        this.note(Kind.TAKEN_OVER, user=user, overlaps=entry.ended)
    after_response.do(request, partial(sharing.measure, user))
    log.info("Signed in: %s", phones.mask(waiting.phone))
    return True


def _replay(request: HttpRequest, session: str) -> SignedIn:
    """End where the first press of the same button did."""
    if not sessions.adopt(request, session):
        raise NothingPending
    if not request.user.is_authenticated:
        raise InUse
    return SignedIn(request.user, next_url="")


def _ask_about_others() -> SignedIn:
    raise InUse


def _after_sign_in(user: User, next_url: str) -> SignedIn:
    """Do what nobody else needs to wait for. Neither stops the sign-in."""
    if not user.phone_verified:
        _mark_verified(user)
    if not locale.is_of_page(user.texted_in):
        locale.sync_locale(user)
    return SignedIn(user, next_url)


def _proven(waiting: Pending) -> User | None:
    """Return whose code was right, for as long as they may think about their other devices."""
    if waiting.proven is None or not waiting.is_proven():
        return None
    # Not whoever was shut out meanwhile, or has another number: that is whose the code was.
    return User.objects.filter(
        pk=waiting.proven, phone=waiting.phone, is_active=True, cognito_enabled=True
    ).first()


def _mark_verified(user: User) -> None:
    try:
        cognito.gateway().mark_phone_verified(user.sub)
    except cognito.CognitoError as error:
        # Of no consequence for the sign-in; the next one tries again.
        log.warning("Could not mark the phone of %s as verified: %r", user.sub, error)
        return
    user.phone_verified = True
    user.save(update_fields=["phone_verified"])

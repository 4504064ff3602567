"""Changing one's own number: the new one is proven by a code before anything changes.

    start   another number was typed   → a code is on its way to it
    resend  nothing arrived            → another code is on its way
    finish  the code was typed         → the account has the number, or will have it soon
    cancel

What a person can run into is what phone_login has, and

    SameNumber   it is the number that the account has already
    Taken        proven, but another account has it: the two are never merged

Whether a number has an account is said to nobody who has not proven that it is theirs. From the
right code on, the change is an order (operations): written down before Cognito is asked, and tried
again until Cognito and we agree.
"""

import hmac
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, cast

from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from accounts import (
    afterwards,
    cognito,
    events,
    operations,
    pending,
    phone_login,
    phones,
    sessions,
    texts,
    throttle,
    turns,
)
from accounts.cognito import Challenge
from accounts.models import Operation, Session, SignInEvent, User
from accounts.pending import Pending

log = logging.getLogger(__name__)

# How long a change that was refused behind the person's back is still told.
_TOLD_FOR = 7 * 24 * 60 * 60


class SameNumber(phone_login.PhoneLoginError):
    pass


class Taken(phone_login.PhoneLoginError):
    pass


def start(request: HttpRequest, phone: str) -> bool:
    """Text a code to ``phone`` (E.164, allowed) that proves it for who is signed in.

    Typing the same number again right away texts nothing: the first text is still on its way.
    Returns whether a text left now. Raises SameNumber, TooMany, Unavailable.
    """
    user = cast(User, request.user)
    if phone == user.phone:
        raise SameNumber
    with _turn(request):
        earlier = _waiting(request)
        if earlier and earlier.phone == phone and earlier.seconds_to_resend():
            return False
        return _text(
            request,
            Pending(
                attempt=secrets.token_urlsafe(12),
                phone=phone,
                next_url="",
                challenge=None,
                sub=user.sub,
                purpose="number",
            ),
            first=True,
        )


def resend(request: HttpRequest) -> bool:
    """Text the new number again, and return whether a text left now.

    Raises NothingPending, TooSoon, TooMany, Unavailable.
    """
    with _turn(request):
        earlier = _waiting(request)
        if earlier is None:
            raise phone_login.NothingPending
        if wait := earlier.seconds_to_resend():
            raise phone_login.TooSoon(wait)
        return _text(request, earlier, first=False)


@sensitive_variables("code")
def finish(request: HttpRequest, code: str, *, attempt: str = "") -> None:
    """Change the number if ``code`` is right. ``latest`` tells how far that has come.

    Raises WrongCode, Expired, StartOver, NothingPending, OtherAttempt, Taken, TooMany, Unavailable.
    """
    with _turn(request) as held:
        if turns.just_signed_in(request, answer=code):
            # A second press of the same button.
            return
        waiting = _waiting(request)
        if waiting is None:
            raise phone_login.NothingPending
        if attempt and not hmac.compare_digest(attempt.encode(), waiting.attempt.encode()):
            raise phone_login.OtherAttempt
        if waiting.challenge is None:
            raise Taken if waiting.proven else phone_login.StartOver
        if waiting.is_expired():
            _note(request, events.Kind.FAILED, waiting, reason="expired")
            raise phone_login.Expired
        wrong_answer = _digest(waiting.attempt, code)
        if waiting.wrong_answer == wrong_answer:
            # A second press of the same wrong code: the first one has cost the try.
            raise phone_login.WrongCode(waiting.challenge.tries_left)
        _within_limits(throttle.hit, "wrong_codes", request)
        if not _is_right(request, waiting, waiting.challenge, code):
            _count_wrong(request, waiting, waiting.challenge, wrong_answer)
        throttle.give_back(request)
        _change(request, waiting)
        held.signed_in(request.session.session_key or "", answer=code)


def cancel(request: HttpRequest) -> None:
    """Forget the change that is under way. The code on its way is worth nothing then."""
    with _turn(request):
        if _waiting(request):
            pending.forget(request)
            request.session.save()


def taken(request: HttpRequest) -> Pending | None:
    """Return the change that ended because the number, now proven, is another account's."""
    found = _waiting(request)
    return found if found and found.proven else None


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
    events_of_it = SignInEvent.objects.filter(phone_key=events.phone_key(phone))
    return events_of_it.filter(user=user, kind=events.Kind.SUCCEEDED).exists()


def end_others(request: HttpRequest) -> int:
    """Sign out the person's other devices, and return how many there were."""
    user, here = cast(User, request.user), request.session.session_key
    ended = sessions.end_all(user, Session.Ended.NUMBER_CHANGED, keep=here)
    for _each in range(ended):
        events.record(
            events.Kind.SIGNED_OUT,
            request,
            user=user,
            phone=user.phone or "",
            reason="number_changed",
        )
    return ended


def _text(request: HttpRequest, attempt: Pending, *, first: bool) -> bool:
    """Ask for a text, remember what is awaited now, and write down what happened.

    Returns whether a text left now.
    """
    kinds, user = events.Kind, cast(User, request.user)
    attempt = replace(attempt, reference=events.draw_reference(), texted_at=time.time())
    try:
        _within_limits(throttle.hit, "sends", request)
    except phone_login.TooMany as error:
        error.reference = attempt.reference
        _note(request, kinds.BLOCKED, attempt, reason="network")
        raise
    try:
        proof = texts.prove(attempt.phone, user_sub=user.sub, language=get_language() or "")
    except texts.TextsError as error:
        _note(request, kinds.FAILED, attempt, reason="unavailable")
        raise _unavailable(error, attempt) from error
    challenge = phone_login.challenge_of(proof)
    attempt = replace(attempt, challenge=challenge, wrong_answer="", reference=proof.reference)
    _store(request, attempt)
    if reason := phone_login.why_not_texted(challenge):
        _note(request, kinds.BLOCKED, attempt, reason=reason)
    else:
        _note(request, kinds.SENT if first else kinds.RESENT, attempt, reason="new_number")
    return challenge.is_texted_now


def _is_right(request: HttpRequest, waiting: Pending, challenge: Challenge, code: str) -> bool:
    sub = cast(User, request.user).sub
    try:
        return texts.check(
            waiting.phone,
            user_sub=sub,
            challenge_id=challenge.session,
            expires_at=challenge.expires_at,
            code=code,
        )
    except texts.TextsError as error:
        throttle.give_back(request)
        _note(request, events.Kind.FAILED, waiting, reason="unavailable")
        raise _unavailable(error, waiting) from error


def _count_wrong(
    request: HttpRequest, waiting: Pending, challenge: Challenge, wrong_answer: str
) -> None:
    """Take a try away. Raises WrongCode, or StartOver where it was the last."""
    tries_left = challenge.tries_left - 1
    _note(request, events.Kind.FAILED, waiting, reason="wrong_code" if tries_left else "over")
    log.info("Wrong code for the new number %s", phones.mask(waiting.phone))
    if not tries_left:
        _store(request, replace(waiting, challenge=None))
        raise phone_login.StartOver
    challenge = replace(challenge, tries_left=tries_left)
    _store(request, replace(waiting, challenge=challenge, wrong_answer=wrong_answer))
    raise phone_login.WrongCode(tries_left)


def _change(request: HttpRequest, waiting: Pending) -> None:
    """Order the change of a number that is proven. Raises Taken, Unavailable."""
    user = cast(User, request.user)
    # The code is used up, whatever comes now.
    _store(request, replace(waiting, challenge=None))
    if _has_another_owner(waiting.phone, user):
        _refuse(request, waiting)
    operation = operations.perform(
        Operation.Kind.CHANGE_NUMBER,
        user,
        by=user,
        later=partial(afterwards.do, request),
        phone=waiting.phone,
        verified=True,
        tell=True,
        language=get_language() or "",
    )
    if operation.remark == Operation.Remark.PHONE_TAKEN:
        _refuse(request, waiting)
    if not (operation.is_done or operation.is_waiting):
        log.error("A change of number was refused: %s", operation.remark)
        _note(request, events.Kind.FAILED, waiting, reason="refused")
        raise _unavailable(None, waiting)
    reason = "" if operation.is_done else "waiting"
    _note(request, events.Kind.NUMBER_CHANGED, waiting, reason=reason)
    pending.forget(request)
    request.session.save()
    user.refresh_from_db()


def _has_another_owner(phone: str, user: User) -> bool:
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


def _refuse(request: HttpRequest, waiting: Pending) -> None:
    _note(request, events.Kind.FAILED, waiting, reason="phone_taken")
    log.info("A proven number has an account of its own: %s", phones.mask(waiting.phone))
    user = cast(User, request.user)
    _store(request, replace(waiting, challenge=None, proven=user.pk, proven_at=time.time()))
    raise Taken


def _waiting(request: HttpRequest) -> Pending | None:
    found = pending.reload(request)
    is_mine = found and found.purpose == "number" and found.sub == cast(User, request.user).sub
    return found if is_mine else None


@contextmanager
def _turn(request: HttpRequest) -> Iterator[turns.Held]:
    try:
        with turns.turn(request) as held:
            yield held
    except turns.TooLong as error:
        log.warning("A request waited too long for the one before it")
        raise phone_login.Unavailable from error


def _store(request: HttpRequest, new: Pending) -> None:
    try:
        pending.store(request, new)
    except pending.Superseded as error:
        raise phone_login.NothingPending from error


def _within_limits(
    ask: Callable[[throttle.Kind, HttpRequest], None], kind: throttle.Kind, request: HttpRequest
) -> None:
    try:
        ask(kind, request)
    except throttle.LimitReached as error:
        log.warning("Too many %s from one network", kind)
        raise phone_login.TooMany(error.retry_after) from error


def _unavailable(error: Exception | None, waiting: Pending) -> phone_login.Unavailable:
    if error:
        level = logging.ERROR if isinstance(error, texts.Misconfigured) else logging.WARNING
        log.log(level, "A number could not be proven: %r", error)
    unavailable = phone_login.Unavailable()
    unavailable.reference = waiting.reference
    unavailable.is_answer_lost = isinstance(error, texts.NoAnswer)
    return unavailable


def _note(request: HttpRequest, kind: str, waiting: Pending, **facts: Any) -> None:
    events.record(
        kind,
        request,
        phone=waiting.phone,
        user=cast(User, request.user),
        attempt=waiting.attempt,
        reference=waiting.reference,
        **facts,
    )


def _digest(attempt: str, code: str) -> str:
    return salted_hmac("accounts.numbers", f"{attempt} {code}", algorithm="sha256").hexdigest()

"""The flow of a sign-in: the only place that knows the order of its steps.

    start      a phone was typed         → a code is on its way
    resend     nothing arrived           → another code is on its way
    finish     a code was typed          → signed in
    take_over  other devices may go      → signed in
    cancel     other devices shall stay  → nobody is signed in
    sign_out

Somebody who is signed in goes the same way to confirm that it is still they (``purpose``), and
ends with a new session key and a fresh ``confirmed_at``. With TEXTS_FUNCTION the code comes from
the function that texts for the site, within limits that strangers cannot use up.

What a person can run into, for the views to put into words:

    PhoneLoginError
    ├── WrongCode(tries_left)       type it again
    ├── Expired                     the code is too old: ask for another
    ├── StartOver                   no try is left, or Cognito ended the sign-in
    ├── NothingPending              no sign-in is under way in this browser
    ├── OtherAttempt                this page belongs to an earlier sign-in of this browser
    ├── InUse                       another device is signed in: take_over or cancel
    ├── TooSoon(retry_after)        a text was sent a moment ago
    ├── TooMany(retry_after)        too much from this network
    ├── FurtherStep(challenge)      the code was right, and Cognito asks for what we cannot do
    └── Unavailable                 Cognito, a text or our keys: try again later

Each carries the ``reference`` of its attempt, where there is one, for the person to tell support.

Nobody learns here whether a number has an account: where only an account's number would be texted,
everything else happens as if it had been. Limits that hold for every number are told.
"""

import hmac
import logging
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from django.contrib.auth import authenticate, logout
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language, to_locale
from django.views.decorators.debug import sensitive_variables

from accounts import (
    afterwards,
    cognito,
    devices,
    events,
    holds,
    pending,
    phones,
    sessions,
    sharing,
    texts,
    throttle,
    tokens,
    turns,
    unproven,
)
from accounts.cognito import Challenge, Tokens
from accounts.conf import conf
from accounts.models import Session, User
from accounts.pending import Pending, Purpose

log = logging.getLogger(__name__)

# The decoy of a challenge; the real numbers come from the triggers.
_DECOY_LIFETIME = 300
_DECOY_COOLDOWN = 30
_DECOY_TRIES = 3
_DECOY_LENGTH = 6


class PhoneLoginError(Exception):
    reference = ""


class WrongCode(PhoneLoginError):
    def __init__(self, tries_left: int) -> None:
        super().__init__(f"Wrong code, {tries_left} tries left")
        self.tries_left = tries_left


class Expired(PhoneLoginError):
    pass


class StartOver(PhoneLoginError):
    pass


class NothingPending(PhoneLoginError):
    pass


class OtherAttempt(PhoneLoginError):
    pass


class InUse(PhoneLoginError):
    pass


class TooSoon(PhoneLoginError):
    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too soon by {retry_after} s")
        self.retry_after = retry_after


class TooMany(PhoneLoginError):
    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many, for another {retry_after} s")
        self.retry_after = retry_after


class FurtherStep(PhoneLoginError):
    """``challenge`` is Cognito's name of the step, such as SOFTWARE_TOKEN_MFA."""

    def __init__(self, challenge: str) -> None:
        super().__init__(f"Cognito asks for {challenge}")
        self.challenge = challenge


class Unavailable(PhoneLoginError):
    """``is_answer_lost``: what was asked may have been done, so a code may be used up."""

    is_answer_lost = False


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


def admit(request: HttpRequest) -> None:
    """Count a form that was sent, whatever is in it. Raises TooMany."""
    _within_limits(throttle.hit, "phone_posts", request)


def current(request: HttpRequest, purpose: Purpose = "login") -> Pending | None:
    """Return the sign-in that is under way in this browser, or over and not yet restarted."""
    return _of(purpose, pending.load(request))


def start(request: HttpRequest, phone: str, *, next_url: str, purpose: Purpose = "login") -> bool:
    """Text a code to ``phone`` (E.164, allowed) and remember that one is awaited.

    Typing the same number again right away texts nothing: the first text is still on its way.
    Returns whether a text left now, as far as anybody may know. Raises TooMany, Unavailable.
    """
    with _turn(request):
        earlier = _of(purpose, pending.reload(request))
        if earlier and earlier.phone == phone and earlier.seconds_to_resend():
            _store(request, replace(earlier, next_url=next_url))
            return False
        new = Pending(
            attempt=secrets.token_urlsafe(12),
            phone=phone,
            next_url=next_url,
            challenge=None,
            purpose=purpose,
        )
        return _text(request, new, first=True)


def resend(request: HttpRequest, *, purpose: Purpose = "login") -> bool:
    """Text the number of the sign-in under way again, its code or another one.

    A code that was texted before works to its end. Returns whether a text left now, as far as
    anybody may know. Raises NothingPending, TooSoon, TooMany, Unavailable.
    """
    with _turn(request):
        earlier = _of(purpose, pending.reload(request))
        if earlier is None:
            raise NothingPending
        if wait := earlier.seconds_to_resend():
            raise TooSoon(wait)
        return _text(request, earlier, first=False)


@sensitive_variables("code", "outcome")
def finish(
    request: HttpRequest, code: str, *, attempt: str = "", purpose: Purpose = "login"
) -> SignedIn:
    """Sign the person in with the digits they typed.

    ``attempt`` is what the page's form carried, if anything. Raises WrongCode, Expired, StartOver,
    NothingPending, OtherAttempt, InUse, TooMany, FurtherStep, Unavailable.
    """
    with _turn(request) as held:
        if session := turns.just_signed_in(request, answer=code):
            return _end_alike(request, session)
        waiting = _of(purpose, pending.reload(request))
        if waiting is None:
            raise NothingPending
        if attempt:
            _check_attempt(attempt, waiting)
        if waiting.challenge is None:
            raise FurtherStep(waiting.further_step) if waiting.further_step else StartOver
        if waiting.is_expired():
            _note(request, events.Kind.FAILED, waiting, reason="expired")
            raise Expired
        wrong_answer = _digest(waiting.attempt, code)
        if waiting.wrong_answer == wrong_answer:
            # A second press of the same wrong code: the first one has cost the try.
            raise WrongCode(waiting.challenge.tries_left)
        _within_limits(throttle.hit, "wrong_codes", request)
        outcome = _answer(request, waiting, waiting.challenge, code)
        if isinstance(outcome, Challenge):
            _store(request, replace(waiting, challenge=outcome, wrong_answer=wrong_answer))
            _note(request, events.Kind.FAILED, waiting, reason="wrong_code")
            log.info("Wrong code for %s", phones.mask(waiting.phone))
            raise WrongCode(outcome.tries_left)
        throttle.give_back(request)
        if outcome is None:
            user = cast(User, request.user)
        else:
            user = _authenticate(request, waiting, outcome)
        if purpose == "confirm":
            _confirm(request, user, waiting)
            is_asked = False
        else:
            is_asked = not _let_in(request, user, waiting)
        held.signed_in(request.session.session_key or "", answer=code)
    if is_asked:
        raise InUse
    return _done(user, waiting)


def forget(request: HttpRequest) -> None:
    """Drop the sign-in under way, and the number with it."""
    pending.forget(request)


def speak(user: User) -> None:
    """Let the person's texts be in the language of this request from now on, if that can be."""
    try:
        cognito.gateway().set_locale(user.sub, _locale())
    except cognito.CognitoError as error:
        # Of no consequence for the sign-in; the next one tries again.
        log.warning("Could not set the language of %s: %r", user.sub, error)


def asked(request: HttpRequest) -> Asked | None:
    """Return what the person whose code was right is asked, for as long as they may answer."""
    waiting = current(request)
    user = _proven(waiting) if waiting else None
    if waiting is None or user is None:
        return None
    return Asked(waiting.attempt, waiting.next_url, list(sharing.others(request, user)))


def take_over(request: HttpRequest, *, attempt: str) -> SignedIn:
    """Sign in whoever is asked, and end their sessions elsewhere.

    ``attempt`` is what the page's form carried. Raises NothingPending, StartOver, OtherAttempt,
    Unavailable.
    """
    with _turn(request) as held:
        if session := turns.just_signed_in(request, answer=attempt):
            return _end_alike(request, session)
        waiting = _of("login", pending.reload(request))
        if waiting is None:
            raise NothingPending
        user = _proven(waiting)
        if user is None:
            raise StartOver
        _check_attempt(attempt, waiting)
        _let_in(request, user, waiting, may_end_others=True)
        held.signed_in(request.session.session_key or "", answer=attempt)
    return _done(user, waiting)


def cancel(request: HttpRequest) -> int | None:
    """Forget the sign-in of whoever is asked. Return how many other devices stay signed in.

    None where nobody is asked, or no longer.
    """
    with _turn(request):
        waiting = _of("login", pending.reload(request))
        user = _proven(waiting) if waiting else None
        if waiting is None or user is None:
            return None
        _note(request, events.Kind.FAILED, waiting, reason="cancelled")
        others = sharing.others(request, user).count()
        request.session.flush()
        return others


def end_others(request: HttpRequest, *, handle: str | None = None) -> int:
    """Sign the person's other devices out, or the one whose session has this handle."""
    user = cast(User, request.user)
    rows = sessions.elsewhere(request, user)
    if handle is not None:
        rows = rows.filter(handle=handle)
    ended = sessions.end(rows, Session.Ended.ENDED_BY_PERSON, by=devices.of(request).name)
    for _each in range(ended):
        events.record(
            events.Kind.SIGNED_OUT, request, user=user, phone=user.phone or "", reason="by_person"
        )
    return ended


def sign_out(request: HttpRequest) -> None:
    """End this browser's session. Nobody but us is asked.

    Where it was ended behind the person's back, that is left to be told.
    """
    if sessions.of(request).ended:
        return
    if request.user.is_authenticated:
        user = request.user
        events.record(events.Kind.SIGNED_OUT, request, user=user, phone=user.phone or "")
    logout(request)


def _text(request: HttpRequest, attempt: Pending, *, first: bool) -> bool:
    """Ask for a text, remember what is awaited now, and write down what happened.

    Returns whether a text left now, as far as anybody may know.
    """
    kinds, asked_at = events.Kind, timezone.now()
    known = User.objects.filter(pool=conf.user_pool_id, phone=attempt.phone).first()
    reference = attempt.reference or events.draw_reference()
    attempt = replace(attempt, reference=reference, texted_at=asked_at.timestamp())

    def note_start() -> None:
        # Once it is known by which reference the person and the triggers will call this attempt.
        if first:
            reason = "" if attempt.purpose == "login" else "confirm"
            _note(request, kinds.STARTED, attempt, user=known, reason=reason, at=asked_at)

    try:
        _within_limits(throttle.hit, "sends", request)
    except TooMany as error:
        error.reference = attempt.reference
        _note(request, kinds.BLOCKED, attempt, user=known, reason="network")
        raise
    is_login = attempt.purpose == "login"
    try:
        if not is_login and conf.texts_function:
            begun = _begin_confirmation(attempt.phone, cast(User, request.user))
        else:
            begun = _begin(attempt.phone, known, insist=not first, may_create=is_login)
    except Unavailable as error:
        error.reference = attempt.reference
        note_start()
        _note(request, kinds.FAILED, attempt, user=known, reason="unavailable")
        raise
    challenge = begun.challenge
    attempt = replace(
        attempt,
        challenge=challenge,
        sub=begun.sub,
        wrong_answer="",
        proven=None,
        further_step="",
        reference=challenge.reference or attempt.reference,
    )
    _store(request, attempt)
    note_start()
    reason = begun.why_no_text or why_not_texted(challenge)
    sent = kinds.SENT if first else kinds.RESENT
    _note(request, kinds.BLOCKED if reason else sent, attempt, user=known, reason=reason)
    if not first or challenge.delivery in ("not_sent", "locked"):
        # Perhaps nothing arrived because the number is held.
        holds.look(request, attempt.phone, attempt=attempt.attempt, reference=attempt.reference)
    return challenge.is_texted_now


def why_not_texted(challenge: Challenge) -> str:
    """Return the reason of the event, "" where a text left; and call out what concerns all."""
    if challenge.delivery == "over_budget":
        log.error("No text left: the user pool's budget of texts is used up")
    if challenge.delivery == "sent":
        return "" if challenge.is_texted_now else "cooldown"
    return challenge.delivery


def challenge_of(proof: texts.Proof) -> Challenge:
    """Return a proof in the form in which what a browser waits for is kept."""
    return Challenge(
        session=proof.challenge_id,
        username="",
        expires_at=proof.expires_at,
        resend_at=proof.resend_at,
        tries_left=proof.tries_left,
        code_length=proof.code_length,
        delivery=proof.delivery,
        reference=proof.reference,
        texted_at=proof.texted_at,
        said_at=proof.said_at,
    )


def _begin_confirmation(phone: str, user: User) -> "_Begun":
    """Text a code to somebody who is signed in, past what strangers may have used up."""
    try:
        proof = texts.prove(
            phone, user_sub=user.sub, language=get_language() or "", purpose="confirm"
        )
    except texts.TextsError as error:
        raise _unavailable(error) from error
    return _Begun(challenge_of(proof), user.sub)


@dataclass(frozen=True)
class _Begun:
    """``why_no_text`` is for operators alone."""

    challenge: Challenge
    sub: str | None = None
    why_no_text: str = ""


def _begin(
    phone: str, known: User | None, *, insist: bool = False, may_create: bool = True
) -> _Begun:
    """Start a challenge, for an account that is made first if there is none and sign-up is open.

    Who signed in here before has one, so Cognito is not asked to make it. After a text that did
    not arrive we ``insist``: the account may be gone, which Cognito hides from us as from
    everybody else.
    """
    sub = known.sub if known else None
    may_create = may_create and conf.sign_up == "open"
    try:
        gateway = cognito.gateway()
        if known and not known.is_active:
            log.info("No text: %s is shut out", phones.mask(phone))
            return _Begun(_challenge_of_nobody(gateway, phone), why_no_text="shut_out")
        why_no_text = ""
        if may_create and (known is None or insist):
            may_create = _may_sign_up(phone)
            why_no_text = "" if may_create or known else "sign_ups"
        if may_create and (known is None or insist):
            created = gateway.create_user(phone, locale=_locale())
            if created:
                sub = created.sub
                unproven.note(created.sub)
                log.info("Created a user for %s", phones.mask(phone))
            elif known is None:
                sub = _adopt_account(gateway, phone)
        return _Begun(_start_challenge(gateway, phone), sub, why_no_text)
    except cognito.UnknownUser:
        if may_create and not insist:
            # This pool does tell: the account that we knew is gone.
            return _begin(phone, known, insist=True)
        log.info("No text: Cognito has no user for %s", phones.mask(phone))
        return _Begun(_decoy(), why_no_text="unknown")
    except cognito.Refused as error:
        log.info("No text: Cognito refuses %s (%s)", phones.mask(phone), error)
        return _Begun(_challenge_of_nobody(gateway, phone), why_no_text="refused")
    except cognito.CognitoError as error:
        raise _unavailable(error) from error


def _may_sign_up(phone: str) -> bool:
    """Count an account that is to be made; without one no text leaves, and all else is the same."""
    try:
        throttle.sign_up(phone=phone, country=phones.country_of(phone))
    except throttle.LimitReached:
        log.warning("No account for %s: too many new ones", phones.mask(phone))
        return False
    return True


def _challenge_of_nobody(gateway: cognito.Gateway, phone: str) -> Challenge:
    """Return what somebody gets whom Cognito does not know, always in the place of ``phone``.

    A decoy of our own would tell: it comes sooner, and every browser gets another one.
    """
    digest = salted_hmac("accounts.phone_login.nobody", phone, algorithm="sha256").digest()
    try:
        # Like a sub, which every pool takes for a name.
        return gateway.start_challenge(str(uuid.UUID(bytes=digest[:16], version=4)))
    except (cognito.UnknownUser, cognito.Refused):
        # This pool tells who is unknown, whatever we do.
        return _decoy()
    except cognito.CognitoError as error:
        raise _unavailable(error) from error


def _start_challenge(gateway: cognito.Gateway, phone: str) -> Challenge:
    try:
        return gateway.start_challenge(phone)
    except cognito.NotConfirmed:
        # Signed up elsewhere and never proven. No text went out yet, and its code will prove it.
        kept = gateway.heal(phone)
        log.info("Healed the account of %s; left: %s", phones.mask(phone), kept or "nothing")
        return gateway.start_challenge(phone)


def _answer(
    request: HttpRequest, waiting: Pending, challenge: Challenge, code: str
) -> Challenge | Tokens | None:
    """Return the next challenge after a wrong code, or what the right one gives.

    That is nothing where somebody who is signed in has proven that it is still they.
    """
    try:
        if not challenge.session:
            return _one_try_less(challenge)
        if waiting.purpose == "confirm" and not challenge.username:
            if not request.user.is_authenticated:
                raise NothingPending
            return _answer_confirmation(request.user, waiting.phone, challenge, code)
        return cognito.gateway().answer_challenge(challenge, code)
    except (cognito.Refused, cognito.UnknownUser) as error:
        _store(request, replace(waiting, challenge=None))
        _note(request, events.Kind.FAILED, waiting, reason="over")
        holds.look(request, waiting.phone, attempt=waiting.attempt, reference=waiting.reference)
        log.info("Sign-in ended for %s", phones.mask(waiting.phone))
        raise StartOver from error
    except cognito.OtherChallenge as error:
        # The code was right, and is used up.
        _store(request, replace(waiting, challenge=None, further_step=error.name))
        _note(request, events.Kind.FAILED, waiting, reason="further_step")
        log.error("A sign-in cannot end here: %r", error)  # noqa: TRY400
        raise FurtherStep(error.name) from error
    except (cognito.CognitoError, texts.TextsError) as error:
        throttle.give_back(request)
        _note(request, events.Kind.FAILED, waiting, reason="unavailable")
        raise _unavailable(error, waiting.reference) from error


def _authenticate(request: HttpRequest, waiting: Pending, granted: Tokens) -> User:
    """Verify the token through Django's own seam, for the identity that asked for it.

    Where that was not known, or the number has moved to another identity since we last saw it,
    Cognito says whose the number is.
    """
    try:
        user = None
        if waiting.sub:
            user = authenticate(request, id_token=granted.id_token, sub=waiting.sub)
        if user is None:
            owner = cognito.gateway().find_user(waiting.phone).sub
            if owner != waiting.sub:
                user = authenticate(request, id_token=granted.id_token, sub=owner)
    except (cognito.CognitoError, tokens.KeysUnavailable) as error:
        _store(request, replace(waiting, challenge=None))
        _note(request, events.Kind.FAILED, waiting, reason="unavailable")
        raise _unavailable(error, waiting.reference) from error
    if user is None:
        _store(request, replace(waiting, challenge=None))
        _note(request, events.Kind.FAILED, waiting, reason="token_refused")
        raise StartOver
    return user


def _let_in(
    request: HttpRequest, user: User, waiting: Pending, *, may_end_others: bool = False
) -> bool:
    """Sign the person in. False where they must be asked first about their other devices."""
    pending.forget(request)
    try:
        entry = sharing.enter(request, user, may_end_others=may_end_others)
    except sharing.InUse:
        # From here on the session is worth a sign-in, so nobody may have planted its key.
        request.session.cycle_key()
        proven = replace(waiting, challenge=None, proven=user.pk, proven_at=time.time())
        _store(request, proven)
        return False
    except sharing.ShutOut as error:
        _store(request, replace(waiting, challenge=None, proven=None))
        _note(request, events.Kind.FAILED, waiting, reason="shut_out")
        raise StartOver from error
    _note(
        request,
        events.Kind.SUCCEEDED,
        waiting,
        user=user,
        seconds=max(0, round((waiting.proven_at or time.time()) - waiting.texted_at)),
        crossed=events.asked_elsewhere(request, waiting.reference),
        overlaps=entry.overlaps,
    )
    if entry.ended:
        _note(request, events.Kind.TAKEN_OVER, waiting, user=user, overlaps=entry.ended)
    afterwards.do(request, partial(sharing.measure, user))
    log.info("Signed in: %s", phones.mask(waiting.phone))
    return True


def _confirm(request: HttpRequest, user: User, waiting: Pending) -> None:
    if user.pk != request.user.pk or user.phone != waiting.phone:
        _store(request, replace(waiting, challenge=None))
        _note(request, events.Kind.FAILED, waiting, user=user, reason="other_user")
        log.warning("A code of %s was typed to confirm somebody else", phones.mask(waiting.phone))
        raise StartOver
    pending.forget(request)
    if not sessions.of(request).confirm():
        raise NothingPending
    seconds = max(0, round(time.time() - waiting.texted_at))
    _note(request, events.Kind.CONFIRMED, waiting, user=user, seconds=seconds)


def _end_alike(request: HttpRequest, session: str) -> SignedIn:
    """End where the first press of the same button did."""
    if not sessions.adopt(request, session):
        raise NothingPending
    if not request.user.is_authenticated:
        raise InUse
    return SignedIn(request.user, next_url="")


def _done(user: User, waiting: Pending) -> SignedIn:
    if not user.phone_verified:
        _mark_verified(user)
    if _language_of(user.texted_in) != _language_of(_locale()):
        speak(user)
    return SignedIn(user, waiting.next_url)


def _of(purpose: Purpose, found: Pending | None) -> Pending | None:
    return found if found and found.purpose == purpose else None


def _proven(waiting: Pending) -> User | None:
    """Return whose code was right, for as long as they may think about their other devices."""
    if waiting.proven is None or not waiting.is_proven():
        return None
    # Not whoever was shut out meanwhile, or has another number: that is whose the code was.
    return User.objects.filter(
        pk=waiting.proven, phone=waiting.phone, is_active=True, cognito_enabled=True
    ).first()


def _check_attempt(attempt: str, waiting: Pending) -> None:
    if not hmac.compare_digest(attempt.encode(), waiting.attempt.encode()):
        raise OtherAttempt


def _mark_verified(user: User) -> None:
    try:
        cognito.gateway().mark_phone_verified(user.sub)
    except cognito.CognitoError as error:
        # Of no consequence for the sign-in; the next one tries again.
        log.warning("Could not mark the phone of %s as verified: %r", user.sub, error)
        return
    user.phone_verified = True
    user.save(update_fields=["phone_verified"])


def _adopt_account(gateway: cognito.Gateway, phone: str) -> str | None:
    """Return the sub of an account that never signed in here, with its texts in our language.

    Somebody else may have typed the number first, in another language. An account that was proven
    elsewhere keeps its own.
    """
    sub = None
    try:
        user = gateway.read_user(phone)
        sub = user.sub
        if not (user.phone_verified or _language_of(user.locale) == _language_of(_locale())):
            gateway.set_locale(sub, _locale())
            unproven.note_change(sub)
    except cognito.CognitoError as error:
        # The text leaves all the same, and the account is found again after the code.
        log.warning("Could not look at an account that was there already: %r", error)
    return sub


def _locale() -> str:
    """Return the language of the page as Cognito has it, such as pt-BR."""
    return to_locale(get_language() or "en").replace("_", "-")


def _language_of(locale: str | None) -> str:
    """Return what texts go by: de for de-AT."""
    return (locale or "").replace("_", "-").partition("-")[0].lower()


def _decoy() -> Challenge:
    now = int(time.time())
    return Challenge(
        session="",
        username="",
        expires_at=now + _DECOY_LIFETIME,
        resend_at=now + _DECOY_COOLDOWN,
        tries_left=_DECOY_TRIES,
        code_length=_DECOY_LENGTH,
    )


def _answer_confirmation(
    user: User, phone: str, challenge: Challenge, code: str
) -> Challenge | None:
    is_right = texts.check(
        phone,
        user_sub=user.sub,
        challenge_id=challenge.session,
        expires_at=challenge.expires_at,
        code=code,
        purpose="confirm",
    )
    return None if is_right else _one_try_less(challenge)


def _one_try_less(challenge: Challenge) -> Challenge:
    if challenge.tries_left <= 1:
        raise cognito.Refused("No try is left")
    return replace(challenge, tries_left=challenge.tries_left - 1)


@contextmanager
def _turn(request: HttpRequest) -> Iterator[turns.Held]:
    try:
        with turns.turn(request) as held:
            yield held
    except turns.TooLong as error:
        log.warning("A request waited too long for the one before it")
        raise Unavailable from error


def _store(request: HttpRequest, new: Pending) -> None:
    try:
        pending.store(request, new)
    except pending.Superseded as error:
        raise NothingPending from error


def _within_limits(
    ask: Callable[[throttle.Kind, HttpRequest], None], kind: throttle.Kind, request: HttpRequest
) -> None:
    try:
        ask(kind, request)
    except throttle.LimitReached as error:
        log.warning("Too many %s from one network", kind)
        raise TooMany(error.retry_after) from error


def _unavailable(error: Exception, reference: str = "") -> Unavailable:
    faults_of_ours = (cognito.Misconfigured, texts.Misconfigured)
    level = logging.ERROR if isinstance(error, faults_of_ours) else logging.WARNING
    log.log(level, "Sign-in is unavailable: %r", error)
    unavailable = Unavailable()
    unavailable.reference = reference
    unavailable.is_answer_lost = isinstance(error, (cognito.NoAnswer, texts.NoAnswer))
    return unavailable


def _note(
    request: HttpRequest, kind: str, attempt: Pending, *, user: User | None = None, **facts: Any
) -> None:
    """Write an event of this attempt. ``user`` is looked up where the caller does not know."""
    if user is None and attempt.sub:
        user = User.objects.filter(pool=conf.user_pool_id, sub=attempt.sub).first()
    events.record(
        kind,
        request,
        phone=attempt.phone,
        user=user,
        attempt=attempt.attempt,
        reference=attempt.reference,
        **facts,
    )


def _digest(attempt: str, code: str) -> str:
    return salted_hmac("accounts.phone_login", f"{attempt} {code}", algorithm="sha256").hexdigest()

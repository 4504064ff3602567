"""The flow of a sign-in: the only place that knows the order of its steps.

    start   a phone was typed         → a code is on its way
    resend  nothing arrived           → another code is on its way
    finish  a code was typed          → signed in

What a person can run into, for the views to put into words:

    PhoneLoginError
    ├── WrongCode(tries_left)       type it again
    ├── Expired                     the code is too old: ask for another
    ├── StartOver                   no try is left, or Cognito ended the sign-in
    ├── NothingPending              no sign-in is under way in this browser
    ├── OtherAttempt                this page belongs to an earlier sign-in of this browser
    ├── TooSoon(retry_after)        a text was sent a moment ago
    ├── TooMany(retry_after)        too much from this network
    └── Unavailable                 Cognito, a text or our keys: try again later

Nobody learns here whether a number has an account: where no text may be sent, everything else
happens as if one had been.
"""

import hmac
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.contrib.auth import authenticate, login
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language, to_locale
from django.views.decorators.debug import sensitive_variables

from accounts import cognito, pending, phones, throttle, tokens, turns
from accounts.cognito import Challenge, Tokens
from accounts.conf import conf
from accounts.models import User
from accounts.pending import Pending

log = logging.getLogger(__name__)

# The decoy of a challenge; the real numbers come from the triggers.
_DECOY_LIFETIME = 300
_DECOY_COOLDOWN = 30
_DECOY_TRIES = 3
_DECOY_LENGTH = 6


class PhoneLoginError(Exception):
    pass


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


class TooSoon(PhoneLoginError):
    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too soon by {retry_after} s")
        self.retry_after = retry_after


class TooMany(PhoneLoginError):
    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many, for another {retry_after} s")
        self.retry_after = retry_after


class Unavailable(PhoneLoginError):
    pass


@dataclass(frozen=True)
class SignedIn:
    user: User
    next_url: str


def admit(request: HttpRequest) -> None:
    """Count a form that was sent, whatever is in it. Raises TooMany."""
    _within_limits(throttle.hit, "phone_posts", request)


def current(request: HttpRequest) -> Pending | None:
    """Return the sign-in that is under way in this browser, or over and not yet restarted."""
    return pending.load(request)


def start(request: HttpRequest, phone: str, *, next_url: str) -> None:
    """Text a code to ``phone`` (E.164, allowed) and remember that one is awaited.

    Typing the same number again right away texts nothing: the first text is still on its way.
    Raises TooMany, Unavailable.
    """
    with _turn(request):
        earlier = pending.reload(request)
        if earlier and earlier.phone == phone and earlier.seconds_to_resend():
            _store(request, replace(earlier, next_url=next_url))
            return
        _within_limits(throttle.hit, "sends", request)
        sub, challenge = _begin(phone)
        _store(
            request,
            Pending(
                attempt=secrets.token_urlsafe(12),
                phone=phone,
                next_url=next_url,
                challenge=challenge,
                sub=sub,
            ),
        )


def resend(request: HttpRequest) -> None:
    """Text another code to the number of the sign-in under way. The earlier code is not needed.

    Raises NothingPending, TooSoon, TooMany, Unavailable.
    """
    with _turn(request):
        earlier = pending.reload(request)
        if earlier is None:
            raise NothingPending
        if wait := earlier.seconds_to_resend():
            raise TooSoon(wait)
        _within_limits(throttle.hit, "sends", request)
        sub, challenge = _begin(earlier.phone, insist=True)
        _store(request, replace(earlier, challenge=challenge, sub=sub, wrong_answer=""))


@sensitive_variables("code", "outcome")
def finish(request: HttpRequest, code: str, *, attempt: str = "") -> SignedIn:
    """Sign the person in with the digits they typed.

    ``attempt`` is what the page's form carried, if anything. Raises WrongCode, Expired, StartOver,
    NothingPending, OtherAttempt, TooMany, Unavailable.
    """
    with _turn(request) as held:
        if user := turns.just_signed_in(request, answer=code):
            _login(request, user)
            return SignedIn(user, next_url="")
        waiting = pending.reload(request)
        if waiting is None:
            raise NothingPending
        if attempt and not hmac.compare_digest(attempt.encode(), waiting.attempt.encode()):
            raise OtherAttempt
        if waiting.challenge is None:
            raise StartOver
        if waiting.is_expired():
            raise Expired
        wrong_answer = _digest(waiting.attempt, code)
        if waiting.wrong_answer == wrong_answer:
            # A second press of the same wrong code: the first one has cost the try.
            raise WrongCode(waiting.challenge.tries_left)
        _within_limits(throttle.check, "wrong_codes", request)
        outcome = _answer(request, waiting, waiting.challenge, code)
        if isinstance(outcome, Challenge):
            throttle.count("wrong_codes", request)
            _store(request, replace(waiting, challenge=outcome, wrong_answer=wrong_answer))
            log.info("Wrong code for %s", phones.mask(waiting.phone))
            raise WrongCode(outcome.tries_left)
        user = _authenticate(request, waiting, outcome)
        _login(request, user)
        held.signed_in(user, answer=code)
        log.info("Signed in: %s", phones.mask(waiting.phone))
    if not user.phone_verified:
        _mark_verified(user)
    if _language_of(user.texted_in) != _language_of(_locale()):
        speak(user)
    return SignedIn(user, waiting.next_url)


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


def _begin(phone: str, *, insist: bool = False) -> tuple[str | None, Challenge]:
    """Start a challenge, for an account that is made first if there is none and sign-up is open.

    Who signed in here before has one, so Cognito is not asked to make it. After a text that did
    not arrive we ``insist``: the account may be gone, which Cognito hides from us as from
    everybody else.
    """
    known = User.objects.filter(phone=phone).first()
    if known and not known.is_active:
        log.info("No text: %s is shut out", phones.mask(phone))
        return None, _decoy()
    sub = known.sub if known else None
    try:
        gateway = cognito.gateway()
        if conf.sign_up == "open" and (known is None or insist):
            created = gateway.create_user(phone, locale=_locale())
            if created:
                sub = created.sub
                log.info("Created a user for %s", phones.mask(phone))
        return sub, gateway.start_challenge(phone)
    except cognito.UnknownUser:
        if conf.sign_up == "open" and not insist:
            # This pool does tell: the account that we knew is gone.
            return _begin(phone, insist=True)
        log.info("No text: Cognito has no user for %s", phones.mask(phone))
        return None, _decoy()
    except cognito.Refused as error:
        log.info("No text: Cognito refuses %s (%s)", phones.mask(phone), error)
        return None, _decoy()
    except cognito.CognitoError as error:
        raise _unavailable(error) from error


def _answer(
    request: HttpRequest, waiting: Pending, challenge: Challenge, code: str
) -> Challenge | Tokens:
    try:
        if not challenge.session:
            return _answer_decoy(challenge)
        return cognito.gateway().answer_challenge(challenge, code)
    except (cognito.Refused, cognito.UnknownUser) as error:
        throttle.count("wrong_codes", request)
        _store(request, replace(waiting, challenge=None))
        log.info("Sign-in ended for %s", phones.mask(waiting.phone))
        raise StartOver from error
    except cognito.CognitoError as error:
        raise _unavailable(error) from error


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
        raise _unavailable(error) from error
    if user is None:
        _store(request, replace(waiting, challenge=None))
        raise StartOver
    return user


def _login(request: HttpRequest, user: User) -> None:
    pending.forget(request)
    login(request, user)


def _mark_verified(user: User) -> None:
    try:
        cognito.gateway().mark_phone_verified(user.sub)
    except cognito.CognitoError as error:
        # Of no consequence for the sign-in; the next one tries again.
        log.warning("Could not mark the phone of %s as verified: %r", user.sub, error)
        return
    user.phone_verified = True
    user.save(update_fields=["phone_verified"])


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


def _answer_decoy(challenge: Challenge) -> Challenge:
    if challenge.tries_left <= 1:
        raise cognito.Refused("Decoy")
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


def _unavailable(error: Exception) -> Unavailable:
    level = logging.ERROR if isinstance(error, cognito.Misconfigured) else logging.WARNING
    log.log(level, "Sign-in is unavailable: %r", error)
    return Unavailable()


def _digest(attempt: str, code: str) -> str:
    return salted_hmac("accounts.phone_login", f"{attempt} {code}", algorithm="sha256").hexdigest()

"""Sign-in by phone.

    start      a phone was typed         → a code is on its way
    resend     nothing arrived           → another text is on its way
    send_by    nothing arrived           → a call, WhatsApp or a mail is
    finish     a code was typed          → signed in
    sign_out

The steps are those of ``code_flow``, and so is what a person can run into (``errors``).
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from django.contrib.auth import logout
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts import after_response, sessions
from accounts.aws import cognito, sms
from accounts.aws.challenges import Challenge, CodeChallenge
from accounts.aws.cognito_values import Tokens
from accounts.conf import conf
from accounts.login import (
    attempt_steps,
    challenges,
    code_flow,
    completion,
    decoys,
    dormant,
    known_browsers,
    other_channel,
    passwords,
    pending,
    throttle,
)
from accounts.login.attempt_steps import Step
from accounts.login.code_flow import Begun, Texted
from accounts.login.errors import (
    Dormant,
    FurtherStep,
    LoginError,
    PasswordAgain,
    StartOver,
    TooSoon,
    WrongPassword,
)
from accounts.login.pending import Pending, Purpose
from accounts.models import Session, User
from accounts.sync import revalidation

log = logging.getLogger(__name__)


class Login:
    """The code comes from Cognito, and the right one signs in."""

    purpose: Purpose = "login"
    reason_of_start: str | None = ""
    reason_of_text = ""

    def mine(self, request: HttpRequest, found: Pending) -> bool:
        return True

    def user_of(self, request: HttpRequest, phone: str) -> User | None:
        return User.objects.by_phone(conf.user_pool_id, phone)

    def begin(self, request: HttpRequest, phone: str, user: User | None, *, first: bool) -> Begun:
        proof = known_browsers.proof(request, user)
        begun = challenges.begin(phone, user, insist=not first, proof=proof)
        if user and begun.why_no_text == "refused":
            if not begun.challenge.session:
                begin = partial(challenges.start_for_nobody, phone)
                after_response.do(request, begin, apart=True)
            # So that the next request knows it without a call more, or no longer believes it.
            after_response.do(request, partial(_look_up, user), apart=True)
        return begun

    @sensitive_variables("code")
    def answer(
        self, request: HttpRequest, phone: str, challenge: Challenge, code: str
    ) -> Challenge | Tokens | None:
        since = time.monotonic()
        if not challenge.session:
            # A decoy.
            decoys.current.answers.wait(since)
            return attempt_steps.one_try_less(challenge)
        outcome = cognito.gateway().answer_challenge(challenge, code)
        if isinstance(outcome, Challenge):
            decoys.current.answers.note(since)
        if isinstance(outcome, CodeChallenge) and outcome.tries_left <= 0:
            raise cognito.UsedUp("No try of the code is left to this sign-in")
        return outcome

    def send_by(
        self, request: HttpRequest, phone: str, challenge: CodeChallenge, channel: str
    ) -> CodeChallenge:
        # A decoy has no name at Cognito.
        name = challenge.username or challenges.nobody(phone)
        proof = sms.send_by(channel, username=name, is_known=challenge.is_known)
        return sms.sent_again(challenge, proof, channel=channel)

    def complete(self, step: Step, proof: Tokens | None) -> Callable[[], completion.SignedIn]:
        waiting = step.required()
        # A mail proves no number.
        is_mailed = waiting.code is not None and waiting.code.channel == "email"
        step.waiting = waiting = replace(waiting, way="email" if is_mailed else "")
        user = completion.authenticated_user(step, waiting, cast(Tokens, proof))
        if dormant.stops(step, user):
            return dormant.ask
        if not completion.let_in(step, user):
            return completion.ask_about_others
        return partial(completion.after_sign_in, user, waiting.next_url, way=waiting.way)

    def repeat(self, request: HttpRequest, session: str) -> completion.SignedIn:
        return completion.replay(request, session)

    def over(self, waiting: Pending) -> LoginError:
        if waiting.dormant:
            return Dormant()
        return FurtherStep(waiting.further_step) if waiting.further_step else StartOver()


@dataclass(frozen=True)
class LoginWithPassword(Login):
    """A sign-in that begins with a password, which counts as a code does where it is wrong."""

    password: str = field(repr=False)

    def mine(self, request: HttpRequest, found: Pending) -> bool:
        # Each is a sign-in of its own: a password that was right says nothing of the next one.
        return False

    def begin(self, request: HttpRequest, phone: str, user: User | None, *, first: bool) -> Begun:
        attempt_steps.within_limits("wrong_codes", request)
        try:
            proof = known_browsers.proof(request, user)
            begun = passwords.begin(phone, user, self.password, proof=proof)
        except WrongPassword:
            raise
        except LoginError:
            throttle.give_back(request)
            raise
        throttle.give_back(request)
        return begun


def _look_up(user: User) -> None:
    try:
        revalidation.ask(user)
    except cognito.CognitoError as error:
        log.warning("Could not compare %s with Cognito: %r", user.sub, error)


LOGIN = Login()


@sensitive_variables("password")
def start(
    request: HttpRequest, phone: str, *, next_url: str, password: str | None = None
) -> Texted:
    """Text a code to ``phone``, if its password is right where the plan has one.

    See ``code_flow.start``. Raises WrongPassword and FurtherStep as well.
    """
    flow = LOGIN if password is None else LoginWithPassword(password)
    return code_flow.start(flow, request, phone, next_url=next_url)


def resend(request: HttpRequest) -> Texted:
    """Text the number again; see ``code_flow.resend``.

    Raises PasswordAgain where the plan has a password: Cognito wants it for every text.
    """
    if conf.asks_password:
        with attempt_steps.step(LOGIN.purpose, request, mine=LOGIN.mine) as this:
            if wait := this.required().seconds_to_resend():
                raise TooSoon(wait)
        raise PasswordAgain
    return code_flow.resend(LOGIN, request)


def send_by(request: HttpRequest, channel: str) -> Texted:
    """Send the code by another channel; see ``other_channel.send``."""
    return other_channel.send(LOGIN, request, channel)


@sensitive_variables("code")
def finish(
    request: HttpRequest, code: str, *, attempt: str = "", kind: str = CodeChallenge.kind
) -> completion.SignedIn:
    """Sign the person in with what they typed; see ``code_flow.finish``.

    Raises InUse as well, where another device is signed in, and Dormant, where nobody used the
    account for long.
    """
    return code_flow.finish(LOGIN, request, code, attempt=attempt, kind=kind)


def forget(request: HttpRequest) -> None:
    """Drop the sign-in under way, and the number with it."""
    pending.forget(request)


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

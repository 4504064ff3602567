"""The flow of a sign-in, without and with a password: ``phone_login`` takes its steps."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts import after_response
from accounts.aws import cognito, sms
from accounts.aws.challenges import Challenge, CodeChallenge
from accounts.aws.cognito_values import Tokens
from accounts.conf import conf
from accounts.events import sign_ins
from accounts.login import (
    attempt_steps,
    challenges,
    completion,
    decoys,
    dormant,
    known_browsers,
    passwords,
    throttle,
)
from accounts.login.attempt_steps import Step
from accounts.login.errors import Dormant, FurtherStep, LoginError, StartOver, WrongPassword
from accounts.login.flow import Begun
from accounts.login.pending import Pending, Purpose, Way
from accounts.models import User
from accounts.operations import returns
from accounts.sync import revalidation

log = logging.getLogger(__name__)

# Sign-ins of their own, whose code goes elsewhere than to the number.
OTHER_WAYS = ("email", "second_number")


class Login:
    """The code comes from Cognito, and the right one signs in."""

    purpose: Purpose = "login"
    way: Way = ""
    reason_of_start: str | None = ""
    reason_of_text = ""

    def mine(self, request: HttpRequest, found: Pending) -> bool:
        return found.way not in OTHER_WAYS

    def user_of(self, request: HttpRequest, phone: str) -> User | None:
        return User.objects.by_phone(conf.user_pool_id, phone)

    def begin(self, request: HttpRequest, phone: str, user: User | None, *, first: bool) -> Begun:
        proof = known_browsers.proof(request, user)
        begun = challenges.begin(phone, user, insist=not first, proof=proof)
        if user and begun.why_no_text == "refused":
            if not begun.challenge.session:
                work = partial(challenges.start_for_nobody, phone)
                after_response.do(request, work, apart=True)
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
        again = sms.sent_again(challenge, proof, channel=channel)
        # Else the page of an invented challenge would have another reference from here on.
        return decoys.as_invented(challenges.nobody(phone), again)

    def complete(self, step: Step, proof: Tokens | None) -> Callable[[], completion.SignedIn]:
        waiting = step.required()
        # A mail proves no number.
        is_mailed = waiting.code is not None and waiting.code.channel == "email"
        step.waiting = replace(waiting, way="email" if is_mailed else "")
        return self.enter(step, cast(Tokens, proof))

    def enter(self, step: Step, granted: Tokens) -> Callable[[], completion.SignedIn]:
        """Let in whose tokens they are, or have them asked about something first."""
        user = completion.authenticated_user(step, step.required(), granted)
        if _may_be_of_a_mail(step.required(), user):
            step.waiting = replace(step.required(), way="email")
        waiting = step.required()
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


def _may_be_of_a_mail(waiting: Pending, user: User) -> bool:
    """Tell whether a code that was to prove the number was mailed as well, perhaps elsewhere.

    A resend and another browser have the same code, and say nothing of the mail. Asked only where
    something follows from it: for an unproven number, and for an account that slept.
    """
    something_follows = not user.phone_verified or returns.is_dormant(user)
    return not waiting.way and something_follows and sign_ins.was_mailed(waiting.attempt)


def _look_up(user: User) -> None:
    try:
        revalidation.ask(user)
    except cognito.CognitoError as error:
        log.warning("Could not compare %s with Cognito: %r", user.sub, error)

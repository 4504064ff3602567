"""Sign-in with a code that goes elsewhere than to the number.

It goes to the account's e-mail address alone, or to its second number.

People type their number as ever. A function of the triggers' stack sends and checks the code: a
mail goes where Cognito says, a text to a number that was proven for the account. Then the site
states to Cognito whom it has proven (``proven_login``). Whether a number has an account, or such an
address, is not told: every step takes the same calls and statements for everybody (ADR 32).
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts import phones
from accounts.aws import sms
from accounts.aws.challenges import Challenge
from accounts.conf import conf
from accounts.login import (
    attempt_steps,
    challenges,
    completion,
    known_browsers,
    notices,
    proven_login,
    site_codes,
)
from accounts.login.attempt_steps import Step
from accounts.login.errors import StartOver
from accounts.login.flow import Begun
from accounts.login.login_flow import Login
from accounts.login.pending import Way
from accounts.models import User

log = logging.getLogger(__name__)

_PURPOSES: dict[Way, sms.Purpose] = {"email": "by_mail", "second_number": "by_second"}
_CHANNELS: dict[Way, str] = {"email": "email", "second_number": "text"}
# How the tokens name it (RFC 8176).
_METHODS: dict[Way, str] = {"email": "otp", "second_number": "sms"}


def is_offered(way: Way) -> bool:
    """Tell whether people can sign in so.

    There is no such way where a sign-in is more than a code: it would be weaker than the plan.
    """
    is_on = conf.email and conf.email_login if way == "email" else conf.second_number
    has_parts = conf.texts_function and conf.site_client_id and conf.site_key
    return bool(is_on and has_parts and conf.sign_in_plan == ("code",))


class LoginByOtherWay(Login):
    """The code comes from SiteTexts, and the right one is the site's proof of the person."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.reason_of_text = way

    def mine(self, request: HttpRequest, found: Any) -> bool:
        return bool(found.way == self.way)

    def begin(self, request: HttpRequest, phone: str, user: User | None, *, first: bool) -> Begun:
        channel, is_known = _CHANNELS[self.way], False
        why_no_text = self._why_not(user)
        if user and not why_no_text:
            is_known = known_browsers.is_known(request, user)
        named = self._named(phone, user)
        proof = site_codes.send(phone, channel=channel, is_known=is_known, **named)
        if why_no_text:
            log.info("No code by %s for %s: %s", self.way, phones.mask(phone), why_no_text)
        began = sms.challenge_of(proof)
        challenge = replace(began, channel=channel, channels="", is_known=is_known)
        return Begun(challenge, user.sub if user else None, why_no_text)

    @sensitive_variables("code")
    def answer(self, request: HttpRequest, phone: str, challenge: Challenge, code: str) -> Any:
        """Return the next challenge after a wrong code, or the person whose code it is."""
        user = self.user_of(request, phone)
        named = self._named(phone, user)
        is_right = site_codes.is_right(phone, challenge, code, is_known=challenge.is_known, **named)
        if user is None or self._why_not(user) or not is_right:
            return attempt_steps.one_try_less(challenge)
        return user

    def complete(self, step: Step, proof: Any) -> Callable[[], completion.SignedIn]:
        waiting = step.required()
        # The code is used up, whatever comes now.
        over = replace(waiting, challenge=None)
        methods = _METHODS[self.way]
        tokens = proven_login.granted(proof, methods.split(), StartOver, becomes=over)
        if self.way == "second_number":
            # Whoever has both numbers knows of it; whoever has lost the first one is told nothing.
            notices.tell(step.request, proof, "second_number_used")
        # A new owner of the number does not read the mails of the one before.
        proven_more = waiting.proven_more or self.way == "email"
        step.waiting = replace(waiting, sub=proof.sub, methods=methods, proven_more=proven_more)
        return self.enter(step, tokens)

    def _named(self, phone: str, user: User | None) -> dict[str, Any]:
        """Return whom the function is asked about: for nobody, somebody who does not exist."""
        person = None if self._why_not(user) else user
        named: dict[str, Any] = {
            "purpose": _PURPOSES[self.way],
            "user_sub": person.sub if person else challenges.nobody(phone),
        }
        if self.way == "second_number":
            named["second"] = person.second_phone if person else challenges.NO_NUMBER
        return named

    def _why_not(self, user: User | None) -> str:
        """Return why a person gets no code, as far as the site knows, "" where they may."""
        if user is None:
            return "unknown"
        if not user.is_active:
            return "shut_out"
        if not user.cognito_enabled:
            return "refused"
        has_none = self.way == "second_number" and not user.second_phone
        return "no_second_number" if has_none else ""

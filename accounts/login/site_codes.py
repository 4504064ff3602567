"""Codes that the site has sent for an account, outside of Cognito's flow.

SiteTexts draws, sends and checks them (``accounts.aws.sms``), within limits of its own.
"""

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from accounts.aws import functions, sms
from accounts.aws.challenges import Challenge
from accounts.login import attempt_steps
from accounts.login.attempt_steps import Step
from accounts.login.errors import LoginError, StartOver
from accounts.login.flow import Begun
from accounts.login.pending import Pending, Purpose, Way
from accounts.models import User


@sensitive_variables()
def send(phone: str, **named: Any) -> sms.Proof:
    """Have a code sent, in the language of the page; see ``sms.prove``. Raises Unavailable."""
    try:
        return sms.prove(phone, language=get_language() or "", **named)
    except functions.FunctionError as error:
        raise attempt_steps.unavailable(error) from error


@sensitive_variables()
def is_right(phone: str, challenge: Challenge, code: str, **named: Any) -> bool:
    """Tell whether it is the code of this challenge; see ``sms.check``. Raises FunctionError."""
    return sms.check(
        phone,
        challenge_id=challenge.session,
        expires_at=challenge.expires_at,
        code=code,
        **named,
    )


class SiteCode:
    """The flow of such a code, for something that somebody whom the site knows wants to have."""

    purpose: Purpose
    way: Way = ""
    proves: sms.Purpose
    # Nobody signs in, so no attempt at it begins.
    reason_of_start: str | None = None
    reason_of_text: str

    def who(self, request: HttpRequest) -> User:
        """Return whose it is to be."""
        return cast(User, request.user)

    def mine(self, request: HttpRequest, found: Pending) -> bool:
        return found.sub == self.who(request).sub

    def user_of(self, request: HttpRequest, phone: str) -> User | None:
        return self.who(request)

    def named(self) -> dict[str, Any]:
        """Return what a code is good for, as both its sending and its check say."""
        return {"purpose": self.proves}

    def begin(self, request: HttpRequest, phone: str, user: User | None, *, first: bool) -> Begun:
        sub = self.who(request).sub
        return Begun(sms.challenge_of(send(phone, user_sub=sub, **self.named())), sub)

    @sensitive_variables("code")
    def answer(
        self, request: HttpRequest, phone: str, challenge: Challenge, code: str
    ) -> Challenge | None:
        sub = self.who(request).sub
        if is_right(phone, challenge, code, user_sub=sub, **self.named()):
            return None
        return attempt_steps.one_try_less(challenge)

    def complete(self, step: Step, proof: None) -> Callable[[], Any]:
        raise NotImplementedError

    def repeat(self, request: HttpRequest, session: str) -> Any:
        """Leave it at what the first press has changed."""

    def over(self, waiting: Pending) -> LoginError:
        return StartOver()

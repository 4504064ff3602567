"""The contract of a flow: where the codes come from, and what a right one does.

``code_flow`` takes the steps of every flow. ``login_flow``, ``other_way``, ``reauthentication``,
``change_phone``, ``second_number``, ``recovery`` and ``email_address`` have one each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from django.http import HttpRequest

from accounts.aws.challenges import Challenge
from accounts.login.attempt_steps import Step
from accounts.login.errors import LoginError
from accounts.login.pending import Pending, Purpose, Way
from accounts.models import User

# When the text left, as far as anybody may know; "" where none did.
Texted = Literal["now", "before", ""]
Proof = TypeVar("Proof")
Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True)
class Begun:
    """A challenge that was asked for. ``why_no_text`` is for operators; ``address``: Pending."""

    challenge: Challenge
    sub: str | None = None
    why_no_text: str = ""
    address: str = ""


class Flow(Protocol, Generic[Proof, Result]):
    """``reason_of_start``: None writes no such event. ``way`` is that of ``Pending``."""

    purpose: Purpose
    way: Way
    reason_of_start: str | None
    reason_of_text: str

    def mine(self, request: HttpRequest, found: Pending) -> bool:
        """Tell whether a pending attempt is of whoever makes the request."""

    def user_of(self, request: HttpRequest, phone: str) -> User | None:
        """Return whose attempt it is, where that is known so early."""

    def begin(self, request: HttpRequest, phone: str, user: User | None, *, first: bool) -> Begun:
        """Have a code texted. Raises Unavailable, and where there is a password, FurtherStep and
        WrongPassword.
        """

    def answer(
        self, request: HttpRequest, phone: str, challenge: Challenge, code: str
    ) -> Challenge | Proof:
        """Return the next challenge after a wrong code, or the proof of a right one.

        Raises CognitoError, FunctionError and LoginError.
        """

    def complete(self, step: Step, proof: Proof) -> Callable[[], Result]:
        """Do what a right code is good for, and return what is done after the step."""

    def repeat(self, request: HttpRequest, session: str) -> Result:
        """End as the first press did."""

    def over(self, waiting: Pending) -> LoginError:
        """Return why no code is awaited any more."""

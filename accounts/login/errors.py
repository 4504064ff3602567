"""Errors between a phone and a session, for the views to put into words.

    LoginError
    ├── WrongCode(tries_left)       type it again
    ├── WrongPassword               number and password do not belong together, or are nobody's
    ├── PasswordAgain               a text costs the password once more, which nobody keeps
    ├── Expired                     the code is too old: ask for another
    ├── StartOver                   no try is left, or Cognito ended the sign-in
    ├── NothingPending              no sign-in is under way in this browser
    ├── OtherAttempt                this page belongs to an earlier sign-in of this browser
    ├── NextStep                    the answer was right, and the plan has another step
    ├── InUse                       another device is signed in: take_over or cancel
    ├── Dormant                     nobody used the account for long: see ``dormant``
    ├── OperatorsOnly               only operators may take the number from that account
    ├── TooSoon(retry_after)        a text was sent a moment ago
    ├── TooMany(retry_after)        too much from this network
    ├── FurtherStep(challenge)      the code was right, and Cognito asks for what we cannot do
    ├── PasskeyRefused              its answer is not good, or it signs nobody in
    ├── BackupCodeRefused           number and code do not belong together, or the code is used
    ├── SetupCodeRefused            it is wrong, too old or used, or was tried too often
    ├── RecoveryRefused             nothing is recovered by that code, or in this browser any more
    ├── TooManyPasskeys             the account has as many as it may have
    ├── SamePhone                   it is the number that the account has already
    ├── SameAddress                 it is the e-mail address that the account has already
    ├── Taken                       proven, but another account has it: the two are never merged
    └── Unavailable                 Cognito, a text or our keys: try again later

An error carries what belongs to it, and ``attempt_steps.step`` does it once: the event that is
written, and what the browser waits for from then on. ``reference`` is that of the attempt, where
there is one, for the person to tell support.
"""

from accounts.login.pending import Pending
from accounts.models import SignInEvent, User

Kind = SignInEvent.Kind


class LoginError(Exception):
    """``reason`` is that of the event of ``kind``, "" where none is written.

    ``becomes`` is what is pending afterwards, None where that stays; ``user`` is whom the event is
    about, where that is not the one of the attempt.
    """

    def __init__(
        self,
        message: str = "",
        *,
        reason: str = "",
        kind: Kind = Kind.FAILED,
        becomes: Pending | None = None,
        user: User | None = None,
    ) -> None:
        super().__init__(message or reason)
        self.reason = reason
        self.kind = kind
        self.becomes = becomes
        self.user = user
        self.reference = ""


class WrongCode(LoginError):
    def __init__(
        self, tries_left: int, *, reason: str = "", becomes: Pending | None = None
    ) -> None:
        super().__init__(f"Wrong code, {tries_left} tries left", reason=reason, becomes=becomes)
        self.tries_left = tries_left


class WrongPassword(LoginError):
    pass


class PasswordAgain(LoginError):
    pass


class Expired(LoginError):
    pass


class StartOver(LoginError):
    pass


class NothingPending(LoginError):
    pass


class OtherAttempt(LoginError):
    pass


class NextStep(LoginError):
    pass


class InUse(LoginError):
    pass


class Dormant(LoginError):
    pass


class OperatorsOnly(LoginError):
    pass


class TooSoon(LoginError):
    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too soon by {retry_after} s")
        self.retry_after = retry_after


class TooMany(LoginError):
    def __init__(self, retry_after: int, *, reason: str = "") -> None:
        super().__init__(f"Too many, for another {retry_after} s", reason=reason, kind=Kind.BLOCKED)
        self.retry_after = retry_after


class FurtherStep(LoginError):
    """``challenge`` is Cognito's name of the step, such as SOFTWARE_TOKEN_MFA."""

    def __init__(self, challenge: str, *, reason: str = "", becomes: Pending | None = None) -> None:
        super().__init__(f"Cognito asks for {challenge}", reason=reason, becomes=becomes)
        self.challenge = challenge


class PasskeyRefused(LoginError):
    pass


class BackupCodeRefused(LoginError):
    pass


class SetupCodeRefused(LoginError):
    pass


class RecoveryRefused(LoginError):
    pass


class TooManyPasskeys(LoginError):
    pass


class SamePhone(LoginError):
    pass


class SameAddress(LoginError):
    pass


class Taken(LoginError):
    pass


class Unavailable(LoginError):
    """``is_answer_lost``: what was asked may have been done, so a code may be used up."""

    is_answer_lost = False

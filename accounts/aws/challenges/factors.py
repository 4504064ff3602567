"""Second factors of Cognito's own, for which it may ask after our steps.

Whether it does so is up to the pool and the account. After a wrong code the same session serves
again. Cognito documents no number of tries, so here is one: whoever uses it up starts again.
"""

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

from accounts.aws.challenges.base import Challenge

_TRIES: Final = 5
_LONGEST = 200
# As the reference of RespondToAuthChallenge writes them; that of e-mail has two names there.
_KNOWN = frozenset({"SMS_MFA", "EMAIL_OTP", "EMAIL_MFA", "SOFTWARE_TOKEN_MFA"})


@dataclass(frozen=True, kw_only=True)
class FactorChallenge(Challenge):
    """Base of them. ``destination`` is where a code went, masked by Cognito, or ""."""

    destination: str = ""

    @classmethod
    def read(cls, parameters: dict[str, Any], *, session: str, username: str) -> Self:
        """See ``Challenge.read``."""
        destination = str(parameters.get("CODE_DELIVERY_DESTINATION") or "")[:_LONGEST]
        return cls(**_basis(session, username), destination=destination)


@dataclass(frozen=True, kw_only=True)
class SmsFactor(FactorChallenge):
    """A code that Cognito itself texts, to the same number or another one."""

    kind = "sms_mfa"
    cognito_name = "SMS_MFA"
    answer_name = "SMS_MFA_CODE"
    digits = 6


@dataclass(frozen=True, kw_only=True)
class EmailFactor(FactorChallenge):
    """A code that Cognito sends by e-mail. How long it is, is documented nowhere."""

    kind = "email_otp"
    cognito_name = "EMAIL_OTP"
    answer_name = "EMAIL_OTP_CODE"

    @property
    def proves_more(self) -> bool:
        """See ``Challenge.proves_more``."""
        return True

    def responses(self, answer: str) -> dict[str, str]:
        """See ``Challenge.responses``."""
        return super().responses("".join(answer.split()))


@dataclass(frozen=True, kw_only=True)
class AppFactor(FactorChallenge):
    """A code of an authenticator app that Cognito knows."""

    kind = "software_token_mfa"
    cognito_name = "SOFTWARE_TOKEN_MFA"
    answer_name = "SOFTWARE_TOKEN_MFA_CODE"
    digits = 6

    @property
    def proves_more(self) -> bool:
        """See ``Challenge.proves_more``."""
        return True


@dataclass(frozen=True, kw_only=True)
class FactorChoice(FactorChallenge):
    """A choice between second factors. ``factors`` are Cognito's names, such as SMS_MFA."""

    kind = "select_mfa_type"
    cognito_name = "SELECT_MFA_TYPE"

    factors: tuple[str, ...]

    @classmethod
    def read(cls, parameters: dict[str, Any], *, session: str, username: str) -> Self:
        """See ``Challenge.read``."""
        factors = tuple(sorted(_known(parameters, "MFAS_CAN_CHOOSE")))
        return cls(**_basis(session, username), factors=factors)

    @classmethod
    def is_possible(cls, parameters: dict[str, Any]) -> bool:
        """See ``Challenge.is_possible``."""
        return bool(_known(parameters, "MFAS_CAN_CHOOSE"))

    def takes(self, answer: str) -> bool:
        """See ``Challenge.takes``."""
        return answer in self.factors


@dataclass(frozen=True, kw_only=True)
class AppSetup(FactorChallenge):
    """An authenticator app that must be set up before the sign-in can end.

    ``secret`` is what the app must know, in base 32.
    """

    kind = "mfa_setup"
    cognito_name = "MFA_SETUP"
    digits = 6
    sealed: ClassVar[tuple[str, ...]] = ("session", "secret")

    secret: str = field(default="", repr=False)

    @classmethod
    def is_possible(cls, parameters: dict[str, Any]) -> bool:
        """See ``Challenge.is_possible``. A number or an address cannot be set up here."""
        return AppFactor.cognito_name in _known(parameters, "MFAS_CAN_SETUP")

    def responses(self, answer: str) -> dict[str, str]:
        """Return nothing: the code went to Cognito before, and the session says that it did."""
        return {}


def _basis(session: str, username: str) -> dict[str, Any]:
    """Return the fields that every challenge has. Cognito says neither tries nor an end."""
    return vars(Challenge.read({"triesLeft": _TRIES}, session=session, username=username))


def _known(parameters: dict[str, Any], name: str) -> frozenset[str]:
    """Read the second factors of a list that Cognito writes as JSON. Raises TypeError, ValueError.

    Those that nobody knew when this was written are left out.
    """
    return _KNOWN & frozenset(json.loads(parameters.get(name) or "[]"))

"""A CAPTCHA of another company, whose script makes a token."""

from dataclasses import dataclass
from typing import Any, Final, Self

from accounts.aws.challenges.base import Challenge

PROVIDERS: Final = ("turnstile", "hcaptcha", "recaptcha")


@dataclass(frozen=True, kw_only=True)
class CaptchaChallenge(Challenge):
    """``provider`` is one of ``PROVIDERS``; ``site_key`` is no secret."""

    kind = "captcha"

    provider: str
    site_key: str
    action: str

    @classmethod
    def read(cls, parameters: dict[str, Any], *, session: str, username: str) -> Self:
        """See ``Challenge.read``."""
        if parameters["provider"] not in PROVIDERS:
            raise ValueError("The provider is unknown")
        basis = Challenge.read(parameters, session=session, username=username)
        return cls(
            **vars(basis),
            provider=str(parameters["provider"]),
            site_key=str(parameters["siteKey"]),
            action=str(parameters["action"]),
        )

"""A code of an authenticator app, which somebody has set up on this site."""

from dataclasses import dataclass

from accounts.aws.challenges.base import Challenge


@dataclass(frozen=True, kw_only=True)
class AuthenticatorChallenge(Challenge):
    """A code that the app shows now."""

    kind = "authenticator"
    digits = 6
    method = "otp"
    takes_backup_codes = True

    @property
    def proves_more(self) -> bool:
        """See ``Challenge.proves_more``."""
        return True

"""A code of an authenticator app, which somebody has set up on this site."""

import time
from dataclasses import dataclass
from typing import Any, Final, Self

from accounts.aws.challenges.base import Challenge

# Seconds: the session of our clients, since the challenge itself has no end.
_LIFETIME: Final = 15 * 60


@dataclass(frozen=True, kw_only=True)
class AuthenticatorChallenge(Challenge):
    """A code that the app shows now."""

    kind = "authenticator"
    digits = 6

    @classmethod
    def read(cls, parameters: dict[str, Any], *, session: str, username: str) -> Self:
        """See ``Challenge.read``."""
        return cls(
            session=session,
            username=username,
            expires_at=int(time.time()) + _LIFETIME,
            tries_left=int(parameters["triesLeft"]),
        )

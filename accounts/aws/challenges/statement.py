"""A statement of the site, which no person is asked for: the site itself answers at once."""

from dataclasses import dataclass, field
from typing import Any, Self

from accounts.aws.challenges.base import Challenge


@dataclass(frozen=True, kw_only=True)
class StatementChallenge(Challenge):
    """``challenge`` goes into the statement, which is good for no other sign-in."""

    kind = "statement"

    challenge: str = field(repr=False)

    @classmethod
    def read(cls, parameters: dict[str, Any], *, session: str, username: str) -> Self:
        """See ``Challenge.read``."""
        basis = Challenge.read(parameters, session=session, username=username)
        return cls(**vars(basis), challenge=str(parameters["challenge"]))

"""A proof of work: the browser finds the number behind a digest."""

from dataclasses import dataclass
from typing import Any, Self

from accounts.aws.challenges.base import Challenge


@dataclass(frozen=True, kw_only=True)
class ProofChallenge(Challenge):
    """``digest`` is the SHA-256 (hexadecimal) of ``salt`` and a number up to ``largest``."""

    kind = "proof"

    digest: str
    salt: str
    largest: int

    @classmethod
    def read(cls, parameters: dict[str, Any], *, session: str, username: str) -> Self:
        """See ``Challenge.read``."""
        if parameters["algorithm"] != "SHA-256":
            raise ValueError("Only SHA-256 is known")
        basis = Challenge.read(parameters, session=session, username=username)
        return cls(
            **vars(basis),
            digest=str(parameters["challenge"]),
            salt=str(parameters["salt"]),
            largest=int(parameters["maxnumber"]),
        )

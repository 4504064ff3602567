"""Base of every challenge: an answer that Cognito waits for."""

import time
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

OURS: Final = "CUSTOM_CHALLENGE"
# Seconds. The session of a challenge lives as long (AuthSessionValidity of the client).
SESSION_LIFETIME: Final = 15 * 60


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """An answer that is awaited. ``session`` serves one answer and must be kept secret.

    ``username`` is the name under which the answer is sent. ``expires_at`` is in seconds since the
    epoch; ``tries_left`` counts answers that may still be given; ``reference`` is what support
    finds this attempt by, "" from triggers that draw none.

    A subclass has a ``kind``, and fields for what its page needs. ``cognito_name`` is Cognito's
    word for a challenge of its own, and ``answer_name`` that of its answer. ``digits`` is the
    length of an answer that is a code, else 0; ``takes_backup_codes``: one of those may stand for
    it. The fields in ``sealed`` are kept encrypted.
    ``is_known``: it is of the client for known browsers, which takes the answer.
    """

    kind: ClassVar[str]
    cognito_name: ClassVar[str] = OURS
    answer_name: ClassVar[str] = "ANSWER"
    digits: ClassVar[int] = 0
    # The method (RFC 8176) that a right answer adds to the sign-in, for tokens that say none.
    method: ClassVar[str] = ""
    takes_backup_codes: ClassVar[bool] = False
    # Together with the answer, the session is a sign-in.
    sealed: ClassVar[tuple[str, ...]] = ("session",)

    session: str = field(repr=False)
    username: str = field(repr=False)
    expires_at: int
    tries_left: int
    reference: str = ""
    is_known: bool = False

    @classmethod
    def read(cls, parameters: dict[str, Any], *, session: str, username: str) -> Self:
        """Read the parameters of Cognito's reply. Raises KeyError, TypeError, ValueError."""
        return cls(
            session=session,
            username=username,
            expires_at=int(parameters.get("expiresAt") or time.time() + SESSION_LIFETIME),
            tries_left=int(parameters["triesLeft"]),
            reference=str(parameters.get("reference") or "")[:8],
        )

    @classmethod
    def is_possible(cls, parameters: dict[str, Any]) -> bool:
        """Tell whether this site can answer one with such parameters."""
        return True

    def responses(self, answer: str) -> dict[str, str]:
        """Return an answer as Cognito takes it, but for the name of the user."""
        return {self.answer_name: answer}

    @property
    def proves_more(self) -> bool:
        """Whether a right answer takes more than the number, whose owner may be a new one."""
        return False

    def takes(self, answer: str) -> bool:
        """Tell whether an answer can be right at all. One that cannot is not sent."""
        return True

    def asked_again(self, again: "Challenge") -> "Challenge":
        """Return what is awaited after a wrong answer, of what Cognito says of it ``again``."""
        return again

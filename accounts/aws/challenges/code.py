"""A code by text."""

from dataclasses import dataclass
from typing import Any, Final, Self

from accounts.aws.challenges.base import Challenge

# Cognito may have asked the trigger twice, so the text may be older than the answer by this much.
_JUST_NOW: Final = 15


@dataclass(frozen=True, kw_only=True)
class CodeChallenge(Challenge):
    """A code that was texted, or looks so.

    ``resend_at`` is in seconds since the epoch; ``delivery`` is "sent", "delayed" where nobody
    knows, or why no text left; ``texted_at`` is when the code was texted last, None where no code
    can be right or the triggers do not say (``StartedChallenge`` in
    lambdas/triggers/codes/sending.py); ``said_at`` is when the triggers said so, by their clock.
    ``wrong_elsewhere`` is how many wrong codes in a row were typed for the number in browsers that
    are not known, as only a known one is told.
    """

    kind = "code"

    resend_at: int
    code_length: int
    delivery: str = "sent"
    texted_at: int | None = None
    said_at: int | None = None
    wrong_elsewhere: int = 0

    @property
    def is_texted_now(self) -> bool:
        """Whether a text left when this was said, as far as anybody may know."""
        if self.delivery != "sent":
            return False
        if self.texted_at is None or self.said_at is None:
            return True
        return self.texted_at > self.said_at - _JUST_NOW

    @classmethod
    def read(cls, parameters: dict[str, Any], *, session: str, username: str) -> Self:
        """See ``Challenge.read``."""
        return cls(
            session=session,
            username=username,
            expires_at=int(parameters["expiresAt"]),
            resend_at=int(parameters["resendAt"]),
            tries_left=int(parameters["triesLeft"]),
            code_length=int(parameters["codeLength"]),
            delivery=_word(parameters.get("delivery") or "sent"),
            reference=str(parameters.get("reference") or "")[:8],
            texted_at=int(parameters["textedAt"]) if parameters.get("textedAt") else None,
            said_at=int(parameters["now"]) if parameters.get("now") else None,
            wrong_elsewhere=int(parameters.get("wrongElsewhere") or 0),
        )


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(type(value))
    return value

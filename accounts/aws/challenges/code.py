"""A code by text."""

from dataclasses import dataclass, replace
from typing import Any, Final, Self

from accounts.aws.challenges.base import Challenge
from accounts.conf import conf

# The ways but texts by which the triggers may send a code, in their words.
CHANNELS: Final = ("voice", "whatsapp", "email")
# The fate of a message that no sender refused.
_NOT_REFUSED: Final = ("sent", "reserved", "delayed", "not_sent", "locked", "over_budget")
# Cognito may have asked the trigger twice, so the text may be older than the answer by this much.
_JUST_NOW: Final = 15


@dataclass(frozen=True, kw_only=True)
class CodeChallenge(Challenge):
    """A code that was texted, or came by another of ``CHANNELS``, or looks so.

    ``resend_at`` is in seconds since the epoch; ``delivery`` is "sent", "delayed" where nobody
    knows, or why no text left; ``texted_at`` is when the code was texted last, None where no code
    can be right or the triggers do not say (``StartedChallenge`` in
    lambdas/triggers/codes/sending.py); ``said_at`` is when the triggers said so, by their clock.
    With "reserved", one was sent if the number was proven before; ``open_at`` is when all are.
    ``wrong_elsewhere`` is how many wrong codes in a row were typed for the number in browsers that
    are not known, as only a known one is told.
    ``channel`` is how the last message went, and ``channels`` are
    those that may be asked for, with spaces.
    """

    kind = "code"

    resend_at: int
    code_length: int
    delivery: str = "sent"
    texted_at: int | None = None
    said_at: int | None = None
    wrong_elsewhere: int = 0
    open_at: int = 0
    channel: str = "text"
    channels: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether a sender refused the last message: another one may be asked for at once."""
        return self.delivery not in _NOT_REFUSED

    @property
    def is_sent(self) -> bool:
        """Whether a code was texted, now or before, as far as anybody may know."""
        return self.delivery in ("sent", "reserved")

    @property
    def is_texted_now(self) -> bool:
        """Whether a text left when this was said, as far as anybody may know."""
        if not self.is_sent:
            return False
        if self.texted_at is None or self.said_at is None:
            return True
        return self.texted_at > self.said_at - _JUST_NOW

    def asked_again(self, again: Challenge) -> Challenge:
        """See ``Challenge.asked_again``. Cognito knows nothing of what was sent since."""
        return replace(
            self, session=again.session, username=again.username, tries_left=again.tries_left
        )

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
            channels=read_channels(parameters.get("channels")),
            open_at=int(parameters.get("openAt") or 0),
        )


def read_channels(words: object) -> str:
    """Return those channels of a list with spaces that this site can ask for, as such a list."""
    found = str(words or "").split() if conf.texts_function else []
    return " ".join(each for each in CHANNELS if each in found)


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(type(value))
    return value

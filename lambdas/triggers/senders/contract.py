"""The contract of every sender: a message in, an id or a SendError out."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Channel(StrEnum):
    """Ways by which a code reaches a person."""

    TEXT = "text"
    VOICE = "voice"
    WHATSAPP = "whatsapp"
    EMAIL = "email"


class Reason(StrEnum):
    """Why a text did not go: few enough to show to people and to count."""

    OPTED_OUT = "opted_out"  # the phone's owner has told us to stop
    BLOCKED_COUNTRY = "blocked_country"  # no text may go to the phone's country
    LANDLINE = "landline"  # the number takes no texts, does not exist, or is blocked by itself
    SPEND_LIMIT = "spend_limit"  # the month's money is spent, or this text costs too much
    SANDBOX = "sandbox"  # the account may only text numbers that it has verified
    THROTTLED = "throttled"  # too many texts at once
    PROVIDER_DOWN = "provider_down"  # the service is unreachable, silent, or has failed
    MISCONFIGURED = "misconfigured"  # permissions, identities or parameters are wrong


class SendError(Exception):
    """The text was refused, or its fate is unknown.

    ``detail`` is the provider's own word for it and never holds the phone or the text.
    ``certain`` is False when the text may have left all the same.
    """

    def __init__(self, reason: Reason, detail: str, *, certain: bool) -> None:
        fate = "could not be sent" if certain else "may or may not have been sent"
        super().__init__(f"The text {fate}: {reason} ({detail})")
        self.reason = reason
        self.detail = detail
        self.certain = certain


@dataclass(frozen=True)
class Message:
    """A message to one person, in the form that its channel takes.

    ``phone`` is in E.164, ``lifetime`` the seconds for which delivery is worth anything,
    ``country`` the phone's ISO 3166 code, such as ``IN``. ``body`` is the text, the SSML of a call,
    or the text of a mail to ``address``, which has a ``subject``. Services with templates of their
    own take the ``code`` alone, "" in a notice. ``language`` is one of ``messages.LANGUAGES``.
    """

    phone: str = field(repr=False)
    body: str = field(repr=False)
    lifetime: int
    country: str
    code: str = field(default="", repr=False)
    language: str = field(default="en", repr=False)
    address: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)


class Sender(Protocol):
    """A service that sends messages by one channel.

    ``wants_feedback``: the provider wants to hear which texts were answered with their code.
    """

    name: str
    wants_feedback: bool

    def send(self, message: Message) -> str:
        """Send ``message``, in one attempt, and return the provider's message id.

        Raises SendError and nothing else.
        """

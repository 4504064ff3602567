"""Values that the gateway returns in place of Cognito's replies, and how each is read.

A reply is read strictly: a text that is missing, empty or longer than 20,000 characters, or a time
that is no time, makes the whole reply useless. The readers raise ``cognito_errors.Unavailable``,
KeyError, TypeError or ValueError then, which ``cognito_errors.translated`` makes one error.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from accounts.aws.cognito_errors import OtherChallenge, Unavailable

CHALLENGE: Final = "CUSTOM_CHALLENGE"

# Cognito may have asked the trigger twice, so the text may be older than the answer by this much.
_JUST_NOW: Final = 15


@dataclass(frozen=True)
class Challenge:
    """A code that Cognito waits for. ``session`` serves one answer and must be kept secret.

    ``username`` is the name under which the answer is sent. ``expires_at`` and ``resend_at`` are
    in seconds since the epoch; ``tries_left`` counts answers that may still be given;
    ``delivery`` is "sent", "delayed" where nobody knows, or why no text left; ``texted_at`` is when
    the code was texted last, None where no code can be right or the triggers do not say
    (``StartedChallenge`` in lambdas/triggers/codes/sending.py); ``said_at`` is when the triggers
    said so, by their clock;
    ``reference`` is what support finds this attempt by, "" from triggers that draw none.
    """

    session: str = field(repr=False)
    username: str = field(repr=False)
    expires_at: int
    resend_at: int
    tries_left: int
    code_length: int
    delivery: str = "sent"
    reference: str = ""
    texted_at: int | None = None
    said_at: int | None = None

    @property
    def is_texted_now(self) -> bool:
        """Whether a text left when this was said, as far as anybody may know."""
        if self.delivery != "sent":
            return False
        if self.texted_at is None or self.said_at is None:
            return True
        return self.texted_at > self.said_at - _JUST_NOW


@dataclass(frozen=True)
class Tokens:
    """The proof of a finished sign-in. The other tokens of the reply are dropped here."""

    id_token: str = field(repr=False)


@dataclass(frozen=True)
class Identity:
    """A user of the pool. ``sub`` never changes."""

    sub: str


@dataclass(frozen=True)
class CognitoUser:
    """A user as Cognito has it. ``phone`` is as it stands there, "" where there is none.

    ``status`` is Cognito's word, such as CONFIRMED. ``locale`` is that of the texts (``pt-BR``).
    """

    sub: str
    phone: str = field(repr=False)
    phone_verified: bool
    status: str
    enabled: bool
    created_at: datetime
    modified_at: datetime
    locale: str = ""


def read_challenge(reply: Any, *, default_username: str) -> Challenge:
    """Read the next step of a sign-in. Raises OtherChallenge where it is not a code of ours.

    ``default_username`` is the name that was sent, for replies that give none.
    """
    name = reply["ChallengeName"]
    if name != CHALLENGE:
        # Such as SMS_MFA, when somebody switched it on: ours is the only challenge we can answer.
        raise OtherChallenge(_text(name))
    parameters = reply["ChallengeParameters"]
    return Challenge(
        session=_text(reply["Session"]),
        # Cognito's internal name, under either key; the emulator leaves it out.
        username=_text(
            parameters.get("USERNAME") or parameters.get("USER_ID_FOR_SRP") or default_username
        ),
        expires_at=int(parameters["expiresAt"]),
        resend_at=int(parameters["resendAt"]),
        tries_left=int(parameters["triesLeft"]),
        code_length=int(parameters["codeLength"]),
        delivery=_text(parameters.get("delivery") or "sent"),
        reference=str(parameters.get("reference") or "")[:8],
        texted_at=int(parameters["textedAt"]) if parameters.get("textedAt") else None,
        said_at=int(parameters["now"]) if parameters.get("now") else None,
    )


def read_outcome(reply: Any, *, default_username: str) -> Challenge | Tokens:
    """Read the reply to a code: tokens after the right one, else the next challenge."""
    if result := reply.get("AuthenticationResult"):
        return Tokens(id_token=_text(result["IdToken"]))
    return read_challenge(reply, default_username=default_username)


def read_identity(attributes: Any) -> Identity:
    """Read the sub among a user's attributes, a list of ``{"Name": …, "Value": …}``."""
    for attribute in attributes:
        if attribute["Name"] == "sub":
            return Identity(sub=_text(attribute["Value"]))
    raise Unavailable("The reply holds no sub")


def read_user(user: Any, attributes: Any) -> CognitoUser:
    """Read a user, whose attributes come under different names in different replies."""
    named = {each["Name"]: each.get("Value") for each in attributes}
    return CognitoUser(
        sub=_text(named["sub"]),
        phone=str(named.get("phone_number") or ""),
        phone_verified=str(named.get("phone_number_verified")).lower() == "true",
        status=_text(user["UserStatus"]),
        enabled=user["Enabled"] is True,
        created_at=_time(user["UserCreateDate"]),
        modified_at=_time(user["UserLastModifiedDate"]),
        locale=str(named.get("locale") or ""),
    )


def read_users(reply: Any) -> tuple[list[CognitoUser], str | None]:
    """Read one page of users and the token of the next page, None after the last one."""
    users = [read_user(user, user["Attributes"]) for user in reply["Users"]]
    return users, reply.get("PaginationToken")


def read_groups(reply: Any) -> tuple[set[str], str | None]:
    """Read one page of a user's groups and the token of the next page."""
    return {_text(group["GroupName"]) for group in reply["Groups"]}, reply.get("NextToken")


def _time(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise Unavailable("The reply makes no sense")
    return value.astimezone(UTC)


def _text(value: Any) -> str:
    if not (isinstance(value, str) and 0 < len(value) <= 20_000):
        raise Unavailable("The reply makes no sense")
    return value

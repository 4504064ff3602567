"""Values that the gateway returns in place of Cognito's replies, and how each is read.

A reply is read strictly: a text that is missing, empty or longer than 20,000 characters, or a time
that is no time, makes the whole reply useless. The readers raise ``cognito_errors.Unavailable``,
KeyError, TypeError or ValueError then, which ``cognito_errors.translated`` makes one error.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from accounts.aws import challenges, srp
from accounts.aws.challenges import Challenge
from accounts.aws.cognito_errors import NoAnswer, OtherChallenge, Unavailable

# Calling code 999 is given to nobody, and no country of ours: a number that we gave to an account
# whose own is free (``Gateway.free_phone``). It reads as none.
_PARKED: Final = "+999"
# By this attribute the triggers know who has an authenticator app (lambdas/triggers/plans.py).
AUTHENTICATOR: Final = "custom:authenticator"


@dataclass(frozen=True)
class Tokens:
    """The proof of a finished sign-in. The other tokens of the reply are dropped here."""

    id_token: str = field(repr=False)


@dataclass(frozen=True)
class PasswordAsked:
    """Cognito's question for a password, and our side of the exchange that answers it."""

    session: str = field(repr=False)
    asked: srp.Asked
    proof: srp.Proof
    is_known: bool = False


@dataclass(frozen=True)
class Identity:
    """A user of the pool. ``sub`` never changes."""

    sub: str


@dataclass(frozen=True)
class CognitoUser:
    """A user as Cognito has it. ``phone`` is as it stands there, "" where there is none.

    ``status`` is Cognito's word, such as CONFIRMED. ``locale`` is that of the texts (``pt-BR``).
    ``username`` is Cognito's internal name, by which a sign-in begins: it takes no ``sub``.
    ``has_authenticator``: sign-ins ask for a code of an app that was set up on this site.
    ``email`` is an address that was proven, "" where there is none.
    """

    sub: str
    phone: str = field(repr=False)
    phone_verified: bool
    status: str
    enabled: bool
    created_at: datetime
    modified_at: datetime
    locale: str = ""
    username: str = ""
    has_authenticator: bool = False
    email: str = field(default="", repr=False)


def read_challenge(reply: Any, *, default_username: str) -> Challenge:
    """Read the next step of a sign-in. Raises OtherChallenge for one that this site cannot take.

    ``default_username`` is the name that was sent, for replies that give none.
    """
    name, parameters = _text(reply["ChallengeName"]), reply["ChallengeParameters"]
    kind = challenges.named(name, parameters)
    if kind is None:
        raise OtherChallenge(name)
    return kind.read(
        parameters,
        session=_text(reply["Session"]),
        # Cognito's internal name, under either key; the emulator leaves it out.
        username=_text(
            parameters.get("USERNAME") or parameters.get("USER_ID_FOR_SRP") or default_username
        ),
    )


def read_outcome(reply: Any, *, default_username: str) -> Challenge | Tokens:
    """Read the reply to an answer: tokens after the last right one, else the next challenge."""
    if result := reply.get("AuthenticationResult"):
        return Tokens(id_token=_text(result["IdToken"]))
    return read_challenge(reply, default_username=default_username)


def read_password_asked(reply: Any, *, default_username: str, proof: srp.Proof) -> PasswordAsked:
    """Read the reply to a start with a password. Raises OtherChallenge where none is asked for."""
    name, parameters = _text(reply["ChallengeName"]), reply["ChallengeParameters"]
    if name != "PASSWORD_VERIFIER":
        raise OtherChallenge(name)
    asked = srp.Asked(
        user_id=_text(parameters.get("USER_ID_FOR_SRP") or default_username),
        salt=_text(parameters["SALT"]),
        srp_b=_text(parameters["SRP_B"]),
        secret_block=_text(parameters["SECRET_BLOCK"]),
    )
    return PasswordAsked(_text(reply["Session"]), asked, proof)


def read_identity(attributes: Any) -> Identity:
    """Read the sub among a user's attributes, a list of ``{"Name": …, "Value": …}``."""
    for attribute in attributes:
        if attribute["Name"] == "sub":
            return Identity(sub=_text(attribute["Value"]))
    raise Unavailable("The reply holds no sub")


def parked(sub: str) -> str:
    """Return the number that takes the place of an account's own, always the same one."""
    return f"{_PARKED}{int(hashlib.sha256(sub.encode()).hexdigest(), 16) % 10**12:012d}"


def read_user(user: Any, attributes: Any) -> CognitoUser:
    """Read a user, whose attributes come under different names in different replies."""
    named = {each["Name"]: each.get("Value") for each in attributes}
    phone = str(named.get("phone_number") or "")
    return CognitoUser(
        sub=_text(named["sub"]),
        phone="" if phone.startswith(_PARKED) else phone,
        phone_verified=_is_true(named.get("phone_number_verified")),
        status=_text(user["UserStatus"]),
        enabled=user["Enabled"] is True,
        created_at=_time(user["UserCreateDate"]),
        modified_at=_time(user["UserLastModifiedDate"]),
        locale=str(named.get("locale") or ""),
        username=str(user.get("Username") or ""),
        has_authenticator=bool(named.get(AUTHENTICATOR)),
        email=str(named.get("email") or "") if _is_true(named.get("email_verified")) else "",
    )


def read_users(reply: Any) -> tuple[list[CognitoUser], str | None]:
    """Read one page of users and the token of the next page, None after the last one."""
    users = [read_user(user, user["Attributes"]) for user in reply["Users"]]
    return users, reply.get("PaginationToken")


def read_groups(reply: Any) -> tuple[set[str], str | None]:
    """Read one page of a user's groups and the token of the next page."""
    return {_text(group["GroupName"]) for group in reply["Groups"]}, reply.get("NextToken")


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def _time(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise NoAnswer("The reply makes no sense")
    return value.astimezone(UTC)


def _text(value: Any) -> str:
    if not (isinstance(value, str) and 0 < len(value) <= 20_000):
        raise NoAnswer("The reply makes no sense")
    return value

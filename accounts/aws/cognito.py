"""The only module that talks to Amazon Cognito.

A method returns a small frozen value or raises one of

    CognitoError
    ├── Refused          the sign-in is over: too many tries, session spent or expired, disabled
    │   └── NotConfirmed     nobody ever proved to have the number that the account is named by
    ├── UnknownUser      no such user (at sign-in, only pools that reveal it say so)
    ├── PhoneTaken       the number belongs to another user
    ├── Busy             Cognito asks for fewer requests
    └── Unavailable      no answer, a fault on their side, or a reply that makes no sense
        ├── NoAnswer         it was asked, and what was asked may have been done
        └── Misconfigured    a fault on ours: settings, permissions, client, triggers
            └── OtherChallenge(name)    a step of Cognito's own, which this site cannot answer

None of them holds a phone, a code or a session, so each may be logged; AWS's own error is the
``__cause__`` and may not. Every call is sent once: a repeated InitiateAuth is a second text, and
a repeated answer meets a session that was spent by the first.
"""

import base64
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
)

from accounts.aws import outbound
from accounts.conf import conf

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

_CHALLENGE: Final = "CUSTOM_CHALLENGE"
# What Cognito itself says of an account. All else was said by whoever signed it up.
_OF_COGNITO: Final = frozenset({"sub", "identities", "phone_number", "phone_number_verified"})
_HEALABLE: Final = frozenset({"UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"})


# Cognito may have asked the trigger twice, so the text may be older than the answer by this much.
_JUST_NOW: Final = 15


class CognitoError(Exception):
    pass


class Refused(CognitoError):
    pass


class NotConfirmed(Refused):
    pass


class UnknownUser(CognitoError):
    pass


class PhoneTaken(CognitoError):
    pass


class Busy(CognitoError):
    pass


class Unavailable(CognitoError):
    pass


class NoAnswer(Unavailable):
    pass


class Misconfigured(Unavailable):
    pass


class OtherChallenge(Misconfigured):
    """``name`` is Cognito's, such as SOFTWARE_TOKEN_MFA."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The pool asks for {name!r:.40}")
        self.name = name


@dataclass(frozen=True)
class Challenge:
    """What Cognito waits for. ``session`` serves one answer and must be kept secret.

    ``username`` is the name under which the answer is sent. ``expires_at`` and ``resend_at`` are
    in seconds since the epoch; ``tries_left`` counts answers that may still be given;
    ``delivery`` is "sent", "delayed" where nobody knows, or why no text left; ``texted_at`` is when
    the code was texted last, None where no code can be right or the triggers do not say (``Begun``
    in lambdas/triggers/codes.py); ``said_at`` is when the triggers said so, by their clock;
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
    id_token: str = field(repr=False)


@dataclass(frozen=True)
class Identity:
    """A user of the pool. ``sub`` never changes."""

    sub: str


@dataclass(frozen=True)
class CognitoUser:
    """What Cognito says of a user. ``phone`` is as it stands there, "" where there is none.

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


class Gateway:
    """Intent-named calls on one user pool and one confidential client.

    ``client`` is a boto3 ``cognito-idp`` client that makes one attempt per call. With
    ``admin_api`` the steps of a sign-in are signed with IAM (AdminInitiateAuth), else they are
    authorised by the client secret alone (InitiateAuth); making and reading users needs IAM
    either way.
    """

    def __init__(
        self,
        client: "CognitoIdentityProviderClient",
        *,
        user_pool_id: str,
        client_id: str,
        client_secret: str,
        admin_api: bool = False,
    ) -> None:
        self._client = client
        self._user_pool_id = user_pool_id
        self._client_id = client_id
        self._client_secret = client_secret
        self._admin_api = admin_api

    def start_challenge(self, phone: str) -> Challenge:
        """Start a sign-in, which texts a code. Raises CognitoError."""
        with _translated_errors():
            if self._admin_api:
                reply: Any = self._client.admin_initiate_auth(
                    UserPoolId=self._user_pool_id,
                    ClientId=self._client_id,
                    AuthFlow="CUSTOM_AUTH",
                    AuthParameters=self._named(phone),
                )
            else:
                reply = self._client.initiate_auth(
                    ClientId=self._client_id,
                    AuthFlow="CUSTOM_AUTH",
                    AuthParameters=self._named(phone),
                )
            return _read_challenge(reply, default_username=phone)

    def answer_challenge(self, challenge: Challenge, code: str) -> Challenge | Tokens:
        """Send a code. A wrong one gives the next challenge, whose session replaces the old.

        Raises Refused when no further try is left, and the other CognitoErrors.
        """
        with _translated_errors():
            responses = {**self._named(challenge.username), "ANSWER": code}
            if self._admin_api:
                reply: Any = self._client.admin_respond_to_auth_challenge(
                    UserPoolId=self._user_pool_id,
                    ClientId=self._client_id,
                    ChallengeName=_CHALLENGE,
                    ChallengeResponses=responses,
                    Session=challenge.session,
                )
            else:
                reply = self._client.respond_to_auth_challenge(
                    ClientId=self._client_id,
                    ChallengeName=_CHALLENGE,
                    ChallengeResponses=responses,
                    Session=challenge.session,
                )
            if result := reply.get("AuthenticationResult"):
                return Tokens(id_token=_text(result["IdToken"]))
            return _read_challenge(reply, default_username=challenge.username)

    def create_user(self, phone: str, *, locale: str | None = None) -> Identity | None:
        """Create a user without telling anybody, or return None if the number has one already.

        ``locale`` is the language of the texts (``pt-BR``).
        No password is given: Cognito draws a temporary one that nobody gets to know.
        """
        attributes = {"phone_number": phone} | ({"locale": locale} if locale else {})
        try:
            with _translated_errors():
                reply = self._client.admin_create_user(
                    UserPoolId=self._user_pool_id,
                    Username=phone,
                    UserAttributes=[
                        {"Name": name, "Value": value} for name, value in attributes.items()
                    ],
                    MessageAction="SUPPRESS",
                )
                return Identity(sub=_attribute(reply["User"]["Attributes"], "sub"))
        except PhoneTaken:
            return None

    def find_user(self, phone: str) -> Identity:
        """Return the user who has this number now. Raises UnknownUser and other CognitoErrors."""
        with _translated_errors():
            reply = self._client.admin_get_user(UserPoolId=self._user_pool_id, Username=phone)
            return Identity(sub=_attribute(reply["UserAttributes"], "sub"))

    def mark_phone_verified(self, sub: str) -> None:
        """Record that the user received a code on the number. Harmless when repeated."""
        with _translated_errors():
            self._client.admin_update_user_attributes(
                UserPoolId=self._user_pool_id,
                Username=sub,
                UserAttributes=[{"Name": "phone_number_verified", "Value": "true"}],
            )

    def set_locale(self, sub: str, locale: str) -> None:
        """Let the user's texts be in another language (``pt-BR``). Harmless when repeated."""
        with _translated_errors():
            self._client.admin_update_user_attributes(
                UserPoolId=self._user_pool_id,
                Username=sub,
                UserAttributes=[{"Name": "locale", "Value": locale}],
            )

    def read_user(self, sub: str) -> CognitoUser:
        """Return a user as Cognito has it now. Raises UnknownUser and other CognitoErrors."""
        with _translated_errors():
            reply = self._client.admin_get_user(UserPoolId=self._user_pool_id, Username=sub)
            return _read_user(reply, reply["UserAttributes"])

    def list_users(self, token: str | None = None) -> tuple[list[CognitoUser], str | None]:
        """Return at most 60 users and the token of the next page, None after the last one."""
        following = {"PaginationToken": token} if token else {}
        with _translated_errors():
            reply: Any = self._client.list_users(
                UserPoolId=self._user_pool_id,
                Limit=60,
                **following,
            )
            users = [_read_user(user, user["Attributes"]) for user in reply["Users"]]
            return users, reply.get("PaginationToken")

    def disable(self, sub: str) -> None:
        """Let the user sign in no more, and end what Cognito granted. Harmless when repeated."""
        with _translated_errors():
            self._client.admin_disable_user(UserPoolId=self._user_pool_id, Username=sub)

    def enable(self, sub: str) -> None:
        """Let the user sign in again. Harmless when repeated."""
        with _translated_errors():
            self._client.admin_enable_user(UserPoolId=self._user_pool_id, Username=sub)

    def sign_out_everywhere(self, sub: str) -> None:
        """Revoke every token of the user. Sessions of this site know nothing of it."""
        with _translated_errors():
            self._client.admin_user_global_sign_out(UserPoolId=self._user_pool_id, Username=sub)

    def delete(self, sub: str) -> None:
        """Remove the user for good. Raises UnknownUser, also when repeated."""
        with _translated_errors():
            self._client.admin_delete_user(UserPoolId=self._user_pool_id, Username=sub)

    def change_phone(self, sub: str, phone: str, *, verified: bool) -> None:
        """Give the user another number. Raises PhoneTaken. Harmless when repeated."""
        with _translated_errors():
            self._client.admin_update_user_attributes(
                UserPoolId=self._user_pool_id,
                Username=sub,
                UserAttributes=[
                    {"Name": "phone_number", "Value": phone},
                    {"Name": "phone_number_verified", "Value": "true" if verified else "false"},
                ],
            )

    def groups_of(self, sub: str) -> frozenset[str]:
        """Return the names of the groups that the user is in."""
        names: set[str] = set()
        following: Any = {}
        with _translated_errors():
            while True:
                reply: Any = self._client.admin_list_groups_for_user(
                    UserPoolId=self._user_pool_id,
                    Username=sub,
                    **following,
                )
                names.update(_text(group["GroupName"]) for group in reply["Groups"])
                token = reply.get("NextToken")
                if not token or {"NextToken": token} == following:
                    return frozenset(names)
                following = {"NextToken": token}

    def add_to_group(self, sub: str, group: str) -> None:
        """Raises Misconfigured where the pool has no such group. Harmless when repeated."""
        with _translated_errors():
            self._client.admin_add_user_to_group(
                UserPoolId=self._user_pool_id, Username=sub, GroupName=group
            )

    def remove_from_group(self, sub: str, group: str) -> None:
        """Harmless when repeated."""
        with _translated_errors():
            self._client.admin_remove_user_from_group(
                UserPoolId=self._user_pool_id, Username=sub, GroupName=group
            )

    def heal(self, username: str) -> list[str]:
        """Let an account be signed in to by the phone alone, which nobody has done so far.

        ``username`` is the phone or the internal name. The one policy for all who find such an
        account: a sign-in, the comparison, and the command for operators.

            UNCONFIRMED             whoever signed it up chose its password and attributes, and need
                                    not have the phone: all attributes but the number go, the number
                                    counts as unproven, tokens end, the password becomes one that
                                    nobody knows, and the account is confirmed
            FORCE_CHANGE_PASSWORD,  operators made it so: tokens end, and the password becomes one
            RESET_REQUIRED          that nobody knows
            others                  nothing, as with accounts that have no number to sign in by

        Nobody can sign in to an unconfirmed account, so what opens it comes last: what fails in
        between can be done again. Returns the names of attributes that the pool does not let go
        of; nobody may believe them. Raises UnknownUser and other CognitoErrors.
        """
        with _translated_errors():
            account: Any = {"UserPoolId": self._user_pool_id, "Username": username}
            found = self._client.admin_get_user(**account)
            status, attributes = found["UserStatus"], found["UserAttributes"]
            has_phone = any(a["Name"] == "phone_number" and a.get("Value") for a in attributes)
            if status not in _HEALABLE or not has_phone:
                return []
            account["Username"] = found["Username"]
            kept: list[str] = []
            if status == "UNCONFIRMED":
                kept = self._remove_attributes(account, attributes)
            self._client.admin_user_global_sign_out(**account)
            self._client.admin_set_user_password(
                **account, Password=_password_of_nobody(), Permanent=True
            )
            if status == "UNCONFIRMED":
                # The password may have confirmed it already.
                with suppress(self._client.exceptions.NotAuthorizedException):
                    self._client.admin_confirm_sign_up(**account)
            return kept

    def _remove_attributes(self, account: Any, attributes: Any) -> list[str]:
        # What says that another is verified goes with it.
        names = [a["Name"] for a in attributes if not a["Name"].endswith("_verified")]
        names = [name for name in names if name not in _OF_COGNITO]
        kept = [] if self._blank(account, names) else names
        if len(kept) > 1:
            kept = [name for name in names if not self._blank(account, [name])]
        if "email" in kept:
            self._update_attributes(account, {"email_verified": "false"})
        self._update_attributes(account, {"phone_number_verified": "false"})
        return kept

    def _blank(self, account: Any, names: list[str]) -> bool:
        """Remove attributes, which is what an empty value does; all of them or none."""
        try:
            if names:
                self._update_attributes(account, dict.fromkeys(names, ""))
        except self._client.exceptions.InvalidParameterException:
            # One of them is required by the pool, or not to be changed.
            return False
        return True

    def _update_attributes(self, account: Any, values: dict[str, str]) -> None:
        self._client.admin_update_user_attributes(
            **account, UserAttributes=[{"Name": n, "Value": v} for n, v in values.items()]
        )

    def _named(self, username: str) -> dict[str, str]:
        """Return the name of a request and the hash that must be made of exactly that name."""
        digest = hmac.digest(
            self._client_secret.encode(), (username + self._client_id).encode(), hashlib.sha256
        )
        return {"USERNAME": username, "SECRET_HASH": base64.b64encode(digest).decode()}


def _password_of_nobody() -> str:
    """Return a password that fits any policy, and that is kept nowhere."""
    return f"{secrets.token_urlsafe(48)}aA1!"


_making = threading.Lock()


def gateway() -> Gateway:
    """Return this process's gateway, which its threads share. Raises Misconfigured."""
    # Making a client is what is not thread-safe.
    with _making:
        try:
            return _made_gateway()
        except (BotoCoreError, ValueError) as error:
            raise Misconfigured(type(error).__name__) from error


@cache
def _made_gateway() -> Gateway:
    return Gateway(
        cast(
            "CognitoIdentityProviderClient",
            outbound.Bounded(
                make_client(
                    region=conf.region, endpoint_url=conf.endpoint_url, threads=conf.cognito_threads
                ),
                outbound.calls_to("cognito-idp"),
            ),
        ),
        user_pool_id=conf.user_pool_id,
        client_id=conf.client_id,
        client_secret=conf.client_secret,
        admin_api=conf.cognito_api == "admin",
    )


def make_client(
    *, region: str, endpoint_url: str | None, threads: int
) -> "CognitoIdentityProviderClient":
    return boto3.Session().client(
        "cognito-idp",
        region_name=region,
        endpoint_url=endpoint_url,
        config=Config(
            connect_timeout=2,
            # A trigger has 5 s, and an answer passes two or three of them.
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=threads,
        ),
    )


_DIGITS = re.compile(r"\+?[0-9]{5,}")


_OUR_FAULTS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    NoRegionError,
    ParamValidationError,
)

_BY_CODE: dict[str, type[CognitoError]] = {
    "NotAuthorizedException": Refused,
    "PasswordResetRequiredException": Refused,
    "UserNotConfirmedException": NotConfirmed,
    "UserNotFoundException": UnknownUser,
    "UsernameExistsException": PhoneTaken,
    "AliasExistsException": PhoneTaken,
    "TooManyRequestsException": Busy,
    "LimitExceededException": Busy,
    "ThrottlingException": Busy,
    # A trigger failed, most often because the text could not be sent.
    "UserLambdaValidationException": Unavailable,
    "UnexpectedLambdaException": Unavailable,
    "InvalidLambdaResponseException": Unavailable,
    "InternalErrorException": Unavailable,
    "ServiceUnavailable": Unavailable,
    "AccessDeniedException": Misconfigured,
    "ForbiddenException": Misconfigured,
    "ExpiredTokenException": Misconfigured,
    "InvalidSignatureException": Misconfigured,
    "UnrecognizedClientException": Misconfigured,
    "InvalidParameterException": Misconfigured,
    "InvalidPasswordException": Misconfigured,
    "InvalidUserPoolConfigurationException": Misconfigured,
    "ResourceNotFoundException": Misconfigured,
    "UnsupportedUserStateException": Misconfigured,
}


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Translate whatever a call raises, and whatever reading its reply raises, exactly once."""
    try:
        yield
    except CognitoError:
        raise
    except ClientError as error:
        raise _translate(error) from error
    except _OUR_FAULTS as error:
        raise Misconfigured(type(error).__name__) from error
    except (ReadTimeoutError, ConnectionClosedError, outbound.NoAnswer) as error:
        raise NoAnswer(type(error).__name__) from error
    except (BotoCoreError, outbound.NotSent) as error:
        raise Unavailable(type(error).__name__) from error
    except Exception as error:
        # botocore lets a garbage reply through as it comes: UnicodeDecodeError for binary,
        # AttributeError for a list, KeyError here for an empty object.
        raise Unavailable("The reply makes no sense") from error


def _translate(error: ClientError) -> CognitoError:
    details = error.response.get("Error", {})
    code, message = str(details.get("Code", "")), str(details.get("Message", ""))
    kind = _BY_CODE.get(code, Unavailable)
    if code == "NotAuthorizedException" and "secret" in message.lower():
        kind = Misconfigured
    if code == "InvalidParameterException" and "session" in message.lower():
        kind = Refused
    if kind is Misconfigured:
        # Whoever has to repair it needs AWS's words; AWS may have quoted a phone in them.
        return kind(f"{code}: {_DIGITS.sub('…', message)[:300]}")
    return kind(code)


def _read_challenge(reply: Any, *, default_username: str) -> Challenge:
    name = reply["ChallengeName"]
    if name != _CHALLENGE:
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


def _read_user(user: Any, attributes: Any) -> CognitoUser:
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


def _time(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise Unavailable("The reply makes no sense")
    return value.astimezone(UTC)


def _attribute(attributes: Any, name: str) -> str:
    for attribute in attributes:
        if attribute["Name"] == name:
            return _text(attribute["Value"])
    raise Unavailable(f"The reply holds no {name}")


def _text(value: Any) -> str:
    if not (isinstance(value, str) and 0 < len(value) <= 20_000):
        raise Unavailable("The reply makes no sense")
    return value

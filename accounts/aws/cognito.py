"""Gateway to the user pool: sign-ins, users and their groups.

A method returns a value of ``cognito_values`` or raises a ``CognitoError``, whose tree
``cognito_errors`` draws. Every call of the running site to the pool's API starts here; commands
for operators (``cognito_admin``) and the local AWS (``localcloud``) set up and examine pools with
clients of their own. Each call is sent once (``clients``).
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError

from accounts.aws import call_limits, clients, cognito_steps, unconfirmed
from accounts.aws.cognito_errors import (
    Busy,
    CognitoError,
    ExpiredAnswer,
    LaneClosed,
    Misconfigured,
    NewPasswordNeeded,
    NoAnswer,
    NotConfirmed,
    OtherChallenge,
    PhoneTaken,
    Refused,
    Unavailable,
    UnknownUser,
    UsedUp,
    WrongAnswer,
)
from accounts.aws.cognito_values import (
    AUTHENTICATOR,
    CognitoUser,
    Identity,
    parked,
    read_groups,
    read_identity,
    read_user,
    read_users,
)
from accounts.conf import conf

# A caller reads ``cognito.Refused``, as it reads ``functions.Unavailable``.
__all__ = [
    "Busy",
    "CognitoError",
    "ExpiredAnswer",
    "Gateway",
    "LaneClosed",
    "Misconfigured",
    "NewPasswordNeeded",
    "NoAnswer",
    "NotConfirmed",
    "OtherChallenge",
    "PhoneTaken",
    "Refused",
    "Unavailable",
    "UnknownUser",
    "UsedUp",
    "WrongAnswer",
    "gateway",
    "make_client",
    "site_gateway",
]

T = TypeVar("T")


class Gateway(cognito_steps.Steps):
    """Intent-named calls on one user pool and our confidential clients.

    ``client`` is a boto3 ``cognito-idp`` client that makes one attempt per call. With
    ``admin_api`` the steps of a sign-in are signed with IAM (AdminInitiateAuth), else they are
    authorised by the client secret alone (InitiateAuth); making and reading users needs IAM
    either way. A ``sub`` names a user, and so does the phone (E.164), which is the user name here:
    ``cognito_by_attribute`` has the gateway to other pools.
    """

    def create_user(self, phone: str, *, locale: str | None = None) -> Identity | None:
        """Create a user without telling anybody, or return None if the number has one already.

        ``locale`` is the language of the texts (``pt-BR``).
        No password is given: Cognito draws a temporary one that nobody gets to know.
        """
        attributes = {"phone_number": phone} | ({"locale": locale} if locale else {})
        try:
            return self._of_user(
                "admin_create_user",
                phone,
                lambda reply: read_identity(reply["User"]["Attributes"]),
                UserAttributes=_listed(attributes),
                MessageAction="SUPPRESS",
            )
        except PhoneTaken:
            return None

    def find_user(self, phone: str) -> Identity:
        """Return the user who has this number now. Raises UnknownUser and other CognitoErrors."""
        return self._of_user(
            "admin_get_user", phone, lambda reply: read_identity(reply["UserAttributes"])
        )

    def read_user(self, sub: str) -> CognitoUser:
        """Return a user as Cognito has it now. Raises UnknownUser and other CognitoErrors."""
        return self._of_user(
            "admin_get_user", sub, lambda reply: read_user(reply, reply["UserAttributes"])
        )

    def list_users(self, token: str | None = None) -> tuple[list[CognitoUser], str | None]:
        """Return at most 60 users and the token of the next page, None after the last one."""
        following = {"PaginationToken": token} if token else {}
        return self._call(
            "list_users", read_users, UserPoolId=self._user_pool_id, Limit=60, **following
        )

    def mark_phone_verified(self, sub: str) -> None:
        """Record that the user received a code on the number. Harmless when repeated."""
        self._set_attributes(sub, {"phone_number_verified": "true"})

    def set_locale(self, sub: str, locale: str) -> None:
        """Let the user's texts be in another language (``pt-BR``). Harmless when repeated."""
        self._set_attributes(sub, {"locale": locale})

    def change_phone(self, sub: str, phone: str, *, verified: bool) -> None:
        """Give the user another number. Raises PhoneTaken. Harmless when repeated."""
        self._set_attributes(
            sub, {"phone_number": phone, "phone_number_verified": "true" if verified else "false"}
        )

    def free_phone(self, sub: str) -> None:
        """Take the user's number away, so that it is free for another user. Harmless when repeated.

        A user whose name is a number cannot be without one, so gets one that nobody can have.
        """
        self.change_phone(sub, parked(sub), verified=False)

    def set_authenticator(self, sub: str, salt: str) -> None:
        """Let sign-ins ask for codes of the app with this salt, or of none where it is ""."""
        self._set_attributes(sub, {AUTHENTICATOR: salt})

    def set_email(self, sub: str, address: str) -> None:
        """Give the user an e-mail address that is proven, or none where it is "".

        Raises PhoneTaken where people sign in to the pool with addresses and another user has it.
        Harmless when repeated.
        """
        is_proven = "true" if address else ""
        self._set_attributes(sub, {"email": address, "email_verified": is_proven})

    def disable(self, sub: str) -> None:
        """Let the user sign in no more, and end what Cognito granted. Harmless when repeated."""
        self._change("admin_disable_user", sub)

    def enable(self, sub: str) -> None:
        """Let the user sign in again. Harmless when repeated."""
        self._change("admin_enable_user", sub)

    def sign_out_everywhere(self, sub: str) -> None:
        """Revoke every token of the user. Sessions of this site know nothing of it."""
        self._change("admin_user_global_sign_out", sub)

    def delete(self, sub: str) -> None:
        """Remove the user for good. Raises UnknownUser, also when repeated."""
        self._change("admin_delete_user", sub)

    def groups_of(self, sub: str) -> frozenset[str]:
        """Return the names of the groups that the user is in."""
        names: set[str] = set()
        following: dict[str, str] = {}
        while True:
            page, token = self._of_user("admin_list_groups_for_user", sub, read_groups, **following)
            names |= page
            if not token or {"NextToken": token} == following:
                return frozenset(names)
            following = {"NextToken": token}

    def add_to_group(self, sub: str, group: str) -> None:
        """Put the user into a group of the pool. Harmless when repeated.

        Raises Misconfigured where the pool has no such group.
        """
        self._change("admin_add_user_to_group", sub, GroupName=group)

    def remove_from_group(self, sub: str, group: str) -> None:
        """Take the user out of a group of the pool. Harmless when repeated."""
        self._change("admin_remove_user_from_group", sub, GroupName=group)

    def repair(self, username: str) -> list[str]:
        """Repair an account that was never confirmed. See ``unconfirmed.repair``."""
        return unconfirmed.repair(self._client, user_pool_id=self._user_pool_id, username=username)

    def _set_attributes(self, sub: str, attributes: dict[str, str]) -> None:
        self._change("admin_update_user_attributes", sub, UserAttributes=_listed(attributes))

    def _change(self, operation: str, username: str, **parameters: Any) -> None:
        self._of_user(operation, username, lambda _: None, **parameters)

    def _of_user(
        self,
        operation: str,
        username: str,
        read: Callable[[Any], T],
        **parameters: Any,
    ) -> T:
        return self._call(
            operation, read, UserPoolId=self._user_pool_id, Username=username, **parameters
        )


def _listed(attributes: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in attributes.items()]


_making = threading.Lock()


def gateway() -> Gateway:
    """Return this process's gateway, which its threads share. Raises Misconfigured."""
    # A client may be shared by threads; it may not be made by two of them at once.
    with _making:
        try:
            return _made_gateway()
        except (BotoCoreError, ValueError) as error:
            raise Misconfigured(type(error).__name__) from error


def site_gateway() -> Gateway:
    """Return the same for the client of people whom this site has proven. Raises Misconfigured."""
    return gateway().of_client(conf.site_client_id, conf.site_client_secret)


@cache
def _made_gateway() -> Gateway:
    if not (conf.user_pool_id and conf.client_id):
        raise Misconfigured("COGNITO_USER_POOL_ID or COGNITO_CLIENT_ID is not set")
    client = make_client(
        region=conf.region, endpoint_url=conf.endpoint_url, threads=conf.cognito_threads
    )
    kind: type[Gateway] = Gateway
    if conf.username == "attribute":
        from accounts.aws.cognito_by_attribute import GatewayByAttribute  # It builds on this one.

        kind = GatewayByAttribute
    known = None
    if conf.known_client_id:
        known = cognito_steps.AppClient(conf.known_client_id, conf.known_client_secret)
    return kind(
        call_limits.Bounded(client, call_limits.calls_to("cognito-idp")),
        user_pool_id=conf.user_pool_id,
        client_id=conf.client_id,
        client_secret=conf.client_secret,
        known=known,
        admin_api=conf.cognito_api == "admin",
    )


def make_client(*, region: str, endpoint_url: str | None, threads: int) -> Any:
    """Return a client for a ``Gateway`` that ``threads`` threads share.

    Raises BotoCoreError and ValueError.
    """
    return clients.make(
        "cognito-idp",
        region=region,
        endpoint_url=endpoint_url,
        # Seconds. A trigger has 5, and an answer passes two or three of them.
        read_timeout=10,
        connections=threads,
    )

"""What the front reads of the emulator's pools: clients, users, tokens."""

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

DEFAULT_SESSION_MINUTES = 3
# As DescribeUserPoolClient gives it.
Client = dict[str, Any]


class Refusal(Exception):
    def __init__(self, message: str, *, code: str = "NotAuthorizedException") -> None:
        super().__init__(message)
        self.code = code
        self.keeps_session = False


@dataclass(frozen=True)
class User:
    """``username`` is the internal name: the sub, or a UUID made up from an unknown name."""

    username: str
    attributes: dict[str, str]
    exists: bool = True


def hides_users(client: Client) -> bool:
    return client.get("PreventUserExistenceErrors") == "ENABLED"


def made_up_name(pool_id: str, typed: str) -> str:
    """Return the internal name of somebody who does not exist."""
    return str(uuid.uuid3(uuid.NAMESPACE_URL, pool_id + typed))


def invalid(message: str) -> Refusal:
    return Refusal(message, code="InvalidParameterException")


class Pools:
    """``api`` is a client of the emulator with every right."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self._pools: dict[Any, str] = {}  # by client

    def find_client(self, data: dict[str, Any]) -> Client | None:
        client_id = data.get("ClientId")
        for pool_id in self._pools_to_search(data):
            try:
                reply = self._api.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)
            except ClientError:
                continue
            self._pools[client_id] = pool_id
            client: Client = reply["UserPoolClient"]
            return client
        return None

    def _pools_to_search(self, data: dict[str, Any]) -> list[str]:
        if known := data.get("UserPoolId") or self._pools.get(data.get("ClientId")):
            return [known]
        pages = self._api.get_paginator("list_user_pools").paginate(MaxResults=60)
        return [pool["Id"] for page in pages for pool in page["UserPools"]]

    def refuse_closed_sign_up(self, client: Client) -> None:
        pool = self._api.describe_user_pool(UserPoolId=client["UserPoolId"])["UserPool"]
        if pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly"):
            raise Refusal("SignUp is not permitted for this user pool")

    def refuse_phone_of_another(self, data: dict[str, Any]) -> None:
        for attribute in data.get("UserAttributes") or ():
            if attribute.get("Name") == "phone_number":
                owner = self._sub_of(data, attribute.get("Value"))
                if owner and owner != self._sub_of(data, data.get("Username")):
                    message = "An account with the given phone_number already exists."
                    raise Refusal(message, code="AliasExistsException")

    def _sub_of(self, data: dict[str, Any], name: Any) -> str | None:
        try:
            found = self._api.admin_get_user(UserPoolId=data.get("UserPoolId"), Username=name)
        except ClientError:
            return None
        return str(found["Username"])

    def find_user(self, client: Client, name: str, *, with_password: bool = False) -> User:
        """Return a user who may go on, or who does not exist where the client hides that.

        ``with_password``: somebody who must reset a password is told so by its proof.
        """
        found = self._find_by_name(client["UserPoolId"], name)
        if found is None:
            if not hides_users(client):
                raise Refusal("User does not exist.", code="UserNotFoundException")
            return User(made_up_name(client["UserPoolId"], name), {}, exists=False)
        status = found["UserStatus"]
        if not found["Enabled"]:
            raise Refusal("User is disabled.")
        if status == "UNCONFIRMED":
            raise Refusal("User is not confirmed.", code="UserNotConfirmedException")
        if status == "RESET_REQUIRED" and not with_password:
            raise Refusal(
                "Password reset required for the user", code="PasswordResetRequiredException"
            )
        attributes = {each["Name"]: each["Value"] for each in found["UserAttributes"]}
        return User(found["Username"], attributes | {"cognito:user_status": status})

    def _find_by_name(self, pool_id: str, name: str) -> dict[str, Any] | None:
        """Return a user by a name that one may sign in with.

        "Customizing sign-in attributes" of the developer guide has user names and aliases. The
        operations for administrators take a ``sub`` as well, where it is not the user name too.
        """
        try:
            found: dict[str, Any] = self._api.admin_get_user(UserPoolId=pool_id, Username=name)
        except self._api.exceptions.UserNotFoundException:
            return None
        is_sub = {"Name": "sub", "Value": name} in found["UserAttributes"]
        return None if is_sub and name != found["Username"] else found

    def tokens(
        self,
        client: Client,
        name: str,
        metadata: dict[str, str],
        *,
        challenge: str = "MFA_SETUP",
        answers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Let the emulator issue tokens, for a challenge that it answers with nothing else.

        Or for one whose answers it checks, whose error is a Refusal.
        """
        responses = {"USERNAME": name} | (answers or {})
        if secret := client.get("ClientSecret"):
            digest = hmac.digest(
                secret.encode(), (name + client["ClientId"]).encode(), hashlib.sha256
            )
            responses["SECRET_HASH"] = base64.b64encode(digest).decode()
        try:
            reply = self._api.respond_to_auth_challenge(
                ClientId=client["ClientId"],
                ChallengeName=challenge,
                ChallengeResponses=responses,
                ClientMetadata=metadata,
            )
        except ClientError as error:
            details = error.response["Error"]
            raise Refusal(details["Message"], code=details["Code"]) from error
        return reply["AuthenticationResult"]  # type: ignore[no-any-return]

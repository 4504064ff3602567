"""Accounts that hold a phone, in a pool whose user names are not phones (docs/adr/0019).

There a number is an attribute: Cognito lets any account have any number, and two accounts the same
one. So a number counts only where it is proven, and where the site itself made the account for it:

    counts          phone_number_verified, or an account of ours that waits for its first code
    does not count  an unverified number, and that of an account which was never confirmed or
                    belongs to another identity provider

Of several accounts whose number counts, enabled ones go before disabled ones, the one that signed
in here with the number before all others, and a verified number before one that waits. Two that are
left are ``NumberShared``: nobody is texted until operators have decided.

``client`` is a boto3 ``cognito-idp`` client. ListUsers may be some seconds behind.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from typing import Any, Final

from accounts.aws import unconfirmed
from accounts.aws.cognito_errors import NumberShared, NumberUnproven, PhoneTaken, UnknownUser
from accounts.aws.cognito_values import CognitoUser, read_user, read_users

# The beginning of every user name that the site makes. The triggers know it as well (recipients).
MADE_HERE: Final = "phone-login-"
# Nothing that the quotes of a filter could end.
_PHONE: Final = re.compile(r"\+[1-9][0-9]{1,14}")
# A page of ListUsers may be empty and have a next one.
_MOST_PAGES: Final = 20
_MOST_NAMES: Final = 5
_NOT_OURS_TO_SIGN_IN: Final = frozenset({"UNCONFIRMED", "EXTERNAL_PROVIDER"})


def counts(user: CognitoUser) -> bool:
    """Tell whether the number of an account leads to it."""
    if not user.phone or user.status in _NOT_OURS_TO_SIGN_IN:
        return False
    is_ours = user.status == "FORCE_CHANGE_PASSWORD" and user.username.startswith(MADE_HERE)
    return user.phone_verified or is_ours


def of(client: Any, user_pool_id: str, phone: str) -> list[CognitoUser]:
    """Return all accounts with a number (E.164), whether it counts or not.

    Raises botocore's errors.
    """
    if not _PHONE.fullmatch(phone):
        return []
    found: list[CognitoUser] = []
    following: dict[str, str] = {}
    for _page in range(_MOST_PAGES):
        reply = client.list_users(
            UserPoolId=user_pool_id, Filter=f'phone_number = "{phone}"', **following
        )
        users, token = read_users(reply)
        # A filter that is ignored lists everybody.
        found += [user for user in users if user.phone == phone]
        if not token:
            break
        following = {"PaginationToken": token}
    return found


def choose(users: list[CognitoUser], *, proven: str = "") -> CognitoUser:
    """Return the account that a number leads to, of those that have it. It may be disabled.

    ``proven`` is the sub of the account that signed in here with the number. Raises UnknownUser,
    NumberUnproven, NumberShared.
    """
    counting = [user for user in users if counts(user)]
    if not counting:
        raise NumberUnproven if users else UnknownUser
    able = [user for user in counting if user.enabled] or counting
    for user in able:
        if user.sub == proven:
            return user
    best = [user for user in able if user.phone_verified] or able
    if len(best) > 1:
        raise NumberShared(f"{len(best)} accounts have one number")
    return best[0]


def make(
    client: Any, user_pool_id: str, phone: str, *, key: str, locale: str | None
) -> tuple[CognitoUser, bool]:
    """Make an account for a number that leads to none.

    Returns it and True, or one that is there and False.

    Cognito keeps user names unique and nothing else, so the name is made of the number, with
    ``key``: of two who ask at once the second gets the account of the first, which ListUsers may
    not know yet. A name whose account has another number by now is passed over. Raises
    botocore's errors and PhoneTaken.
    """
    attributes = {"phone_number": phone} | ({"locale": locale} if locale else {})
    for name in _names(phone, key):
        try:
            reply = client.admin_create_user(
                UserPoolId=user_pool_id,
                Username=name,
                UserAttributes=[{"Name": n, "Value": v} for n, v in attributes.items()],
                MessageAction="SUPPRESS",
                # Without one, a pool with codes of its own would confirm the account at once.
                TemporaryPassword=unconfirmed.password_of_nobody(),
            )
        except client.exceptions.UsernameExistsException:
            found = client.admin_get_user(UserPoolId=user_pool_id, Username=name)
            there = read_user(found, found["UserAttributes"])
            if there.phone == phone and counts(there):
                return there, False
        else:
            made = reply["User"]
            return read_user(made, made["Attributes"]), True
    raise PhoneTaken("Every name for the number is in use")


def _names(phone: str, key: str) -> Iterator[str]:
    for attempt in range(_MOST_NAMES):
        digest = hmac.digest(key.encode(), f"{phone} {attempt}".encode(), hashlib.sha256)
        yield MADE_HERE + digest.hex()[:32]

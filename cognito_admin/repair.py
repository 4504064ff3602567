"""Repair accounts in bulk that cannot, or not safely, sign in by phone.

    unconfirmed    signed up and never confirmed: repaired as at a first sign-in
    force-change   waits for a first password that nobody will type: gets one that nobody knows
    numbers        the number is not written as the site writes it, so nobody finds the account
    duplicates     two accounts whose numbers are the same once written properly

A repaired account is not found again, so the next run goes on where one was stopped. Accounts
without a number stay as they are, since nobody could sign in to them by phone; so do young ones,
whose owner may be in the middle of a sign-up.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from accounts.aws import unconfirmed
from accounts.sync.duplicates import by_number
from cognito_admin.aws_account import Account

AWS_ERRORS = (BotoCoreError, ClientError)


class Kind(StrEnum):
    """The kinds of problems, as ``--kinds`` takes them."""

    UNCONFIRMED = "unconfirmed"
    FORCE_CHANGE = "force-change"
    NUMBERS = "numbers"
    DUPLICATES = "duplicates"


@dataclass(frozen=True)
class Problem:
    """One account, its problem, and the remedy in words.

    ``proper`` is the number as it should be written. ``left_alone`` says why the account stays as
    it is, "" where it is repaired.
    """

    kind: Kind
    username: str
    phone: str
    remedy: str
    proper: str = ""
    left_alone: str = ""


@dataclass(frozen=True)
class _User:
    username: str
    phone: str
    is_verified: bool
    status: str
    is_enabled: bool
    created: float


_STATUSES = {
    Kind.UNCONFIRMED: ("UNCONFIRMED", "confirm it with no attribute and no password left"),
    Kind.FORCE_CHANGE: ("FORCE_CHANGE_PASSWORD", "set a password that nobody knows"),
}


def find(
    account: Account, user_pool_id: str, kinds: Iterable[Kind], *, older_than: timedelta
) -> Iterator[Problem]:
    """Yield problems, in the order of ``kinds``. Raises botocore's errors.

    Accounts that were made less than ``older_than`` ago are left alone.
    """
    wanted = list(kinds)
    made_before = time.time() - older_than.total_seconds()

    def left_alone(user: _User) -> str:
        if not user.phone:
            return "without a number"
        return "too young" if user.created > made_before else ""

    for kind in wanted:
        if kind in _STATUSES:
            status, remedy = _STATUSES[kind]
            for user in _users(account, user_pool_id, status):
                yield Problem(kind, user.username, user.phone, remedy, left_alone=left_alone(user))
    if {Kind.NUMBERS, Kind.DUPLICATES} & set(wanted):
        enabled = (user for user in _users(account, user_pool_id) if user.is_enabled)
        for proper, users in by_number((user.phone, user) for user in enabled).items():
            if len(users) > 1 and Kind.DUPLICATES in wanted:
                for user, remedy in _duplicates(users):
                    yield Problem(
                        Kind.DUPLICATES,
                        user.username,
                        user.phone,
                        remedy,
                        left_alone=left_alone(user),
                    )
            elif len(users) == 1 and users[0].phone != proper and Kind.NUMBERS in wanted:
                (user,) = users
                yield Problem(
                    Kind.NUMBERS,
                    user.username,
                    user.phone,
                    f"write it {proper[:-2]}••",
                    proper,
                    left_alone(user),
                )


def repair(account: Account, user_pool_id: str, problem: Problem) -> list[str]:
    """Repair one account. Returns attributes that could not be removed.

    Raises botocore's errors and ``cognito.CognitoError``.
    """
    client: Any = account.client("cognito-idp")
    who = {"UserPoolId": user_pool_id, "Username": problem.username}
    if problem.kind in _STATUSES:
        return unconfirmed.repair(client, user_pool_id=user_pool_id, username=problem.username)
    if problem.kind is Kind.NUMBERS:
        found = client.admin_get_user(**who)["UserAttributes"]
        verified = next(
            (a["Value"] for a in found if a["Name"] == "phone_number_verified"), "false"
        )
        client.admin_update_user_attributes(
            **who,
            UserAttributes=[
                {"Name": "phone_number", "Value": problem.proper},
                # Without it Cognito takes the number for a new one, and may text its own code.
                {"Name": "phone_number_verified", "Value": verified},
            ],
        )
    else:
        client.admin_disable_user(**who)
        client.admin_user_global_sign_out(**who)
    return []


def _duplicates(users: list[_User]) -> Iterator[tuple[_User, str]]:
    # The account with the most proof stays; of equals the oldest.
    keeper, *rest = sorted(
        users,
        key=lambda user: (user.status != "CONFIRMED", not user.is_verified, user.created),
    )
    for user in rest:
        yield user, f"disable it, and keep {keeper.username}"


def _users(account: Account, user_pool_id: str, status: str = "") -> Iterator[_User]:
    pages = account.client("cognito-idp").get_paginator("list_users")
    options = {"Filter": f'cognito:user_status = "{status}"'} if status else {}
    for page in pages.paginate(UserPoolId=user_pool_id, **options):
        for one in page["Users"]:
            # A filter that is ignored lists everybody.
            if status and one["UserStatus"] != status:
                continue
            attributes = {a["Name"]: a["Value"] for a in one.get("Attributes", [])}
            yield _User(
                username=one["Username"],
                phone=attributes.get("phone_number", ""),
                is_verified=attributes.get("phone_number_verified", "").lower() == "true",
                status=one["UserStatus"],
                is_enabled=one["Enabled"],
                created=one["UserCreateDate"].timestamp(),
            )

"""Repair accounts in bulk that cannot, or not safely, sign in by phone.

    unconfirmed    signed up and never confirmed: repaired as at a first sign-in
    force-change   waits for a first password that nobody will type: gets one that nobody knows
    numbers        the number is not written as the site writes it, so nobody finds the account
    duplicates     two accounts whose numbers are the same once written properly
    unverified     the number is not verified, and no other account has it

Where user names are not phones, people sign in by another name as well, so nothing but the number
is touched: accounts keep their password, and of duplicates all but one lose the verification.

A repaired account is not found again, so the next run goes on where one was stopped. Accounts
without a number stay as they are, since nobody could sign in to them by phone; so do young ones,
whose owner may be in the middle of a sign-up.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from accounts.aws import unconfirmed
from accounts.sync.duplicates import by_number
from cognito_admin import users
from cognito_admin.aws_account import Account
from cognito_admin.users import User

AWS_ERRORS = (BotoCoreError, ClientError)


class Kind(StrEnum):
    """The kinds of problems, as ``--kinds`` takes them."""

    UNCONFIRMED = "unconfirmed"
    FORCE_CHANGE = "force-change"
    NUMBERS = "numbers"
    DUPLICATES = "duplicates"
    UNVERIFIED = "unverified"


@dataclass(frozen=True)
class Problem:
    """One account, its problem, and the remedy in words.

    ``proper`` is the number as it should be written. ``left_alone`` says why the account stays as
    it is, "" where it is repaired. ``verified`` is what becomes of the number, None for the rest.
    """

    kind: Kind
    username: str
    phone: str
    remedy: str
    proper: str = ""
    left_alone: str = ""
    verified: bool | None = None


_OF_NUMBERS = {Kind.NUMBERS, Kind.DUPLICATES, Kind.UNVERIFIED}
_STATUSES = {
    Kind.UNCONFIRMED: ("UNCONFIRMED", "confirm it with no attribute and no password left"),
    Kind.FORCE_CHANGE: ("FORCE_CHANGE_PASSWORD", "set a password that nobody knows"),
}


def find(
    account: Account,
    user_pool_id: str,
    kinds: Iterable[Kind],
    *,
    older_than: timedelta,
    username: str = "phone",
) -> Iterator[Problem]:
    """Yield problems, in the order of ``kinds``. Raises botocore's errors.

    Accounts that were made less than ``older_than`` ago are left alone. ``username`` is
    ``attribute`` where user names of the pool are not phones.
    """
    wanted = list(kinds)
    made_before = time.time() - older_than.total_seconds()

    def left_alone(user: User) -> str:
        if not user.phone:
            return "without a number"
        return "too young" if user.created > made_before else ""

    for kind in wanted:
        if kind in _STATUSES:
            status, remedy = _STATUSES[kind]
            for user in users.read(account, user_pool_id, status):
                why = "signing in by another name" if username == "attribute" else left_alone(user)
                yield Problem(kind, user.username, user.phone, remedy, left_alone=why)
    if not _OF_NUMBERS & set(wanted):
        return
    enabled = (user for user in users.read(account, user_pool_id) if user.is_enabled)
    for proper, holders in by_number((user.phone, user) for user in enabled).items():
        for problem, user in _of_number(proper, holders, username):
            if problem.kind in wanted:
                yield replace(problem, left_alone=left_alone(user))


def _of_number(proper: str, holders: list[User], username: str) -> Iterator[tuple[Problem, User]]:
    """Yield the problems of all accounts with one number, each with its account."""
    sharing = holders
    if username == "attribute":
        sharing = [user for user in holders if user.is_verified]
    if len(sharing) > 1:
        for user, keeper in _duplicates(sharing):
            verified, remedy = None, f"disable it, and keep {keeper.username}"
            if username == "attribute":
                verified, remedy = (
                    False,
                    f"count its number as unverified, and keep {keeper.username}",
                )
            yield (
                Problem(Kind.DUPLICATES, user.username, user.phone, remedy, verified=verified),
                user,
            )
    if len(holders) > 1:
        return
    (user,) = holders
    if user.phone != proper:
        written = f"write it {proper[:-2]}••"
        yield Problem(Kind.NUMBERS, user.username, user.phone, written, proper), user
    elif user.may_hold and not (user.is_verified or user.waits_for_its_first_code):
        remedy = "count its number as verified"
        yield (
            Problem(Kind.UNVERIFIED, user.username, user.phone, remedy, verified=True),
            user,
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
    elif problem.verified is not None:
        value = str(problem.verified).lower()
        client.admin_update_user_attributes(
            **who, UserAttributes=[{"Name": "phone_number_verified", "Value": value}]
        )
    else:
        client.admin_disable_user(**who)
        client.admin_user_global_sign_out(**who)
    return []


def _duplicates(sharing: list[User]) -> Iterator[tuple[User, User]]:
    """Yield each account that gives way, and the one that stays."""
    # The account with the most proof stays; of equals the oldest.
    keeper, *rest = sorted(
        sharing,
        key=lambda user: (user.status != "CONFIRMED", not user.is_verified, user.created),
    )
    for user in rest:
        yield user, keeper

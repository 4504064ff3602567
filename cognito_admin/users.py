"""Users of a pool, page by page, as the commands that examine and repair pools need them."""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.aws.holders import MADE_HERE
from cognito_admin.aws_account import Account


@dataclass(frozen=True)
class User:
    """A user. ``phone`` is as it stands there, ``created`` in seconds since the epoch."""

    username: str
    phone: str
    is_verified: bool
    status: str
    is_enabled: bool
    created: float

    @property
    def may_hold(self) -> bool:
        """Whether the number leads to the account once it is verified."""
        return bool(self.phone) and self.status not in ("UNCONFIRMED", "EXTERNAL_PROVIDER")

    @property
    def waits_for_its_first_code(self) -> bool:
        """Whether the site made the account for its number, which nobody has proven yet."""
        return self.status == "FORCE_CHANGE_PASSWORD" and self.username.startswith(MADE_HERE)


def read(account: Account, user_pool_id: str, status: str = "") -> Iterator[User]:
    """Yield all users, or those of one ``status``. Raises botocore's errors."""
    pages = account.client("cognito-idp").get_paginator("list_users")
    options = {"Filter": f'cognito:user_status = "{status}"'} if status else {}
    for page in pages.paginate(UserPoolId=user_pool_id, **options):
        for one in page["Users"]:
            # A filter that is ignored lists everybody.
            if status and one["UserStatus"] != status:
                continue
            attributes = {a["Name"]: a["Value"] for a in one.get("Attributes", [])}
            yield User(
                username=one["Username"],
                phone=attributes.get("phone_number", ""),
                is_verified=attributes.get("phone_number_verified", "").lower() == "true",
                status=one["UserStatus"],
                is_enabled=one["Enabled"],
                created=one["UserCreateDate"].timestamp(),
            )

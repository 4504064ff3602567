"""Count the numbers in a pool whose user names are not phones."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from accounts import phones
from cognito_admin import users
from cognito_admin.aws_account import Account


@dataclass(frozen=True)
class Numbers:
    """Accounts of a pool, by what a sign-in by phone makes of them. Disabled ones are left out.

    ``sharing`` have a verified number that another account has verified as well; ``misspelled``
    have one that is not written as the site writes it.
    """

    accounts: int
    found: int
    without: int
    unverified: int
    sharing: int
    misspelled: int

    def notes(self) -> Iterator[str]:
        """Yield what somebody who attaches the pool should know."""
        yield f"Of {self.accounts} accounts, {self.found} can sign in by phone."
        if self.without:
            yield f"{self.without} have no number, and keep signing in as they do."
        if self.unverified:
            yield (
                f"{self.unverified} have a number that is not verified, which leads to nobody. "
                "Where your records prove them: cognito_repair --kinds unverified"
            )
        if self.sharing:
            yield (
                f"{self.sharing} share their verified number with another account: nobody is "
                "texted until one is left. cognito_repair --kinds duplicates lists them"
            )
        if self.misspelled:
            yield (
                f"{self.misspelled} have a number that is not written in full, so nobody finds "
                "them: cognito_repair --kinds numbers"
            )


def count(account: Account, user_pool_id: str) -> Numbers:
    """Read the whole list of users. Raises botocore's errors."""
    verified: Counter[str] = Counter()
    accounts = without = unverified = misspelled = 0
    for user in users.read(account, user_pool_id):
        if not user.is_enabled:
            continue
        accounts += 1
        if not user.phone:
            without += 1
        elif phones.find(user.phone) != user.phone:
            misspelled += 1
        elif user.may_hold and (user.is_verified or user.waits_for_its_first_code):
            verified[user.phone] += 1
        else:
            unverified += 1
    sharing = sum(times for times in verified.values() if times > 1)
    found = verified.total() - sharing
    return Numbers(accounts, found, without, unverified, sharing, misspelled)

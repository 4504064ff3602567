"""The gateway to a pool whose user names are not phones (COGNITO_USERNAME=attribute).

A sign-in begins with a look-up: ``holder_of`` finds the account that holds the phone, and its
``username`` starts the challenge. ``holders`` says which number counts and which account wins; one
that does not count is read as no number, so the site neither shows nor stores it.
"""

from contextlib import suppress
from dataclasses import replace

from accounts.aws import cognito_errors, holders
from accounts.aws.cognito import Gateway
from accounts.aws.cognito_errors import PhoneTaken, UnknownUser
from accounts.aws.cognito_values import CognitoUser, Identity


class GatewayByAttribute(Gateway):
    """The calls that name somebody by phone, and those that read phones; all others are as ever."""

    def holder_of(self, phone: str, *, known: str = "", is_proven: bool = False) -> CognitoUser:
        """Return the account that a number leads to; it may be disabled.

        ``known`` is the sub that has the number here, with ``is_proven`` by a sign-in. It costs one
        ListUsers, and where that does not list ``known`` (it may be some seconds behind a change)
        one AdminGetUser. Raises NumberUnproven, NumberShared, and the other CognitoErrors.
        """
        users = self._holders(phone)
        if known and all(user.sub != known for user in users):
            with suppress(UnknownUser):
                users += [user for user in [super().read_user(known)] if user.phone == phone]
        return holders.choose(users, proven=known if is_proven else "")

    def make_holder(self, phone: str, *, locale: str | None = None) -> tuple[CognitoUser, bool]:
        """Make an account for a number that leads to none; False where there is one meanwhile.

        Raises Misconfigured where the pool wants another user name or more attributes.
        """
        with cognito_errors.translated():
            return holders.make(
                self._client, self._user_pool_id, phone, key=self._usual.secret, locale=locale
            )

    def create_user(self, phone: str, *, locale: str | None = None) -> Identity | None:
        """Create a user, or return None if the number leads to one, or to several, already."""
        try:
            self.holder_of(phone)
        except cognito_errors.NumberShared:
            return None
        except UnknownUser:
            made, is_new = self.make_holder(phone, locale=locale)
            return Identity(made.sub) if is_new else None
        return None

    def find_user(self, phone: str) -> Identity:
        """Return the user whom the number leads to. Raises as ``holder_of``."""
        return Identity(self.holder_of(phone).sub)

    def read_user(self, sub: str) -> CognitoUser:
        """Return a user, without a number that leads nowhere. Raises UnknownUser and others."""
        return _with_counting_phone(super().read_user(sub))

    def list_users(self, token: str | None = None) -> tuple[list[CognitoUser], str | None]:
        """Return a page of users, without numbers that lead nowhere, and the next token."""
        users, following = super().list_users(token)
        return [_with_counting_phone(user) for user in users], following

    def change_phone(self, sub: str, phone: str, *, verified: bool) -> None:
        """Give the user another number. Raises PhoneTaken, which Cognito does not in such a pool.

        It counts as verified in any case: an unverified number leads to nobody, so what an operator
        writes without a proof would lock the person out.
        """
        if any(user.sub != sub and holders.counts(user) for user in self._holders(phone)):
            raise PhoneTaken("Another account of the pool has the number")
        super().change_phone(sub, phone, verified=True)

    def _sign_in_name(self, sub: str) -> str:
        # A sub is no name in such a pool. It costs a call more.
        return super().read_user(sub).username

    def free_phone(self, sub: str) -> None:
        """Take the user's number away: here it is an attribute, which a user can be without."""
        self._set_attributes(sub, {"phone_number": "", "phone_number_verified": ""})

    def _holders(self, phone: str) -> list[CognitoUser]:
        with cognito_errors.translated():
            return holders.of(self._client, self._user_pool_id, phone)


def _with_counting_phone(user: CognitoUser) -> CognitoUser:
    return user if holders.counts(user) else replace(user, phone="")

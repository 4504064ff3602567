"""Numbers of every kind that somebody may type, each with the account and the past that it names.

    member          signed in here before
    stranger        has no account
    disabled now    a member, disabled in Cognito a moment ago: nothing here knows it
    disabled        the same, and the site knows
    untexted …      of a country that the stack does not text, and the site does not refuse
    held …          ten wrong codes in a row were typed for it
    limited …       got five texts within the hour

Of the last three there are members and strangers.
"""

import contextlib
import itertools
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

import phonenumbers

from localcloud.cloud import COUNTRIES, Cloud
from tests.fakes.cognito_front.pools import made_up_name

_LEDGER, _CODE_KEY = "phone-login-ledger-local", "phone-login/local/code-key"
UNTEXTED = "FR"
# No limit of a block, a country or the pool may come in between.
PARAMETERS = {
    "AllowedCountries": ",".join(each for each in COUNTRIES if each != UNTEXTED),
    **dict.fromkeys(("SendsPerCountryHour", "SendsPerPoolHour", "SendsPerPoolDay"), "1000000"),
    **dict.fromkeys(("DollarsPerPoolHour", "DollarsPerPoolDay"), "1000000"),
    **dict.fromkeys(("FailuresPerPool5Minutes", "FailuresPerPoolDay"), "10000"),
}
# A block each: blocks have limits too.
_americans = (
    phone
    for area in range(201, 990)
    for block in range(200, 900)
    if phonenumbers.is_valid_number_for_region(
        phonenumbers.parse(phone := f"+1{area}{block}1234"), "US"
    )
)
_french = (f"+336{block:04d}1234" for block in itertools.count())
_drawing = threading.Lock()


@dataclass(frozen=True)
class Kind:
    """``like`` is the kind that it must not be told from: itself where that is to be hidden.

    A hold and a limit are told to everybody who types the number, with an account or without.
    """

    name: str
    like: str = "member"
    has_account: bool = True

    @property
    def country(self) -> str:
        return UNTEXTED if self.name.startswith("untexted") else "US"


KINDS = (
    Kind("member"),
    Kind("stranger", has_account=False),
    Kind("disabled now"),
    Kind("disabled"),
    Kind("untexted member"),
    Kind("untexted stranger", has_account=False),
    Kind("held member", like="held member"),
    Kind("held stranger", like="held member", has_account=False),
    Kind("limited member", like="limited member"),
    Kind("limited stranger", like="limited member", has_account=False),
)


class Numbers:
    """Draws numbers, and puts into ``cloud`` and the site's database what their kind says."""

    def __init__(self, cloud: Cloud) -> None:
        session, url = cloud.root_session(), cloud.emulator.url
        self._pool = cloud.environment["COGNITO_USER_POOL_ID"]
        self._users: Any = session.client("cognito-idp", endpoint_url=url)
        self._table: Any = session.client("dynamodb", endpoint_url=url)

    def draw(self, kind: Kind, *, sign_up: str) -> str:
        """Return a number of the kind, which is E.164. Nobody has asked for it yet."""
        from accounts.models import User

        with _drawing:
            phone = next(_french if kind.country == UNTEXTED else _americans)
        if kind.has_account:
            sub = self._join(phone)
            User.objects.create(
                pool=self._pool,
                sub=sub,
                phone=phone,
                phone_verified=True,
                cognito_enabled=kind.name != "disabled",
            )
            if kind.name.startswith("disabled"):
                self._users.admin_disable_user(UserPoolId=self._pool, Username=sub)
        self._have_past(kind, phone, sign_up=sign_up)
        return phone

    def forget(self, phone: str) -> None:
        """Let nobody have a number any more.

        The emulator looks through all its users for one whom it does not find: in a large pool that
        alone would tell who has an account.
        """
        with contextlib.suppress(self._users.exceptions.UserNotFoundException):
            self._users.admin_delete_user(UserPoolId=self._pool, Username=phone)

    def _join(self, phone: str) -> str:
        made = self._users.admin_create_user(
            UserPoolId=self._pool,
            Username=phone,
            UserAttributes=[{"Name": "phone_number", "Value": phone}],
            MessageAction="SUPPRESS",
        )
        return str(made["User"]["Username"])

    def _have_past(self, kind: Kind, phone: str, *, sign_up: str) -> None:
        now = int(time.time())
        past: dict[str, Any] = {}
        if kind.name.startswith("held"):
            past = {"failures": {"N": "10"}, "last_failure": {"N": str(now)}}
        elif kind.name.startswith("limited"):
            texts = [{"N": str((now - 400 * n) * 1000)} for n in range(1, 6)]
            past = {"recent": {"L": texts}}
        if not past:
            return
        from lambdas.triggers import keys
        from lambdas.triggers.ledger import names

        name = names.phone_name(phone)
        if not kind.has_account and sign_up == "closed":
            name = keys.pseudonym("nobody", made_up_name(self._pool, phone))
        key = {"pk": {"S": names.phone_item(name)}}
        self._table.put_item(TableName=_LEDGER, Item={**key, **past})


def let_read_names(cloud: Cloud) -> None:
    """Let this process read the key by which the ledger names its items."""
    key = cloud.emulator.root_key
    os.environ.update(
        {
            "AWS_ENDPOINT_URL": cloud.emulator.url,
            "AWS_DEFAULT_REGION": cloud.environment["AWS_REGION"],
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "CODE_KEY_SECRET_ID": _CODE_KEY,
        }
    )

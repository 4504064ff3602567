"""Pages tell whoever types a number the same, whether it has an account or not."""

import time
from collections.abc import Callable
from itertools import zip_longest

import pytest
import time_machine
from django.test import Client

from accounts.aws import cognito
from accounts.conf import conf
from accounts.models import User
from tests.alike import told

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

LOGIN = "/accounts/login/"


class Visitor:
    """A browser in which a number is typed. ``do`` returns all that it is told."""

    def __init__(self, phone: str) -> None:
        self._phone = phone
        self._client = Client()

    def do(self, step: str) -> list[object]:
        if step == "another browser":
            self._client = Client()
        if step in ("type", "another browser"):
            response = self._client.post(LOGIN, {"phone": self._phone})
        elif step == "resend":
            response = self._client.post(f"{LOGIN}resend/")
        elif step == "look":
            response = self._client.get(f"{LOGIN}code/")
        else:
            response = self._client.post(f"{LOGIN}code/", {"code": step})
        cookies = [
            (name, len(each.value), each["max-age"]) for name, each in response.cookies.items()
        ]
        page = response.content.decode()
        return told(response.status_code, response.headers, cookies, page)


def invited(phone: str) -> None:
    cognito.gateway().create_user(phone)


def member(phone: str) -> User:
    made = cognito.gateway().create_user(phone)
    return User.objects.create(pool=conf.user_pool_id, sub=made.sub, phone=phone)


def disabled(phone: str) -> None:
    cognito.gateway().disable(member(phone).sub)


def shut_out(phone: str) -> None:
    member(phone)
    User.objects.filter(phone=phone).update(is_active=False)


@pytest.mark.parametrize("account", [invited, member, disabled, shut_out])
def test_pages_tell_nobody_who_has_an_account(
    on_cloud, phone, settings, age_ledger, account: Callable[[str], object]
):
    settings.ACCOUNTS_SIGN_UP = "closed"
    settings.ACCOUNTS_WRONG_CODES = settings.ACCOUNTS_SENDS = "1000/hour"
    settings.ACCOUNTS_UNUSED_SENDS = "1000/hour"
    account(phone)
    one, other = Visitor(phone), Visitor(phone[:-4] + "0177")
    with time_machine.travel(time.time(), tick=True) as clock:
        for steps in (
            ["type", "type", "look", "resend", "000001", "000001", "000002", "000003", "look"],
            ["type", "look", "resend", "another browser", "look", "000004"],
            ["resend", "look", "000005", "another browser", "look", "000006", "000007"],
            ["type", "look", "resend", "000008", "look"],
        ):
            for step in steps:
                pairs = list(zip_longest(one.do(step), other.do(step)))
                assert [pair for pair in pairs if pair[0] != pair[1]] == [], step
            age_ledger(65)
            clock.shift(65)

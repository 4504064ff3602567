"""A number that changed hands after 500 idle days, with the emulator and the real functions."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts import operations
from accounts.aws import cognito
from accounts.models import Operation, Return, SignInEvent, User
from accounts.operations import returns
from tests.accounts.operators import again, make_operator
from tests.codes import code_in
from tests.login_steps import AGENTS, LOGIN, answer, ask, form, is_signed_in, sign_in, who

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

PAGE, ASK, NEW = (f"/accounts/login/dormant/{step}" for step in ("", "ask/", "new/"))


@pytest.fixture
def sleeper(on_cloud, phone, texts, settings, age_ledger) -> User:
    """Somebody with rights who signed in once, 500 days ago, on another device."""
    settings.ACCOUNTS_SIGN_UP = "open"
    settings.ACCOUNTS_SENDS = settings.ACCOUNTS_UNUSED_SENDS = "1000/hour"
    owner = Client(headers={"user-agent": AGENTS["iPhone"]})
    owner.get(LOGIN)
    sign_in(owner, phone, texts)
    owner.post("/accounts/logout/")
    user = User.objects.get(phone=phone)
    user.groups.add(Group.objects.create(name="Money"))
    User.objects.filter(pk=user.pk).update(
        name="Ada", last_login=timezone.now() - timedelta(days=500)
    )
    age_ledger(600)
    return again(user)


def stranger() -> Client:
    client = Client(headers={"user-agent": AGENTS["Firefox on Linux"]})
    client.get(LOGIN)
    return client


def type_code(client: Client, phone: str, texts):
    ask(client, phone)
    return answer(client, code_in(texts(phone)[-1])).url


def press(client: Client, url: str):
    return client.post(url, form(client.get(PAGE)))


def test_code_alone_opens_it_where_the_setting_is_off(sleeper, phone, texts, settings):
    """What every sign-in by text does that does not look at the time."""
    settings.ACCOUNTS_DORMANT_DAYS = 0
    client = stranger()
    assert type_code(client, phone, texts) == "/"
    assert who(client).name == "Ada"


def test_newcomer_signs_in_to_an_account_of_their_own(sleeper, phone, texts, settings, age_ledger):
    client = stranger()
    assert type_code(client, phone, texts) == PAGE
    assert not is_signed_in(client)
    assert press(client, NEW).url == "/"
    newcomer = who(client)
    assert newcomer.sub == cognito.gateway().find_user(phone).sub != sleeper.sub
    assert (newcomer.name, newcomer.groups.count()) == ("", 0)
    old = cognito.gateway().read_user(sleeper.sub)
    assert (old.phone, old.phone_verified, old.enabled) == ("", False, True)
    assert again(sleeper).groups.count() == 1
    # From then on as for everybody, on any device.
    age_ledger(600)
    elsewhere = stranger()
    assert type_code(elsewhere, phone, texts) == "/"
    assert who(elsewhere) == newcomer


def test_owner_is_let_back_by_an_operator_and_with_a_new_number_as_well(
    sleeper, phone, texts, age_ledger
):
    client = stranger()
    assert type_code(client, phone, texts) == PAGE
    press(client, ASK)
    row = Return.objects.get()
    assert row.reference in client.get(PAGE).content.decode()
    assert SignInEvent.objects.filter(reference=row.reference, user=sleeper).exists()
    returns.decide(row, Return.State.APPROVED, by=make_operator())
    age_ledger(600)
    assert type_code(client, phone, texts) == "/"
    assert who(client).name == "Ada"

    User.objects.filter(pk=sleeper.pk).update(last_login=timezone.now() - timedelta(days=500))
    other = f"{phone[:-4]}0199"
    operations.perform(
        Operation.Kind.CHANGE_NUMBER, again(sleeper), by=None, phone=other, verified=False
    )
    again_elsewhere = stranger()
    assert type_code(again_elsewhere, other, texts) == "/"
    assert who(again_elsewhere).name == "Ada"

"""Each difference made for real in the local AWS, found, repaired and undone; live sessions lost.

The site's own key is used, which holds no more than the template's policy.
"""

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client

from accounts.aws import cognito
from accounts.models import Difference, SyncRun, User
from accounts.models.users import DELETED
from accounts.sync import repair, revalidation, runs
from accounts.sync.compare import REPAIRABLE
from tests.aws_console import PASSWORD, Console
from tests.login_steps import ask, is_signed_in, sign_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

INTERVAL = 900
Kind, State = Difference.Kind, Difference.State


@pytest.fixture
def console(on_cloud) -> Console:
    return Console(on_cloud)


@pytest.fixture
def client(on_cloud) -> Client:
    return Client()


def compare(*repair: str) -> SyncRun:
    run = runs.start(repair=repair, unconfirmed_after=timedelta(), by="tests")
    while runs.step(run, lambda: None):
        pass
    return run


def difference_of(sub: str, kind: Kind) -> Difference:
    """Compare, and return the one difference of this user, open."""
    compare()
    return Difference.objects.get(sub=sub, kind=kind, state=State.OPEN)


def kinds_of(sub: str) -> set[str]:
    compare()
    return set(Difference.objects.filter(sub=sub, state=State.OPEN).values_list("kind", flat=True))


def known(phone: str) -> User:
    return User.objects.get(phone=phone)


def signed_in(client: Client, phone: str, texts) -> User:
    sign_in(client, phone, texts)
    user = known(phone)
    User.objects.filter(pk=user.pk).update(date_joined=user.date_joined - timedelta(days=1))
    return user


def let_pass(seconds: float) -> None:
    """Let Cognito's word on everybody be so much older. The local AWS refuses another clock."""
    ago = timedelta(seconds=seconds)
    User.objects.update(checked_at=F("checked_at") - ago, last_login=F("last_login") - ago)


# Sessions


@pytest.mark.parametrize("deed", ["admin_disable_user", "admin_delete_user"])
def test_person_disabled_or_deleted_in_cognito_loses_a_live_session(
    client, phone, texts, console, deed
):
    user = signed_in(client, phone, texts)
    console(deed, phone)
    # The last answer of Cognito is young.
    assert is_signed_in(client)
    let_pass(INTERVAL + 1)
    client.get("/")
    assert not is_signed_in(client)
    page = client.get("/")
    assert (page.status_code, page.url.startswith("/accounts/ended/")) == (302, True)
    user.refresh_from_db()
    assert (user.cognito_enabled, user.is_active) == (False, True)
    assert (user.cognito_status == DELETED) is (deed == "admin_delete_user")


def test_person_enabled_again_in_cognito_signs_in_again(client, phone, texts, console, age_ledger):
    user = signed_in(client, phone, texts)
    console("admin_disable_user", phone)
    let_pass(INTERVAL + 1)
    client.get("/")
    assert not is_signed_in(client)
    console("admin_enable_user", phone)
    age_ledger(31)
    # To ask Cognito first would take longer than for others, and tell who is disabled.
    ask(Client(), phone)
    assert len(texts(phone)) == 1
    sign_in(Client(), phone, texts)
    user.refresh_from_db()
    assert user.cognito_enabled is True


def test_outage_in_between_signs_nobody_out(client, phone, texts, console, settings):
    signed_in(client, phone, texts)
    console("admin_disable_user", phone)
    here = settings.AWS_ENDPOINT_URL
    settings.AWS_ENDPOINT_URL = "http://127.0.0.1:9"
    cognito._made_gateway.cache_clear()
    let_pass(INTERVAL + 1)
    for _ in range(3):
        assert is_signed_in(client)
    settings.AWS_ENDPOINT_URL = here
    cognito._made_gateway.cache_clear()
    revalidation._asking.reset()
    let_pass(61)
    client.get("/")
    assert not is_signed_in(client)


def test_throttled_check_signs_nobody_out(client, phone, texts, strict):
    signed_in(client, phone, texts)
    strict.fail("AdminGetUser", "TooManyRequestsException")
    let_pass(INTERVAL + 1)
    for _ in range(3):
        assert is_signed_in(client)
    strict.heal()


def test_number_changed_in_cognito_is_followed(client, phone, texts, console):
    user = signed_in(client, phone, texts)
    other = phone[:-4] + "0456"
    attributes = [{"Name": "phone_number", "Value": other}]
    console("admin_update_user_attributes", user.sub, UserAttributes=attributes)
    let_pass(INTERVAL + 1)
    assert is_signed_in(client)
    user.refresh_from_db()
    assert user.phone == other


def test_groups_given_in_cognito_arrive_with_the_sign_in(client, phone, texts, console, settings):
    settings.ACCOUNTS_GROUPS = {"support": "Support"}
    settings.ACCOUNTS_STAFF_GROUP = "operators"
    for name in ("support", "operators"):
        console("create_group", GroupName=name)
    try:
        sub = console.create(phone, verified=True)
        for name in ("support", "operators"):
            console("admin_add_user_to_group", sub, GroupName=name)
        sign_in(client, phone, texts)
        user = known(phone)
        assert list(user.groups.values_list("name", flat=True)) == ["Support"]
        assert (user.is_staff, user.is_superuser) == (True, False)
        console("admin_remove_user_from_group", sub, GroupName="operators")
        let_pass(INTERVAL + 1)
        client.get("/")
        user.refresh_from_db()
        assert user.is_staff is False
    finally:
        for name in ("support", "operators"):
            console("delete_group", GroupName=name)


# Differences


def test_only_in_cognito(console, phone):
    sub = console.create(phone, verified=True)
    difference = difference_of(sub, Kind.ONLY_IN_COGNITO)
    repair.repair(difference, by="")
    assert known(phone).sub == sub
    assert kinds_of(sub) == set()
    repair.undo(difference, by="")
    assert not User.objects.filter(sub=sub).exists()
    assert kinds_of(sub) == {Kind.ONLY_IN_COGNITO}


def test_only_here(client, phone, texts, console):
    user = signed_in(client, phone, texts)
    console("admin_delete_user", phone)
    difference = difference_of(user.sub, Kind.ONLY_HERE)
    assert is_signed_in(client)
    repair.repair(difference, by="")
    assert not is_signed_in(client)
    assert kinds_of(user.sub) == set()
    repair.undo(difference, by="")
    user.refresh_from_db()
    assert user.cognito_enabled is True
    assert kinds_of(user.sub) == {Kind.ONLY_HERE}


def test_differing_phone(client, phone, texts, console):
    user = signed_in(client, phone, texts)
    other = phone[:-4] + "0456"
    attributes = [{"Name": "phone_number", "Value": other}]
    console("admin_update_user_attributes", user.sub, UserAttributes=attributes)
    difference = difference_of(user.sub, Kind.PHONE)
    repair.repair(difference, by="")
    assert known(other) == user
    assert kinds_of(user.sub) == set()
    repair.undo(difference, by="")
    assert known(phone) == user
    assert kinds_of(user.sub) == {Kind.PHONE}


def test_differing_status(client, phone, texts, console):
    user = signed_in(client, phone, texts)
    console("admin_disable_user", phone)
    difference = difference_of(user.sub, Kind.STATUS)
    repair.repair(difference, by="")
    assert not is_signed_in(client)
    assert kinds_of(user.sub) == set()
    repair.undo(difference, by="")
    assert kinds_of(user.sub) == {Kind.STATUS}


def test_unconfirmed_of_a_user_with_a_password_of_somebody_else(client, phone, texts, console):
    """Repaired: that password does not work. Then the owner of the number signs in."""
    sub = console.create(phone, verified=False)
    console("admin_set_user_password", sub, Password=PASSWORD, Permanent=False)
    assert console.accepts(phone, PASSWORD)
    difference = difference_of(sub, Kind.UNCONFIRMED)
    repair.repair(difference, by="")
    assert not console.accepts(phone, PASSWORD)
    assert console("admin_get_user", sub)["UserStatus"] == "CONFIRMED"
    assert Kind.UNCONFIRMED not in kinds_of(sub)
    sign_in(client, phone, texts)
    assert known(phone).sub == sub
    assert kinds_of(sub) == set()


def test_unconfirmed_of_a_sign_up_that_was_never_confirmed(client, phone, texts, console):
    sub = console.sign_up(phone)
    assert console("admin_get_user", sub)["UserStatus"] == "UNCONFIRMED"
    difference = difference_of(sub, Kind.UNCONFIRMED)
    repair.repair(difference, by="")
    assert console("admin_get_user", sub)["UserStatus"] == "CONFIRMED"
    assert not console.accepts(phone, PASSWORD)
    sign_in(client, phone, texts)
    assert kinds_of(sub) == set()


def test_duplicates(console, phone):
    """The same number, with the national zero that people leave in."""
    one = console.create("+447400123477", verified=True)
    two = console.create("+4407400123477", verified=True)
    try:
        run = compare(*REPAIRABLE)
        doubles = run.differences.filter(kind=Kind.DUPLICATE, state=State.OPEN)
        assert set(doubles.values_list("sub", flat=True)) == {one, two}
        assert not User.objects.filter(sub__in=[one, two]).exists()
    finally:
        console("admin_delete_user", one)
        console("admin_delete_user", two)
    assert kinds_of(one) | kinds_of(two) == set()

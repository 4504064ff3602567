"""Set-up codes for operators, and what the admin says about their passkeys."""

import re

import pytest
from auditlog.models import LogEntry
from django.test import Client

from accounts.models import Passkey, SetupCode, User
from tests.accounts.admin.pages import LIST, page_of, right_to
from tests.accounts.operators import make_operator
from tests.authenticator import Authenticator
from tests.clock import seconds_later
from tests.pages import text
from tests.passkey_steps import browser, give, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

BUTTON = "Give a set-up code"


@pytest.fixture(autouse=True)
def asked_for(pool, settings):
    pool.proves_itself(settings)
    settings.ACCOUNTS_STAFF_SECOND_FACTOR = True


@pytest.fixture
def enter(pool, make_phone):
    """``enter(rights…)``: the browser of an operator with these, who signed in with a passkey."""

    def signed_in(*rights: str, **columns) -> Client:
        phone = make_phone()
        user = User.objects.for_identity(pool.register(phone), phone, phone_verified=True)
        User.objects.filter(pk=user.pk).update(is_staff=True, **columns)
        user.refresh_from_db()
        user.user_permissions.set(right_to(each) for each in rights)
        device = Authenticator()
        give(user, device)
        user.passkeys.update(opens_admin=True)
        client = browser()
        sign_in(client, device)
        return client

    return signed_in


@pytest.fixture
def boss(enter) -> Client:
    return enter(is_superuser=True)


@pytest.fixture
def newcomer() -> User:
    return make_operator(5)


def setup_code(user: User) -> str:
    return f"{LIST}{user.pk}/setup-code/"


def test_code_is_shown_once_and_is_written_down_without_it(boss, newcomer):
    assert BUTTON in text(boss.get(page_of(newcomer)))
    page = boss.post(setup_code(newcomer))
    [code] = re.findall("<code>([^<]+)</code>", text(page))
    assert "no-store" in page["Cache-Control"]
    assert SetupCode.objects.get().user == newcomer
    entry = LogEntry.objects.get(changes__has_key="set-up code")
    assert entry.actor
    assert entry.changes["set-up code"] == ["", "given"]
    shown = text(boss.get(page_of(newcomer)))
    assert "They have a set-up code until" in shown
    assert code not in shown
    assert boss.get(setup_code(newcomer)).status_code == 302


def test_page_says_who_has_nothing_that_opens_the_admin(boss, newcomer):
    assert "Nothing that they have opens the admin." in text(boss.get(page_of(newcomer)))
    assert str(newcomer) in text(boss.get(LIST, {"staff": "no_factor"}))
    give(newcomer, Authenticator())
    assert "Nothing that they have" in text(boss.get(page_of(newcomer)))
    Passkey.objects.update(opens_admin=True)
    page = text(boss.get(page_of(newcomer)))
    assert "They can open the admin." in page
    assert "works, and opens the admin" in page
    assert "0 users" in text(boss.get(LIST, {"staff": "no_factor"}))


def test_code_takes_the_right_and_a_fresh_code(enter, boss, newcomer):
    helper = enter("view_user")
    assert BUTTON not in text(helper.get(page_of(newcomer)))
    assert helper.post(setup_code(newcomer)).status_code == 403
    with seconds_later(301):
        assert boss.post(setup_code(newcomer))["Location"].startswith("/accounts/confirm/")
    assert not SetupCode.objects.exists()
    assert enter("view_user", "manage_staff").post(setup_code(newcomer)).status_code == 200


def test_code_for_somebody_with_more_rights_is_refused(enter, newcomer):
    helper = enter("view_user", "manage_staff")
    newcomer.user_permissions.add(right_to("delete_user"))
    assert helper.post(setup_code(newcomer)).status_code == 403
    other = make_operator(6, is_superuser=True)
    assert helper.post(setup_code(other)).status_code == 403
    assert not SetupCode.objects.exists()


def test_there_is_none_for_oneself_or_for_people_who_are_no_operators(boss, newcomer):
    me = User.objects.get(is_superuser=True)
    assert boss.post(setup_code(me)).status_code == 403
    User.objects.filter(pk=newcomer.pk).update(is_staff=False)
    assert boss.post(setup_code(newcomer)).status_code == 404
    assert "the admin" not in text(boss.get(page_of(newcomer)))

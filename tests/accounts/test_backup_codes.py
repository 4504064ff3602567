"""The page of backup codes, and the place where one stands for a code of the app."""

import re

import pytest
from django.test import Client

from accounts.fields import BackupCodeField
from accounts.models import SignInEvent, User
from tests.wire import Reply

pytestmark = pytest.mark.django_db

PAGE = "/accounts/backup-codes/"
CODES = [f"K7F2-9QX{letter}" for letter in "ABCDEFGHJK"]


@pytest.fixture
def person(client: Client, pool, phone, settings) -> User:
    settings.TEXTS_FUNCTION = "texts"
    pool.functions["backup_codes"] = lambda asked: {"left": 3}
    pool.functions["new_backup_codes"] = lambda asked: {"codes": CODES}
    user = User.objects.for_identity(pool.register(phone), phone, phone_verified=True)
    client.force_login(user)
    return user


def test_page_is_for_people_who_are_signed_in(client: Client, settings):
    settings.TEXTS_FUNCTION = "texts"
    page = client.get(PAGE)
    assert page.status_code == 302
    assert page.url.startswith("/accounts/login/?next=")


def test_page_asks_for_a_fresh_code_first(client: Client, person):
    person.sessions.update(confirmed_at=None)
    for page in (client.get(PAGE), client.post(PAGE)):
        assert page.status_code == 302
        assert page.url.startswith("/accounts/confirm/?next=")


def test_page_says_how_many_are_left_and_shows_none(client: Client, person):
    page = client.get(PAGE).content.decode()
    assert "You have 3 codes left." in page
    assert "K7F2" not in page


def test_new_ones_are_shown_once_and_noted(client: Client, person):
    page = client.post(PAGE)
    assert re.findall(r"<code>(.*?)</code>", page.content.decode()) == CODES
    assert "no-store" in page["Cache-Control"]
    [event] = SignInEvent.objects.filter(kind="backup_codes")
    assert (event.reason, event.user) == ("drawn", person)
    assert "K7F2" not in client.get(PAGE).content.decode()


def test_codes_are_in_no_log(client: Client, person, caplog):
    with caplog.at_level("DEBUG"):
        client.post(PAGE)
    ours = [each for each in caplog.records if each.name.partition(".")[0] != "botocore"]
    assert ours
    assert not [each for each in ours if "9QX" in str(vars(each))]


def test_function_that_is_away_is_said(client: Client, person, pool):
    pool.faults[""] = Reply(status=500)
    for page in (client.get(PAGE), client.post(PAGE)):
        assert page.status_code == 503
        assert page["Retry-After"] == "60"
    assert not SignInEvent.objects.filter(kind="backup_codes").exists()


def test_page_is_none_without_the_function(client: Client, person, settings):
    settings.TEXTS_FUNCTION = ""
    assert client.get(PAGE).status_code == 404


@pytest.mark.parametrize("typed", ["k7f29qxm", " K7F2 9QXM ", "K7F2\u20139QXM"])
def test_code_is_read_as_people_type_it(typed):
    assert BackupCodeField().clean(typed) == "K7F2-9QXM"


@pytest.mark.parametrize("junk", ["", "123456", "K7F2-9QX", "K7F2-9QXMM", "K7F2-9QX0", "ß" * 8])
def test_what_can_be_no_code_is_refused(junk):
    with pytest.raises(Exception, match=r"Type the code|like K7F2"):
        BackupCodeField().clean(junk)

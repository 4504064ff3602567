"""Back in without the number, by operators, against the real triggers."""

import re

import pytest
from django.test import Client

from accounts.aws import cognito
from accounts.models import Recovery, SignInEvent, User
from tests import recovery_steps as steps
from tests.accounts.operators import again
from tests.codes import code_in
from tests.end_to_end.conftest import both_fronts
from tests.login_steps import is_signed_in, sign_in, who

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _site(on_cloud, settings) -> None:
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]
    settings.LEDGER_FUNCTION = on_cloud.outputs["LedgerFunction"]
    settings.ACCOUNTS_SENDS = "1000/hour"


@pytest.fixture
def lost(client: Client, phone, texts) -> User:
    """Somebody who is signed in on a device that is gone, as the number is."""
    sign_in(client, phone, texts)
    return who(client)


def recover(user: User, browser: Client, number: str, texts) -> str:
    """Take all steps, and return where the last one leads."""
    operator = steps.operator()
    steps.start(operator, user)
    row = Recovery.objects.get()
    steps.wait(row)
    code = steps.code_on(steps.press(operator, "code", row))
    assert steps.type_code(browser, code.lower()).url == steps.NUMBER
    assert browser.post(steps.NUMBER, {"phone": number}).url == steps.CODE
    return browser.post(steps.CODE, {"code": code_in(texts(number)[-1])}).url


@both_fronts
def test_person_is_back_in_with_a_new_number_and_the_lost_device_is_out(
    client, lost, phone, make_phone, texts
):
    new, browser = make_phone(), Client()
    codes = client.post("/accounts/backup-codes/").content.decode()
    backup_code = re.search(r"<code>(.*?)</code>", codes)[1]
    before = len(texts(phone))
    assert recover(lost, browser, new, texts) == "/"
    assert who(browser) == lost
    assert again(lost).phone == new
    found = cognito.gateway().read_user(lost.sub)
    assert (found.phone, found.phone_verified) == (new, True)
    assert not is_signed_in(client)
    # The old number was told at the start and at the end.
    told = texts(phone)[before:]
    assert ["/stop/" in told[0], "/changed" in told[1], len(told)] == [True, True, 2]
    # One text was enough.
    assert len(texts(new)) == 1
    assert Recovery.objects.get().state == "done"
    done = SignInEvent.objects.filter(kind="succeeded").latest("pk")
    assert done.reason == "recovery"
    noted = SignInEvent.objects.filter(kind="recovery").order_by("pk")
    assert list(noted.values_list("reason", flat=True)) == [
        "recovery_started",
        "recovery_waits",
        "recovery_code",
        "recovery_opened",
        "recovery_done",
    ]
    with_paper = Client().post("/accounts/login/backup/", {"phone": new, "code": backup_code})
    assert "do not work together" in with_paper.content.decode()


def test_word_in_the_text_stops_it_and_a_scanner_does_not(lost, phone, texts):
    steps.start(steps.operator(), lost)
    address = re.search(r"/stop/[A-Z0-9]+", texts(phone)[-1])[0]
    owner = Client()
    assert "No, stop it" in owner.get(address).content.decode()
    assert Recovery.objects.get().state == "waiting"
    assert "It is stopped" in owner.post(address).content.decode()
    assert Recovery.objects.get().state == "stopped"
    assert "There is nothing to stop" in owner.post(address).content.decode()


def test_plan_with_more_than_a_code_is_asked_for_all_of_it(
    lost, phone, make_phone, texts, settings
):
    settings.ACCOUNTS_SIGN_IN_PLAN = "code authenticator"
    new, browser = make_phone(), Client()
    assert recover(lost, browser, new, texts) == steps.DONE
    assert who(browser) is None
    assert "Sign in with your new number" in browser.get(steps.DONE).content.decode()
    assert again(lost).phone == new


def test_second_press_ends_where_the_first_did(lost, make_phone, texts):
    new, browser = make_phone(), Client()
    operator = steps.operator()
    steps.start(operator, lost)
    row = Recovery.objects.get()
    steps.wait(row)
    steps.type_code(browser, steps.code_on(steps.press(operator, "code", row)))
    browser.post(steps.NUMBER, {"phone": new})
    twin = Client()
    twin.cookies.load({name: each.value for name, each in browser.cookies.items()})
    answer = {"code": code_in(texts(new)[-1])}
    assert browser.post(steps.CODE, answer).url == "/"
    assert twin.post(steps.CODE, answer).url == "/"
    assert who(twin) == lost

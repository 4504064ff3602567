"""The page that a text with a code leads to, for people who did not ask for it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.events import sign_ins
from accounts.models import SignInEvent, User
from accounts.models.statements import update
from tests.wire import Reply

pytestmark = pytest.mark.django_db

WORD = "K7F2Q"
PAGE = f"/no/{WORD}"


@pytest.fixture(autouse=True)
def _function(settings) -> None:
    settings.TEXTS_FUNCTION = "texts"


@pytest.fixture
def texted(pool, phone) -> str:
    """A number with a text that has the word."""
    pool.stop_words[phone] = WORD
    return phone


def stopped_events() -> list[tuple[str, str]]:
    return list(SignInEvent.objects.filter(kind="stopped").values_list("reason", "phone"))


def test_link_stops_nothing_by_itself(client: Client, pool):
    page = client.get(PAGE)
    assert page.status_code == 200
    assert "Stop these texts" in page.content.decode()
    assert not pool.requests


def test_owner_stops_texts_and_reads_until_when(client: Client, texted):
    page = client.post(PAGE, {"phone": texted})
    assert "Texts are stopped" in page.content.decode()
    [(reason, phone)] = stopped_events()
    assert reason == ""
    assert texted not in phone


def test_owner_reads_who_asked(client: Client, texted):
    phone_key = sign_ins.phone_key(texted)
    now = timezone.now()
    for days, device in ((2, "iPad"), (0.5, "Firefox on Linux"), (0.1, "")):
        SignInEvent.objects.create(
            kind="sent", phone_key=phone_key, device=device, at=now - timedelta(days=days)
        )
    SignInEvent.objects.create(kind="sent", phone_key="another", device="iPhone")
    page = client.post(PAGE, {"phone": texted}).content.decode()
    assert "Firefox on Linux" in page
    assert "Unknown device" in page
    assert "iPad" not in page
    assert "iPhone" not in page


def test_nobody_else_reads_who_asked(client: Client, pool, phone):
    SignInEvent.objects.create(
        kind="sent", phone_key=sign_ins.phone_key(phone), device="Firefox on Linux"
    )
    assert "Firefox" not in client.post(PAGE, {"phone": phone}).content.decode()


def test_owner_allows_them_again(client: Client, texted):
    page = client.post(PAGE, {"phone": texted, "allow": "1"})
    assert "Texts are allowed again" in page.content.decode()
    assert [reason for reason, _ in stopped_events()] == ["allowed_again"]


@pytest.mark.parametrize("allow", [{}, {"allow": "1"}])
def test_word_of_another_text_stops_nothing(client: Client, pool, phone, allow):
    page = client.post(PAGE, {"phone": phone, **allow})
    assert "do not belong together" in page.content.decode()
    assert not stopped_events()


def test_words_that_are_tried_are_wrong_codes_of_the_network(client: Client, pool, phone, settings):
    settings.ACCOUNTS_WRONG_CODES = "2/hour"
    pages = [client.post(PAGE, {"phone": phone}) for _ in range(3)]
    assert [page.status_code for page in pages] == [200, 200, 429]


def test_right_word_counts_against_nobody(client: Client, texted, settings):
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    pages = [client.post(PAGE, {"phone": texted}) for _ in range(3)]
    assert [page.status_code for page in pages] == [200, 200, 200]


def test_number_that_is_none_is_asked_for_again(client: Client, pool):
    page = client.post(PAGE, {"phone": "12"})
    assert "error_phone" in page.content.decode()
    assert not pool.requests


def test_function_that_is_away_is_said(client: Client, pool, texted):
    pool.faults[""] = Reply(status=500)
    page = client.post(PAGE, {"phone": texted})
    assert page.status_code == 503
    assert page["Retry-After"] == "60"
    assert not stopped_events()


def test_site_without_the_function_says_whom_to_ask(client: Client, settings):
    settings.TEXTS_FUNCTION = ""
    settings.SITE_CONTACT = "help@example.com"
    page = client.get(PAGE).content.decode()
    assert "Stop these texts" not in page
    assert "help@example.com" in page


def test_language_of_the_page_changes_without_stopping(client: Client, texted):
    page = client.post(PAGE, {"phone": texted, "language": "de"})
    assert page.status_code == 200
    assert 'lang="de"' in page.content.decode()
    assert not stopped_events()


@pytest.mark.parametrize("address", ["/no/", "/no/K7F2Q2K7F2Q", "/no/K7F/2Q", "/no/%00"])
def test_other_addresses_are_no_page(client: Client, address):
    assert client.get(address).status_code == 404


def test_accounts_whose_second_number_it_is_are_named_and_nobody_s_else(client, pool, known):
    second = known.phone[:-4] + "0199"
    update(User, {"id": known.pk}, {"second_phone": second})
    for phone in (second, known.phone):
        client.post(PAGE, {"phone": phone})
    of_second, of_first = (asked["second_of"] for asked in pool.calls("stop"))
    assert of_second == [{"phone": known.phone, "user": known.sub}]
    # Somebody who does not exist, so that it takes as long.
    [nobody] = of_first
    assert nobody["phone"] == known.phone
    assert nobody["user"] != known.sub

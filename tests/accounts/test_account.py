"""The page of the person's own account, and the file with their data."""

import json

import pytest
from django.test import Client

from accounts import exports, phones
from accounts.models import Passkey, SavedView, Session, SignInEvent, User
from tests.login_steps import answer, ask

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

ACCOUNT, DATA, DEVICES = "/accounts/", "/accounts/data/", "/accounts/devices/"


def text(page) -> str:
    return " ".join(page.content.decode().replace("\xa0", " ").split())


@pytest.fixture
def elsewhere(pool, known) -> Client:
    """The same person, signed in on another device of another network."""
    client = Client(REMOTE_ADDR="203.0.113.7", headers={"user-agent": "iPhone"})
    ask(client, known.phone)
    answer(client, pool.code())
    return client


@pytest.fixture
def signed_in(client: Client, pool, known, elsewhere) -> Client:
    ask(client, known.phone)
    answer(client, pool.code())
    return client


def test_page_shows_the_number_the_ways_and_the_devices(signed_in, known, settings):
    settings.COGNITO_SITE_CLIENT_ID = "site"
    page = text(signed_in.get(ACCOUNT))
    assert phones.spaced(known.phone) in page
    assert "A code by text to your number" in page
    assert "1 other device is signed in." in page
    for link in ("/accounts/number/", DEVICES, DATA):
        assert f'href="{link}"' in page


@pytest.mark.parametrize("address", [ACCOUNT, DATA])
def test_strangers_are_led_to_the_sign_in(client, address):
    assert client.get(address).url == f"/accounts/login/?next={address}"


def test_networks_are_told_in_words(signed_in):
    page = text(signed_in.get(DEVICES))
    assert "different from this device" in page
    assert "203.0.113.0" not in page
    Session.objects.update(network="127.0.0.0/24")
    assert "same as this device" in text(signed_in.get(DEVICES))


def test_file_has_all_that_is_kept_about_the_person_and_nothing_of_others(signed_in, known, pool):
    other = User.objects.for_identity(pool.register("+12015550199"), "+12015550199")
    for user in (known, other):
        Passkey.objects.create(
            user=user, credential_id=f"of {user.pk}", public_key=b"secret", name=f"Of {user.pk}"
        )
        exports.start(user, "user", "csv", f"q={user.pk}x")
        SavedView.objects.create(by=user, list_name="user", name=f"Of {user.pk}", query="staff=yes")
    file = signed_in.get(DATA)
    assert file["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert "no-store" in file["Cache-Control"]
    found = json.loads(file.content)
    assert found["account"]["number"] == known.phone
    assert [each["name"] for each in found["passkeys"]] == [f"Of {known.pk}"]
    assert len(found["devices"]) == 2
    assert len(found["events"]) == SignInEvent.objects.filter(user=known).count() > 0
    assert {each["network"] for each in found["devices"]} == {"203.0.113.0/24", "127.0.0.0/24"}
    assert [each["filters"] for each in found["exports"]] == [f"q={known.pk}x"]
    assert [each["name"] for each in found["saved_views"]] == [f"Of {known.pk}"]


def test_file_has_no_secrets(signed_in, known):
    """Only fields that mean something to the person: no keys, digests or names for pages."""
    session = Session.objects.filter(user=known).first()
    file = signed_in.get(DATA).content.decode()
    for secret in (session.session_key, session.handle, session.browser, known.password):
        assert secret
        assert secret not in file

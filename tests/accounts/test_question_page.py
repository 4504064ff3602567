"""The page of the secret question: who may see it, and what it does not tell."""

import pytest
from django.test import Client

from accounts.models import User

pytestmark = pytest.mark.django_db

QUESTION = "/accounts/question/"


@pytest.fixture(autouse=True)
def _question_is_asked(settings) -> None:
    settings.ACCOUNTS_SIGN_IN_PLAN = "code question"


def test_page_is_none_where_no_sign_in_asks_for_it(client, settings):
    settings.ACCOUNTS_SIGN_IN_PLAN = "code"
    assert client.get("/accounts/question/").status_code == 404


@pytest.fixture
def person() -> User:
    return User.objects.for_identity("0a1b2c3d-0000-4000-8000-000000000001", "+12015550123")


def test_page_is_for_people_who_are_signed_in(client):
    for page in (client.get(QUESTION), client.post(QUESTION, {"answer": "elm street"})):
        assert page.status_code == 302
        assert page.url.startswith("/accounts/login/?next=")


def test_page_asks_for_a_fresh_code_first(client: Client, person):
    client.force_login(person)
    person.sessions.update(confirmed_at=None)
    for page in (client.get(QUESTION), client.post(QUESTION, {"answer": "elm street"})):
        assert page.status_code == 302
        assert page.url.startswith("/accounts/confirm/?next=")


def test_link_is_there_only_where_the_plan_asks(client: Client, person, settings):
    client.force_login(person)
    settings.ACCOUNTS_SIGN_IN_PLAN = "code"
    assert QUESTION not in client.get("/accounts/").content.decode()
    settings.ACCOUNTS_SIGN_IN_PLAN = "code question"
    assert QUESTION in client.get("/accounts/").content.decode()

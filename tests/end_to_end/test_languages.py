"""The text comes in the language of the page, as far as one can know it before the text."""

import pytest
from django.test import Client

from tests.codes import code_in
from tests.end_to_end.conftest import both_fronts
from tests.login_steps import LOGOUT, answer, ask

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

ARABIC, GERMAN, JAPANESE = "رمز دخول", "Login-Code", "ログインコード"


@pytest.fixture
def client(on_cloud) -> Client:
    return Client()


def speak(client: Client, language: str) -> None:
    client.post("/accounts/language/", {"language": language})


@both_fronts
@pytest.mark.parametrize(("language", "words"), [("ar", ARABIC), ("ja", JAPANESE)])
def test_first_text_of_a_new_number_is_in_the_language_of_the_page(
    client, phone, texts, language, words
):
    speak(client, language)
    assert ask(client, phone).status_code == 302
    [text] = texts(phone)
    assert words in text
    assert answer(client, code_in(text)).url == "/"


@both_fronts
def test_text_follows_a_language_that_was_chosen_before_signing_in(client, phone, texts):
    ask(client, phone)
    answer(client, code_in(texts(phone)[-1]))
    client.post(LOGOUT)
    speak(client, "de")
    # Cognito does not tell the triggers which page asks: the account's language is the old one.
    ask(client, phone)
    assert GERMAN not in texts(phone)[-1]
    answer(client, code_in(texts(phone)[-1]))
    client.post(LOGOUT)
    ask(client, phone)
    assert GERMAN in texts(phone)[-1]


def test_text_follows_a_language_that_was_chosen_while_signed_in(client, phone, texts):
    ask(client, phone)
    answer(client, code_in(texts(phone)[-1]))
    speak(client, "de")
    client.post(LOGOUT)
    ask(client, phone)
    assert GERMAN in texts(phone)[-1]

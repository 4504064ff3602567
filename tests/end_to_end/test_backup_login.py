"""Sign-in by number and backup code, against the real triggers: no text, once, and told alike."""

import re

import pytest
from django.test import Client

from accounts.aws import cognito
from accounts.models import SignInEvent, User
from tests.end_to_end.conftest import both_fronts
from tests.login_steps import sign_in, who

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

PAGE, CODES = "/accounts/login/backup/", "/accounts/backup-codes/"


@pytest.fixture(autouse=True)
def _site(on_cloud, settings) -> None:
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]


@pytest.fixture
def codes(client: Client, phone, texts) -> list[str]:
    """The codes of somebody who has signed in once."""
    sign_in(client, phone, texts)
    return re.findall(r"<code>(.*?)</code>", client.post(CODES).content.decode())


def use(client: Client, phone: str, code: str):
    return client.post(PAGE, {"phone": phone, "code": code})


@both_fronts
def test_code_signs_in_once_without_a_text_and_leads_to_a_new_number(client, codes, phone, texts):
    before, elsewhere = len(texts(phone)), Client()
    assert use(elsewhere, phone, codes[0].lower()).url == "/accounts/number/"
    assert who(elsewhere) == who(client) == User.objects.get()
    # No code by text is asked for again, which would go to the phone that is gone.
    assert elsewhere.get("/accounts/number/").status_code == 200
    assert len(texts(phone)) == before
    done = SignInEvent.objects.filter(kind="succeeded").latest("pk")
    assert (done.reason, done.seconds) == ("backup_code", None)
    again = Client()
    assert "do not work together" in use(again, phone, codes[0]).content.decode()
    assert who(again) is None


@both_fronts
def test_strangers_read_the_same_whatever_is_wrong(codes, phone, make_phone):
    def said(number: str, code: str) -> str:
        page = use(Client(), number, code)
        assert page.status_code == 200
        return re.sub(r'value="[^"]*"|<strong>\w{3}-\w{2}</strong>', "", page.content.decode())

    assert (
        said(phone, "AAAA-AAAA") == said(make_phone(), "AAAA-AAAA") == said(make_phone(), codes[0])
    )


@both_fronts
def test_disabled_person_is_refused_with_the_same_words(codes, phone):
    user = User.objects.get()
    cognito.gateway().disable(user.sub)
    assert "do not work together" in use(Client(), phone, codes[0]).content.decode()
    cognito.gateway().enable(user.sub)
    User.objects.update(is_active=False)
    assert "do not work together" in use(Client(), phone, codes[1]).content.decode()


def test_wrong_codes_hold_the_codes_of_that_person(codes, phone, settings):
    settings.ACCOUNTS_WRONG_CODES = "1000/minute"
    for _ in range(10):
        use(Client(), phone, "AAAA-AAAA")
    held = Client()
    use(held, phone, codes[0])
    assert who(held) is None


def test_strangers_hold_nothing_for_a_browser_that_is_known(client, codes, phone, settings):
    settings.ACCOUNTS_WRONG_CODES = "1000/minute"
    for _ in range(10):
        use(Client(), phone, "AAAA-AAAA")
    client.post("/accounts/logout/")
    assert use(client, phone, codes[0]).url == "/accounts/number/"


def test_wrong_codes_are_those_of_their_network(codes, phone, settings):
    settings.ACCOUNTS_WRONG_CODES = "2/hour"
    pages = [use(Client(), phone, "AAAA-AAAA").status_code for _ in range(3)]
    assert pages == [200, 200, 429]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ACCOUNTS_SIGN_IN_PLAN", "code authenticator"),
        ("ACCOUNTS_SIGN_IN_PLAN", "password code"),
        ("COGNITO_SITE_CLIENT_ID", ""),
        ("TEXTS_FUNCTION", ""),
    ],
)
def test_there_is_no_such_way_where_it_would_be_weaker_or_cannot_be(
    client, settings, setting, value
):
    assert client.get(PAGE).status_code == 200
    assert PAGE in client.get("/accounts/login/").content.decode()
    setattr(settings, setting, value)
    assert client.get(PAGE).status_code == 404
    assert PAGE not in client.get("/accounts/login/").content.decode()

"""A fresh code before sensitive acts."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from accounts import phones, sessions
from accounts.login import reauthentication
from accounts.models import Session, SignInEvent, User
from tests.clock import seconds_later
from tests.fakes.sign_in_pool import further_step
from tests.login_steps import LOGIN, answer, ask, same_cookies, who
from tests.pages import text
from tests.wire import aws_error

CONFIRM, CODE, RESEND = (
    "/accounts/confirm/",
    "/accounts/confirm/code/",
    "/accounts/confirm/resend/",
)
Kind = SignInEvent.Kind


@login_required
@reauthentication.required
def delicate(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"done by {request.method}")


urlpatterns = [path("delicate/", delicate), path("", include("config.urls"))]

pytestmark = [pytest.mark.django_db, pytest.mark.pages, pytest.mark.urls(__name__)]


@pytest.fixture
def client(known) -> Client:
    client = Client()
    client.get(LOGIN)
    client.force_login(known)
    return client


@pytest.fixture
def later(client) -> Iterator[None]:
    """Six minutes after the sign-in."""
    with seconds_later(360):
        yield


def test_code_of_a_moment_ago_is_enough(client):
    assert text(client.get("/delicate/")) == "done by GET"
    assert client.get(CONFIRM + "?next=/delicate/").url == "/delicate/"
    with seconds_later(299):
        assert text(client.post("/delicate/")) == "done by POST"


@pytest.mark.usefixtures("later")
def test_older_code_leads_to_a_fresh_one_and_back(client, pool, known):
    asked = client.get("/delicate/?a=b")
    assert asked.url == f"{CONFIRM}?next=%2Fdelicate%2F%3Fa%3Db"
    page = client.get(asked.url)
    assert f"+1••••••••{known.phone[-2:]}" in text(page)
    assert known.phone not in text(page)
    assert pool.texts == []
    assert client.post(CONFIRM, {"next": "/delicate/?a=b"}).url == CODE
    page = client.get(CODE)
    assert phones.mask(known.phone) in text(page)
    assert phones.spaced(known.phone) not in text(page)
    assert f'action="{CODE}"' in text(page)
    assert f'action="{RESEND}"' in text(page)
    assert re.search(r"reference: <bdi dir=\"ltr\"><strong>\w{3}-\w{2}</strong>", text(page))
    before, row = client.cookies["sessionid"].value, Session.objects.get()
    assert client.post(CODE, {"code": pool.code()}).url == "/delicate/?a=b"
    assert text(client.get("/delicate/?a=b")) == "done by GET"
    after = Session.objects.get()
    assert sessions.digest(client.cookies["sessionid"].value) == after.session_key
    assert client.cookies["sessionid"].value != before
    assert (after.handle, after.signed_in_at) == (row.handle, row.signed_in_at)
    assert after.confirmed_at > row.confirmed_at
    assert Client(headers={"cookie": f"sessionid={before}"}).get("/").status_code == 302
    kinds = SignInEvent.objects.order_by("pk").values_list("kind", "reason")
    assert list(kinds) == [(Kind.STARTED, "confirm"), (Kind.SENT, ""), (Kind.CONFIRMED, "")]


@pytest.mark.usefixtures("later")
def test_step_of_cognitos_own_after_the_code_is_named(client, pool):
    client.post(CONFIRM, {"next": "/"})
    pool.fails("RespondToAuthChallenge", further_step("SMS_MFA"))
    page = client.post(CODE, {"code": pool.code()}, follow=True)
    assert page.redirect_chain == [(CONFIRM, 302)]
    assert "cannot do: a second code by text." in text(page)


@pytest.mark.usefixtures("later")
def test_form_leads_back_to_the_page_it_stood_on(client):
    for referer, back in (
        ("http://testserver/accounts/devices/?x=1", "%2Faccounts%2Fdevices%2F%3Fx%3D1"),
        ("https://evil.example/", "%2F"),
        ("", "%2F"),
    ):
        sent = client.post("/delicate/", headers={"referer": referer})
        assert sent.url == f"{CONFIRM}?next={back}"


def test_time_is_a_setting(client, settings):
    settings.ACCOUNTS_CONFIRM_SECONDS = 60
    with seconds_later(61):
        assert client.get("/delicate/").url.startswith(CONFIRM)


def test_who_is_not_signed_in_signs_in(pool):
    anonymous = Client()
    assert anonymous.get("/delicate/").url == f"{LOGIN}?next=/delicate/"
    for address in (CONFIRM, CODE, RESEND):
        assert anonymous.get(f"{address}?next=/delicate/").url in (
            f"{LOGIN}?next=/delicate/",
            CONFIRM,
        )
        assert anonymous.post(address, {"code": "123456"}, follow=True).status_code == 200
    assert pool.operations() == []


@pytest.mark.usefixtures("later")
def test_wrong_codes_and_their_end_lead_back_to_the_question(client, pool):
    client.post(CONFIRM, {"next": "/delicate/"})
    for offset, left in ((1, "2 tries"), (2, "1 try")):
        assert left in text(client.post(CODE, {"code": pool.wrong_code(offset)}))
    page = client.post(CODE, {"code": pool.wrong_code(3)}, follow=True)
    assert page.redirect_chain == [(CONFIRM, 302)]
    assert "cannot be used here any more. Ask for another text" in text(page)
    assert 'value="/delicate/"' in text(page)
    assert who(client)
    assert client.get("/delicate/").url.startswith(CONFIRM)


@pytest.mark.usefixtures("later")
def test_number_that_is_somebody_elses_by_now_confirms_nobody(client, pool, known):
    """Cognito gave the number to another account after this person signed in."""
    pool.register(known.phone)
    client.post(CONFIRM)
    before = Session.objects.get().confirmed_at
    assert client.post(CODE, {"code": pool.code()}).url == CONFIRM
    assert Session.objects.get().confirmed_at == before
    assert who(client) == known
    assert client.get("/delicate/").url.startswith(CONFIRM)
    event = SignInEvent.objects.latest("pk")
    assert (event.kind, event.reason) == (Kind.FAILED, "other_user")


@pytest.mark.usefixtures("later")
def test_account_that_is_gone_is_not_made_anew_to_confirm(client, pool, known):
    del pool.users[pool.sub_of(known.phone)]
    client.post(CONFIRM)
    with seconds_later(400):
        client.post(RESEND)
    assert "AdminCreateUser" not in pool.operations()


@pytest.mark.usefixtures("later")
def test_resend_texts_again_and_not_too_soon(client, pool):
    client.post(CONFIRM)
    page = client.post(RESEND)
    assert page.status_code == 429
    assert f'action="{RESEND}"' in text(page)
    with seconds_later(391):
        assert client.post(RESEND).url == CODE
    assert len(pool.texts) == 2


@pytest.mark.usefixtures("later")
def test_cognito_that_is_away_is_a_503_page_with_a_reference(client, pool):
    pool.fails("InitiateAuth", aws_error("TooManyRequestsException"))
    page = client.post(CONFIRM, {"next": "/delicate/"})
    assert page.status_code == 503
    assert "cannot reach the sign-in service" in text(page)
    assert f"<strong>{SignInEvent.objects.latest('pk').reference}</strong>" in text(page)
    assert 'value="/delicate/"' in text(page)


@pytest.mark.usefixtures("later")
def test_double_click_on_the_code_ends_in_the_same_session(client, pool):
    client.post(CONFIRM, {"next": "/delicate/"})
    twin = same_cookies(client)
    typed = {"code": pool.code(), "next": "/delicate/"}
    assert client.post(CODE, typed).url == "/delicate/"
    assert twin.post(CODE, typed).url == "/delicate/"
    assert twin.get("/delicate/").status_code == 200
    assert Session.objects.count() == 1
    assert len(pool.calls("RespondToAuthChallenge")) == 1


@pytest.mark.usefixtures("later")
def test_session_that_ended_meanwhile_is_not_confirmed_back_to_life(client, pool, known):
    client.post(CONFIRM)
    sessions.end_all(known, Session.Ended.TAKEN_OVER)
    page = client.post(CODE, {"code": pool.code()}, follow=True)
    assert "You were signed out" in text(page)
    assert sessions.live(known).count() == 0


@pytest.mark.usefixtures("later")
def test_half_of_a_confirmation_is_no_sign_in(client, pool):
    client.post(CONFIRM)
    assert client.get(LOGIN).url == "/"
    assert client.post("/accounts/login/code/", {"code": pool.code()}).url == "/"
    assert client.get("/delicate/").url.startswith(CONFIRM)


def test_code_of_a_sign_in_is_not_spent_on_a_confirmation(pool, known):
    browser = Client()
    ask(browser, known.phone)
    assert browser.post(CODE, {"code": pool.code()}).url == CONFIRM
    assert pool.calls("RespondToAuthChallenge") == []
    assert answer(browser, pool.code()).url == "/"


@pytest.mark.usefixtures("later")
def test_person_without_a_number_is_told_whom_to_ask(client, pool):
    User.objects.update(phone=None)
    assert "we have no phone number for you" in text(client.get(CONFIRM))
    assert "we have no phone number for you" in text(client.post(CONFIRM))
    assert pool.operations() == []


def test_confirmation_takes_no_query_of_its_own(client, django_assert_num_queries):
    with django_assert_num_queries(1):
        client.get("/delicate/")

"""A session that gets another key, while other requests of its browser are at work."""

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts import sessions
from accounts.middleware import AuthenticationMiddleware
from accounts.models import Session, User
from accounts.sessions.store import SessionStore
from tests.login_steps import is_signed_in, same_cookies

pytestmark = pytest.mark.django_db
Ended = Session.Ended


@pytest.fixture
def user(phone) -> User:
    return User.objects.for_identity("sub-1", phone)


@pytest.fixture
def signed_in(client, user) -> Client:
    client.force_login(user)
    return client


@pytest.fixture
def _key_is_replaced(signed_in, settings) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-another-key-another-key-another-key-another"


def serve(client: Client, view) -> HttpResponse:
    """Answer one request of the browser, which keeps the cookies of the answer."""
    request = RequestFactory().post("/")
    request.COOKIES["sessionid"] = client.cookies["sessionid"].value
    response = SessionMiddleware(AuthenticationMiddleware(view))(request)
    client.cookies.update(response.cookies)
    return response


@pytest.mark.usefixtures("_key_is_replaced")
def test_requests_at_once_after_the_secret_key_was_replaced_stay_signed_in(signed_in, user):
    def view(request: HttpRequest) -> HttpResponse:
        assert request.user == user
        twin = same_cookies(signed_in)
        assert is_signed_in(twin)
        signed_in.cookies.update(twin.cookies)
        return HttpResponse("fine")

    assert serve(signed_in, view).status_code == 200
    assert is_signed_in(signed_in)


@pytest.mark.usefixtures("_key_is_replaced")
def test_others_are_ended_and_not_this_one_after_the_secret_key_was_replaced(signed_in, user):
    Client().force_login(user)
    assert signed_in.post("/accounts/number/changed/").status_code == 302
    assert is_signed_in(signed_in)
    assert sessions.live(user).count() == 1


@pytest.mark.parametrize("ended_why", [Ended.TAKEN_OVER, Ended.ENDED_BY_OPERATOR])
def test_session_that_ends_before_it_gets_its_new_key_is_told_so(signed_in, user, ended_why):
    def view(request: HttpRequest) -> HttpResponse:
        assert request.user == user
        sessions.end_all(user, ended_why)
        assert not sessions.for_request(request).confirm()
        return HttpResponse("fine")

    assert serve(signed_in, view).status_code == 200
    assert not sessions.live(user).exists()
    assert signed_in.get("/").url.startswith("/accounts/ended/")


def test_session_that_ends_between_the_new_key_and_the_response_is_told_so(signed_in, user):
    def view(request: HttpRequest) -> HttpResponse:
        assert request.user == user
        request.session.cycle_key()
        sessions.end_all(user, Ended.TAKEN_OVER)
        return HttpResponse("fine")

    assert serve(signed_in, view).status_code == 200
    assert not sessions.live(user).exists()
    assert signed_in.get("/").url.startswith("/accounts/ended/")


@pytest.mark.parametrize("confirm", [False, True])
def test_request_whose_session_got_another_key_leaves_the_cookie_alone(signed_in, confirm):
    late = SessionStore(signed_in.cookies["sessionid"].value)
    assert late.row
    twin = SessionStore(late.session_key)
    twin.cycle_key()
    twin.save()
    if confirm:
        assert not late.confirm()
    else:
        late.cycle_key()
        with pytest.raises(UpdateError):
            late.save()
    assert not late.modified
    assert not late.is_empty()
    assert SessionStore(twin.session_key).row


def test_session_can_be_read_before_its_new_key_is_written(signed_in):
    store = SessionStore(signed_in.cookies["sessionid"].value)
    store.cycle_key()
    assert store.load()["_auth_user_id"]
    store.save()
    assert SessionStore(store.session_key).row


def test_another_session_made_before_the_new_key_is_written_leaves_the_row_alone(signed_in, user):
    store = SessionStore(signed_in.cookies["sessionid"].value)
    store.cycle_key()
    store.create()
    store["anything"] = 1
    store.save()
    assert SessionStore(store.session_key).get("anything") == 1
    assert sessions.live(user).count() == 1
    assert is_signed_in(signed_in)


def test_who_signs_in_again_in_a_session_that_no_longer_counts_is_signed_in(signed_in, user):
    """As after a change of AUTHENTICATION_BACKENDS: the session names its user, who is nobody."""
    before = signed_in.cookies["sessionid"].value
    request = RequestFactory().post("/")
    request.session = SessionStore(before)
    sessions.begin(request, user)
    assert request.session.session_key != before
    assert SessionStore(request.session.session_key).row
    assert SessionStore(before).row is None

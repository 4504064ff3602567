"""Sessions as the site sees them: one query, one row, and no way back for what has ended."""

from datetime import timedelta

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import after_response, sessions
from accounts.events.sign_ins import phone_key
from accounts.middleware import AuthenticationMiddleware
from accounts.models import Session, SignInEvent, User
from accounts.sessions.store import SessionStore

pytestmark = pytest.mark.django_db
Ended = Session.Ended
DAY = 24 * 60 * 60


@pytest.fixture
def user(phone) -> User:
    return User.objects.for_identity("sub-1", phone)


@pytest.fixture
def signed_in(client, user) -> Client:
    client.force_login(user)
    return client


def later(seconds: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds))


def key_of(client: Client) -> str:
    return client.cookies["sessionid"].value


def row_of(client: Client) -> Session:
    return Session.objects.get(pk=sessions.digest(key_of(client)))


def store_of(client: Client) -> SessionStore:
    """What another request of this browser has read a moment ago."""
    store = SessionStore(key_of(client))
    assert store.row
    return store


def heard(client: Client) -> str:
    """What the browser is told on its next page."""
    page = client.get("/", follow=True)
    assert page.status_code == 200
    return page.content.decode()


# One query


def test_signed_in_request_takes_one_query(signed_in, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert signed_in.get("/").status_code == 200


def test_request_takes_one_more_query_once_a_minute(signed_in, django_assert_num_queries):
    with later(61):
        with django_assert_num_queries(2):
            signed_in.get("/")
        with django_assert_num_queries(1):
            signed_in.get("/")
        assert timezone.now() - row_of(signed_in).last_seen < timedelta(seconds=5)


def test_request_without_a_session_takes_no_query(client, django_assert_num_queries):
    for cookie in (
        None,
        "x",
        "\\000" * 32,
        "../../../../../../etc/passwd-etc",
        "é" * 32,
        "a" * 5000,
    ):
        if cookie:
            client.cookies["sessionid"] = cookie
        with django_assert_num_queries(0):
            assert client.get("/accounts/login/").status_code == 200


def test_user_of_the_request_is_the_one_that_came_with_the_session(signed_in, user):
    request = signed_in.get("/").wsgi_request
    with CaptureQueriesContext(connection) as queries:
        assert request.user == user
        # Lazy, as Django's is: the same object is behind it.
        request.session.row.user.mark = mark = object()
        assert request.user.mark is mark
    assert len(queries) == 0

    async def ask() -> User:
        return await request.auser()

    assert async_to_sync(ask)() == user


# What Django checks of a user is checked here too


def test_session_of_a_backend_that_is_gone_is_nobodys(signed_in, settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert signed_in.get("/").status_code == 302


def test_session_whose_hash_does_not_fit_is_nobodys_and_ends(signed_in, user):
    user.set_password("anything")
    user.save()
    assert signed_in.get("/").status_code == 302
    assert Session.objects.get().ended_at


def test_session_hashed_with_a_replaced_secret_key_goes_on(signed_in, user, settings):
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-key-another-key-another-key-another-key-another"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert signed_in.get("/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert signed_in.get("/").status_code == 200


def test_session_signed_with_a_lost_secret_key_is_nobodys(signed_in, settings):
    settings.SECRET_KEY = "another-key-another-key-another-key-another-key-another"
    page = signed_in.get("/")
    assert page.status_code == 302
    assert page.wsgi_request.session.row is None


def test_session_is_its_rows_users_alone(signed_in, phone):
    other = User.objects.for_identity("sub-2", None)
    Session.objects.update(user=other)
    assert signed_in.get("/").status_code == 302


# The row


def test_signing_in_writes_the_facts(signed_in, user):
    row = row_of(signed_in)
    assert row.user == user
    now = timezone.now()
    for at in (row.signed_in_at, row.last_seen, row.confirmed_at):
        assert now - at < timedelta(seconds=5)
    assert row.ended_at is None


def test_device_is_written_when_the_flow_signs_in(user):
    request = RequestFactory().post(
        "/",
        headers={"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"},
        REMOTE_ADDR="203.0.113.77",
    )
    request.COOKIES["device"] = "one-browser"
    request.session = SessionStore()
    request.user = None
    sessions.begin(request, user)
    row = Session.objects.get()
    assert (row.device, row.network) == ("iPhone", "203.0.113.0/24")
    assert len(row.browser) == 64


def test_new_key_keeps_the_row_and_what_is_known(signed_in):
    Session.objects.update(device="iPhone")
    before = row_of(signed_in)
    store = store_of(signed_in)
    store.cycle_key()
    store.save()
    assert store.session_key != key_of(signed_in)
    after = Session.objects.get()
    assert (after.session_key, after.handle, after.device) == (
        sessions.digest(store.session_key),
        before.handle,
        "iPhone",
    )
    assert after.signed_in_at == before.signed_in_at
    assert SessionStore(store.session_key)["_auth_user_id"] == str(before.user_id)


def test_asynchronous_callers_get_the_same(signed_in):
    before = row_of(signed_in)
    store = store_of(signed_in)
    async_to_sync(store.acycle_key)()
    async_to_sync(store.asave)()
    assert Session.objects.get().handle == before.handle
    assert Session.objects.get().pk != before.pk
    store = SessionStore(store.session_key)
    async_to_sync(store.aflush)()
    assert Session.objects.get().ended_why == Ended.SIGNED_OUT


def test_cookie_outlives_the_limits_by_a_week_so_that_the_browser_can_be_told(signed_in, settings):
    store = store_of(signed_in)
    assert abs(store.get_expiry_age() - 37 * DAY) < 5
    with later(10 * DAY):
        assert abs(store.get_expiry_age() - 27 * DAY) < 5
    assert SessionStore().get_expiry_age() == settings.SESSION_COOKIE_AGE


def test_saving_later_does_not_make_the_session_live_longer(signed_in):
    before = row_of(signed_in)
    with later(10 * DAY):
        store = store_of(signed_in)
        store["anything"] = 1
        store.save()
    after = row_of(signed_in)
    assert (after.expire_date, after.signed_in_at) == (before.expire_date, before.signed_in_at)


def test_half_finished_sign_in_is_forgotten_after_an_hour(client):
    store = SessionStore()
    store["anything"] = 1
    store.save()
    with later(59 * 60):
        assert SessionStore(store.session_key).get("anything") == 1
    with later(61 * 60):
        assert SessionStore(store.session_key).get("anything") is None
        SessionStore.clear_expired()
    assert not Session.objects.exists()


def test_clearsessions_keeps_what_is_still_to_be_told(signed_in):
    sessions.end(row_of(signed_in), Ended.TAKEN_OVER)
    with later(36 * DAY):
        call_command("clearsessions")
        assert Session.objects.exists()
    with later(38 * DAY):
        call_command("clearsessions")
    assert not Session.objects.exists()


def test_session_that_never_was_cannot_be_saved():
    store = SessionStore("a" * 32)
    with pytest.raises(UpdateError):
        store.save()
    assert not Session.objects.exists()


# Limits


@pytest.mark.parametrize(
    ("is_staff", "idle", "age"), [(False, 14 * DAY, 30 * DAY), (True, 900, 12 * 3600)]
)
def test_idle_and_old_sessions_end(user, is_staff, idle, age):
    User.objects.update(is_staff=is_staff)
    user.refresh_from_db()
    for ends, why in ((idle, Ended.IDLE), (age, Ended.TOO_OLD)):
        client = Client()
        client.force_login(user)
        Session.objects.update(device="Firefox on Windows")
        seen = 0
        while seen + idle - 60 < ends:
            seen += idle - 60
            with later(seen):
                assert client.get("/").status_code == 200
        if why == Ended.TOO_OLD:
            with later(age - 30):
                assert client.get("/").status_code == 200
        with later(seen + idle + 1 if why == Ended.IDLE else age + 1):
            assert sessions.live(user).count() == 0
            assert "You were signed out" in heard(client)
        assert Session.objects.get(ended_why=why)
        event = SignInEvent.objects.get(reason=why)
        assert (event.kind, event.user, event.device) == ("signed_out", user, "Firefox on Windows")
        Session.objects.all().delete()


def test_limits_are_settings(user, settings):
    settings.ACCOUNTS_SESSION_IDLE_SECONDS = 300
    client = Client()
    client.force_login(user)
    with later(301):
        assert client.get("/").status_code == 302
    assert Session.objects.get().ended_why == Ended.IDLE


def test_person_who_becomes_an_operator_has_an_operators_limits_at_once(signed_in, user):
    with later(13 * 3600):
        assert signed_in.get("/").status_code == 200
        User.objects.update(is_staff=True)
        assert "After so long we ask for a new code" in heard(signed_in)


def test_live_sessions_are_those_that_may_go_on(user):
    for _ in range(3):
        Client().force_login(user)
    assert sessions.live(user).count() == 3
    sessions.end(Session.objects.first(), Ended.TAKEN_OVER)
    assert sessions.live(user).count() == 2
    Session.objects.filter(ended_at=None).update(last_seen=timezone.now() - timedelta(days=15))
    assert sessions.live(user).count() == 0
    SessionStore().save()
    assert sessions.live(User.objects.for_identity("sub-2", None)).count() == 0


# What the table tells its reader


def test_table_holds_nothing_that_signs_its_reader_in(signed_in):
    [row] = Session.objects.values()
    assert key_of(signed_in) not in str(row)
    for found in (row["session_key"], row["handle"]):
        thief = Client()
        thief.cookies["sessionid"] = found
        assert thief.get("/").status_code == 302
    assert signed_in.get("/").status_code == 200


# Ending


def test_end_is_one_update_and_one_event_for_each_that_was_live(user, django_assert_num_queries):
    browsers = [Client() for _ in range(3)]
    for browser in browsers:
        browser.force_login(user)
    keep = key_of(browsers[1])
    # One of the sessions, one that forgets the browsers of the person.
    with django_assert_num_queries(2 + 2) as queries:
        assert sessions.end_all(user, Ended.ENDED_BY_OPERATOR, keep=keep) == 2
    assert sum(query["sql"].startswith("UPDATE") for query in queries.captured_queries) == 2
    assert sessions.end_all(user, Ended.SHUT_OUT) == 1
    assert sessions.end_all(user, Ended.SHUT_OUT) == 0
    assert set(Session.objects.values_list("ended_why", "session_data")) == {
        ("by_operator", ""),
        ("shut_out", ""),
    }


def a_request() -> HttpRequest:
    return RequestFactory().get("/", headers={"user-agent": "Mozilla/5.0 (iPad; CPU OS 18_0)"})


@pytest.mark.parametrize(
    ("end", "reason", "device"),
    [
        (lambda user: sessions.end_all(user, Ended.SHUT_OUT), "shut_out", ""),
        (lambda user: sessions.end_all(user, Ended.SHUT_OUT, reason="unknown"), "unknown", ""),
        (lambda user: sessions.end_all(user, Ended.ENDED_BY_OPERATOR), "operator", ""),
        (
            lambda user: sessions.end_all(user, Ended.NUMBER_CHANGED, by=a_request()),
            "number_changed",
            "iPad",
        ),
        (
            lambda user: sessions.end(
                sessions.live(user)[0], Ended.ENDED_BY_PERSON, by=a_request()
            ),
            "by_person",
            "iPad",
        ),
        (
            lambda user: sessions.end(sessions.live(user)[0], Ended.SIGNED_OUT, by=a_request()),
            "",
            "iPad",
        ),
    ],
)
def test_session_that_is_ended_has_one_event_that_says_why(signed_in, user, end, reason, device):
    assert end(user) == 1
    row = row_of(signed_in)
    assert not sessions.end(row, Ended.SHUT_OUT)
    event = SignInEvent.objects.get(kind="signed_out")
    assert (event.user, event.reason, event.device) == (user, reason, device)
    assert event.phone_key == phone_key(user.phone)
    assert row.ended_by == device


def test_sessions_that_a_sign_in_replaces_have_no_event_of_their_own(signed_in, user):
    assert sessions.close(sessions.live(user), Ended.TAKEN_OVER, by="iPad") == 1
    assert row_of(signed_in).ended_by == "iPad"
    assert not SignInEvent.objects.exists()


WRITES = {
    "save": lambda store: store.save(),
    "new key": lambda store: store.cycle_key(),
    "new key and save": lambda store: (store.cycle_key(), store.save()),
    "confirm": lambda store: store.confirm(),
    "flush": lambda store: store.flush(),
    "asynchronous save": lambda store: async_to_sync(store.asave)(),
    "asynchronous new key": lambda store: async_to_sync(store.acycle_key)(),
    "create": lambda store: store.create(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_ended_session_never_comes_back_however_late_it_is_written(signed_in, user, write):
    late = store_of(signed_in)
    late["anything"] = 1
    assert sessions.close(Session.objects.filter(user=user), Ended.TAKEN_OVER, by="iPhone") == 1
    write(late)
    assert sessions.live(user).count() == 0
    row = row_of(signed_in)
    assert (row.ended_why, row.session_data) == ("taken_over", "")
    assert signed_in.get("/").status_code == 302
    assert SessionStore(key_of(signed_in)).row is None


def test_touch_does_not_bring_an_ended_session_back(signed_in, user):
    with later(120):
        request = RequestFactory().get("/")
        request.session = store_of(signed_in)
        sessions.touch(request)
        sessions.end_all(user, Ended.TAKEN_OVER)
        before = row_of(signed_in)
        response = HttpResponse()
        after_response.let_work_at_close(request, response)
        response.close()
    assert row_of(signed_in).last_seen == before.last_seen


def test_session_that_ends_during_a_request_gives_a_page_and_no_400(signed_in, user, settings):
    def view(request: HttpRequest):
        assert request.user == user
        request.session["anything"] = 1
        sessions.end_all(user, Ended.TAKEN_OVER)
        return HttpResponse("fine")

    request = RequestFactory().get("/")
    request.COOKIES["sessionid"] = key_of(signed_in)
    response = SessionMiddleware(AuthenticationMiddleware(view))(request)
    assert (response.status_code, response.content) == (200, b"fine")
    assert sessions.live(user).count() == 0
    assert "You were signed out" in heard(signed_in)


def test_browser_with_an_unknown_key_keeps_its_cookie(client):
    """It may have got a newer one while this request was under way."""
    client.cookies["sessionid"] = "a" * 32
    page = client.get("/")
    assert page.status_code == 302
    assert "sessionid" not in page.cookies


# What the browser is told


@pytest.mark.parametrize(
    ("why", "by", "words"),
    [
        (Ended.TAKEN_OVER, "iPhone", "used to sign in on <strong>iPhone</strong> 5 minutes ago"),
        (Ended.TAKEN_OVER, "", "used to sign in on another device 5 minutes ago"),
        (Ended.ENDED_BY_PERSON, "iPad", "ended 5 minutes ago from <strong>iPad</strong>"),
        (Ended.ENDED_BY_OPERATOR, "", "Somebody who runs this site signed you out 5 minutes ago"),
        (Ended.SHUT_OUT, "", "can no longer be used here"),
        (Ended.NUMBER_CHANGED, "", "number of your account was changed 5 minutes ago"),
        (Ended.IDLE, "", "You last used this site on this device 5 minutes ago"),
        (Ended.TOO_OLD, "", "You signed in 5 minutes ago"),
    ],
)
def test_ended_session_is_told_why_once_and_how_to_go_on(signed_in, user, why, by, words):
    sessions.close(Session.objects.filter(user=user), why, by=by)
    key = key_of(signed_in)
    with later(300):
        sent = signed_in.get("/accounts/devices/?a=b&c=d")
        assert sent.url == "/accounts/ended/?next=%2Faccounts%2Fdevices%2F%3Fa%3Db%26c%3Dd"
        page = signed_in.get(sent.url)
        text = page.content.decode().replace("\xa0", " ")
        assert words in text
        again = 'href="/accounts/login/?next=%2Faccounts%2Fdevices%2F%3Fa%3Db%26c%3Dd"'
        assert (again in text) == (why != Ended.SHUT_OUT)
        assert "no-store" in page["Cache-Control"]
        assert key not in text
        assert not page.cookies["sessionid"].value
        # Once.
        assert signed_in.get("/accounts/ended/").url == "/accounts/login/"
        assert signed_in.get("/").url == "/accounts/login/?next=/"


def test_who_signed_out_is_not_told_so(signed_in):
    twin = Client()
    twin.cookies["sessionid"] = key_of(signed_in)
    signed_in.post("/accounts/logout/")
    assert twin.get("/").url == "/accounts/login/?next=/"


def test_user_who_is_removed_is_told(signed_in, user):
    sessions.end_all(user, Ended.SHUT_OUT)
    user.delete()
    assert "can no longer be used here" in heard(signed_in)


def test_user_who_is_made_inactive_is_out_and_told(signed_in, user):
    User.objects.update(is_active=False)
    assert "can no longer be used here" in heard(signed_in)
    assert Session.objects.get().ended_why == Ended.SHUT_OUT


def test_what_is_no_page_leaves_the_news_to_the_next_one(signed_in, user):
    sessions.end_all(user, Ended.TAKEN_OVER)
    for options in (
        {"headers": {"accept": "application/json"}},
        {"headers": {"sec-fetch-dest": "empty"}},
        {"headers": {"sec-fetch-dest": "image", "accept": "image/*"}},
    ):
        assert signed_in.get("/", **options).url == "/accounts/login/?next=/"
    form = signed_in.post("/accounts/devices/end-others/")
    assert form.url == "/accounts/login/?next=/accounts/devices/end-others/"
    assert signed_in.post("/accounts/logout/").url == "/accounts/login/"
    assert signed_in.get(form.url).url.startswith("/accounts/ended/")
    assert "You were signed out" in heard(signed_in)


def test_sign_in_page_of_an_ended_session_tells_first_and_keeps_next(signed_in, user):
    sessions.end_all(user, Ended.TAKEN_OVER)
    assert signed_in.get("/accounts/login/").url == "/accounts/ended/"
    sent = signed_in.get("/accounts/login/?next=/admin/")
    assert sent.url == "/accounts/ended/?next=%2Fadmin%2F"
    assert "next=%2Fadmin%2F" in signed_in.get(sent.url).content.decode()


def test_ended_page_of_nobody_is_the_sign_in(client, signed_in):
    assert Client().get("/accounts/ended/").url == "/accounts/login/"
    assert signed_in.get("/accounts/ended/").url == "/accounts/login/"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_ended_page_leads_nowhere_else(signed_in, user, target):
    sessions.end_all(user, Ended.TAKEN_OVER)
    page = signed_in.get("/accounts/ended/", {"next": target})
    assert 'href="/accounts/login/?next=%2F"' in page.content.decode()

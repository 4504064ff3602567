"""Two presses at once, as browsers send them: real threads, a real server, the local AWS."""

import re
import time
from collections.abc import Iterator
from html import unescape

import pytest
import requests
from pytest_django.live_server_helper import LiveServer

from accounts import sessions
from accounts.login import sealing
from accounts.models import LoginLock, Session, User
from accounts.sessions.store import SessionStore
from tests.codes import code_in, wrong
from tests.concurrency import at_once, database_in_a_file
from tests.wire import Recorder

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

LOGIN, CODE, RESEND = "/accounts/login/", "/accounts/login/code/", "/accounts/login/resend/"


@pytest.fixture
def aws(on_cloud, settings) -> Iterator[Recorder]:
    recorder = Recorder(settings.AWS_ENDPOINT_URL)
    settings.AWS_ENDPOINT_URL = recorder.url
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """pytest-django's live server, without the one connection that it would lend its threads."""
    server = LiveServer("localhost", start=False)
    server.thread.connections_override.clear()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def site(aws, server, tmp_path) -> Iterator[str]:
    with database_in_a_file(tmp_path):
        yield server.url


class Browser:
    """Fills in forms. ``twin`` is the same browser before it learns how a request ends."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.http = requests.Session()
        self.http.trust_env = False
        self.form: dict[str, str] = {}

    def get(self, address: str) -> str:
        page = self.http.get(self.site + address, timeout=30)
        assert page.status_code == 200
        found = re.findall(
            r'type="hidden" name="(\w+)" value="([^"]*)"', page.text.partition("<footer>")[0]
        )
        self.form = {name: unescape(value) for name, value in found}
        return page.text

    def press(self, address: str, **typed: str) -> requests.Response:
        return self.http.post(
            self.site + address, {**self.form, **typed}, allow_redirects=False, timeout=30
        )

    def twin(self) -> "Browser":
        twin = Browser(self.site)
        twin.http.cookies.update(self.http.cookies)
        twin.form = dict(self.form)
        return twin

    def user(self) -> User | None:
        found = SessionStore(self.http.cookies.get("sessionid")).get("_auth_user_id")
        return User.objects.get(pk=found) if found else None

    def close(self) -> None:
        self.http.close()


@pytest.fixture
def browsers(site, phone) -> Iterator[list[Browser]]:
    """Two copies of one browser that looks at the code page."""
    first = Browser(site)
    first.get(f"{LOGIN}?next=/admin/")
    assert first.press(LOGIN, phone=phone).headers["Location"] == CODE
    first.get(CODE)
    second = first.twin()
    yield [first, second]
    first.close()
    second.close()


def end_the_cooldown(browser: Browser) -> None:
    session = SessionStore(browser.http.cookies["sessionid"])
    session["accounts.pending"]["challenge"]["resend_at"] = int(time.time())
    session.save()


@pytest.mark.parametrize("run", range(6))
def test_right_code_twice_at_once_signs_both_in(browsers, aws, phone, texts, run):
    code = code_in(texts(phone)[0])
    pages = at_once(*[lambda browser=each: browser.press(CODE, code=code) for each in browsers])
    assert [page.status_code for page in pages] == [302, 302]
    first, second = browsers
    # One session, whichever of the two answers the browser hears.
    assert first.http.cookies["sessionid"] == second.http.cookies["sessionid"]
    assert first.user() == second.user() == User.objects.get(phone=phone)
    for browser in browsers:
        assert "You are signed in" in browser.get("/")
    assert aws.times("RespondToAuthChallenge") == 1
    assert aws.times("InitiateAuth") == 1


def test_right_code_five_times_at_once_signs_in_once(browsers, aws, phone, texts):
    """One works and the newest waits; a browser shows the newest answer alone."""
    code = code_in(texts(phone)[0])
    browsers += [browsers[0].twin() for _ in range(3)]
    pages = at_once(*[lambda browser=each: browser.press(CODE, code=code) for each in browsers])
    statuses = [page.status_code for page in pages]
    assert set(statuses) <= {302, 503}
    assert statuses.count(302) >= 2
    for browser, status in zip(browsers, statuses, strict=True):
        if status == 503:
            assert browser.press(CODE, code=code).status_code == 302
    assert {browser.user() for browser in browsers} == {User.objects.get(phone=phone)}
    assert len({browser.http.cookies["sessionid"] for browser in browsers}) == 1
    assert aws.times("RespondToAuthChallenge") == 1
    for browser in browsers[2:]:
        browser.close()


@pytest.mark.parametrize("run", range(2))
def test_wrong_code_twice_at_once_costs_one_try(browsers, aws, phone, texts, run):
    code = code_in(texts(phone)[0])
    pages = at_once(
        *[lambda browser=each: browser.press(CODE, code=wrong(code)) for each in browsers]
    )
    assert [page.status_code for page in pages] == [200, 200]
    assert all("You have 2 tries left" in page.text for page in pages)
    assert aws.times("RespondToAuthChallenge") == 1
    assert browsers[0].press(CODE, code=code).status_code == 302


def test_right_and_wrong_code_at_once_give_one_answer_each(browsers, aws, phone, texts):
    code = code_in(texts(phone)[0])
    right, other = browsers
    pages = at_once(
        lambda: right.press(CODE, code=code), lambda: other.press(CODE, code=wrong(code))
    )
    assert pages[0].status_code == 302
    # The wrong one came first and cost a try, or last and met nothing to answer.
    assert pages[1].status_code in (200, 302)
    assert right.user() == User.objects.get(phone=phone)
    assert other.user() is None
    assert aws.times("RespondToAuthChallenge") == (2 if pages[1].status_code == 200 else 1)


@pytest.mark.parametrize("run", range(2))
def test_resend_twice_at_once_sends_one_text(browsers, phone, texts, age_ledger, run):
    end_the_cooldown(browsers[0])
    age_ledger(31)
    pages = at_once(*[lambda browser=each: browser.press(RESEND) for each in browsers])
    assert sorted(page.status_code for page in pages) == [302, 429]
    assert len(texts(phone)) == 2
    assert browsers[1].press(CODE, code=code_in(texts(phone)[1])).status_code == 302


@pytest.mark.parametrize("run", range(3))
def test_sign_in_while_another_tab_resends_ends_in_pages(browsers, phone, texts, age_ledger, run):
    code = code_in(texts(phone)[0])
    end_the_cooldown(browsers[0])
    age_ledger(31)
    tab, other = browsers
    pages = at_once(lambda: tab.press(CODE, code=code), lambda: other.press(RESEND))
    # Whichever came first: a code that is texted again is the same one.
    assert [page.status_code for page in pages] == [302, 302]
    sent_again = len(texts(phone)) == 2
    assert pages[1].headers["Location"] == (CODE if sent_again else LOGIN)
    assert tab.user() == User.objects.get(phone=phone)


def test_number_twice_at_once_sends_one_text_to_a_browser_with_a_cookie(site, phone, texts):
    first = Browser(site)
    first.get(LOGIN)
    # Somebody was here before: there is a session to tell the browser by.
    other = phone[:-4] + str(9999 - int(phone[-4:])).zfill(4)
    assert first.press(LOGIN, phone=other).status_code == 302
    second = first.twin()
    pages = at_once(
        lambda: first.press(LOGIN, phone=phone), lambda: second.press(LOGIN, phone=phone)
    )
    assert [page.headers.get("Location") for page in pages] == [CODE, CODE]
    assert len(texts(phone)) == 1
    first.close()
    second.close()


def test_sign_in_while_another_tab_signs_out_ends_in_pages(browsers, phone, texts):
    code = code_in(texts(phone)[0])
    tab, other = browsers
    pages = at_once(lambda: tab.press(CODE, code=code), lambda: other.press("/accounts/logout/"))
    assert [page.status_code for page in pages] == [302, 302]


def test_nothing_is_left_waiting(browsers, phone, texts):
    code = code_in(texts(phone)[0])
    at_once(*[lambda browser=each: browser.press(CODE, code=wrong(code)) for each in browsers])
    assert not LoginLock.objects.exists()
    at_once(*[lambda browser=each: browser.press(CODE, code=code) for each in browsers])
    key = sealing.unseal(LoginLock.objects.get().session, purpose="accounts.login.lock")
    row = Session.objects.get(session_key=sessions.digest(key))
    assert row.user == User.objects.get(phone=phone)

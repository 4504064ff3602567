"""The cookie of known browsers: what it may say, to whom, and for how long."""

import pytest
import time_machine
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from accounts.login import known_browsers
from accounts.models import User

DAY = 24 * 60 * 60


@pytest.fixture(autouse=True)
def lane(settings) -> None:
    settings.COGNITO_KNOWN_CLIENT_ID = "exampleknownclientid"
    settings.COGNITO_KNOWN_CLIENT_SECRET = "exampleknownclientsecret"
    settings.SITE_KEY = "s" * 64


class Browser:
    """A browser with the cookies of this site alone."""

    def __init__(self, device: str = "the-device-of-one-browser") -> None:
        self.cookies = {"device": device} if device else {}

    def request(self):
        made = RequestFactory().get("/accounts/login/")
        made.COOKIES.update(self.cookies)
        return made

    def signs_in(self, user: User) -> HttpResponse:
        request, response = self.request(), HttpResponse()
        known_browsers.signed_in(request, user)
        known_browsers.remember(request, response)
        self.cookies |= {name: each.value for name, each in response.cookies.items()}
        return response

    def is_known_to(self, user: User) -> bool:
        return bool(known_browsers.proof(self.request(), user))


def person(number: int) -> User:
    return User(pool="eu-west-1_Example01", sub=f"1b2c3d4e-0000-4000-8000-{number:012d}")


def test_browser_is_known_after_a_sign_in_and_to_that_account_alone():
    browser, me, other = Browser(), person(1), person(2)
    assert not browser.is_known_to(me)
    browser.signs_in(me)
    assert browser.is_known_to(me)
    assert not browser.is_known_to(other)
    assert not known_browsers.proof(browser.request(), None)


def test_two_accounts_in_one_browser_are_both_known():
    browser, one, two = Browser(), person(1), person(2)
    browser.signs_in(one)
    browser.signs_in(two)
    browser.signs_in(one)
    assert browser.is_known_to(one)
    assert browser.is_known_to(two)


def test_last_five_accounts_are_known():
    browser = Browser()
    for number in range(7):
        browser.signs_in(person(number))
    assert [browser.is_known_to(person(n)) for n in range(7)] == [False] * 2 + [True] * 5
    assert len(browser.cookies["known"]) < 512


def test_cookie_tells_nobody_whose_accounts_they_are():
    browser, me = Browser(), person(1)
    browser.signs_in(me)
    elsewhere = Browser("the-device-of-another-browser")
    elsewhere.signs_in(me)
    assert me.sub not in browser.cookies["known"]
    assert browser.cookies["known"].split(":")[0] != elsewhere.cookies["known"].split(":")[0]


def test_cookie_belongs_to_its_browser():
    browser, thief, me = Browser(), Browser("the-device-of-a-thief"), person(1)
    browser.signs_in(me)
    thief.cookies["known"] = browser.cookies["known"]
    assert not thief.is_known_to(me)
    del browser.cookies["device"]
    assert not browser.is_known_to(me)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cookie: "",
        lambda cookie: cookie[:-1],
        lambda cookie: "A" + cookie[1:],
        lambda cookie: cookie + "x" * 1024,
        lambda cookie: cookie.rpartition(":")[0],
        lambda cookie: "\ufffd" * 40,
        lambda cookie: ":".join("abc"),
    ],
)
def test_cookie_that_is_not_ours_is_none(spoil):
    browser, me = Browser(), person(1)
    browser.signs_in(me)
    browser.cookies["known"] = spoil(browser.cookies["known"])
    assert not browser.is_known_to(me)
    # And is replaced at the next sign-in.
    browser.signs_in(me)
    assert browser.is_known_to(me)


def test_browser_is_known_for_ninety_days_from_its_last_sign_in():
    browser, me, other = Browser(), person(1), person(2)
    with time_machine.travel(2_000_000_000) as clock:
        browser.signs_in(me)
        clock.shift(89 * DAY)
        assert browser.is_known_to(me)
        browser.signs_in(other)
        clock.shift(2 * DAY)
        assert not browser.is_known_to(me)
        assert browser.is_known_to(other)


def test_browser_is_forgotten_with_all_that_signed_in_before():
    browser, me = Browser(), person(1)
    with time_machine.travel(2_000_000_000.0004, tick=False) as clock:
        browser.signs_in(me)
        clock.shift(1)
        me.browsers_forgotten_at = timezone.now()
        assert not browser.is_known_to(me)
        # At the same instant, as the browser in which the others were ended.
        browser.signs_in(me)
        assert browser.is_known_to(me)
        clock.shift(1)
        me.browsers_forgotten_at = timezone.now()
        assert not browser.is_known_to(me)


def test_cookie_is_read_with_the_older_keys_as_well(settings):
    browser, me = Browser(), person(1)
    browser.signs_in(me)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "k" * 50
    assert browser.is_known_to(me)
    settings.SECRET_KEY_FALLBACKS = []
    assert not browser.is_known_to(me)


def test_cookie_belongs_to_the_host_alone_and_to_no_script(settings):
    settings.SESSION_COOKIE_SECURE = True
    browser = Browser()
    browser.cookies["__Host-device"] = "the-device-of-one-browser"
    cookie = browser.signs_in(person(1)).cookies["__Host-known"]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["domain"], cookie["path"], cookie["max-age"]) == ("", "/", 90 * DAY)


def test_browser_without_a_cookie_of_its_own_is_made_known_to_nobody():
    browser = Browser(device="")
    assert not browser.signs_in(person(1)).cookies


def test_site_without_the_client_makes_no_proofs(settings):
    browser, me = Browser(), person(1)
    browser.signs_in(me)
    settings.COGNITO_KNOWN_CLIENT_ID = ""
    assert not browser.is_known_to(me)

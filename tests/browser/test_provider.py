"""Sign-ins through a provider in Chromium: on its page and back, and by its browser client."""

import base64
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.aws.challenges import ProviderChallenge
from tests.browser.conftest import CUT_OFF, assert_accessible, place
from tests.fakes.provider import _CLIENT
from tests.provider_stack import ProviderStack, running


@pytest.fixture(scope="module")
def _stack(tmp_path_factory, live_server) -> Iterator[ProviderStack]:
    back = f"{live_server.url}/accounts/login/return/".replace("127.0.0.1", "localhost")
    with running(tmp_path_factory.mktemp("provider"), "provider", return_url=back) as stack:
        yield stack


@pytest.fixture
def site(site: str, _stack, settings, monkeypatch) -> str:
    """The running site, whose sign-ins are those of the provider."""
    _stack.serve(settings, monkeypatch)
    settings.ACCOUNTS_SIGN_UP = "open"
    return site


@pytest.fixture
def provider(_stack):
    return _stack.provider


@pytest.fixture
def client_is_on(provider, settings) -> None:
    settings.PROVIDER_SCRIPT = f"{provider.url}/client.js"
    digest = base64.b64encode(hashlib.sha384(_CLIENT.encode()).digest()).decode()
    settings.PROVIDER_SCRIPT_INTEGRITY = f"sha384-{digest}"
    settings.PROVIDER_TENANT = "a-tenant"


def begin(page: Page, site: str, phone: str) -> None:
    page.goto(f"{site}/")
    page.get_by_label("Mobile number").fill(phone)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Show that it is you")).to_be_visible()


def is_signed_in(page: Page, site: str) -> None:
    page.wait_for_url(f"{site}/")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_page_of_the_provider_brings_the_person_back_signed_in(page, site, provider, phone):
    begin(page, site, phone)
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    page.get_by_role("link", name="It is me").click()
    is_signed_in(page, site)
    assert provider.texts == [phone]


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_scripts_one_more_button_leads_on(page, site, provider, phone):
    begin(page, site, phone)
    page.get_by_role("link", name="Go on").click()
    page.get_by_role("link", name="It is me").click()
    expect(page.get_by_role("heading", name="You are back")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    is_signed_in(page, site)


def test_button_that_leads_back_keeps_the_person_signed_in(page, site, provider, phone):
    begin(page, site, phone)
    page.get_by_role("link", name="Go on").click()
    page.get_by_role("link", name="It is me").click()
    is_signed_in(page, site)
    page.go_back()
    page.goto(f"{site}/")
    is_signed_in(page, site)


def test_person_who_cancels_is_told_and_can_go_on(page, site, provider, phone):
    begin(page, site, phone)
    page.get_by_role("link", name="Go on").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_text("has not told us that it is you")).to_be_visible()
    page.get_by_role("link", name="Go on").click()
    page.get_by_role("link", name="It is me").click()
    is_signed_in(page, site)


@pytest.mark.usefixtures("client_is_on")
def test_client_of_the_provider_opens_a_window_and_signs_in(page, site, provider, phone):
    begin(page, site, phone)
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Go on in a small window").click()
    opened.value.get_by_role("link", name="It is me").click()
    is_signed_in(page, site)
    assert "token=" not in page.url


# Every state of the page

CHALLENGE = "/accounts/login/challenge/"
STATES = {
    "sent": {},
    "enrolled": {"is_enrolled": True},
    "not-enrolled": {"is_enrolled": False},
    "not-sent": {"delivery": "not_sent", "url": "", "token": ""},
    "locked": {"delivery": "locked", "url": "", "token": ""},
    "over-budget": {"delivery": "over_budget", "url": "", "token": ""},
}
LOOKS = {"light": ("en", 390), "dark": ("en", 390), "narrow": ("de", 320), "arabic": ("ar", 390)}


def question(**facts) -> ProviderChallenge:
    usual = {
        "session": "",
        "username": "",
        "expires_at": int(time.time()) + 300,
        "resend_at": int(time.time()),
        "tries_left": 3,
        "delivery": "sent",
        "url": "https://mfa.example.com/?token=a",
        "token": "a",
        "reference": "K7F-2Q",
    }
    return ProviderChallenge(**{**usual, **facts})


@pytest.fixture
def placed_site(on_cloud, live_server) -> str:
    """The running site; nothing is asked of the provider."""
    return live_server.url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("state", [*STATES, "wrong", "back"])
def test_page_in_every_state_fits_and_can_be_used_by_all(
    page, placed_site, phone, settings, state, look, alone
):
    settings.PROVIDER_SCRIPT = "https://scripts.example.com/client.js"
    settings.PROVIDER_TENANT = "a-tenant"
    language, width = LOOKS[look]
    page.set_viewport_size({"width": width, "height": 700})
    page.emulate_media(color_scheme="dark" if look == "dark" else "light")
    page.context.add_cookies([{"name": "language", "value": language, "url": placed_site}])
    page.route(
        "https://scripts.example.com/**",
        lambda route: route.fulfill(
            content_type="text/javascript",
            body="var authsignal = {Authsignal: class {}};",
            headers={"access-control-allow-origin": "*"},
        ),
    )
    facts = STATES.get(state, {})
    place(page, placed_site, phone, CHALLENGE, challenge=question(**facts))
    if state == "wrong":
        page.evaluate("document.getElementById('provider').submit()")
        expect(page.get_by_role("alert")).to_be_visible()
    if state == "back":
        page.route("**/provider_return*.js", lambda route: route.abort())
        page.goto(f"{placed_site}/accounts/login/return/?token=a&attempt=K7F-2Q")
        expect(page.locator("#returned")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == language
    if folder := os.environ.get("PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"provider-{state}-{look}.png"))
    assert page.evaluate(CUT_OFF) == []
    assert_accessible(page)

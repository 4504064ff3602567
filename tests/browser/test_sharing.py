"""The sharing policies in two real browsers, one person in both."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from tests.browser.steps import answer, ask
from tests.codes import code_in
from tests.login_steps import AGENTS


@pytest.fixture
def open_browser(browser: Browser, site) -> Iterator[Callable[[str], Page]]:
    """``open_browser(device)``: a page in a browser of its own, where a script is never needed."""
    contexts = []

    def open_one(device: str) -> Page:
        context = browser.new_context(user_agent=AGENTS[device], java_script_enabled=False)
        contexts.append(context)
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def sign_in(site, phone, texts, age_ledger) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        if texts(phone):
            age_ledger(31)
        ask(page, site, phone)
        answer(page, code_in(texts(phone)[-1]))

    return act


def is_home(page: Page) -> None:
    expect(page.get_by_role("heading", name="You are signed in", exact=True)).to_be_visible()


def test_policies_in_two_browsers(site, open_browser, sign_in, phone, settings):
    one, other = open_browser("iPhone"), open_browser("Firefox on Linux")
    settings.ACCOUNTS_SHARING_POLICY = "off"
    sign_in(one)
    is_home(one)

    # notify: a notice, with a way to the devices and a way to be rid of it
    settings.ACCOUNTS_SHARING_POLICY = "notify"
    sign_in(other)
    is_home(other)
    one.reload()
    notice = one.get_by_role("complementary", name="Another device")
    expect(notice).to_contain_text("sign in on Firefox on Linux")
    notice.get_by_role("link", name="Look at your devices").click()
    expect(one.locator("main")).to_contain_text("iPhone (this device)")
    one.get_by_role("button", name="That was me").click()
    expect(one.get_by_role("heading", name="Your devices")).to_be_visible()
    expect(notice).to_have_count(0)

    # one device signs the other out, which is told so, once
    one.get_by_role("button", name="Sign this device out").click()
    expect(one.get_by_role("status")).to_have_text("That device is signed out.")
    other.goto(f"{site}/accounts/devices/")
    expect(other.get_by_role("heading", name="You were signed out")).to_be_visible()
    expect(other.locator("main")).to_contain_text("from iPhone")
    other.get_by_role("link", name="Sign in again").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()

    # ask: cancel leaves all as it was, continuing ends the other session
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    for choice in ("Cancel", "Continue here"):
        sign_in(other)
        expect(
            other.get_by_role("heading", name="You are signed in on another device")
        ).to_be_visible()
        expect(other.locator("main")).to_contain_text("iPhone, last used")
        other.get_by_role("button", name=choice).click()
        if choice == "Cancel":
            expect(other.get_by_role("status")).to_contain_text("You were not signed in here")
            one.reload()
            expect(one.get_by_role("heading", name="Your devices")).to_be_visible()
    is_home(other)
    one.reload()
    expect(one.get_by_role("heading", name="You were signed out")).to_be_visible()
    expect(one.locator("main")).to_contain_text("sign in on Firefox on Linux")

    # strict: the newest wins
    settings.ACCOUNTS_SHARING_POLICY = "strict"
    sign_in(one)
    is_home(one)
    other.reload()
    expect(other.get_by_role("heading", name="You were signed out")).to_be_visible()
    expect(other.locator("main")).to_contain_text("sign in on iPhone")
    user = User.objects.get(phone=phone)
    assert [row.device for row in user.sessions.filter(ended_at=None)] == ["iPhone"]

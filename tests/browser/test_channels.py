"""The other ways of a code on its page, in Chromium, at the deployed functions."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import SCRIPTS, answer, ask
from tests.ledger_age import put_back


@pytest.fixture
def site(site: str, stack, settings, monkeypatch) -> str:
    """The running site, whose stack has every channel."""
    stack.serve(settings, monkeypatch)
    settings.ACCOUNTS_SIGN_UP = "open"
    return site


GROUP = "Didn't get it?"


@pytest.mark.usefixtures("alone")
def test_other_ways_are_shown_once_the_first_wait_is_over(page: Page, site, stack, phone):
    page.clock.install()
    ask(page, site, phone)
    group = page.get_by_role("group", name=GROUP)
    expect(page.get_by_role("button", name="Text me again")).to_be_visible()
    expect(group).to_be_hidden()
    page.clock.fast_forward(31_000)
    expect(group).to_be_visible()
    expect(group.get_by_role("button")).to_have_text(["Call me", "WhatsApp", "E-mail me"])


@SCRIPTS
def test_person_is_called_and_signs_in_with_what_is_read(page: Page, site, stack, phone):
    ask(page, site, phone)
    page.wait_for_timeout(31_000)
    page.get_by_role("button", name="Call me").click()
    expect(page.get_by_text("We are calling you now. The call reads the code")).to_be_visible()
    [call] = stack.others(phone)
    answer(page, call.code)
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    put_back(stack.cloud, 3600)

"""An e-mail address and the link of a mail, in Chromium, at the deployed functions."""

import re

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.conftest import CUT_OFF, assert_accessible
from tests.browser.steps import SCRIPTS, answer, ask, made, sign_in
from tests.channel_stack import ChannelStack

_LINK = re.compile(r"/accounts/login/link/[A-Z0-9]{5}/[A-Za-z0-9_-]{27}/")
_NARROW = {"width": 390, "height": 800}


@pytest.fixture
def site(site: str, stack, settings, monkeypatch) -> str:
    """The running site, whose stack has every channel."""
    stack.serve(settings, monkeypatch)
    settings.ACCOUNTS_SIGN_UP = "open"
    return site


def looks_right(page: Page) -> None:
    """Fail where a narrow page is cut off, or axe finds anything in either theme."""
    page.set_viewport_size(_NARROW)
    assert page.evaluate(CUT_OFF) == []
    assert_accessible(page)


def mailed(page: Page, site: str, stack: ChannelStack, phone: str, address: str) -> str:
    """Ask for a code by mail, and return the path of its link."""
    ask(page, site, phone)
    stack.give_address(phone, address)
    same, cookies = Client(), page.context.cookies()
    same.cookies["sessionid"] = next(e["value"] for e in cookies if e["name"] == "sessionid")
    stack.wait(same)
    page.reload()
    page.get_by_role("button", name="E-mail me").click()
    expect(page.get_by_text("We sent it to the e-mail address")).to_be_visible()
    return _LINK.search(stack.others(address)[-1].body)[0]


@SCRIPTS
def test_address_is_added_changed_and_removed(page: Page, site, stack, phone, address):
    sign_in(page.context, site, made(phone))
    page.goto(f"{site}/accounts/")
    page.get_by_role("link", name="The same code by e-mail").click()
    expect(page.get_by_text("Your account has none.")).to_be_visible()
    page.get_by_label("E-mail address").fill("ada@example")
    page.get_by_role("button", name="E-mail me a code").click()
    expect(page.get_by_text("That is not an e-mail address.")).to_be_visible()
    page.get_by_label("E-mail address").fill(address)
    page.get_by_role("button", name="E-mail me a code").click()
    expect(page.get_by_text(f"We sent it to {address}")).to_be_visible()
    answer(page, stack.others(address)[-1].code, button="Go on")
    expect(page.get_by_text(f"Your address is {address}")).to_be_visible()
    expect(page.get_by_text("you can have your code sent to this address")).to_be_visible()
    page.get_by_role("button", name="Remove the address").click()
    expect(page.get_by_text("Your account has none.")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_pages_of_an_address_fit_a_phone_and_everybody(page: Page, site, stack, phone, language):
    sign_in(page.context, site, made(phone))
    address = f"{language}.{'x' * 40}{phone[1:]}@example.org"
    page.set_viewport_size(_NARROW)
    page.context.add_cookies([{"name": "language", "value": language, "url": site}])
    page.goto(f"{site}/accounts/email/")
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.locator("#id_email").fill("ada@example")
    page.locator("main button[type=submit]").first.click()
    expect(page.locator("#error_email")).to_be_visible()
    looks_right(page)
    page.locator("#id_email").fill(address)
    page.locator("main button[type=submit]").first.click()
    expect(page.locator("#id_code")).to_be_visible()
    looks_right(page)


@pytest.mark.usefixtures("alone")
def test_link_shows_the_code_elsewhere_and_signs_in_where_it_was_asked_for(
    page: Page, site, stack, phone, address, browser
):
    made(phone)
    link = mailed(page, site, stack, phone, address)
    with browser.new_context(viewport=_NARROW, java_script_enabled=False) as elsewhere:
        other = elsewhere.new_page()
        other.goto(f"{site}{link}")
        expect(other.get_by_role("heading", name="Somebody asked for a code")).to_be_visible()
        other.get_by_role("button", name="It was me: show the code").click()
        expect(other.get_by_text(stack.others(address)[-1].code)).to_be_visible()
        other.goto(f"{site}{link}")
        other.get_by_role("button", name="It was me: show the code").click()
        expect(other.get_by_role("alert")).to_contain_text("Each link works once")
    for language in ("ar", "de", "en"):
        page.context.add_cookies([{"name": "language", "value": language, "url": site}])
        with browser.new_context(viewport=_NARROW) as elsewhere:
            elsewhere.add_cookies([{"name": "language", "value": language, "url": site}])
            other = elsewhere.new_page()
            other.goto(f"{site}{link}")
            looks_right(other)
        page.goto(f"{site}{link}")
        expect(page.locator("html")).to_have_attribute("lang", language)
        looks_right(page)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    assert User.objects.get().last_login

"""A code by mail alone and by a second number, in Chromium, at the deployed functions."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.login import second_number
from accounts.models import User
from tests import site_settings
from tests.browser.conftest import CUT_OFF, assert_accessible
from tests.browser.steps import SCRIPTS, answer, made, sign_in
from tests.codes import code_in

_NARROW = {"width": 390, "height": 800}
BACKUP, SECOND = "/accounts/login/backup/", "/accounts/second-number/"
in_languages = pytest.mark.parametrize("language", ["en", "de", "ar"])


@pytest.fixture
def site(site: str, stack, settings, monkeypatch) -> str:
    """The running site, whose stack sends mail, and where both ways are on."""
    stack.serve(settings, monkeypatch)
    site_settings.use(stack.cloud, settings, site_settings.SITE_CLIENT)
    settings.ACCOUNTS_EMAIL_LOGIN = settings.ACCOUNTS_SECOND_NUMBER = True
    return site


def looks_right(page: Page, name: str) -> None:
    """Fail where a narrow page is cut off, or axe finds anything in either theme."""
    page.set_viewport_size(_NARROW)
    assert page.evaluate(CUT_OFF) == []
    assert_accessible(page)
    if folder := os.environ.get("PICTURES_OF_WAYS"):
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.screenshot(path=Path(folder) / f"{name}-{theme}.png", full_page=True)


def speak(page: Page, site: str, language: str) -> None:
    page.context.add_cookies([{"name": "language", "value": language, "url": site}])


@SCRIPTS
def test_person_signs_in_with_a_mail_and_no_text(page: Page, site, stack, phone, address):
    made(phone)
    stack.give_address(phone, address)
    page.goto(f"{site}/")
    page.get_by_label("Mobile number").fill(phone)
    page.get_by_role("button", name="Get the code by e-mail").click()
    expect(page.get_by_text("We sent it to the e-mail address")).to_be_visible()
    expect(page.get_by_role("button", name="E-mail me again")).to_be_visible()
    answer(page, stack.others(address)[-1].code)
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    assert stack.texts(phone) == []


def test_key_of_the_form_still_asks_for_a_text(page: Page, site, stack, phone, address):
    made(phone)
    page.goto(f"{site}/")
    page.get_by_label("Mobile number").fill(phone)
    page.get_by_label("Mobile number").press("Enter")
    expect(page.get_by_role("heading", name="Type your code")).to_be_visible()
    assert len(stack.texts(phone)) == 1


@SCRIPTS
def test_person_adds_a_second_number_and_comes_back_by_it(
    page: Page, site, stack, phone, make_phone
):
    number, user = make_phone(), made(phone)
    sign_in(page.context, site, user)
    page.goto(f"{site}/accounts/")
    page.get_by_role("link", name="A code by text to a second number").click()
    expect(page.get_by_text("You have not added one yet.")).to_be_visible()
    page.get_by_label("Second number").fill(number)
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_role("heading", name="Type your code")).to_be_visible()
    answer(page, code_in(stack.texts(number)[-1].body), button="Go on")
    expect(page.get_by_text("a code can go to this number")).to_be_visible()
    page.context.clear_cookies()
    page.goto(f"{site}/")
    page.get_by_role("link", name="I do not have this phone any more").click()
    page.get_by_label("Mobile number of your account").fill(phone)
    page.get_by_role("button", name="Text my second number").click()
    expect(page.get_by_text("We texted it to the second number")).to_be_visible()
    answer(page, code_in(stack.texts(number)[-1].body))
    expect(page.get_by_role("heading", name="Change your number")).to_be_visible()


@in_languages
def test_pages_of_the_ways_fit_a_phone_and_everybody(
    page: Page, site, stack, phone, address, make_phone, language
):
    user = made(phone)
    stack.give_address(phone, address)
    page.set_viewport_size(_NARROW)
    speak(page, site, language)
    page.goto(f"{site}/")
    expect(page.locator("html")).to_have_attribute("lang", language)
    looks_right(page, f"phone-{language}")
    page.locator("#id_phone").fill(phone)
    page.locator("button[value=email]").click()
    expect(page.locator("#id_code")).to_be_visible()
    looks_right(page, f"code-mailed-{language}")
    page.context.clear_cookies()
    speak(page, site, language)
    page.goto(f"{site}{BACKUP}")
    looks_right(page, f"backup-{language}")
    page.locator("button[value=second_number]").click()
    expect(page.locator("#error_phone")).to_be_visible()
    expect(page.locator("#error_code")).to_have_count(0)
    looks_right(page, f"backup-mistyped-{language}")
    page.locator("#id_phone").fill(phone)
    page.locator("button[value=second_number]").click()
    expect(page.locator("#id_code")).to_be_visible()
    looks_right(page, f"code-second-{language}")
    sign_in(page.context, site, user)
    for second, name in (("", "none"), (make_phone(), "kept")):
        User.objects.update(second_phone=second)
        page.goto(f"{site}{SECOND}")
        looks_right(page, f"second-{name}-{language}")
    page.goto(f"{site}/accounts/")
    assert second_number.is_offered(user)
    looks_right(page, f"account-{language}")

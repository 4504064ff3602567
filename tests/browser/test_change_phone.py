"""Changing one's number as a person meets it, in a real browser, with and without JavaScript."""

import pytest
from playwright.sync_api import Page, expect

from accounts.aws import cognito
from accounts.phones import spaced
from tests.browser.steps import SCRIPTS, answer, ask, made, sign_in
from tests.codes import code_in


@pytest.fixture(autouse=True)
def _texts(on_cloud, settings):
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]


def change(page: Page, site: str, phone: str) -> None:
    page.goto(f"{site}/")
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("link", name="Change your number").click()
    page.get_by_label("New mobile number").fill(phone)
    page.get_by_role("button", name="Text me a code").click()


@SCRIPTS
def test_number_is_changed_and_signs_in(page: Page, site, phone, new_phone, texts, age_ledger):
    sign_in(page.context, site, made(phone))
    change(page, site, phone)
    expect(page.locator("#error_phone")).to_contain_text("your number already")
    page.get_by_label("New mobile number").fill(new_phone)
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_label("6-digit code")).to_be_focused()
    answer(page, code_in(texts(new_phone)[-1]), "Change my number")
    expect(page.get_by_role("heading", name="Your number is changed")).to_be_visible()
    expect(page.get_by_text(spaced(new_phone))).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Your number is changed")).to_be_visible()
    page.get_by_role("link", name="Back to the start").click()
    page.get_by_role("button", name="Sign out").click()
    age_ledger(31)
    ask(page, site, new_phone)
    answer(page, code_in(texts(new_phone)[-1]))
    expect(page.get_by_text(spaced(new_phone))).to_be_visible()


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_double_click_changes_the_number(page: Page, site, phone, new_phone, texts):
    sign_in(page.context, site, made(phone))
    change(page, site, new_phone)
    page.get_by_label("6-digit code").fill(code_in(texts(new_phone)[-1]))
    page.get_by_role("button", name="Change my number").dblclick()
    expect(page.get_by_role("heading", name="Your number is changed")).to_be_visible()


def test_number_with_an_account_of_its_own_is_kept_apart(page: Page, site, phone, new_phone, texts):
    cognito.gateway().create_user(new_phone)
    sign_in(page.context, site, made(phone))
    change(page, site, new_phone)
    answer(page, code_in(texts(new_phone)[-1]), "Change my number")
    expect(page.get_by_role("heading", name="account of its own")).to_be_visible()
    page.get_by_role("link", name="Keep my old number").click()
    expect(page.get_by_text(spaced(phone))).to_be_visible()


def test_change_is_given_up_by_a_button(page: Page, site, phone, new_phone, texts):
    sign_in(page.context, site, made(phone))
    change(page, site, new_phone)
    page.get_by_role("button", name="Keep my old number").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    expect(page.get_by_text(spaced(phone))).to_be_visible()

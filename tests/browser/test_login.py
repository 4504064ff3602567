"""The main flow as a person meets it, in a real browser, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import SCRIPTS, answer, ask, type_at_cursor, wait_for_code_page
from tests.codes import code_in


@SCRIPTS
def test_first_visit_signs_in_and_out(page: Page, site, phone, texts):
    ask(page, site, phone.removeprefix("+1"))
    answer(page, code_in(texts(phone)[-1]))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{site}/")
    expect(page).to_have_url(re.compile("/accounts/login/"))


@SCRIPTS
def test_wrong_number_and_wrong_code_say_what_to_type(page: Page, site, phone, texts):
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("Mobile number").fill("1-800-FLOWERS")
    page.get_by_role("button", name="Text me a code").click()
    field = page.get_by_label("Mobile number")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("1-800-FLOWERS")
    expect(page.locator("#error_phone")).to_contain_text("(201) 555\u20110123")
    ask(page, site, phone)
    code = code_in(texts(phone)[-1])
    answer(page, f"{(int(code) + 1) % 1_000_000:06d}")
    expect(page.locator("#error_code")).to_contain_text("2 tries left")
    answer(page, f"{code[:3]} {code[3:]}")
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_texts_arrive_in_the_inbox_beside_the_site(page: Page, site, phone):
    ask(page, site, phone)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the inbox").click()
    inbox = opened.value
    message = inbox.locator("li", has_text=phone).locator(".bubble").first
    answer(page, code_in(message.inner_text()))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_keyboard_alone_is_enough(page: Page, site, phone, texts):
    page.goto(f"{site}/accounts/login/")
    type_at_cursor(page.get_by_label("Mobile number"), phone)
    page.keyboard.press("Enter")
    wait_for_code_page(page)
    type_at_cursor(page.get_by_label("6-digit code"), code_in(texts(phone)[-1]))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_double_click_on_sign_in_signs_in(page: Page, site, phone, texts):
    ask(page, site, phone)
    page.get_by_label("6-digit code").fill(code_in(texts(phone)[-1]))
    page.get_by_role("button", name="Sign in").dblclick()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    page.goto(f"{site}/")
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_back_and_reload_after_signing_in_stay_signed_in(page: Page, site, phone, texts):
    ask(page, site, phone)
    answer(page, code_in(texts(phone)[-1]))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_reload_of_the_code_page_texts_nothing(page: Page, site, phone, texts):
    ask(page, site, phone)
    page.reload()
    page.reload()
    assert len(texts(phone)) == 1


def test_second_tab_with_another_number_spends_no_try(page: Page, site, phone, texts, context):
    ask(page, site, phone)
    other_phone = f"{phone[:-4]}0124"
    other = context.new_page()
    ask(other, site, other_phone)
    answer(page, code_in(texts(phone)[-1]))
    expect(page.locator("#error_code")).to_contain_text("asked for another code since")
    answer(page, code_in(texts(other_phone)[-1]))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()

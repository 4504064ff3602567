"""Operators in a real browser: a person's page, one act with its effect in another browser."""

import os
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Browser, Page, expect

from accounts.aws import cognito
from accounts.models import User
from accounts.sync import remote_state
from tests.browser.conftest import assert_accessible
from tests.browser.steps import made, sign_in


@pytest.fixture
def person(on_cloud, phone) -> User:
    return made(phone, name="Ada Byron")


@pytest.fixture
def operator_page(page: Page, site, person, settings, on_cloud, monkeypatch) -> Page:
    # A busy machine must not look like an outage.
    monkeypatch.setattr(remote_state, "_PATIENCE", 20)
    settings.LEDGER_FUNCTION = on_cloud.outputs["LedgerFunction"]
    operator = made(f"{person.phone[:-4]}0177", is_staff=True, is_superuser=True)
    sign_in(page.context, site, operator)
    return page


@pytest.fixture
def picture(project: Path, tmp_path: Path) -> Path:
    folder = project / "docs" / "images" if os.environ.get("PICTURES") else tmp_path
    return folder / "user.png"


def test_operator_finds_and_disables_a_person_who_is_told(
    operator_page: Page, browser: Browser, site, person, picture
):
    page = operator_page
    theirs = browser.new_context()
    sign_in(theirs, site, person)
    other = theirs.new_page()
    other.goto(f"{site}/")
    expect(other.get_by_role("heading", name="You are signed in")).to_be_visible()
    page.goto(f"{site}/admin/accounts/user/")
    assert_accessible(page)
    page.get_by_role("textbox", name="Search").or_(page.locator("#searchbar")).fill(
        person.phone.removeprefix("+1")
    )
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Ada Byron").click()
    expect(page.get_by_role("heading", name="Ada Byron")).to_be_visible()
    expect(page.get_by_text("Not held.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("iPhone"))).to_be_visible()
    assert_accessible(page)
    page.screenshot(path=picture, full_page=True)
    assert picture.stat().st_size > 5_000
    page.get_by_role("link", name="Disable").click()
    expect(page.get_by_role("heading", name="Disable Ada Byron?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Disable").click()
    expect(page.locator(".messagelist")).to_contain_text("Done.")
    assert not cognito.gateway().read_user(person.sub).enabled
    other.reload()
    expect(other.get_by_role("heading", name="You are signed in")).not_to_be_visible()
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 800})
    assert_accessible(page)
    theirs.close()


def test_operator_invites_a_list_of_people(operator_page: Page, site, person):
    page = operator_page
    Group.objects.create(name="Editors")
    page.goto(f"{site}/admin/accounts/user/")
    page.get_by_role("link", name="Invite people").click()
    assert_accessible(page)
    block = person.phone[:-4]
    page.get_by_label("People").fill(
        f"{block}0131, Grace Hopper\n{person.phone}\n12\n{block}0132; Mary"
    )
    page.get_by_role("button", name="Check the list").click()
    expect(page.get_by_role("cell", name="Has an account already.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Invite 3 people").click()
    expect(page.get_by_role("heading", name="Invite: 3 of 3 done")).to_be_visible()
    assert_accessible(page)
    assert {user.name for user in User.objects.all()} >= {"Grace Hopper", "Mary"}
    page.goto(f"{site}/admin/accounts/user/")
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label="Add to a group")
    page.get_by_role("button", name="Go").or_(page.get_by_role("button", name="Run")).first.click()
    expect(page.get_by_role("heading", name=re.compile("to a group"))).to_be_visible()
    assert_accessible(page)
    for address in ("operation", "../auditlog/logentry"):
        page.goto(f"{site}/admin/accounts/{address}/")
        assert_accessible(page)


def test_form_of_a_group_is_accessible(operator_page: Page, site, person):
    page = operator_page
    page.goto(f"{site}/admin/auth/group/add/")
    expect(page.get_by_label("Name")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Name").fill("Editors")
    page.get_by_label("Unlock held numbers").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Editors").first.click()
    expect(page.get_by_label("Unlock held numbers")).to_be_checked()
    assert_accessible(page)

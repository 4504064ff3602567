"""Operators in a real browser, also without scripts: lists become files, filters become views."""

import csv
import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts import exports
from accounts.exports import runs
from accounts.models import User
from tests.accounts.exports.files import people
from tests.accounts.operators import make_operator
from tests.browser.conftest import assert_accessible
from tests.browser.steps import sign_in

LIST = "/admin/accounts/user/"
without_scripts = pytest.mark.parametrize(
    "browser_context_args", [{"java_script_enabled": False}], indirect=True
)


@pytest.fixture
def operator(page: Page, site) -> User:
    user = make_operator(1, is_superuser=True, name="Ana")
    people(8, is_active=False)
    sign_in(page.context, site, user)
    page.set_viewport_size({"width": 1280, "height": 800})
    return user


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures go: away with the test, unless somebody wants to look at them."""
    wanted = os.environ.get("LOOK")
    return Path(wanted) if wanted else tmp_path


def look(page: Page, folder: Path, name: str) -> None:
    """Check a page in both themes and at the width of a phone."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)
            page.screenshot(path=folder / f"{name}-{theme}-{width}.png", full_page=True)
        assert_accessible(page)
    page.set_viewport_size({"width": 1280, "height": 800})


def test_operator_exports_what_the_list_shows(page: Page, site, operator, folder, monkeypatch):
    page.goto(f"{site}{LIST}?status=disabled")
    page.get_by_role("link", name="Export", exact=True).click()
    expect(page.get_by_text("The list has 8 rows now.")).to_be_visible()
    look(page, folder, "begin")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("heading", name="Export: users (CSV)")).to_be_visible()
    page.get_by_role("link", name="Look again").or_(page.get_by_text("Download")).first.wait_for()
    page.reload()
    expect(page.get_by_role("heading", name="Finished")).to_be_visible()
    look(page, folder, "finished")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.startswith("people-")
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == 8
    page.goto(f"{site}/admin/accounts/export/")
    expect(page.get_by_role("cell", name="users (CSV)")).to_be_visible()
    look(page, folder, "exports")

    monkeypatch.setattr(runs, "CHUNK", 3)
    half = exports.start(operator, "user", "json", "")
    exports.work(half.pk, seconds=0)
    page.goto(f"{site}/admin/accounts/export/{half.pk}/change/")
    expect(page.get_by_role("progressbar", name="3 of 10 rows written")).to_be_visible()
    look(page, folder, "progress")


@without_scripts
def test_export_needs_no_script(page: Page, site, operator):
    page.goto(f"{site}{LIST}?status=disabled")
    page.get_by_role("link", name="Export", exact=True).click()
    page.get_by_label("Format").select_option("json")
    page.get_by_role("button", name="Export").click()
    # The page asks again by itself; to do so as well would meet it half-way.
    expect(page.get_by_role("heading", name="Finished")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("link", name="Download")).to_be_visible()


def test_operator_saves_a_view(page: Page, site, operator, folder):
    page.goto(f"{site}{LIST}?status=disabled")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name", exact=True).fill("Shut out")
    page.get_by_label("for all operators").check()
    look(page, folder, "saving")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Shut out")).to_have_attribute("aria-current", "true")
    page.get_by_text("Change your views").click()
    look(page, folder, "views")
    page.goto(f"{site}{LIST}")
    page.get_by_role("link", name="Shut out").click()
    expect(page).to_have_url(f"{site}{LIST}?status=disabled")
    page.get_by_text("Change your views").click()
    page.get_by_role("button", name="Remove the view Shut out").click()
    expect(page.get_by_text("The view “Shut out” is removed.")).to_be_visible()
    assert_accessible(page)


@without_scripts
def test_saving_needs_no_script(page: Page, site, operator):
    page.goto(f"{site}{LIST}?status=disabled")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name", exact=True).fill("Shut out")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Shut out")).to_be_visible()

"""The page on differences as an operator meets it: compare, look, mend, undo."""

import os
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from accounts.models import Finding, User
from tests.browser.test_login import SCRIPTS, answer, ask, browser_context_args, code_in  # noqa: F401
from tests.end_to_end.test_drift import Operator


@pytest.fixture
def console(on_cloud) -> Operator:
    return Operator(on_cloud)


@pytest.fixture
def picture(tmp_path: Path, project: Path) -> Path:
    """Where the picture goes: into docs/ when asked for, else away with the test."""
    folder = project / "docs" / "images" if os.environ.get("PICTURES") else tmp_path
    return folder / "drift.png"


def sign_in(page: Page, site: str, phone: str, texts) -> None:
    ask(page, site, phone)
    answer(page, code_in(texts(phone)[-1]))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


@SCRIPTS
def test_operator_compares_looks_mends_and_undoes(
    page: Page, site, phone, texts, console, assert_accessible, picture
):
    call_command("make_admin", phone)
    sign_in(page, site, phone, texts)
    User.objects.filter(phone=phone).update(name="Ana")
    block = phone[:-4]
    only_there = console.create(f"{block}0456", verified=True)
    changed = console.create(f"{block}0457", verified=True)
    User.objects.for_identity(changed, f"{block}0458", phone_verified=True)
    disabled = console.create(f"{block}0459", verified=True)
    User.objects.for_identity(disabled, f"{block}0459", phone_verified=True)
    console("admin_disable_user", disabled)
    page.set_viewport_size({"width": 1200, "height": 760})
    page.goto(f"{site}/admin/accounts/finding/")
    expect(page.get_by_text("This site and Cognito were never compared.")).to_be_visible()
    page.get_by_role("button", name="Compare now").click()
    expect(page.get_by_text("The comparison has begun.")).to_be_visible()
    page.goto(f"{site}/admin/accounts/finding/")
    rows = page.locator("#result_list tbody tr")
    ours = rows.filter(has_text="differing phone")
    expect(ours).to_have_count(1)
    expect(rows.filter(has_text=only_there)).to_have_count(1)
    expect(rows.filter(has_text="disabled")).to_have_count(1)
    assert_accessible(page)
    page.screenshot(path=picture)
    ours.get_by_role("link", name="differing phone").click()
    expect(page.get_by_role("cell", name="+1••••••••57")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Mend").click()
    assert_accessible(page)
    page.get_by_role("button", name="Mend (1)").click()
    expect(page.get_by_text("1 difference is mended.")).to_be_visible()
    assert User.objects.get(sub=changed).phone == f"{block}0457"
    finding = Finding.objects.get(sub=changed)
    page.goto(f"{site}/admin/accounts/finding/{finding.pk}/change/")
    expect(page.get_by_text("by Ana")).to_be_visible()
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Undo (1)").click()
    expect(page.get_by_text("1 difference is undone.")).to_be_visible()
    assert User.objects.get(sub=changed).phone == f"{block}0458"
    assert picture.stat().st_size > 5_000

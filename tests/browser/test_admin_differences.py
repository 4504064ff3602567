"""The page on differences as an operator meets it: compare, look, repair, undo."""

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import Page, expect

from accounts.models import Difference, User
from tests.aws_console import Console
from tests.browser.conftest import assert_accessible
from tests.browser.steps import made, sign_in

LIST = "/admin/accounts/difference/"


@pytest.fixture
def picture(tmp_path: Path, project: Path) -> Path:
    """Where the picture goes: into docs/ when asked for, else away with the test."""
    folder = project / "docs" / "images" if os.environ.get("PICTURES") else tmp_path
    return folder / "differences.png"


def test_operator_compares_looks_repairs_and_undoes(page: Page, site, phone, on_cloud, picture):
    console, block = Console(on_cloud), phone[:-4]
    operator = made(phone, name="Ada Byron", is_staff=True)
    rights = ["view_difference", "repair_difference", "view_user"]
    operator.user_permissions.set(Permission.objects.filter(codename__in=rights))
    alone = console.create(f"{block}0456", verified=True)
    changed = console.create(f"{block}0457", verified=True)
    User.objects.for_identity(changed, f"{block}0458", phone_verified=True)
    disabled = console.create(f"{block}0459", verified=True)
    User.objects.for_identity(disabled, f"{block}0459", phone_verified=True)
    console("admin_disable_user", disabled)
    sign_in(page.context, site, operator)
    page.set_viewport_size({"width": 1320, "height": 720})
    page.goto(f"{site}{LIST}")
    expect(page.get_by_text("This site and Cognito were never compared.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Compare now").click()
    expect(page.get_by_text("The comparison has begun.")).to_be_visible()
    for _ in range(20):
        # It is done when the answer has left.
        if page.get_by_text("is finished").is_visible():
            break
        page.goto(f"{site}{LIST}")
    rows = page.locator("#result_list tbody tr")
    theirs = rows.filter(has_text="differing phone")
    expect(theirs).to_have_count(1)
    # Other tests' people are in this pool as well.
    expect(rows.filter(has_text="+1••••••••56").first).to_be_visible()
    assert Difference.objects.filter(sub=alone).count() == 1
    expect(rows.filter(has_text="disabled").first).to_be_visible()
    assert Difference.objects.filter(sub=disabled).count() == 1
    assert_accessible(page)
    page.screenshot(path=picture)
    assert picture.stat().st_size > 5_000
    theirs.get_by_role("link", name="differing phone").click()
    expect(page.get_by_role("cell", name="+1••••••••57")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Repair").click()
    expect(page.get_by_role("heading", name="Repair the differences chosen?")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Repair (1)").click()
    expect(page.get_by_text("1 difference is repaired.")).to_be_visible()
    assert User.objects.get(sub=changed).phone == f"{block}0457"
    difference = Difference.objects.get(sub=changed)
    page.goto(f"{site}{LIST}{difference.pk}/change/")
    expect(page.get_by_text("by Ada Byron")).to_be_visible()
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Undo (1)").click()
    expect(page.get_by_text("1 difference is undone.")).to_be_visible()
    assert User.objects.get(sub=changed).phone == f"{block}0458"

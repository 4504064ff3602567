"""Takes the README's pictures, so that they show the pages as they are: ``make pictures``."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

PHONE = "+12015550123"


@pytest.fixture
def folder(tmp_path: Path, project: Path) -> Path:
    """Where the pictures go: into docs/ when asked for, else away with the test."""
    return project / "docs" / "images" if os.environ.get("PICTURES") else tmp_path


def test_pictures_of_the_pages(page: Page, site, texts, folder, on_cloud):
    page.set_viewport_size({"width": 400, "height": 560})
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("Mobile number").fill("(201) 555-0123")
    page.screenshot(path=folder / "phone.png")
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_role("heading", name="Type your code")).to_be_visible()
    page.screenshot(path=folder / "code.png")
    page.goto(f"{site}/local/inbox/")
    expect(page.get_by_text(f"To {PHONE}").first).to_be_visible()
    page.screenshot(path=folder / "inbox.png")
    for name in ("phone", "code", "inbox"):
        assert (folder / f"{name}.png").stat().st_size > 5_000

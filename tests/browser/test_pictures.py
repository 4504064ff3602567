"""Takes the pictures of README and docs: ``make pictures``. Else it says when they are old."""

import hashlib
import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import messages
from tests.codes import code_in

PHONE = "+12015550123"
# What the pictures show comes out of these.
SOURCES = [
    "static/site.css",
    "static/localcloud/*.css",
    "static/brand/*.svg",
    "templates/_*.html",
    "templates/accounts/_*.html",
    "templates/accounts/account.html",
    "templates/accounts/code.html",
    "templates/accounts/passkey_add.html",
    "templates/accounts/phone.html",
    "templates/base.html",
    "templates/localcloud/*.html",
]
# Its words, too, are in a picture.
ARABIC = ("templates/_languages.html", "templates/accounts/_code_form.html", "templates/base.html")


@pytest.fixture
def images(project: Path) -> Path:
    return project / "docs" / "images"


@pytest.fixture
def folder(tmp_path: Path, images: Path) -> Path:
    """Where the pictures go: into docs/ when asked for, else away with the test."""
    return images if os.environ.get("PICTURES") else tmp_path


def fingerprint(project: Path) -> str:
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(project.glob(pattern)):
            digest.update(path.read_bytes())
    for message in messages.read("ar"):
        if any(place in ARABIC for place, _ in message.locations):
            digest.update(f"{message.id} {message.string}".encode())
    return digest.hexdigest()


def test_pictures_of_the_pages(page: Page, site, texts, folder, project):
    taken = []

    def take(name: str) -> None:
        # Only a developer's site has the bar of local mode.
        page.evaluate("document.querySelector('.local')?.remove()")
        page.screenshot(path=folder / f"{name}.png")
        taken.append(name)

    def ask(phone: str) -> None:
        page.goto(f"{site}/accounts/login/")
        page.locator("#id_phone").fill(phone)
        page.locator("#id_phone").press("Enter")
        expect(page.locator("#id_code")).to_be_visible()

    page.set_viewport_size({"width": 390, "height": 720})
    page.goto(f"{site}/accounts/login/")
    page.locator("#id_phone").fill("(201) 555-0123")
    take("phone")
    ask(PHONE)
    take("code")
    page.emulate_media(color_scheme="dark")
    page.locator("#id_code").press_sequentially("12")
    page.locator("#id_code").press("Enter")
    expect(page.locator("#error_code")).to_be_visible()
    take("code-error-dark")
    page.emulate_media(color_scheme="light")
    page.context.add_cookies([{"name": "language", "value": "ar", "url": site}])
    page.goto(f"{site}/accounts/login/code/")
    take("code-arabic")
    page.context.add_cookies([{"name": "language", "value": "fr", "url": site}])
    ask("+33 6 12 34 56 78")
    page.context.add_cookies([{"name": "language", "value": "en", "url": site}])
    page.goto(f"{site}/local/inbox/")
    expect(page.get_by_text(f"To {PHONE}").first).to_be_visible()
    take("inbox")
    ask(PHONE)
    page.locator("#id_code").press_sequentially(code_in(texts(PHONE)[-1]))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    page.goto(f"{site}/accounts/passkeys/add/")
    take("passkey")
    page.goto(f"{site}/accounts/")
    take("account")
    for name in taken:
        assert (folder / f"{name}.png").stat().st_size > 5_000
    (folder / "made-from.txt").write_text(f"{fingerprint(project)}\n")


def test_pictures_show_the_pages_as_they_are(images: Path, project: Path):
    """After a change of the pages, the pictures must be taken again: ``make pictures``."""
    if not os.environ.get("PICTURES"):
        assert (images / "made-from.txt").read_text().strip() == fingerprint(project)
    shown = {name for text in project.glob("docs/*.md") for name in named(text)}
    shown |= named(project / "README.md")
    assert shown == {path.name for path in images.iterdir() if path.suffix in (".png", ".svg")}


def named(text: Path) -> set[str]:
    return {part.partition(")")[0] for part in text.read_text("utf-8").split("images/")[1:]}

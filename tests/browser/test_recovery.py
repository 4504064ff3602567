"""Back in without the number as people and operators meet it, in a real browser."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.aws import cognito
from accounts.models import Recovery
from accounts.phones import spaced
from tests import recovery_steps as steps
from tests.browser.conftest import assert_accessible
from tests.browser.steps import SCRIPTS, answer, made, sign_in
from tests.codes import code_in


@pytest.fixture(autouse=True)
def _texts(on_cloud, settings):
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]


def operate(page: Page, site: str, lost, seen) -> str:
    """Take the steps of an operator on a dark, narrow screen, and return the code."""
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{site}{steps.ADMIN}")
    expect(page.get_by_text("Nobody is being let back in.")).to_be_visible()
    seen("list-empty")
    page.goto(f"{site}/admin/accounts/user/{lost.pk}/change/")
    page.get_by_role("link", name="Start a recovery").click()
    page.get_by_role("button", name="Start a recovery").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    seen("start")
    page.get_by_label("How do you know that it is really them?").fill(steps.REASON)
    page.get_by_role("button", name="Start a recovery").click()
    expect(page.locator(".messagelist")).to_contain_text("It waits until")
    seen("waits")
    steps.wait(Recovery.objects.get())
    page.reload()
    page.get_by_role("link", name="Get the code").click()
    seen("asks")
    page.get_by_role("button", name="Get the code").click()
    shown = page.locator(".read-out code")
    expect(shown).to_be_visible()
    seen("code")
    return shown.inner_text()


def warm_up(user) -> None:
    """Let the functions run once: on a busy machine their first runs take too long."""
    for _ in range(4):
        with suppress(cognito.CognitoError):
            cognito.site_gateway().sign_in_proven(user.sub, methods=["otp"])
            return


@SCRIPTS
def test_person_comes_back_with_a_code_that_was_read_out(
    page: Page, site, phone, texts, context: BrowserContext, tmp_path: Path
):
    def seen(name: str) -> None:
        picture = tmp_path / f"{name}.png"
        page.screenshot(path=picture, full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        if page.evaluate("matchMedia('(scripting: enabled)').matches"):
            assert_accessible(page)

    lost, new = made(phone, name="Ada Byron"), f"{phone[:-4]}0187"
    boss = made(f"{phone[:-4]}0199", is_staff=True, is_superuser=True)
    warm_up(boss)
    sign_in(context, site, boss)
    code = operate(page, site, lost, seen)
    context.clear_cookies()
    page.goto(f"{site}/")
    page.get_by_role("link", name="I do not have this phone any more").click()
    page.get_by_text("No backup codes?").click()
    page.get_by_role("link", name="I have a code from those who run this site").click()
    page.get_by_label("Code that was read out to you").fill("K7F2-9QXM-4TRA")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#error_code")).to_contain_text("That code does not work.")
    page.get_by_label("Code that was read out to you").fill(code.replace("-", " ").lower())
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("New mobile number").fill(new)
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_label("6-digit code")).to_be_focused()
    answer(page, code_in(texts(new)[-1]), "Change my number")
    expect(page.get_by_text("Your new number is set, and you are signed in.")).to_be_visible()
    expect(page.get_by_text(spaced(new))).to_be_visible()


def test_owner_stops_it_with_one_press(page: Page, site, phone, texts, context: BrowserContext):
    owner = made(phone)
    steps.start(steps.operator(), owner)
    address = re.search(r"/stop/[A-Z0-9]+", texts(phone)[-1])[0]
    sign_in(context, site, owner)
    page.goto(f"{site}/")
    expect(page.get_by_label("A new number for your account")).to_be_visible()
    assert_accessible(page)
    page.goto(f"{site}{address}")
    page.get_by_role("button", name="No, stop it").click()
    expect(page.get_by_role("heading", name="It is stopped")).to_be_visible()
    page.goto(f"{site}/")
    expect(page.get_by_label("A new number for your account")).to_be_hidden()

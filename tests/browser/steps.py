"""The steps of a sign-in in a real browser, with and without JavaScript."""

import pytest
from django.test import Client
from playwright.sync_api import BrowserContext, Locator, Page, expect

from accounts.aws import cognito
from accounts.models import User

SCRIPTS = pytest.mark.parametrize(
    "browser_context_args",
    [
        pytest.param({"java_script_enabled": True}, id="with-javascript"),
        pytest.param({"java_script_enabled": False}, id="without-javascript"),
    ],
    indirect=True,
)


def ask(page: Page, site: str, phone: str) -> None:
    page.goto(f"{site}/")
    page.get_by_label("Mobile number").fill(phone)
    page.get_by_role("button", name="Text me a code").click()
    wait_for_code_page(page)


def wait_for_code_page(page: Page, *, seconds: float = 5) -> None:
    expect(page.get_by_role("heading", name="Type your code")).to_be_visible(timeout=seconds * 1000)
    # A code that is typed before the scripts listen does not send itself.
    page.wait_for_load_state()


def type_at_cursor(field: Locator, text: str) -> None:
    """Type when the page has put its cursor into the field: keys that come before are lost."""
    field.page.wait_for_load_state()
    expect(field).to_be_focused()
    field.page.keyboard.type(text)


def answer(page: Page, code: str, button: str = "Sign in") -> None:
    """Type a whole code, which sends itself where there are scripts."""
    page.wait_for_load_state()
    sends_itself = page.evaluate("matchMedia('(scripting: enabled)').matches")
    with page.expect_navigation():
        page.get_by_label("6-digit code").fill(code)
        if not sends_itself:
            page.get_by_role("button", name=button).click()


def made(phone: str, **rights) -> User:
    sub = cognito.gateway().create_user(phone).sub
    user = User.objects.for_identity(sub, phone)
    for name, value in rights.items():
        setattr(user, name, value)
    user.save()
    return user


def sign_in(context: BrowserContext, site: str, user: User) -> None:
    """Give the browser a session as a sign-in does, with a code typed just now."""
    client = Client()
    client.force_login(user)
    user.sessions.update(device="iPhone", network="203.0.113.0/24")
    cookie = client.cookies["sessionid"]
    context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": site}])

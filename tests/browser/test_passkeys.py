"""Passkeys in a real browser, with an authenticator that Chromium plays."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import CDPSession, Page, expect

from accounts.login import second_factor
from accounts.models import Passkey, User
from tests.browser.conftest import assert_accessible
from tests.browser.steps import answer, ask, made, sign_in
from tests.codes import code_in

pytestmark = pytest.mark.usefixtures("alone")


class Device:
    """The authenticator of the machine that the browser runs on."""

    def __init__(self, browser: CDPSession) -> None:
        self._browser = browser
        browser.send("WebAuthn.enable", {"enableUI": False})
        made = browser.send("WebAuthn.addVirtualAuthenticator", {"options": _OPTIONS})
        self._id = made["authenticatorId"]

    def credentials(self) -> list:
        asked = {"authenticatorId": self._id}
        return self._browser.send("WebAuthn.getCredentials", asked)["credentials"]

    def touches(self, is_willing: bool) -> None:
        """Answer at once, or not before it is touched."""
        asked = {"authenticatorId": self._id, "enabled": is_willing}
        self._browser.send("WebAuthn.setAutomaticPresenceSimulation", asked)

    def recognises(self, is_owner: bool) -> None:
        asked = {"authenticatorId": self._id, "isUserVerified": is_owner}
        self._browser.send("WebAuthn.setUserVerified", asked)


_OPTIONS = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def authenticator(page: Page) -> Iterator[Device]:
    browser = page.context.new_cdp_session(page)
    yield Device(browser)
    browser.detach()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def test_offer_touch_name_and_removal(page, site, authenticator, phone, texts):
    ask(page, site, phone)
    answer(page, code_in(texts(phone)[-1]))
    expect(page.get_by_role("heading", name="Sign in faster next time")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    expect(page.get_by_text("From now on, you can sign in with your passkey.")).to_be_visible()
    [kept] = authenticator.credentials()
    assert kept["isResidentCredential"]
    assert kept["rpId"] == "localhost"
    assert phone not in str(kept)

    # The list below the field would be asked for a touch at once here.
    authenticator.touches(False)
    sign_out(page)
    before = len(texts(phone))
    button = page.get_by_role("button", name="Use a passkey")
    expect(button).to_be_visible()
    assert_accessible(page)
    authenticator.touches(True)
    button.click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    assert len(texts(phone)) == before

    page.get_by_role("link", name="Your account").click()
    assert_accessible(page)
    page.get_by_role("link", name="Your passkeys").click()
    assert_accessible(page)
    page.get_by_text("Change its name").click()
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="My laptop")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("You have none yet.")).to_be_visible()
    assert Passkey.objects.count() == 0


def test_list_below_the_field_signs_in_by_a_touch(page, site, authenticator, phone):
    """Conditional mediation: nobody has pressed a button."""
    sign_in(page.context, site, made(phone))
    page.goto(f"{site}/accounts/passkeys/add/")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="Your passkeys")).to_be_visible()
    page.goto(f"{site}/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_removed_passkey_is_refused_with_a_sentence_and_a_code_still_works(
    page, site, authenticator, phone, texts
):
    # The list below the field would ask again and again, since this authenticator touches itself.
    page.add_init_script("delete PublicKeyCredential.isConditionalMediationAvailable")
    sign_in(page.context, site, made(phone))
    page.goto(f"{site}/accounts/passkeys/add/")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="Your passkeys")).to_be_visible()
    Passkey.objects.all().delete()
    page.goto(f"{site}/")
    sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("That passkey did not work.")).to_be_visible()
    ask(page, site, phone)
    answer(page, code_in(texts(phone)[-1]))
    expect(page.get_by_role("heading", name="Sign in faster next time")).to_be_visible()


def test_person_whom_the_device_does_not_recognise_stays_where_they_are(
    page, site, authenticator, phone
):
    sign_in(page.context, site, made(phone))
    authenticator.recognises(False)
    page.goto(f"{site}/accounts/passkeys/add/")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was made.")
    assert_accessible(page)
    assert Passkey.objects.count() == 0


def test_device_makes_one_passkey_for_an_account(page, site, authenticator, phone):
    sign_in(page.context, site, made(phone))
    page.goto(f"{site}/accounts/passkeys/add/")
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("has a passkey for your account already")


def test_not_now_is_remembered(page, site, authenticator, phone, texts):
    ask(page, site, phone)
    answer(page, code_in(texts(phone)[-1]))
    page.get_by_role("link", name="Not now").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    assert User.objects.get().passkey_offered_at
    sign_out(page)
    ask(page, site, phone)
    answer(page, code_in(texts(phone)[-1]))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_nothing_is_offered_where_the_device_has_no_passkeys(page, site, phone, texts):
    ask(page, site, phone)
    answer(page, code_in(texts(phone)[-1]))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_page_without_javascript_says_nothing_of_passkeys(page, site, phone):
    page.goto(f"{site}/")
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
    sign_in(page.context, site, made(phone))
    page.goto(f"{site}/accounts/passkeys/add/")
    expect(page.get_by_text("This browser cannot make passkeys.")).to_be_visible()


def test_typing_goes_on_as_ever(page, site, authenticator, phone):
    page.goto(f"{site}/")
    page.get_by_label("Mobile number").fill(phone)
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_role("heading", name="Type your code")).to_be_visible()


def test_operator_types_a_set_up_code_and_opens_the_admin_with_a_touch(
    page, site, authenticator, phone, texts, settings
):
    settings.ACCOUNTS_STAFF_SECOND_FACTOR = True
    # The list below the field would ask again and again, since this authenticator touches itself.
    page.add_init_script("delete PublicKeyCredential.isConditionalMediationAvailable")
    operator = made(phone, is_staff=True, is_superuser=True)
    sign_in(page.context, site, operator)
    page.goto(f"{site}/admin/")
    expect(page.get_by_role("heading", name="Set up a passkey to use the admin")).to_be_visible()
    page.get_by_label("Set-up code").fill("22222-22222")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("That set-up code is wrong")
    assert_accessible(page)
    page.get_by_label("Set-up code").fill(second_factor.draw(operator))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("It will open the admin, too.")).to_be_visible()
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    # Another time, by a code alone: the passkey is asked for, and leads to the wanted page.
    page.context.clear_cookies()
    sign_in(page.context, site, operator)
    page.goto(f"{site}/admin/accounts/user/")
    expect(page.get_by_role("heading", name="Sign in with your passkey")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Sign in again with your passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Users")).to_be_visible()

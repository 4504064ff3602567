"""The link of a mail: our site, the strict front, the deployed functions."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.aws import cognito
from accounts.models import SignInEvent, User
from tests.clock import seconds_later
from tests.codes import code_in
from tests.login_steps import AGENTS, RESEND, answer, ask, is_signed_in, who
from tests.pages import shown

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

_LINK = re.compile(r"https://localhost(/accounts/login/link/[A-Z0-9]{5}/[A-Za-z0-9_-]{27}/)")


@pytest.fixture
def address(stack, phone) -> str:
    """The address of somebody who has signed in before, in a browser that is gone."""
    before = Client()
    ask(before, phone)
    answer(before, code_in(stack.texts(phone)[-1].body))
    address = f"{phone[1:]}@example.org"
    stack.give_address(phone, address)
    return address


@pytest.fixture
def asking(stack, phone, address) -> Client:
    """The browser in which the code was asked for by mail."""
    browser = Client(headers={"User-Agent": AGENTS["Firefox on Linux"]})
    ask(browser, phone, next="/accounts/devices/")
    stack.wait(browser)
    browser.post(RESEND, {"channel": "email"})
    return browser


@pytest.fixture
def link(stack, address, asking) -> str:
    return _LINK.search(stack.others(address)[-1].body)[1]


@pytest.fixture
def other() -> Client:
    return Client(headers={"User-Agent": AGENTS["iPhone"]})


def attempt(page) -> str:
    return re.search(r'name="attempt" value="([^"]+)"', page.content.decode())[1]


def press(browser: Client, link: str):
    """Press the button of the page, with what its form has."""
    page = browser.get(link).content.decode()
    return browser.post(
        link, dict(re.findall(r'type="hidden" name="(attempt|next)" value="([^"]*)"', page))
    )


def test_button_signs_in_the_browser_that_asked_and_leads_where_it_wanted(asking, link, phone):
    page = asking.get(link)
    assert "You asked for a code in this browser" in shown(page)
    assert "no-store" in page["Cache-Control"]
    done = press(asking, link)
    assert done.url == "/accounts/devices/"
    assert who(asking) == User.objects.get()
    event = SignInEvent.objects.filter(kind="succeeded").latest("pk")
    assert event.reason == "email"
    assert not event.crossed


def test_scanner_that_opens_and_follows_the_link_changes_nothing(asking, link, other):
    for _ in range(3):
        for browser in (other, Client(), asking):
            browser.get(link)
            browser.head(link)
            browser.get(f"{link}?utm_source=scanner")
    assert not is_signed_in(other)
    assert not is_signed_in(asking)
    assert press(asking, link).status_code == 302
    assert is_signed_in(asking)


def test_button_elsewhere_shows_who_asked_and_then_the_code_and_signs_nobody_in(
    asking, link, other, stack, address
):
    code = stack.others(address)[-1].code
    page = shown(other.get(link))
    assert "Somebody asked for a code" in page
    assert "Firefox on Linux" in page
    assert "a moment ago" in page
    assert code not in page
    page = shown(press(other, link))
    assert f"in Firefox on Linux : {code}" in page
    assert "Never tell anybody a code from us" in page
    for browser in (other, asking):
        assert not is_signed_in(browser)
    assert answer(asking, code).status_code == 302
    assert is_signed_in(asking)
    assert SignInEvent.objects.filter(kind="link", reason="shown", device="iPhone").exists()


def test_code_is_shown_once(link, other, asking):
    assert "Your code" in shown(press(other, link))
    again = shown(press(Client(), link))
    assert "This link does not work any more" in again
    assert press(asking, link).status_code == 302


def test_stranger_who_asked_is_not_let_in_by_the_owner_s_press(asking, link, other):
    """Relay: the stranger waits in the browser that asked, and the owner presses every button."""
    press(other, link)
    press(other, link)
    assert not is_signed_in(asking)
    assert who(other) is None


def test_form_of_the_one_browser_is_worth_nothing_in_the_other(asking, link, other):
    mine = attempt(asking.get(link))
    page = other.post(link, {"attempt": mine})
    assert "This link does not work any more" in shown(page)
    assert not is_signed_in(other)
    assert "does not work any more" in shown(asking.post(link, {"attempt": "another"}))
    assert not is_signed_in(asking)


def test_second_press_ends_where_the_first_did(asking, link):
    page = asking.get(link)
    form = {"attempt": attempt(page), "next": "/accounts/devices/"}
    twin = Client()
    twin.cookies.load({name: morsel.value for name, morsel in asking.cookies.items()})
    assert asking.post(link, form).status_code == 302
    assert twin.post(link, form).status_code == 302
    assert is_signed_in(twin)


def test_used_link_signs_nobody_in_again(asking, link, other):
    press(asking, link)
    assert "does not work any more" in shown(press(other, link))
    asking.post("/accounts/logout/")
    assert "does not work any more" in shown(press(asking, link))
    assert not is_signed_in(asking)


def test_link_of_an_earlier_sign_in_of_the_browser_is_not_for_the_next_one(
    asking, link, stack, phone, make_phone
):
    ask(asking, make_phone())
    page = shown(press(asking, link))
    assert "Your code" in page
    assert not is_signed_in(asking)


def test_changed_word_costs_a_try_and_signs_nobody_in(asking, link):
    changed = f"{link[:-2]}{'A' if link[-2] != 'A' else 'B'}/"
    assert "does not work any more" in shown(press(asking, changed))
    assert not is_signed_in(asking)
    assert "You have 2 tries left" in shown(asking.get("/accounts/login/code/"))
    assert press(asking, link).status_code == 302


def test_link_is_over_with_its_code(asking, link, other):
    with seconds_later(601):
        for browser in (asking, other):
            page = shown(browser.get(link))
            assert "This link does not work any more" in page
            assert "Firefox" not in page


@pytest.mark.parametrize("path", ["AAAAA/" + "A" * 27 + "/", "K7F2Q/short/", "K7F2Q/"])
def test_link_of_nobody_tells_nothing(client, stack, path):
    page = client.get(f"/accounts/login/link/{path}")
    assert page.status_code == (200 if path.startswith("AAAAA") else 404)
    assert b"Firefox" not in page.content


def test_person_who_never_signed_in_here_is_told_to_type_the_code(asking, link, other):
    SignInEvent.objects.filter(pk__gt=0)._raw_delete("default")
    event = SignInEvent(kind="resent", reason="email", at=timezone.now() - timedelta(minutes=2))
    event.reference = f"{link.split('/')[4][:3]}-{link.split('/')[4][3:]}"
    event.save()
    page = other.get(link)
    assert "Unknown device" in shown(page)
    assert "2 minutes ago" in shown(page)
    # As for everybody: what the page offers must not tell who has an account.
    assert b"It was me" in page.content
    page = shown(other.post(link))
    assert "does not work any more" in page
    assert "type the code of the e-mail there" in page


def test_function_or_cognito_that_is_away_is_said_and_the_link_works_later(
    asking, link, other, stack, settings
):
    stack.front.fail("RespondToAuthChallenge")
    page = press(asking, link)
    assert page.status_code == 503
    assert page["Retry-After"] == "60"
    stack.front.heal()
    settings.TEXTS_FUNCTION = "phone-login-no-such-function"
    assert press(other, link).status_code == 503


def test_person_who_is_signed_in_on_the_other_device_sees_who_asked(
    link, other, stack, phone, address
):
    other.force_login(User.objects.get())
    page = shown(other.get(link))
    assert "Somebody asked for a code" in page
    assert "Firefox on Linux" in page


def test_number_that_was_not_proven_is_not_proven_by_a_mail(asking, link):
    user = User.objects.get()
    cognito.gateway().change_phone(user.sub, user.phone, verified=False)
    press(asking, link)
    assert is_signed_in(asking)
    assert User.objects.get().phone_verified is False


@pytest.mark.parametrize("typed", ["in another browser", "after another text"])
def test_code_that_was_mailed_proves_no_number_wherever_it_is_typed(
    asking, stack, address, phone, typed
):
    """Another text and another browser have the code of the mail."""
    user = User.objects.get()
    cognito.gateway().change_phone(user.sub, user.phone, verified=False)
    code = stack.others(address)[-1].code
    browser = asking
    if typed == "in another browser":
        browser = Client()
        ask(browser, phone)
    else:
        stack.wait(browser)
        browser.post(RESEND)
    answer(browser, code)
    assert is_signed_in(browser)
    assert User.objects.get().phone_verified is False
    assert cognito.gateway().read_user(user.sub).phone_verified is False


def test_words_and_codes_are_in_no_event_and_no_log(asking, link, other, caplog):
    word = link.split("/")[5]
    with caplog.at_level("DEBUG", logger="accounts"):
        press(other, link)
        press(asking, link)
    assert not [each for each in SignInEvent.objects.values() if word in str(each)]
    assert not [
        each
        for each in caplog.records
        if each.name.startswith("accounts") and word in each.getMessage()
    ]

"""The page of the code under fingers, keyboards, pastes, bad lines and other browsers' habits."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from django.conf import settings
from playwright.sync_api import Page, Request, Route, expect

from accounts.fields import CodeField
from tests.browser.conftest import place
from tests.browser.steps import ask, type_at_cursor, wait_for_code_page
from tests.codes import code_in, wrong

SIGNED_IN = "You are signed in"


@pytest.fixture
def posts(page: Page) -> Iterator[list[str]]:
    """The addresses that forms were sent to, in order."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append(re.sub(r".*(?=/accounts/)", "", request.url))

    page.on("request", note)
    yield sent
    page.remove_listener("request", note)


def expect_signed_in(page: Page) -> None:
    expect(page.get_by_role("heading", name=SIGNED_IN)).to_be_visible()


CODE = "/accounts/login/code/"


def test_code_sends_itself_with_its_last_digit_and_only_once(page, site, phone, texts, posts):
    ask(page, site, phone)
    code = code_in(texts(phone)[-1])
    posts.clear()
    type_at_cursor(page.get_by_label("6-digit code"), code[:5])
    page.wait_for_timeout(100)
    assert posts == []
    page.keyboard.type(code[5] + "7")
    page.keyboard.press("Enter")
    expect_signed_in(page)
    assert posts == [CODE]


def test_code_that_is_pasted_sends_itself(page: Page, site, phone, posts):
    """However it is spelled, and with whatever around it."""
    place(page, site, phone)
    sent = []
    # The page stays, for the next one.
    page.route(f"**{CODE}", lambda route: route.fulfill(status=204))
    spelled = {
        "123 451": "123451",
        "123-452": "123452",
        "Your code is 123 453": "123453",
        "123454 is your Phone login sign-in code. Don't share it.\n\n@localhost #123454": "123454",
        "١٢٣٤٥٥": "123455",
    }
    for pasted in spelled:
        # As people copy: pages may not write to the clipboard.
        page.evaluate(
            """words => { const text = document.createElement("textarea"); text.value = words;
            document.body.append(text); text.select(); }""",
            pasted,
        )
        page.keyboard.press("Control+c")
        page.evaluate("document.querySelector('textarea').remove(); id_code.value = ''")
        page.evaluate("delete id_code.form.dataset.sent")
        page.get_by_label("6-digit code").focus()
        with page.expect_request(f"**{CODE}") as request:
            page.keyboard.press("Control+v")
        sent.append(CodeField().clean(parse_qs(request.value.post_data)["code"][0]))
    assert sent == list(spelled.values())
    assert posts == [CODE] * len(spelled)


def test_code_from_a_virtual_keyboard_or_autofill_sends_itself(page, site, phone, texts, posts):
    """They put in whole words, without any key going down."""
    ask(page, site, phone)
    posts.clear()
    expect(page.get_by_label("6-digit code")).to_be_focused()
    page.keyboard.insert_text(code_in(texts(phone)[-1]))
    expect_signed_in(page)
    assert posts == [CODE]


@pytest.mark.usefixtures("alone")
def test_code_that_is_faster_than_the_script_sends_itself(page: Page, site, phone, texts, posts):
    """But not one that the browser puts back into a page that is seen again."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/code*.js", hold)
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("Mobile number").fill(phone)
    with page.expect_request("**/code*.js"):
        page.get_by_role("button", name="Text me a code").click()
    code = code_in(texts(phone)[-1])
    page.get_by_label("6-digit code").fill(wrong(code))
    held.pop().continue_()
    expect(page.locator("#error_code")).to_contain_text("2 tries left")
    page.unroute_all()
    page.goto(f"{site}{CODE}")
    posts.clear()
    # As Firefox does on a reload.
    page.add_init_script(
        "document.addEventListener('readystatechange',"
        f" () => {{ if (window.id_code) id_code.value ||= '{code}'; }})"
    )
    page.reload()
    page.wait_for_timeout(100)
    assert page.get_by_label("6-digit code").input_value() == code
    assert posts == []
    page.goto(f"{site}{CODE}", wait_until="commit")
    expect_signed_in(page)


def test_wrong_code_can_be_repaired_and_is_not_sent_again_by_itself(
    page, site, phone, texts, posts
):
    ask(page, site, phone)
    code = code_in(texts(phone)[-1])
    type_at_cursor(page.get_by_label("6-digit code"), wrong(code))
    expect(page.locator("#error_code")).to_contain_text("2 tries left")
    expect(page.get_by_label("6-digit code")).to_be_focused()
    page.reload()
    page.go_back()
    posts.clear()
    page.goto(f"{site}{CODE}")
    page.wait_for_timeout(100)
    assert posts == []
    type_at_cursor(page.get_by_label("6-digit code"), code)
    expect_signed_in(page)


@pytest.mark.usefixtures("alone")
def test_slow_line_sends_each_form_once(page: Page, site, phone, texts, posts):
    """400 ms for a round trip, and a person who presses while nothing seems to happen."""
    line = page.context.new_cdp_session(page)
    slow = {
        "offline": False,
        "latency": 400,
        "downloadThroughput": 50_000,
        "uploadThroughput": 50_000,
    }
    line.send("Network.emulateNetworkConditions", slow)
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("Mobile number").fill(phone)
    page.get_by_role("button", name="Text me a code").dblclick(no_wait_after=True)
    wait_for_code_page(page)
    type_at_cursor(page.get_by_label("6-digit code"), code_in(texts(phone)[-1]))
    page.keyboard.press("Enter")
    expect_signed_in(page)
    assert posts == ["/accounts/login/", CODE]
    assert len(texts(phone)) == 1


def test_button_says_that_it_is_at_work(page: Page, site):
    page.goto(f"{site}/accounts/login/")
    page.evaluate("document.forms[0].addEventListener('submit', (event) => event.preventDefault())")
    button = page.get_by_role("button", name="Text me a code")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    assert button.evaluate("one => getComputedStyle(one, '::after').animationName") == "turn"
    page.emulate_media(reduced_motion="reduce")
    assert button.evaluate("one => getComputedStyle(one, '::after').animationName") == "none"


def test_form_can_be_sent_again_after_going_back(page: Page, site, phone, posts):
    page.goto(f"{site}/accounts/login/")
    page.get_by_label("Mobile number").fill(phone)
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_role("heading", name="Type your code")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_role("heading", name="Type your code")).to_be_visible()
    assert posts == ["/accounts/login/"] * 2


# WebOTP: Chromium reads texts on Android alone (elsewhere its SmsProvider::Create gives none), and
# has no virtual one, by no switch and no DevTools command. So what the browser answers with is
# stood in for; that it may be asked is the browser's own word.


def test_browser_lets_our_pages_read_texts_and_use_nothing_else(page: Page, site, phone):
    place(page, site, phone)
    allowed = set(page.evaluate("document.featurePolicy.allowedFeatures()"))
    known = set(page.evaluate("document.featurePolicy.features()"))
    assert "otp-credentials" in allowed
    assert allowed.isdisjoint({*settings.PERMISSIONS_POLICY} - {"otp-credentials"})
    # A misspelled one would be denied to nobody. These two are not known on every machine.
    assert known >= set(settings.PERMISSIONS_POLICY) - {"bluetooth", "web-share"}
    asked = """() => navigator.credentials
      .get({ otp: { transport: ["sms"] }, signal: AbortSignal.timeout(50) })
      .catch((error) => error.name)"""
    assert page.evaluate(asked) == "TimeoutError"


PROVIDER = """
window.OTPCredential ??= class {};
window.asked = [];
CredentialsContainer.prototype.get = function ({ otp, signal }) {
  window.asked.push({ transport: otp.transport, aborted: () => signal.aborted });
  return new Promise((resolve, reject) => {
    window.arrive = (code) => resolve({ type: "otp", code });
    signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
  });
};
"""


@pytest.mark.usefixtures("alone")
def test_code_that_the_browser_reads_from_the_text_sends_itself(page, site, phone, texts, posts):
    page.add_init_script(PROVIDER)
    ask(page, site, phone)
    assert page.evaluate("asked.map((one) => one.transport)") == [["sms"]]
    posts.clear()
    page.evaluate("code => arrive(code)", code_in(texts(phone)[-1]))
    expect_signed_in(page)
    assert posts == [CODE]


@pytest.mark.usefixtures("alone")
def test_browser_stops_reading_texts_once_a_code_is_sent(page: Page, site, phone):
    page.add_init_script(PROVIDER)
    place(page, site, phone)
    page.evaluate("document.forms[0].addEventListener('submit', (event) => event.preventDefault())")
    assert page.evaluate("asked[0].aborted()") is False
    type_at_cursor(page.get_by_label("6-digit code"), "123456")
    assert page.evaluate("asked[0].aborted()") is True


@pytest.mark.usefixtures("alone")
def test_browser_that_refuses_to_read_texts_is_no_error(page: Page, site, phone, texts):
    page.add_init_script(
        "window.OTPCredential ??= class {};"
        "CredentialsContainer.prototype.get = () => Promise.reject(new DOMException('', 'x'));"
    )
    ask(page, site, phone)
    type_at_cursor(page.get_by_label("6-digit code"), code_in(texts(phone)[-1]))
    expect_signed_in(page)


# Waiting for another text


@pytest.fixture
def clock(alone, page: Page) -> None:
    page.clock.install()


def test_button_that_got_no_answer_may_be_pressed_again(page: Page, site, clock):
    page.goto(f"{site}/accounts/login/")
    page.evaluate("document.forms[0].addEventListener('submit', (event) => event.preventDefault())")
    page.locator("summary").click()
    # It stands in another place than its form.
    button = page.get_by_role("button", name="Deutsch")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    page.clock.fast_forward(16_000)
    expect(button).not_to_have_attribute("aria-busy", "true")


def test_resend_says_when_and_is_announced_once(page: Page, site, phone, texts, posts, clock):
    ask(page, site, phone)
    button = page.get_by_role("button", name="Text me again")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#wait")).to_contain_text(re.compile(r"You can ask for it in 0:[23]\d\."))
    posts.clear()
    button.click(force=True)
    expect(page.locator("#news")).to_contain_text("You can ask for it in 0:")
    assert posts == []
    page.evaluate(
        """() => { window.said = [];
        new MutationObserver(() => said.push(news.textContent))
          .observe(news, { childList: true, subtree: true }); }"""
    )
    page.clock.run_for(10_000)
    assert page.evaluate("said") == []
    page.clock.run_for(30_000)
    assert set(page.evaluate("said")) == {"You can ask for another text now."}
    expect(page.locator("#wait")).to_have_text("You can ask for another text now.")
    assert button.get_attribute("aria-disabled") is None


def test_what_ticks_is_in_no_live_region(page: Page, site, phone):
    place(page, site, phone)
    ticking = page.locator("#wait bdi")
    assert (
        ticking.evaluate("one => one.closest('[role=status], [role=alert], [aria-live]')") is None
    )


def test_end_of_the_code_is_told_by_the_clock_of_the_person(page: Page, site, phone, clock):
    place(page, site, phone)
    expect(page.locator("#lifetime")).to_have_text(re.compile(r"It works until \d+:\d\d\s[AP]M\."))
    page.clock.fast_forward(60_000)
    page.clock.fast_forward(241_000)
    for told in ("#lifetime", "#news"):
        expect(page.locator(told)).to_have_text("This code is too old. Ask for a new one below.")
    expect(page.locator("#hint_auto")).to_be_hidden()


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_resend_without_scripts_is_answered_by_the_server(page: Page, site, phone, texts):
    ask(page, site, phone)
    expect(page.locator("#lifetime")).to_have_text("It works for 5 minutes.")
    page.get_by_role("button", name="Text me again").click()
    expect(page.get_by_role("alert")).to_contain_text("It is too soon for another text")
    assert len(texts(phone)) == 1


# The inbox in another page


def test_inbox_fills_in_a_code_as_a_phone_does(page: Page, site, phone, context):
    ask(page, site, phone)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the inbox").click()
    inbox = opened.value
    inbox.wait_for_load_state()
    inbox.locator("li", has_text=phone).get_by_role("button").first.click()
    expect_signed_in(page)

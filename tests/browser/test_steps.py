"""Pages of the steps of a sign-in that are no code."""

import hashlib
import time

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.aws.challenges import CaptchaChallenge, ProofChallenge, QuestionChallenge
from tests.browser.conftest import CUT_OFF, assert_accessible, place
from tests.browser.steps import made, sign_in, type_at_cursor, wait_for_code_page
from tests.codes import code_in

CHALLENGE = "/accounts/login/challenge/"
NO_SCRIPTS = pytest.mark.browser_context_args(java_script_enabled=False)


def proof(number: int = 700, *, largest: int = 1000) -> ProofChallenge:
    salt = "5a17"
    return ProofChallenge(
        session="",
        username="",
        expires_at=int(time.time()) + 300,
        tries_left=2,
        digest=hashlib.sha256(f"{salt}{number}".encode()).hexdigest(),
        salt=salt,
        largest=largest,
    )


def ask(page: Page, site: str, phone: str) -> None:
    page.goto(f"{site}/")
    page.get_by_label("Mobile number").fill(phone)
    page.get_by_role("button", name="Text me a code").click()


# A proof of work


def test_proof_solves_and_sends_itself_and_then_the_text_leaves(
    sign_in_plan, site, page, phone, texts
):
    sign_in_plan("proof code", PROOF_WORK="3000")
    ask(page, site, phone)
    wait_for_code_page(page, seconds=20)
    [text] = texts(phone)
    page.get_by_label("6-digit code").fill(code_in(text))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_network_that_only_asks_works_and_gets_its_text(site, page, phone, texts, settings):
    settings.ACCOUNTS_UNUSED_SENDS = "1/hour"
    ask(page, site, phone[:-4] + "0177")
    expect(page.get_by_role("heading", name="Type your code")).to_be_visible()
    page.context.clear_cookies()
    with page.expect_request(
        lambda request: request.method == "POST" and request.url.endswith(CHALLENGE)
    ):
        ask(page, site, phone)
    wait_for_code_page(page, seconds=20)
    page.get_by_label("6-digit code").fill(code_in(texts(phone)[-1]))
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_proof_says_what_goes_on(page, site, phone):
    def keep(route: Route) -> None:
        """Let the page stay when it sends itself."""
        if route.request.method == "POST":
            route.fulfill(status=204)
        else:
            route.continue_()

    page.route(f"**{CHALLENGE}", keep)
    place(page, site, phone, CHALLENGE, challenge=proof(largest=10**9, number=10**9))
    expect(page.get_by_role("status")).to_have_text("This takes a few seconds.")
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()
    assert_accessible(page)
    place(page, site, phone, CHALLENGE, challenge=proof())
    expect(page.get_by_role("status")).to_have_text("It is done.")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    assert page.locator("input[name=answer]").input_value() == "700"
    assert_accessible(page)


def test_proof_that_no_number_solves_says_so(page, site, phone):
    impossible = proof(number=10**6)
    place(page, site, phone, CHALLENGE, challenge=impossible)
    expect(page.get_by_role("status")).to_have_text(
        "This browser could not do it. Update it, or use another one."
    )
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()


def test_proof_in_a_browser_that_cannot_digest_says_so(alone, page, site, phone):
    page.add_init_script("delete window.Worker")
    place(page, site, phone, CHALLENGE, challenge=proof())
    expect(page.get_by_role("status")).to_have_text(
        "This browser could not do it. Update it, or use another one."
    )


def test_proof_after_an_error_waits_for_the_person(sign_in_plan, site, page, phone):
    """A page that is not taken must not send itself for ever."""
    sign_in_plan("proof code", PROOF_WORK="1000")
    page.route(
        "**/proof_worker*",
        lambda route: route.fulfill(
            content_type="text/javascript", body="onmessage = () => postMessage(`${Math.random()}`)"
        ),
    )
    ask(page, site, phone)
    expect(page.get_by_text("You have 1 try left")).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Go on").press("Enter")
    expect(page.get_by_label("Mobile number")).to_be_visible()


@NO_SCRIPTS
def test_proof_without_javascript_says_what_to_do(page, site, phone, settings):
    settings.SITE_CONTACT = "help@example.com"
    place(page, site, phone, CHALLENGE, challenge=proof())
    expect(page.get_by_text("This step needs JavaScript.")).to_be_visible()
    expect(page.get_by_role("link", name="help@example.com")).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()
    expect(page.get_by_role("link", name="Start again")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_proof_fits_the_narrowest_page(page, site, phone, scheme):
    page.set_viewport_size({"width": 320, "height": 640})
    page.emulate_media(color_scheme=scheme)
    place(page, site, phone, CHALLENGE, challenge=proof(number=10**9, largest=10**9))
    expect(page.get_by_role("status")).to_have_text("This takes a few seconds.")
    assert page.evaluate(CUT_OFF) == []


# A secret question


def question(**changes: object) -> QuestionChallenge:
    facts = {"question": "school", "is_to_choose": False, "tries_left": 3} | changes
    return QuestionChallenge(session="", username="", expires_at=int(time.time()) + 900, **facts)


def test_question_is_chosen_and_asked_for(sign_in_plan, site, page, phone, texts, age_ledger):
    sign_in_plan("code question")
    for is_first in (True, False):
        ask(page, site, phone)
        wait_for_code_page(page)
        page.get_by_label("6-digit code").fill(code_in(texts(phone)[-1]))
        heading = "Choose a secret answer" if is_first else "Answer your secret question"
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        if not is_first:
            type_at_cursor(page.get_by_role("textbox"), "oak street")
            page.keyboard.press("Enter")
            expect(page.get_by_text("You have 2 tries left.")).to_be_visible()
            assert_accessible(page)
        type_at_cursor(page.get_by_role("textbox"), "Elm Street")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        age_ledger(400)


@pytest.mark.parametrize("name", ["school", "street", "friend", "one of later triggers"])
@pytest.mark.parametrize("is_to_choose", [True, False])
def test_question_fits_and_is_accessible(page, site, phone, name, is_to_choose):
    page.set_viewport_size({"width": 320, "height": 640})
    challenge = question(question=name, is_to_choose=is_to_choose)
    place(page, site, phone, CHALLENGE, challenge=challenge)
    expect(page.get_by_role("textbox")).to_be_focused()
    assert page.evaluate(CUT_OFF) == []
    assert_accessible(page)


@NO_SCRIPTS
def test_question_without_javascript_is_answered(sign_in_plan, site, page, phone, texts):
    sign_in_plan("code question")
    ask(page, site, phone)
    page.get_by_label("6-digit code").fill(code_in(texts(phone)[-1]))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("textbox").fill("Elm Street")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()


def test_account_page_keeps_another_answer(sign_in_plan, site, page, phone):
    sign_in_plan("code question")
    sign_in(page.context, site, made(phone))
    page.goto(f"{site}/")
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("link", name="Your secret question").click()
    expect(page.get_by_text("There is no answer yet for your account.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("textbox").fill("?")
    page.get_by_role("button", name="Keep this answer").click()
    expect(page.get_by_text("That answer is too short or too long.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("textbox").fill("Elm Street")
    page.get_by_role("button", name="Keep this answer").click()
    expect(page.get_by_text("Your answer is kept.")).to_be_visible()
    page.goto(f"{site}/accounts/question/")
    expect(page.get_by_text("An answer is kept. A new one takes its place.")).to_be_visible()
    assert page.evaluate(CUT_OFF) == []


def test_account_page_when_the_function_is_away_says_so(site, page, phone, settings):
    settings.ACCOUNTS_SIGN_IN_PLAN = "code question"
    settings.TEXTS_FUNCTION = "phone-login-gone"
    sign_in(page.context, site, made(phone))
    page.goto(f"{site}/accounts/question/")
    expect(page.get_by_role("alert")).to_contain_text("Nothing is lost")
    expect(page.get_by_role("textbox")).to_be_hidden()
    assert_accessible(page)


# A CAPTCHA

SCRIPTS = {
    "turnstile": ("https://challenges.cloudflare.com/turnstile/v0/api.js", "turnstile"),
    "hcaptcha": ("https://js.hcaptcha.com/1/api.js", "hcaptcha"),
    "recaptcha": ("https://www.google.com/recaptcha/api.js", "grecaptcha"),
}


def captcha(provider: str = "turnstile") -> CaptchaChallenge:
    return CaptchaChallenge(
        session="",
        username="",
        expires_at=int(time.time()) + 900,
        tries_left=3,
        provider=provider,
        site_key="site-key",
        action="sign_in",
    )


def serve(page: Page, provider: str, does: str) -> None:
    """Stand in for the script of a provider, which ``does`` something with ``how`` to render."""
    address, api = SCRIPTS[provider]
    body = f"window.{api} = {{ render: (place, how) => {{ {does} }} }}; captchaReady();"
    page.route(
        f"{address}*", lambda route: route.fulfill(content_type="text/javascript", body=body)
    )


@pytest.mark.parametrize("provider", SCRIPTS)
def test_captcha_that_is_passed_is_sent(page, site, phone, provider):
    sent: list[str] = []

    def keep(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route.request.post_data or "")
            route.fulfill(status=204)
        else:
            route.continue_()

    page.route(f"**{CHALLENGE}", keep)
    serve(page, provider, "setTimeout(how.callback, 50, `${how.sitekey}.${how.action}`)")
    place(page, site, phone, CHALLENGE, challenge=captcha(provider))
    expect(page.get_by_role("status")).to_have_text("It is done.")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    assert "answer=site-key.sign_in" in sent[0]
    assert_accessible(page)


def test_captcha_that_grew_old_is_not_sent(page, site, phone):
    serve(page, "turnstile", "window.how = how")
    place(page, site, phone, CHALLENGE, challenge=captcha())
    page.wait_for_load_state()
    page.evaluate("delete document.getElementById('captcha').dataset.goes")
    page.evaluate("how.callback('token')")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.evaluate("how['expired-callback']()")
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()
    assert page.locator("input[name=answer]").input_value() == ""


@pytest.mark.parametrize("fault", ["blocked", "error"])
def test_captcha_that_fails_says_what_to_do(page, site, phone, fault):
    page.set_viewport_size({"width": 320, "height": 640})
    if fault == "blocked":
        page.route("https://challenges.cloudflare.com/**", lambda route: route.fulfill(status=404))
    else:
        serve(page, "turnstile", "how['error-callback']()")
    place(page, site, phone, CHALLENGE, challenge=captcha())
    expect(page.get_by_role("status")).to_contain_text("The check could not be loaded.")
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()
    assert page.evaluate(CUT_OFF) == []
    assert_accessible(page)


@NO_SCRIPTS
def test_captcha_without_javascript_says_what_to_do(page, site, phone):
    place(page, site, phone, CHALLENGE, challenge=captcha())
    expect(page.get_by_text("This step needs JavaScript.")).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()

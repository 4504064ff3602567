"""The pages of examples/spa, as a person meets them, against the triggers and a strict Cognito."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from playwright.sync_api import Page, Route, expect

from localcloud import example, inbox
from tests import provision
from tests.browser.conftest import assert_accessible
from tests.codes import wrong
from tests.example_server import served

pytestmark = [
    pytest.mark.parametrize("name", ["amplify.html", "identity-js.html"]),
    pytest.mark.skipif(
        provision.example_libraries() is None,
        reason="the libraries of examples/spa are not installed: make test needs npm for them",
    ),
]


@pytest.fixture
def cognito(strict) -> Any:
    """What apps call: no key of AWS and no secret of a client goes along."""
    return boto3.client("cognito-idp", region_name="us-east-1", endpoint_url=strict.url)


@pytest.fixture
def origin(cloud, strict, page: Page) -> Iterator[str]:
    """The pages before the strict Cognito; errors on a page fail the test."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    with served(cloud.environment | {"AWS_ENDPOINT_URL": strict.url}) as origin:
        yield origin
    assert complaints == []


@pytest.fixture
def user(cloud, phone) -> str:
    """The number of somebody who has an account: apps make none."""
    cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url).admin_create_user(
        UserPoolId=cloud.outputs["CognitoUserPoolId"],
        Username=phone,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "phone_number", "Value": phone}],
    )
    return phone


@pytest.fixture
def codes(cloud) -> Callable[[str], list[str]]:
    """``codes(phone)``: those that were texted so far, oldest first."""
    return lambda phone: [text.code for text in inbox.texts(cloud.emulator.url, phone)]


def ask(page: Page, address: str, phone: str) -> None:
    page.goto(address)
    page.get_by_label("Mobile number").fill(phone)
    page.get_by_role("button", name="Text me a code").click()
    arrive(page, "Type your code")


def arrive(page: Page, heading: str) -> None:
    # The first call starts the functions, and pages of an app wait for them with no navigation.
    expect(page.get_by_role("heading", name=heading)).to_be_visible(timeout=20_000)


def answer(page: Page, code: str) -> None:
    page.get_by_label("Code from the text").fill(code)
    page.get_by_role("button", name="Sign in").click()


def test_wrong_code_then_right_one_signs_in_until_signed_out(
    page: Page, origin, name, user, codes, cognito, cloud
):
    address = f"{origin}/{name}"
    # As people write it.
    ask(page, address, f"{user[:2]} ({user[2:5]}) {user[5:8]}-{user[8:]}")
    expect(page.get_by_role("status")).to_contain_text("a 6-digit code was texted at")
    expect(page.get_by_label("Code from the text")).to_be_focused()
    [code] = codes(user)
    answer(page, wrong(code))
    expect(page.get_by_role("alert")).to_have_text("That is not the code. Tries left: 2.")
    # As the text spaces it for some languages.
    answer(page, f"{code[:3]} {code[3:]}")
    expect(page.get_by_role("heading", name="You are signed in")).to_be_focused()
    expect(page.locator("#claims")).to_contain_text(f'"phone_number": "{user}"')
    page.reload()
    arrive(page, "You are signed in")
    token = page.evaluate("Object.entries(localStorage).find(([key]) => /refresh/.test(key))[1]")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Mobile number")).to_be_focused()
    page.reload()
    arrive(page, "Sign in")
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.initiate_auth(
            ClientId=cloud.outputs["PublicClientId"],
            AuthFlow="REFRESH_TOKEN_AUTH",
            AuthParameters={"REFRESH_TOKEN": token},
        )


def test_last_wrong_code_asks_for_another_text(
    page: Page, alone, origin, name, user, codes, age_ledger
):
    page.clock.install()
    ask(page, f"{origin}/{name}", user)
    for by, said in enumerate(("Tries left: 2", "Tries left: 1", "Ask for another one"), 1):
        answer(page, wrong(codes(user)[0], by))
        expect(page.get_by_role("alert")).to_contain_text(said)
    another = page.get_by_role("button", name="Text me another code")
    expect(another).to_be_disabled()
    expect(another).to_contain_text("(in ")
    age_ledger(31)
    page.clock.fast_forward(31_000)
    another.click()
    expect(page.get_by_role("alert")).to_be_empty()
    answer(page, codes(user)[1])
    arrive(page, "You are signed in")


def test_number_that_gets_no_text_for_now_is_told_how_long(page: Page, origin, name, user, codes):
    ask(page, f"{origin}/{name}", user)
    # Three tries for whoever asked for the text, and three for all others.
    for then in ("Type your code", "No text was sent"):
        for by in (1, 2, 3):
            answer(page, wrong(codes(user)[0], by))
            said = "another" if by == 3 else f": {3 - by}."
            expect(page.get_by_role("alert")).to_contain_text(said)
        page.get_by_role("button", name="Use another number").click()
        page.get_by_role("button", name="Text me a code").click()
        arrive(page, then)
    expect(page.get_by_role("status")).to_contain_text("Wait, then ask again.")
    expect(page.get_by_role("button", name="Text me another code (in ")).to_be_disabled()
    assert len(codes(user)) == 1


def test_second_start_within_the_cooldown_says_when_the_text_left(
    page: Page, origin, name, user, codes
):
    ask(page, f"{origin}/{name}", user)
    said = page.get_by_role("status").inner_text()
    # The seconds would tell a text of now from that of before.
    page.wait_for_timeout(1100)
    ask(page, f"{origin}/{name}", user)
    assert page.get_by_role("status").inner_text() == said
    assert len(codes(user)) == 1


def test_expired_code_is_said_before_and_after_it_is_typed(
    page: Page, alone, origin, name, user, codes, age_ledger, strict
):
    def later(route: Route) -> None:
        """Let the triggers' clock, which no test can set, go with the others."""
        reply = route.fetch()
        body = reply.json()
        body["ChallengeParameters"]["now"] = str(int(body["ChallengeParameters"]["now"]) + 301)
        route.fulfill(response=reply, json=body)

    page.clock.install()
    ask(page, f"{origin}/{name}", user)
    age_ledger(301)
    page.clock.fast_forward(301_000)
    page.route(f"{strict.url}/**", later)
    said = "This code has expired. Ask for another one."
    expect(page.get_by_role("status")).to_have_text(said)
    answer(page, codes(user)[0])
    expect(page.get_by_role("alert")).to_have_text(said)


@pytest.mark.parametrize("hours", [-1, 1])
def test_wrong_clock_of_a_phone_changes_no_countdown(page: Page, alone, origin, name, user, hours):
    page.clock.install(time=time.time() + hours * 3600)
    ask(page, f"{origin}/{name}", user)
    expect(page.get_by_role("button", name=re.compile(r"\(in [23]\d s\)"))).to_be_disabled()
    expect(page.get_by_role("status")).to_contain_text("was texted at")


def test_number_without_an_account_sees_the_same_and_gets_no_text(
    page: Page, origin, name, phone, codes
):
    ask(page, f"{origin}/{name}", phone)
    expect(page.get_by_role("status")).to_contain_text(f"If {phone} has an account")
    answer(page, "123456")
    expect(page.get_by_role("alert")).to_have_text("That is not the code. Tries left: 2.")
    assert codes(phone) == []


def test_local_aws_that_tells_who_has_an_account_leads_to_plain_words(
    page: Page, cloud, name, phone
):
    with served(cloud.environment) as origin:
        page.goto(f"{origin}/{name}")
        page.get_by_label("Mobile number").fill(phone)
        page.get_by_role("button", name="Text me a code").click()
        expect(page.get_by_role("alert")).to_have_text(
            "This number cannot sign in.", timeout=20_000
        )


def test_sign_in_in_another_tab_is_noticed(page: Page, context, origin, name, user, codes):
    other = context.new_page()
    other.goto(f"{origin}/{name}")
    ask(page, f"{origin}/{name}", user)
    answer(page, codes(user)[0])
    arrive(page, "You are signed in")
    other.get_by_label("Mobile number").fill(user)
    other.get_by_role("button", name="Text me a code").click()
    # Amplify signs in one person for all tabs.
    heading = "You are signed in" if name == "amplify.html" else "Type your code"
    arrive(other, heading)


def test_start_whose_reply_is_lost_costs_one_text(page: Page, origin, name, user, codes, strict):
    strict.fail("InitiateAuth", times=1, after=True)
    page.goto(f"{origin}/{name}")
    page.get_by_label("Mobile number").fill(user)
    press = page.get_by_role("button", name="Text me a code")
    press.click()
    # Amplify asks again by itself, the other library leaves that to the person.
    if name == "identity-js.html":
        expect(page.get_by_role("alert")).to_have_text("That did not work. Try again.")
        press.click()
    arrive(page, "Type your code")
    [code] = codes(user)
    answer(page, code)
    arrive(page, "You are signed in")


def test_double_click_asks_once(page: Page, origin, name, user):
    page.goto(f"{origin}/{name}")
    page.get_by_label("Mobile number").fill(user)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.headers.get("x-amz-target", "")))
    page.get_by_role("button", name="Text me a code").dblclick()
    arrive(page, "Type your code")
    assert sum(target.endswith(".InitiateAuth") for target in asked) == 1


def test_number_without_a_country_code_is_asked_for_again(page: Page, origin, name, strict):
    page.goto(f"{origin}/{name}")
    page.get_by_label("Mobile number").fill("(201) 555-0123")
    page.get_by_role("button", name="Text me a code").click()
    expect(page.get_by_label("Mobile number")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("the country code first")
    assert strict.count("DefineAuthChallenge") == 0


def test_every_state_is_accessible(page: Page, origin, name, user, codes):
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{origin}/{name}")
    expect(page.get_by_label("Mobile number")).to_be_visible()
    assert_accessible(page)
    ask(page, f"{origin}/{name}", user)
    assert_accessible(page)
    [code] = codes(user)
    answer(page, wrong(code))
    expect(page.get_by_role("alert")).to_contain_text("Tries left")
    assert_accessible(page)
    answer(page, code)
    arrive(page, "You are signed in")
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_page_is_short_and_differs_from_the_other_in_its_library_alone(name):
    ours = (example.PAGES / name).read_text(encoding="utf-8")
    other = (example.PAGES / "amplify.html").read_text(encoding="utf-8")
    shared = re.compile(r"  const withSkew .*\Z", re.DOTALL)
    assert ours.count("\n") < 170
    assert shared.search(ours)[0] == shared.search(other)[0]

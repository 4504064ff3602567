"""Known browsers at the strict front: their owners get in while strangers do what they can.

The first tests are callers past the site, who have the client's secret.
"""

import base64
import contextlib
import hashlib
import hmac
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from django.test import Client

from accounts.aws import cognito, statements
from accounts.models import User
from localcloud.cloud import Cloud
from localcloud.emulator import REGION
from tests.codes import code_in, wrong
from tests.fakes.cognito_front.front import CognitoFront
from tests.lambdas.aws import TABLE
from tests.login_steps import CODE, LOGOUT, answer, ask, is_signed_in, sign_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

BROWSER = "ab" * 32


@pytest.fixture
def begin(cloud: Cloud, strict: CognitoFront):
    """InitiateAuth on a client of the stack, past the site."""
    api = boto3.client(
        "cognito-idp",
        region_name=REGION,
        endpoint_url=strict.url,
        config=Config(signature_version=UNSIGNED),
    )

    def begin(phone: str, proof: str | None, *, client: str = "KNOWN_CLIENT") -> dict[str, Any]:
        identifier = cloud.environment[f"COGNITO_{client}_ID"]
        secret = cloud.environment[f"COGNITO_{client}_SECRET"]
        digest = hmac.digest(secret.encode(), (phone + identifier).encode(), hashlib.sha256)
        metadata = {} if proof is None else {"ClientMetadata": {"knownBrowser": proof}}
        return api.initiate_auth(
            ClientId=identifier,
            AuthFlow="CUSTOM_AUTH",
            AuthParameters={
                "USERNAME": phone,
                "SECRET_HASH": base64.b64encode(digest).decode(),
            },
            **metadata,
        )

    return begin


@pytest.fixture
def sub(cloud: Cloud, phone: str) -> str:
    api = cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)
    made = api.admin_create_user(
        UserPoolId=cloud.environment["COGNITO_USER_POOL_ID"],
        Username=phone,
        MessageAction="SUPPRESS",
    )
    return next(each["Value"] for each in made["User"]["Attributes"] if each["Name"] == "sub")


def refusal(begin, *arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        begin(*arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == "UserLambdaValidationException"
    return str(error["Message"])


@pytest.fixture(autouse=True)
def site_key(cloud: Cloud, settings) -> None:
    settings.COGNITO_USER_POOL_ID = cloud.environment["COGNITO_USER_POOL_ID"]
    settings.SITE_KEY = cloud.environment["SITE_KEY"]


def test_flow_of_a_known_browser_begins_with_a_proof_and_texts_a_code(begin, phone, sub, texts):
    reply = begin(phone, statements.known_browser(sub=sub, browser=BROWSER))
    assert reply["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert len(texts(phone)) == 1


@pytest.mark.parametrize("with_account", [True, False])
def test_client_secret_alone_begins_no_flow_and_tells_nobody_apart(
    begin, strict, phone, request, with_account
):
    if with_account:
        request.getfixturevalue("sub")
    told = refusal(begin, phone, None)
    assert told == "PreAuthentication failed with error This app client wants a proof."
    assert refusal(begin, phone, "v1." + "a" * 64 + ".1." + "b" * 64) == told
    assert strict.count("DefineAuthChallenge") == strict.count("CreateAuthChallenge") == 0


def test_proof_of_somebody_else_begins_no_flow(begin, strict, phone, sub):
    other = "2b2c3d4e-0000-4000-8000-000000000002"
    refusal(begin, phone, statements.known_browser(sub=other, browser=BROWSER))
    assert strict.count("CreateAuthChallenge") == 0


def test_usual_client_needs_no_proof(begin, strict, phone, sub):
    assert begin(phone, None, client="CLIENT")["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert strict.count("PreAuthentication") == 1


# Through the site


@pytest.fixture(autouse=True)
def no_limits_of_networks(settings) -> None:
    settings.ACCOUNTS_WRONG_CODES = settings.ACCOUNTS_SENDS = "1000/minute"
    settings.ACCOUNTS_UNUSED_SENDS = "1000/minute"


@pytest.fixture
def owner(on_cloud, phone, texts) -> Client:
    """The browser of somebody who signed in before, and is signed out."""
    browser = Client()
    sign_in(browser, phone, texts)
    browser.post(LOGOUT)
    assert not is_signed_in(browser)
    return browser


@pytest.fixture
def later(cloud: Cloud, age_ledger):
    """``later(seconds)``: so much time goes by, and blocks have their budgets again."""
    table = cloud.root_session().client("dynamodb", endpoint_url=cloud.emulator.url)

    def run(seconds: float) -> None:
        age_ledger(seconds)
        blocks = {
            "FilterExpression": "begins_with(pk, :block)",
            "ExpressionAttributeValues": {":block": {"S": "block#"}},
        }
        for page in table.get_paginator("scan").paginate(TableName=TABLE, **blocks):
            for item in page["Items"]:
                table.delete_item(TableName=TABLE, Key={"pk": item["pk"]})

    return run


@pytest.fixture
def attack(on_cloud, phone, texts, later):
    """``attack(codes)``: a stranger has so many codes texted, and types three wrong ones each."""

    def run(codes: int, *, tries: int = 3, pause: float = 400) -> None:
        gateway = cognito.gateway()
        for _ in range(codes):
            later(pause)
            challenge = gateway.start_challenge(phone)
            with contextlib.suppress(cognito.Refused):
                for n in range(tries):
                    code = wrong(code_in(texts(phone)[-1]), n + 1)
                    challenge = gateway.answer_challenge(challenge, code)

    return run


def gets_in(browser: Client, phone: str, texts) -> bool:
    """Whether the owner gets a text and signs in with it."""
    before = len(texts(phone))
    page = ask(browser, phone)
    if page.status_code != 302 or len(texts(phone)) != before + 1:
        return False
    answer(browser, code_in(texts(phone)[-1]))
    return is_signed_in(browser)


def test_wrong_codes_of_a_stranger_do_not_spend_the_code_of_a_known_browser(
    owner, phone, texts, attack
):
    ask(owner, phone)
    code = code_in(texts(phone)[-1])
    attack(1, pause=0)
    assert answer(owner, code).status_code == 302
    assert is_signed_in(owner)


def test_known_browser_gets_its_text_and_its_code_works_while_the_number_is_held(
    owner, phone, texts, attack
):
    attack(4)
    stranger = Client()
    ask(stranger, phone)
    assert "No text was sent" in stranger.get(CODE).content.decode()
    assert gets_in(owner, phone, texts)
    assert "No text was sent" in stranger.get(CODE).content.decode()


def test_known_browser_is_told_of_wrong_codes_elsewhere_and_nobody_else_is(
    owner, phone, texts, attack
):
    attack(1)
    ask(owner, phone)
    assert "wrong codes for this number on another device" in owner.get(CODE).content.decode()
    other = Client()
    ask(other, phone)
    assert "another device" not in other.get(CODE).content.decode()


def test_texts_that_a_stranger_asks_for_are_not_those_of_a_known_browser(
    owner, phone, texts, attack, later
):
    attack(10, tries=0, pause=3601)
    later(600)
    assert not gets_in(Client(), phone, texts)
    assert gets_in(owner, phone, texts)


def test_known_browser_costs_no_further_call(owner, phone, texts, strict):
    strict.records.clear()
    assert gets_in(owner, phone, texts)
    ran = [record.trigger for record in strict.records]
    assert ran == [
        "PreAuthentication",
        "DefineAuthChallenge",
        "CreateAuthChallenge",
        "VerifyAuthChallengeResponse",
        "DefineAuthChallenge",
    ]
    (begun,) = [each.event for each in strict.records if each.trigger == "PreAuthentication"]
    assert begun["request"]["validationData"]["knownBrowser"].startswith("v1.")


@pytest.mark.parametrize("cookie", ["known", "device"])
def test_browser_without_one_of_its_cookies_is_a_stranger(owner, phone, strict, cookie):
    del owner.cookies[cookie]
    strict.records.clear()
    ask(owner, phone)
    (begun,) = [each.event for each in strict.records if each.trigger == "PreAuthentication"]
    assert begun["request"]["validationData"] is None


def test_cookie_of_another_browser_makes_no_known_one(owner, phone, strict):
    thief = Client()
    thief.get("/accounts/login/")
    thief.cookies["known"] = owner.cookies["known"].value
    strict.records.clear()
    ask(thief, phone)
    (begun,) = [each.event for each in strict.records if each.trigger == "PreAuthentication"]
    assert begun["request"]["validationData"] is None


def test_wrong_key_of_the_site_shuts_nobody_out(owner, phone, texts, settings, caplog):
    settings.SITE_KEY = "0" * 64
    assert gets_in(owner, phone, texts)
    assert "lane of known browsers is closed" in caplog.text


def test_lane_that_is_used_up_leaves_the_way_of_everybody(owner, phone, texts, later):
    for pause in (400, 400, 400, 60, 60):
        ask(owner, phone)
        code = code_in(texts(phone)[-1])
        for n in range(3):
            answer(owner, wrong(code, n + 1))
        later(pause)
    # Held after ten, and so the last codes came by the way of everybody.
    assert gets_in(owner, phone, texts)


def test_ended_devices_are_known_no_more_and_the_one_that_ended_them_is(
    owner, phone, texts, strict, later
):
    other = Client()
    later(400)
    sign_in(other, phone, texts)
    other.post("/accounts/devices/end-others/")
    other.post(LOGOUT)
    strict.records.clear()
    ask(owner, phone)
    later(400)
    ask(other, phone)
    begun = [each.event["request"] for each in strict.records if each.trigger[:6] == "PreAut"]
    assert [each["validationData"] is None for each in begun] == [True, False]
    assert User.objects.get(phone=phone).browsers_forgotten_at

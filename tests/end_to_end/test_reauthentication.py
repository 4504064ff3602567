"""Somebody who is signed in proves that it is still they, whatever strangers do to their number."""

import time

import boto3
import pytest
from django.test import Client

from accounts.aws import cognito
from accounts.models import Session, SignInEvent, User
from tests.codes import code_in, wrong

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

CONFIRM, CODE, RESEND = (
    "/accounts/confirm/",
    "/accounts/confirm/code/",
    "/accounts/confirm/resend/",
)


@pytest.fixture(autouse=True)
def _function(on_cloud, settings):
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]
    boto3.Session().client(
        "lambda",
        region_name=settings.AWS_REGION,
        endpoint_url=settings.AWS_ENDPOINT_URL,
    ).invoke(FunctionName=settings.TEXTS_FUNCTION, Payload=b"{}")


@pytest.fixture
def user(phone) -> User:
    return User.objects.for_identity(cognito.gateway().create_user(phone).sub, phone)


@pytest.fixture
def client(user) -> Client:
    """Signed in, so long ago that a fresh code is asked for."""
    client = Client()
    client.get("/accounts/login/")
    client.force_login(user)
    Session.objects.update(confirmed_at="2020-01-01T00:00:00Z")
    return client


def test_code_confirms_and_is_of_no_use_elsewhere(client, user, phone, texts):
    assert client.post(CONFIRM, {"next": "/accounts/number/"}).url == CODE
    code = code_in(texts(phone)[-1])
    assert b"is not the code. You have 2 tries" in client.post(CODE, {"code": wrong(code)}).content
    assert client.post(CODE, {"code": code}).url == "/accounts/number/"
    assert client.get("/accounts/number/").status_code == 200
    kinds = list(SignInEvent.objects.order_by("at").values_list("kind", flat=True))
    assert kinds == ["started", "sent", "failed", "confirmed"]
    assert len({event.reference for event in SignInEvent.objects.all()}) == 1
    other = Client()
    other.post("/accounts/login/", {"phone": phone})
    assert other.post("/accounts/login/code/", {"code": code}).status_code == 200
    assert not other.get("/").wsgi_request.user.is_authenticated


def test_owner_of_a_number_that_strangers_have_locked_still_confirms(client, phone, texts, cloud):
    Client().post("/accounts/login/", {"phone": phone})
    table = cloud.root_session().client("dynamodb", endpoint_url=cloud.emulator.url)
    for item in table.scan(TableName="phone-login-ledger-local")["Items"]:
        if "recent" in item and "challenge" in item:
            table.update_item(
                TableName="phone-login-ledger-local",
                Key={"pk": item["pk"]},
                UpdateExpression="SET failures = :n, last_failure = :now",
                ExpressionAttributeValues={
                    ":n": {"N": "100"},
                    ":now": {"N": str(int(time.time()))},
                },
            )
    stranger = Client()
    stranger.post("/accounts/login/", {"phone": phone})
    assert b"so it is locked" in stranger.get("/accounts/login/code/").content
    client.post(CONFIRM, {"next": "/"})
    assert client.post(CODE, {"code": code_in(texts(phone)[-1])}).url == "/"


def test_three_wrong_codes_end_it_and_do_not_speak_against_the_number(client, phone, texts):
    client.post(CONFIRM, {"next": "/"})
    code = code_in(texts(phone)[-1])
    for by in (1, 2):
        client.post(CODE, {"code": wrong(code, by)})
    assert client.post(CODE, {"code": wrong(code, 3)}).url == CONFIRM
    assert client.post(CODE, {"code": code}).url == CONFIRM
    other = Client()
    other.post("/accounts/login/", {"phone": phone})
    assert len(texts(phone)) == 2
    assert other.post("/accounts/login/code/", {"code": code_in(texts(phone)[-1])}).url == "/"


def test_number_that_was_changed_meanwhile_confirms_nobody(client, user, phone, texts):
    client.post(CONFIRM, {"next": "/"})
    User.objects.filter(pk=user.pk).update(phone=f"{phone[:-4]}0187")
    assert client.post(CODE, {"code": code_in(texts(phone)[-1])}).url == CONFIRM
    assert not SignInEvent.objects.filter(kind="confirmed").exists()


def test_function_that_is_gone_says_so_and_confirms_nobody(client, settings):
    settings.TEXTS_FUNCTION = "phone-login-texts-gone"
    page = client.post(CONFIRM, {"next": "/"})
    assert page.status_code == 503
    assert b"Nothing is lost" in page.content

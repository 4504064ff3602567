"""Second factors after the code: an authenticator app of ours, and those of Cognito's own.

The triggers have the plan ``code authenticator``, in a local AWS of its own.
"""

import re

import boto3
import pytest
from botocore.exceptions import ClientError
from django.test import Client

from accounts import operations
from accounts.aws import cognito
from accounts.login import second_factor
from accounts.models import Session, SignInEvent, User
from accounts.operations.queue import Kind
from localcloud.cloud import Cloud
from tests.codes import code_in
from tests.fakes.cognito_front.factors import code_of
from tests.fakes.cognito_front.front import CognitoFront
from tests.login_steps import CODE, ask, is_signed_in, sign_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

PAGE = "/accounts/login/challenge/"
APP, SETUP, REMOVE = (
    "/accounts/authenticator/",
    "/accounts/authenticator/setup/",
    "/accounts/authenticator/remove/",
)
BACKUP_CODES = "/accounts/backup-codes/"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    parameters = {"SignInPlan": "code authenticator", "PublicClient": "true"}
    with Cloud(tmp_path_factory.mktemp("cloud"), parameters=parameters) as running:
        yield running


@pytest.fixture(scope="module")
def strict_front(cloud):
    with CognitoFront(cloud) as front:
        yield front


@pytest.fixture(scope="module")
def root(cloud):
    return cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)


@pytest.fixture(autouse=True)
def _site(on_cloud, settings):
    settings.TEXTS_FUNCTION = on_cloud.outputs["TextsFunction"]
    settings.ACCOUNTS_SIGN_IN_PLAN = "code authenticator"


def key_on(page) -> str:
    [key] = re.findall(r'<code class="key"[^>]*>([^<]*)</code>', page.content.decode())
    return key.replace(" ", "")


def send(client, page, code):
    fields = dict(re.findall(r'name="(attempt|kind)" value="([^"]*)"', page.content.decode()))
    return client.post(PAGE, fields | {"answer": code})


def with_app(client, phone, texts) -> tuple[str, str]:
    """Sign in, and set an app up. Returns its key, and the code that was used."""
    sign_in(client, phone, texts)
    assert client.post(APP).url == SETUP
    key = key_on(client.get(SETUP))
    used = code_of(key)
    assert client.post(SETUP, {"answer": used}).url == APP
    return key, used


def start(phone, texts) -> Client:
    """Another browser that has typed the code of the text."""
    client = Client()
    ask(client, phone)
    assert client.post(CODE, {"code": code_in(texts(phone)[-1])}).url == PAGE
    return client


def test_app_is_asked_for_after_the_code_once_it_is_set_up(client, phone, texts):
    key, used = with_app(client, phone, texts)
    assert "you need a code by text and then one" in client.get(APP).content.decode()
    other = start(phone, texts)
    assert not is_signed_in(other)
    page = other.get(PAGE)
    assert "Code of your app" in page.content.decode()
    said = send(other, page, "000000" if code_of(key, later=1) != "000000" else "000001")
    assert "That is not right. You have 2 tries left." in said.content.decode()
    # The code with which it was set up is used.
    assert "1 try left" in send(other, page, used).content.decode()
    assert send(other, page, code_of(key, later=1)).url == "/"
    assert is_signed_in(other)
    kinds = SignInEvent.objects.filter(kind="authenticator").values_list("reason", flat=True)
    assert list(kinds) == ["set_up"]


def test_people_without_an_app_sign_in_as_before(client, phone, texts):
    sign_in(client, phone, texts)
    assert "Set up an app" in client.get(APP).content.decode()


def test_key_is_not_shown_again_and_wrong_codes_set_nothing_up(client, phone, texts):
    sign_in(client, phone, texts)
    client.post(APP)
    key = key_on(client.get(SETUP))
    assert key_on(client.get(SETUP)) == key, "a reload shows the same"
    wrong = next(f"{n:06d}" for n in range(5) if f"{n:06d}" not in map(code_of, [key]))
    assert "That is not right" in client.post(SETUP, {"answer": wrong}).content.decode()
    assert "Set up an app" in client.get(APP).content.decode()
    client.post(SETUP, {"answer": code_of(key)})
    assert client.get(SETUP).url == APP
    assert key not in str(dict(client.session))


def test_pages_of_the_app_need_a_fresh_code(client, phone, texts):
    sign_in(client, phone, texts)
    Session.objects.update(confirmed_at="2020-01-01T00:00:00Z")
    for address in (APP, SETUP, REMOVE):
        assert client.get(address).url.startswith("/accounts/confirm/")
        assert client.post(address).url.startswith("/accounts/confirm/")
    assert Client().get(APP).url.startswith("/accounts/login/")


def test_removed_app_is_asked_for_no_more(client, phone, texts):
    with_app(client, phone, texts)
    assert client.post(REMOVE).url == APP
    assert "Set up an app" in client.get(APP).content.decode()
    other = Client()
    sign_in(other, phone, texts)


def test_backup_code_stands_for_one_of_a_lost_app_once(client, phone, texts):
    with_app(client, phone, texts)
    codes = re.findall(r"<code>(.*?)</code>", client.post(BACKUP_CODES).content.decode())
    assert len(codes) == 10
    for n, ends_at in ((0, "/"), (1, "/")):
        other = start(phone, texts)
        page = other.get(PAGE)
        fields = dict(re.findall(r'name="(attempt|kind)" value="([^"]*)"', page.content.decode()))
        typo = other.post(PAGE, fields | {"answer": "12", "backup": 1}).content.decode()
        assert "like K7F2-9QXM" in typo
        if n:
            used = other.post(PAGE, fields | {"answer": codes[0], "backup": 1}).content.decode()
            assert "2 tries left" in used
        right = other.post(PAGE, fields | {"answer": codes[n].lower(), "backup": 1})
        assert right.url == ends_at
        assert is_signed_in(other)
    assert "You have 8 codes left." in client.get(BACKUP_CODES).content.decode()


def test_operator_resets_an_app(client, phone, texts):
    with_app(client, phone, texts)
    user = User.objects.get(phone=phone)
    assert operations.perform(Kind.RESET_AUTHENTICATOR, user, by=None).is_done
    sign_in(Client(), phone, texts)
    reasons = SignInEvent.objects.filter(kind="authenticator").order_by("pk")
    assert list(reasons.values_list("reason", flat=True)) == ["set_up", "operator"]


def test_site_without_the_step_has_no_such_page(client, phone, texts, settings):
    sign_in(client, phone, texts)
    assert APP in client.get("/accounts/").content.decode()
    settings.ACCOUNTS_SIGN_IN_PLAN = "code"
    assert client.get(APP).status_code == 404
    assert APP not in client.get("/accounts/").content.decode()


def test_app_is_asked_for_by_the_triggers_whatever_client_signs_in(
    client, phone, texts, cloud, strict
):
    """Somebody who has the texts, and goes straight to Cognito with the id of the apps' client."""
    key, _ = with_app(client, phone, texts)
    api = boto3.client("cognito-idp", region_name="eu-west-1", endpoint_url=strict.url)
    apps = cloud.outputs["PublicClientId"]

    def respond(reply, answer):
        return api.respond_to_auth_challenge(
            ClientId=apps,
            ChallengeName="CUSTOM_CHALLENGE",
            ChallengeResponses={
                "USERNAME": reply["ChallengeParameters"]["USERNAME"],
                "ANSWER": answer,
            },
            Session=reply["Session"],
        )

    reply = api.initiate_auth(
        ClientId=apps, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": phone}
    )
    code = code_in(texts(phone)[-1])
    reply = respond(reply, code)
    assert reply["ChallengeParameters"]["kind"] == "authenticator"
    reply = respond(reply, code)
    assert "AuthenticationResult" not in reply
    assert respond(reply, code_of(key, later=1))["AuthenticationResult"]["IdToken"]
    reply = api.initiate_auth(
        ClientId=apps, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": phone}
    )
    for _ in range(2):
        reply = respond(reply, "000000")
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        respond(reply, "000000")


# Cognito's own


@pytest.fixture
def optional(root, cloud):
    """The pool asks those who have a second factor for it."""
    pool_id = cloud.outputs["CognitoUserPoolId"]
    for mode in ("OPTIONAL", "OFF"):
        root.set_user_pool_mfa_config(
            UserPoolId=pool_id,
            MfaConfiguration=mode,
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )
        if mode == "OPTIONAL":
            yield pool_id


def test_app_of_cognitos_own_follows_the_code(client, phone, texts, root, optional, strict):
    root.admin_set_user_mfa_preference(
        UserPoolId=optional,
        Username=cognito.gateway().create_user(phone).sub,
        SMSMfaSettings={"Enabled": True, "PreferredMfa": True},
    )
    browser = start(phone, texts)
    page = browser.get(PAGE)
    assert f"+*******{phone[-4:]}" in page.content.decode()
    code = strict.factors.sent[-1].code
    wrong = "000000" if code != "000000" else "111111"
    assert "You have 4 tries left" in send(browser, page, wrong).content.decode()
    assert send(browser, page, code).url == "/"
    assert is_signed_in(browser)


def test_pool_that_requires_an_app_has_it_set_up_in_the_sign_in(
    phone, texts, root, optional, strict
):
    root.set_user_pool_mfa_config(
        UserPoolId=optional,
        MfaConfiguration="ON",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    browser = start(phone, texts)
    key = key_on(browser.get(PAGE))
    page = browser.get(PAGE)
    assert send(browser, page, code_of(key)).url == "/"
    assert is_signed_in(browser)
    root.set_user_pool_mfa_config(
        UserPoolId=optional,
        MfaConfiguration="OPTIONAL",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    again = start(phone, texts)
    assert send(again, again.get(PAGE), code_of(key)).url == "/"


def opens_admin(client) -> bool:
    page = client.get("/admin/", follow=True)
    return page.status_code == 200 and page.request["PATH_INFO"] == "/admin/"


def test_app_that_was_set_up_with_a_set_up_code_opens_the_admin(phone, texts, settings):
    settings.ACCOUNTS_STAFF_SECOND_FACTOR = True
    client = Client()
    sign_in(client, phone, texts)
    User.objects.update(is_staff=True)
    operator = User.objects.get()
    page = client.post("/accounts/operators/", {"code": second_factor.draw(operator)}, follow=True)
    assert "Set up an authenticator app" in page.content.decode()
    client.post(APP)
    key = key_on(client.get(SETUP))
    client.post(SETUP, {"answer": code_of(key)})
    assert opens_admin(client)
    other = start(phone, texts)
    send(other, other.get(PAGE), code_of(key, later=1))
    assert opens_admin(other)
    other.post(REMOVE)
    assert not opens_admin(other)


def test_app_that_thieves_of_the_number_set_up_does_not_open_the_admin(phone, texts, settings):
    settings.ACCOUNTS_STAFF_SECOND_FACTOR = True
    client = Client()
    sign_in(client, phone, texts)
    User.objects.update(is_staff=True)
    client.post(APP)
    key = key_on(client.get(SETUP))
    client.post(SETUP, {"answer": code_of(key)})
    assert not opens_admin(client)
    other = start(phone, texts)
    assert send(other, other.get(PAGE), code_of(key, later=1)).url == "/"
    assert not opens_admin(other)
    assert (
        "Set up an authenticator app to use the admin"
        in other.get("/accounts/operators/").content.decode()
    )

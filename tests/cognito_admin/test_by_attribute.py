"""People of an attached pool with plain user names, through the pages and the real triggers."""

import pytest
from django.test import Client

from accounts.models import SignInEvent, User
from localcloud import inbox
from tests.codes import code_in, wrong
from tests.cognito_admin.existing_pool import RICH, undeploy
from tests.login_steps import CODE, answer, ask, sign_in, who

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

USER = "site-by-attribute"


@pytest.fixture(scope="module")
def attached_pool(aws):
    """A pool of names that has our stack next to it, and a key of a site without the admin."""
    cognito, iam = aws.client("cognito-idp"), aws.client("iam")
    settings = {**RICH, "UsernameAttributes": [], "DeletionProtection": "INACTIVE"}
    pool = cognito.create_user_pool(**settings)["UserPool"]["Id"]
    aws.deploy(ExistingUserPoolId=pool, CognitoUsername="attribute", PublicClient="true")
    iam.create_user(UserName=USER)
    iam.attach_user_policy(UserName=USER, PolicyArn=aws.outputs["SignInPolicyArn"])
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    yield pool, key
    iam.detach_user_policy(UserName=USER, PolicyArn=aws.outputs["SignInPolicyArn"])
    undeploy(aws)
    cognito.delete_user_pool(UserPoolId=pool)


@pytest.fixture
def pool(aws, attached_pool, front, run, settings, monkeypatch) -> str:
    """The pool, and the site of this process as its own."""
    pool, key = attached_pool
    run("cognito_attach", "--user-pool-id", pool, "--stage", "local", "--yes")
    front.records.clear()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    settings.COGNITO_USER_POOL_ID = pool
    settings.COGNITO_USERNAME = "attribute"
    settings.COGNITO_CLIENT_ID = aws.outputs["CognitoClientId"]
    settings.COGNITO_CLIENT_SECRET = aws.secret_of(aws.outputs["CognitoClientId"])
    settings.COGNITO_JWKS_URL = f"{front.url}/{pool}/.well-known/jwks.json"
    settings.ACCOUNTS_SIGN_UP = "closed"
    return pool


@pytest.fixture
def texts(aws):
    return lambda phone: [text.body for text in inbox.texts(aws.emulator.url, phone)]


@pytest.fixture
def hold(aws, pool):
    """``hold(name, phone)``: an account with a number; returns its sub."""

    def make(name: str, phone: str, *, verified: bool = True) -> str:
        cognito, account = aws.client("cognito-idp"), {"UserPoolId": pool, "Username": name}
        attributes = {"phone_number": phone, "phone_number_verified": str(verified).lower()}
        made = cognito.admin_create_user(
            **account,
            UserAttributes=[{"Name": n, "Value": v} for n, v in attributes.items()],
            MessageAction="SUPPRESS",
        )
        cognito.admin_set_user_password(**account, Password="Their-own-7-password", Permanent=True)
        return next(a["Value"] for a in made["User"]["Attributes"] if a["Name"] == "sub")

    return make


@pytest.fixture
def directly(aws, front):
    """``directly(name)``: a sign-in of an app, past the site, and answers to it."""
    cognito = aws.root_session().client("cognito-idp", endpoint_url=front.url)

    class App:
        def start(self, name: str):
            return cognito.initiate_auth(
                ClientId=aws.outputs["PublicClientId"],
                AuthFlow="CUSTOM_AUTH",
                AuthParameters={"USERNAME": name},
            )

        def answer(self, started, code: str):
            return cognito.respond_to_auth_challenge(
                ClientId=aws.outputs["PublicClientId"],
                ChallengeName="CUSTOM_CHALLENGE",
                Session=started["Session"],
                ChallengeResponses={
                    "USERNAME": started["ChallengeParameters"]["USERNAME"],
                    "ANSWER": code,
                },
            )

    return App()


@pytest.fixture
def forget_texts(aws):
    """``forget_texts()``: let the ledger be empty, as long after all texts."""
    table = aws.client("dynamodb")

    def forget() -> None:
        for item in table.scan(TableName="phone-login-ledger-local")["Items"]:
            table.delete_item(TableName="phone-login-ledger-local", Key={"pk": item["pk"]})

    return forget


def reasons() -> list[str]:
    return [event.reason for event in SignInEvent.objects.filter(kind="blocked")]


def test_member_signs_in_by_phone_twice_with_the_permissions_of_a_site_without_the_admin(
    client, hold, phone, texts, forget_texts
):
    sub = hold("ann", phone)
    sign_in(client, phone, texts)
    assert User.objects.get().sub == sub
    forget_texts()
    other = Client()
    sign_in(other, phone, texts)
    assert who(other) == User.objects.get()


def test_number_of_two_is_texted_to_nobody_and_looks_like_an_unknown_one(
    client, hold, phone, texts
):
    hold("bea", phone)
    hold("bob", phone)
    unknown = f"{phone[:-1]}9"
    pages = []
    for number in (phone, unknown):
        visitor = Client()
        pages.append(ask(visitor, number))
        assert (pages[-1].status_code, pages[-1].url) == (302, CODE)
        pages.append(answer(visitor, "000000"))
    assert (pages[1].status_code, len(pages[1].content)) == (
        pages[3].status_code,
        len(pages[3].content),
    )
    assert texts(phone) == texts(unknown) == []
    assert sorted(reasons()) == ["number_shared", "unknown"]


def test_number_that_is_not_verified_leads_to_nobody_past_the_site_neither(
    client, hold, phone, texts, directly
):
    hold("cid", phone, verified=False)
    ask(client, phone)
    started = directly.start("cid")
    assert started["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert texts(phone) == []
    assert reasons() == ["number_unproven"]


def test_app_that_names_the_account_has_the_limits_of_its_number(
    client, hold, phone, texts, directly
):
    hold("dan", phone)
    ask(client, phone)
    (text,) = texts(phone)
    # In the cooldown of the number, whoever asks and under whatever name.
    started = directly.start("dan")
    assert len(texts(phone)) == 1
    for by in (1, 2):
        started = directly.answer(started, wrong(code_in(text), by))
    # The third try of all who did not ask for the text is the last, here as there.
    other = Client()
    ask(other, phone)
    answer(other, wrong(code_in(text), 3))
    answer(other, code_in(text))
    assert who(other) is None
    # It is still good where it was asked for.
    answer(client, code_in(text))
    assert who(client) is not None


def test_code_of_an_app_is_that_of_the_number_and_signs_in_there(hold, phone, texts, directly):
    hold("eva", phone)
    started = directly.start("eva")
    (text,) = texts(phone)
    assert directly.answer(started, code_in(text))["AuthenticationResult"]["IdToken"]


def test_sub_is_no_name_to_sign_in_with(hold, phone, texts, directly, front):
    """So the look-up must give the user name."""
    directly.start(hold("fay", phone))
    assert texts(phone) == []
    assert front.records[0].event["request"]["userNotFound"] is True


def test_new_number_signs_up_and_in_with_one_text_where_sign_up_is_open(
    client, pool, phone, texts, settings, aws, forget_texts
):
    settings.ACCOUNTS_SIGN_UP = "open"
    sign_in(client, phone, texts)
    assert len(texts(phone)) == 1
    user = User.objects.get()
    assert (user.phone, user.phone_verified) == (phone, True)
    forget_texts()
    # As a member from then on.
    settings.ACCOUNTS_SIGN_UP = "closed"
    other = Client()
    sign_in(other, phone, texts)
    assert who(other) == user


def test_sign_in_goes_on_under_the_name_that_the_look_up_gave(client, hold, phone, texts, front):
    """The front lets the emulator check the hash, which is made of exactly that name."""
    hold("gus", phone)
    sign_in(client, phone, texts)
    assert {record.event["userName"] for record in front.records} == {"gus"}

"""Accounts that were signed up elsewhere and never confirmed, by whoever it was."""

import pytest
from django.test import Client

from accounts.models import User
from tests.end_to_end.conftest import both_fronts
from tests.login_steps import sign_in

pytestmark = [pytest.mark.cloud, pytest.mark.django_db(transaction=True)]

PASSWORD = "Planted-by-a-stranger-1"


@pytest.fixture
def api(cloud):
    return cloud.root_session().client("cognito-idp", endpoint_url=cloud.emulator.url)


@pytest.fixture
def password_client(cloud, api):
    """A client of the pool that lets people in with passwords, and sign up."""
    pool = cloud.outputs["CognitoUserPoolId"]
    made = api.create_user_pool_client(
        UserPoolId=pool,
        ClientName="passwords",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]
    before = api.describe_user_pool(UserPoolId=pool)["UserPool"]["LambdaConfig"]
    # Ours refuses whoever signs up by themselves.
    api.update_user_pool(
        UserPoolId=pool,
        LambdaConfig={name: arn for name, arn in before.items() if name != "PreSignUp"},
    )
    yield made["ClientId"]
    api.update_user_pool(UserPoolId=pool, LambdaConfig=before)
    api.delete_user_pool_client(UserPoolId=pool, ClientId=made["ClientId"])


@pytest.fixture
def unconfirmed(api, password_client, phone) -> str:
    """A number that a stranger signed up, with everything that they could choose."""
    api.sign_up(
        ClientId=password_client,
        Username=phone,
        Password=PASSWORD,
        UserAttributes=[
            {"Name": "phone_number", "Value": phone},
            {"Name": "email", "Value": "stranger@example.com"},
            {"Name": "name", "Value": "Somebody else"},
            {"Name": "locale", "Value": "fr"},
        ],
    )
    return phone


def with_password(api, client_id: str, phone: str):
    return api.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": phone, "PASSWORD": PASSWORD},
    )


@both_fronts
@pytest.mark.parametrize("sign_up", ["open", "closed"])
def test_number_in_unconfirmed_signs_in_at_the_first_attempt_with_one_text(
    on_cloud, unconfirmed, texts, settings, sign_up
):
    settings.ACCOUNTS_SIGN_UP = sign_up
    client = Client()
    sign_in(client, unconfirmed, texts)
    assert len(texts(unconfirmed)) == 1
    assert User.objects.get().phone_verified is True


def test_password_of_who_signed_the_number_up_is_dead(
    on_cloud, unconfirmed, texts, api, password_client
):
    with pytest.raises(api.exceptions.UserNotConfirmedException):
        with_password(api, password_client, unconfirmed)
    sign_in(Client(), unconfirmed, texts)
    with pytest.raises(api.exceptions.NotAuthorizedException):
        with_password(api, password_client, unconfirmed)


def test_nothing_that_a_stranger_said_is_left(on_cloud, unconfirmed, texts, api):
    pool = on_cloud.outputs["CognitoUserPoolId"]
    before = api.admin_get_user(UserPoolId=pool, Username=unconfirmed)
    Client().post("/accounts/login/", {"phone": unconfirmed})
    healed = api.admin_get_user(UserPoolId=pool, Username=unconfirmed)
    assert healed["UserStatus"] == "CONFIRMED"
    # An empty value is none; the local AWS lists it all the same.
    assert {a["Name"]: a["Value"] for a in healed["UserAttributes"] if a["Value"]} == {
        "sub": next(a["Value"] for a in before["UserAttributes"] if a["Name"] == "sub"),
        "phone_number": unconfirmed,
        # Until the code has come back.
        "phone_number_verified": "false",
    }

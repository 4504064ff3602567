"""A pool whose user names are e-mail addresses or plain names, which gets our sign-in as well."""

import re

import jwt
import pytest
from django.core.management.base import CommandError
from django.test import Client

from accounts.models import User
from localcloud import inbox
from tests.cognito_admin import srp
from tests.cognito_admin.existing_pool import everything, undeploy

pytestmark = pytest.mark.cloud

PASSWORD = "Correct-horse-7-battery"


@pytest.fixture
def create(aws):
    """``create(pool, name, phone)``: somebody who has had a password for years."""

    def run(
        pool: str, name: str, phone: str = "", *, verified: bool = True, password: bool = True
    ) -> None:
        account, cognito = {"UserPoolId": pool, "Username": name}, aws.client("cognito-idp")
        attributes = {"phone_number": phone, "phone_number_verified": str(verified).lower()}
        if "@" in name:
            attributes |= {"email": name, "email_verified": "true"}
        cognito.admin_create_user(
            **account,
            UserAttributes=[{"Name": n, "Value": v} for n, v in attributes.items() if v and phone],
            MessageAction="SUPPRESS",
        )
        if password:
            cognito.admin_set_user_password(**account, Password=PASSWORD, Permanent=True)

    return run


@pytest.fixture(params=["email", "names"])
def named_pool(aws, make_pool, request):
    """A pool with our stack next to it; the stack is deleted afterwards."""
    pool = make_pool(UsernameAttributes=["email"] if request.param == "email" else [])
    aws.deploy(ExistingUserPoolId=pool, CognitoUsername="attribute")
    yield pool
    undeploy(aws)


@pytest.mark.django_db(transaction=True)
def test_member_moves_from_a_password_to_the_phone_and_nobody_is_locked_out(
    aws, front, run, named_pool, create, phone, settings
):
    cognito = aws.client("cognito-idp")
    described = cognito.describe_user_pool(UserPoolId=named_pool)["UserPool"]
    name = "member@example.com" if described.get("UsernameAttributes") else "member-17"
    old_client = cognito.create_user_pool_client(
        UserPoolId=named_pool,
        ClientName="mobile-app",
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    create(named_pool, name, phone)
    before = everything(aws, named_pool)
    ours = ("--user-pool-id", named_pool, "--stage", "local", "--yes")
    run("cognito_attach", *ours)
    # The front plays no passwords.
    granted = srp.sign_in(cognito, named_pool, old_client, name, PASSWORD)
    by_password = jwt.decode(granted["IdToken"], options={"verify_signature": False})

    settings.COGNITO_USER_POOL_ID = named_pool
    settings.COGNITO_USERNAME = "attribute"
    settings.COGNITO_CLIENT_ID = aws.outputs["CognitoClientId"]
    settings.COGNITO_CLIENT_SECRET = aws.secret_of(aws.outputs["CognitoClientId"])
    settings.COGNITO_JWKS_URL = f"{front.url}/{named_pool}/.well-known/jwks.json"
    settings.ACCOUNTS_SIGN_UP = "closed"
    browser = Client()
    browser.post("/accounts/login/", {"phone": phone})
    (text,) = inbox.texts(aws.emulator.url, phone)
    code = re.match(r"\d{6}", text.body)[0]
    assert browser.post("/accounts/login/code/", {"code": code}).status_code == 302
    assert User.objects.get().sub == by_password["sub"]
    # And again by password, afterwards, and once the way back is gone.
    assert srp.sign_in(cognito, named_pool, old_client, name, PASSWORD)["IdToken"]
    run("cognito_detach", *ours)
    assert srp.sign_in(cognito, named_pool, old_client, name, PASSWORD)["IdToken"]
    assert everything(aws, named_pool) == before


def test_look_counts_whom_a_number_will_find(aws, run, make_pool, create):
    pool = make_pool(UsernameAttributes=[])
    create(pool, "found", "+12015550101")
    create(pool, "without")
    create(pool, "unverified", "+12015550102", verified=False)
    # Whoever wrote the number of "found" on an account takes nothing from it.
    create(pool, "liar", "+12015550101", verified=False)
    create(pool, "one", "+12015550103")
    create(pool, "other", "+12015550103")
    create(pool, "misspelled", "+4407911123456")
    said = run("cognito_attach", "--user-pool-id", pool)
    assert "Of 7 accounts, 1 can sign in by phone." in said
    assert "1 have no number" in said
    assert "2 have a number that is not verified" in said
    assert "2 share their verified number" in said
    assert "1 have a number that is not written in full" in said
    assert "+1" not in said


def test_repair_touches_nothing_but_numbers(aws, run, make_pool, create):
    pool, cognito = make_pool(UsernameAttributes=[]), aws.client("cognito-idp")
    create(pool, "one", "+12015550103")
    create(pool, "other", "+12015550103")
    create(pool, "unverified", "+12015550102", verified=False)
    create(pool, "liar", "+12015550103", verified=False)
    create(pool, "invited", "+12015550104", verified=False, password=False)
    repair = ("cognito_repair", "--user-pool-id", pool, "--older-than", "0", "--repair", "--yes")

    said = run(*repair, "--kinds", "unconfirmed,force-change,duplicates")
    assert "note: 1 left alone, signing in by another name" in said
    assert "repaired: 1 duplicates" in said
    assert "repaired: 2 unverified" in run(*repair, "--kinds", "unverified")

    def shown(name: str) -> tuple[str, bool, str]:
        found = cognito.admin_get_user(UserPoolId=pool, Username=name)
        attributes = {each["Name"]: each["Value"] for each in found["UserAttributes"]}
        return found["UserStatus"], found["Enabled"], attributes["phone_number_verified"]

    assert shown("one") == ("CONFIRMED", True, "true")
    assert shown("other") == ("CONFIRMED", True, "false")
    assert shown("liar") == ("CONFIRMED", True, "false")
    assert shown("unverified") == ("CONFIRMED", True, "true")
    assert shown("invited") == ("FORCE_CHANGE_PASSWORD", True, "true")


@pytest.mark.parametrize(
    ("given", "username", "remedy"),
    [
        ({"UsernameAttributes": ["email"]}, "phone", 'CognitoUsername = "attribute"'),
        ({}, "attribute", 'CognitoUsername = "phone"'),
    ],
)
def test_stack_that_takes_user_names_for_what_they_are_not_is_refused(
    aws, run, make_pool, given, username, remedy
):
    pool = make_pool(**given)
    aws.deploy(ExistingUserPoolId=pool, CognitoUsername=username)
    start = everything(aws, pool)
    try:
        with pytest.raises(CommandError, match=remedy):
            run("cognito_attach", "--user-pool-id", pool, "--stage", "local", "--yes")
        assert everything(aws, pool) == start
    finally:
        undeploy(aws)

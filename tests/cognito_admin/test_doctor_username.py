"""User names of a pool, as the stack and the site take them."""

import pytest

from cognito_admin.aws_account import Account
from cognito_admin.doctor import clients, pool, site
from cognito_admin.doctor.context import Context
from cognito_admin.stack import Stack

EMAIL, PHONE, NAMES = (
    {"UsernameAttributes": ["email"]},
    {"UsernameAttributes": ["phone_number"]},
    {"AliasAttributes": ["email"]},
)
ALIAS = {"AliasAttributes": ["phone_number"]}
NEEDS_EMAIL = {"SchemaAttributes": [{"Name": "email", "Required": True, "Mutable": True}]}


def context(username: str, described: dict[str, object]) -> Context:
    made = Context(Account("us-east-1"), "local")
    outputs = {"CognitoUserPoolId": "us-east-1_Example01"}
    made.stack = Stack("local", outputs, {"CognitoUsername": username} if username else {}, {}, [])
    made.pool = described
    made.clients = [{"ClientId": "other", "ClientName": "app", "WriteAttributes": ["phone_number"]}]
    return made


def the_one(found):
    (finding,) = found
    return finding


@pytest.mark.parametrize(
    ("username", "described"),
    [("", PHONE), ("phone", PHONE), ("phone", ALIAS), ("attribute", ALIAS), ("attribute", EMAIL)],
)
def test_user_names_taken_for_what_they_are_are_well(username, described):
    assert the_one(pool.username(context(username, described))).level == "ok"


@pytest.mark.parametrize(
    ("username", "described", "repair"),
    [
        ("", EMAIL, 'CognitoUsername = "attribute"'),
        ("phone", NAMES, 'CognitoUsername = "attribute"'),
        ("attribute", PHONE, 'CognitoUsername = "phone"'),
    ],
)
def test_user_names_taken_for_what_they_are_not_are_a_danger(username, described, repair):
    found = the_one(pool.username(context(username, described)))
    assert found.level == "danger"
    assert repair in found.repair


@pytest.mark.parametrize(
    ("username", "described", "why"),
    [
        ("attribute", EMAIL, "user names are e-mail addresses"),
        ("attribute", {**NAMES, **NEEDS_EMAIL}, "the pool requires email"),
        ("phone", ALIAS, "phones are aliases"),
    ],
)
def test_open_sign_up_that_makes_no_account_is_a_danger(settings, username, described, why):
    settings.ACCOUNTS_SIGN_UP = "open"
    found = the_one(site.sign_up(context(username, described)))
    assert (found.level, why in found.text) == ("danger", True)
    assert found.repair.startswith("ACCOUNTS_SIGN_UP=closed")
    settings.ACCOUNTS_SIGN_UP = "closed"
    assert the_one(site.sign_up(context(username, described))).level == "ok"


@pytest.mark.parametrize(
    ("username", "described"), [("phone", PHONE), ("attribute", NAMES), ("attribute", ALIAS)]
)
def test_open_sign_up_that_makes_accounts_is_well(settings, username, described):
    settings.ACCOUNTS_SIGN_UP = "open"
    assert the_one(site.sign_up(context(username, described))).level == "ok"


@pytest.mark.parametrize(("username", "level"), [("attribute", "ok"), ("phone", "danger")])
def test_number_that_people_write_leads_nowhere_where_it_is_an_attribute(username, level):
    assert the_one(clients.write_attributes(context(username, NAMES))).level == level

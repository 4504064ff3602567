"""The repair of an account that was never confirmed, call by call."""

import json

import boto3
import pytest
from botocore.validate import ParamValidator

from accounts.aws import cognito, unconfirmed
from tests.fakes.tokens import POOL_ID
from tests.wire import Reply, aws_error

PHONE, SUB = "+12015550123", "5f1d3f0c-6a9d-4b3e-9d0c-2f1f5a0f7c11"
ATTRIBUTES = {
    "sub": SUB,
    "phone_number": PHONE,
    "phone_number_verified": "true",
    "email": "stranger@example.com",
    "email_verified": "true",
    "custom:plan": "gold",
}


@pytest.fixture
def repair(wire):
    client = cognito.make_client(region="eu-west-1", endpoint_url=wire.url, threads=1)
    return lambda username: unconfirmed.repair(client, user_pool_id=POOL_ID, username=username)


def account(status: str = "UNCONFIRMED") -> Reply:
    return Reply(
        {
            "Username": SUB,
            "UserStatus": status,
            "UserAttributes": [{"Name": n, "Value": v} for n, v in ATTRIBUTES.items()],
        }
    )


def steps(wire) -> list[tuple[str, dict]]:
    return [(one.operation, json.loads(one.body)) for one in wire.requests]


def named(attributes: list[dict[str, str]]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in attributes}


def test_what_opens_the_account_comes_last(repair, wire):
    already = aws_error("NotAuthorizedException", "User cannot be confirmed. Current status is …")
    wire.will(account(), *[Reply({})] * 4, already)
    assert repair(PHONE) == []
    done = steps(wire)
    assert [name for name, _ in done] == [
        "AdminGetUser",
        "AdminUpdateUserAttributes",
        "AdminUpdateUserAttributes",
        "AdminUserGlobalSignOut",
        "AdminSetUserPassword",
        "AdminConfirmSignUp",
    ]
    assert named(done[1][1]["UserAttributes"]) == {"email": "", "custom:plan": ""}
    assert named(done[2][1]["UserAttributes"]) == {"phone_number_verified": "false"}
    assert done[4][1]["Permanent"] is True
    assert {body["Username"] for _, body in done[1:]} == {SUB}


def test_steps_have_the_shape_that_cognito_asks_for(repair, wire):
    """The site's client does not check it, so that a call costs less."""
    wire.will(account(), Reply({}))
    repair(PHONE)
    model = boto3.client("cognito-idp", region_name="eu-west-1").meta.service_model
    for name, body in steps(wire):
        shape = model.operation_model(name).input_shape
        assert not ParamValidator().validate(body, shape).has_errors()


def test_password_is_another_every_time_and_fits_any_policy(repair, wire):
    passwords = set()
    for _ in range(3):
        wire.renew(account(), Reply({}))
        repair(PHONE)
        passwords |= {body["Password"] for name, body in steps(wire) if "Password" in name}
    assert len(passwords) == 3
    for password in passwords:
        assert 64 <= len(password) <= 99
        assert any(c.islower() for c in password)
        assert any(c.isupper() for c in password)
        assert any(c.isdigit() for c in password)
        assert "!" in password


def test_attribute_that_the_pool_keeps_is_named_and_never_proven(repair, wire):
    refused = aws_error("InvalidParameterException", "required attribute")
    wire.will(account(), refused, refused, Reply({}))
    assert repair(PHONE) == ["email"]
    updates = [
        named(body["UserAttributes"])
        for name, body in steps(wire)
        if name == "AdminUpdateUserAttributes"
    ]
    assert updates == [
        {"email": "", "custom:plan": ""},
        {"email": ""},
        {"custom:plan": ""},
        {"email_verified": "false"},
        {"phone_number_verified": "false"},
    ]


@pytest.mark.parametrize("status", ["FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"])
def test_account_that_operators_made_keeps_its_attributes(repair, wire, status):
    wire.will(account(status), Reply({}))
    assert repair(PHONE) == []
    assert wire.operations() == ["AdminGetUser", "AdminUserGlobalSignOut", "AdminSetUserPassword"]


@pytest.mark.parametrize("status", ["CONFIRMED", "EXTERNAL_PROVIDER", "ARCHIVED"])
def test_account_that_needs_no_repair_is_left_alone(repair, wire, status):
    wire.will(account(status))
    assert repair(PHONE) == []
    assert wire.operations() == ["AdminGetUser"]


@pytest.mark.parametrize("status", ["UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"])
def test_account_without_a_number_is_left_alone(repair, wire, status, monkeypatch):
    monkeypatch.delitem(ATTRIBUTES, "phone_number")
    wire.will(account(status))
    assert repair(PHONE) == []
    assert wire.operations() == ["AdminGetUser"]


@pytest.mark.parametrize("failing", [1, 2, 3, 4])
def test_failure_in_between_confirms_nothing(repair, wire, failing):
    wire.will(account(), *[Reply({})] * (failing - 1), aws_error("TooManyRequestsException"))
    with pytest.raises(cognito.Busy):
        repair(PHONE)
    assert "AdminConfirmSignUp" not in wire.operations()

"""What UpdateUserPool is sent, by botocore's model of it."""

import boto3
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from cognito_admin import pool

MODEL = boto3.client("cognito-idp", region_name="eu-west-1").meta.service_model
UPDATE = MODEL.operation_model("UpdateUserPool").input_shape
UPDATE_CLIENT = MODEL.operation_model("UpdateUserPoolClient").input_shape
# Described and not to be sent: made once, counted, or made with an operation of its own.
READ_ONLY = {
    *("Id", "Name", "Arn", "Status", "CreationDate", "LastModifiedDate", "SchemaAttributes"),
    *("UsernameAttributes", "UsernameConfiguration", "AliasAttributes", "EstimatedNumberOfUsers"),
    *("Domain", "CustomDomain", "SmsConfigurationFailure", "EmailConfigurationFailure"),
}


def value_of(shape):
    """Something that fits a shape of the model; as long as the model asks for."""
    kind = shape.type_name
    if kind == "structure":
        return {name: value_of(member) for name, member in shape.members.items()}
    if kind == "list":
        return [value_of(shape.member)]
    if kind == "map":
        return {"key": value_of(shape.value)}
    if kind == "string":
        return shape.enum[0] if shape.enum else "x" * max(20, shape.metadata.get("min", 0))
    return {"boolean": True, "timestamp": 0}.get(kind, max(7, shape.metadata.get("min", 0)))


@pytest.fixture
def described():
    """A pool with every setting that there is."""
    return value_of(MODEL.shape_for("UserPoolType")) | {"MfaConfiguration": "OFF"}


def test_every_setting_is_carried_over_and_what_cannot_be_set_is_not(described):
    request = pool.update_request(described, UPDATE.members)
    sent = set(request) - {"UserPoolId", "PoolName"}
    assert sent == set(described) - READ_ONLY
    # The model has grown where this fails: see whether a setting is new, or only described.
    assert set(UPDATE.members) == sent | {"UserPoolId", "PoolName"}
    assert (request["UserPoolId"], request["PoolName"]) == (described["Id"], described["Name"])
    report = ParamValidator().validate(request, UPDATE)
    assert not report.has_errors(), report.generate_report()


def test_every_setting_of_a_client_is_carried_over():
    described = value_of(MODEL.shape_for("UserPoolClientType"))
    request = pool.client_update_request(described, UPDATE_CLIENT.members)
    assert set(request) == set(UPDATE_CLIENT.members)
    assert "ClientSecret" not in request


def test_older_name_of_the_days_of_a_temporary_password_is_left_out(described):
    days = {"Policies": {"PasswordPolicy": {"TemporaryPasswordValidityDays": 3}}}
    admin = {"AllowAdminCreateUserOnly": True, "UnusedAccountValidityDays": 3}
    request = pool.update_request(
        described | days | {"AdminCreateUserConfig": admin}, UPDATE.members
    )
    assert request["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    without = pool.update_request(
        described | {"Policies": {}, "AdminCreateUserConfig": admin}, UPDATE.members
    )
    assert without["AdminCreateUserConfig"] == admin


@pytest.mark.parametrize(
    ("mfa", "sms", "is_sent"),
    [("OFF", {}, True), ("OPTIONAL", {}, False), ("ON", {}, False), ("ON", {"Sns": "x"}, True)],
)
def test_second_factors_without_texts_are_left_to_their_own_operation(described, mfa, sms, is_sent):
    request = pool.update_request(
        described | {"MfaConfiguration": mfa, "SmsConfiguration": sms}, UPDATE.members
    )
    assert ("MfaConfiguration" in request) is is_sent


def test_false_and_empty_lists_are_said_and_what_says_nothing_is_not(described):
    request = pool.update_request(
        described
        | {
            "AutoVerifiedAttributes": [],
            "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": False},
            "SmsVerificationMessage": "",
            "EmailConfiguration": {},
        },
        UPDATE.members,
    )
    assert request["AutoVerifiedAttributes"] == []
    assert request["DeviceConfiguration"] == {"ChallengeRequiredOnNewDevice": False}
    assert not {"SmsVerificationMessage", "EmailConfiguration"} & set(request)


SETTINGS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abc"), SETTINGS, max_size=3))
def test_nothing_differs_from_itself(settings):
    assert pool.changes(settings, settings) == []


@given(
    st.dictionaries(st.sampled_from("abc"), SETTINGS, max_size=3),
    st.dictionaries(st.sampled_from("abc"), SETTINGS, max_size=3),
)
def test_the_way_back_is_the_way_there_turned_round(one, other):
    there = {(c.path, str(c.before), str(c.after)) for c in pool.changes(one, other)}
    back = {(c.path, str(c.after), str(c.before)) for c in pool.changes(other, one)}
    assert there == back


def test_setting_is_set_in_a_copy_and_taken_away():
    before = {"LambdaConfig": {"PreSignUp": "arn"}}
    after = pool.with_setting(before, ("LambdaConfig", "DefineAuthChallenge"), "ours")
    assert before == {"LambdaConfig": {"PreSignUp": "arn"}}
    assert pool.setting(after, ("LambdaConfig", "DefineAuthChallenge")) == "ours"
    assert pool.with_setting(after, ("LambdaConfig", "DefineAuthChallenge"), None) == before


def test_changes_are_shown_in_a_line_each():
    shown = map(
        str,
        pool.changes(
            {"A": {"x": 1, "gone": "old"}, "Days": [1, 2]},
            {"A": {"x": 2, "new": True}, "Days": [1, 2]},
        ),
    )
    assert list(shown) == ["~ A.x: 1 → 2", "- A.gone = old", "+ A.new = true"]


def test_planned_change_that_did_not_come_true_is_told_from_what_else_changed():
    before = {"A": {"x": 1}, "B": "old", "C": ["one"], "D": "set", "E": "same"}
    planned = pool.changes(before, {"A": {"x": 2}, "B": "new", "C": [], "E": "same"})
    undone, more = pool.compare(before, planned, {"A": {"x": 1}, "B": "newer", "E": "other"})
    assert {change.path for change in undone} == {("A", "x"), ("B",)}
    assert [str(change) for change in more] == ["~ E: same → other"]


def test_setting_that_was_taken_away_may_have_its_default():
    before = {"DeletionProtection": "ACTIVE"}
    planned = pool.changes(before, {})
    assert pool.compare(before, planned, {"DeletionProtection": "INACTIVE"}) == ([], [])
    assert pool.compare(before, planned, before) == (planned, [])


def test_factors_that_nobody_is_asked_for_differ_in_nothing():
    off = {"MfaConfiguration": "OFF", "SoftwareTokenMfaConfiguration": {"Enabled": True}}
    assert pool.mfa_changes(off, {"MfaConfiguration": "OFF"}) == []
    on = off | {"MfaConfiguration": "ON"}
    assert [str(each) for each in pool.mfa_changes(off, on)] == ["~ MfaConfiguration: OFF → ON"]
    assert len(pool.mfa_changes(on, {"MfaConfiguration": "ON"})) == 1
    assert pool.without_factors(off) == {"MfaConfiguration": "OFF"}

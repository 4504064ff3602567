"""Claims of tokens: after a sign-in that has just ended, and for nothing else."""

import time

import pytest

from lambdas.triggers import plans, pre_token_generation
from tests.lambdas.flow import drawn
from tests.wire import aws_error

pytestmark = pytest.mark.cloud


@pytest.fixture
def sign_in(flow):
    """Sign somebody in, and return the reference of the code."""

    def done() -> str:
        texted = flow.start()
        assert flow.answer(texted, flow.code())
        return drawn(texted).reference

    return done


@pytest.fixture
def asked(flow, event):
    """The event of somebody's tokens."""
    found = event("pre_token_generation")
    found["request"]["userAttributes"] |= {"phone_number": flow.phone, "sub": flow.sub}
    return found


def claims(asked) -> dict:
    """The claims that both tokens get."""
    details = pre_token_generation.handler(asked, None)["response"]["claimsAndScopeOverrideDetails"]
    if details is None:
        return {}
    assert details["idTokenGeneration"] == details["accessTokenGeneration"]
    return details["idTokenGeneration"]["claimsToAddOrOverride"]


def test_sign_in_that_has_just_ended_is_named_with_its_reference(asked, sign_in):
    reference = sign_in()
    assert claims(asked) == {"amr": ["sms"], "sign_in_reference": reference}


@pytest.mark.parametrize(
    "source",
    [
        "TokenGeneration_RefreshTokens",
        "TokenGeneration_HostedAuth",
        "TokenGeneration_NewPasswordChallenge",
        "TokenGeneration_Other",
        None,
    ],
)
def test_tokens_of_anything_but_a_sign_in_say_nothing(asked, sign_in, source):
    sign_in()
    assert claims(asked | {"triggerSource": source}) == {}


def test_tokens_long_after_the_code_say_nothing(asked, sign_in, clock):
    """One of the ways to refresh has the trigger source of a sign-in."""
    sign_in()
    clock.shift(15 * 60 + 1)
    assert claims(asked) == {}


def test_tokens_say_it_although_somebody_asks_for_another_code_meanwhile(asked, sign_in, flow):
    reference = sign_in()
    flow.start()
    assert claims(asked)["sign_in_reference"] == reference


@pytest.mark.parametrize("client_id", ["anotherclientid", None])
def test_tokens_of_another_client_say_nothing(asked, sign_in, client_id):
    sign_in()
    asked["callerContext"]["clientId"] = client_id
    assert claims(asked) == {}


def test_tokens_of_an_account_without_a_number_say_nothing(asked, sign_in):
    sign_in()
    del asked["request"]["userAttributes"]["phone_number"]
    assert claims(asked) == {}


def test_table_that_fails_gives_tokens_that_say_nothing(asked, sign_in, table, caplog):
    sign_in()
    table.fail(aws_error("ThrottlingException"))
    started = time.monotonic()
    assert claims(asked) == {}
    assert time.monotonic() - started < 2
    assert "Tokens say nothing: TryAgainLater" in caplog.text


def test_wrong_code_is_no_sign_in(asked, flow):
    texted = flow.start()
    assert not flow.answer(texted, "x")
    assert claims(asked) == {}


@pytest.mark.parametrize(
    ("plan", "methods"), [("code", ["sms"]), ("password code", ["mfa", "pwd", "sms"])]
)
def test_methods_are_those_of_the_plan(asked, sign_in, monkeypatch, plan, methods):
    monkeypatch.setenv("SIGN_IN_PLAN", plan)
    assert plans.methods(plans.parse(plan)) == methods
    monkeypatch.delenv("SIGN_IN_PLAN")
    sign_in()
    monkeypatch.setenv("SIGN_IN_PLAN", plan)
    assert claims(asked)["amr"] == methods

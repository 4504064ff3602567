"""Statements of the site, straight at the handlers: the caller has every client's id and secret."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.aws import statements as site
from lambdas.triggers import pre_token_generation
from tests.lambdas import aws
from tests.lambdas.flow import PRIVATE, PUBLIC, as_unknown, in_parallel, is_correct

pytestmark = pytest.mark.cloud

CLIENT = "examplesiteclientid"
METHODS = ("hwk", "mfa", "user")


@pytest.fixture(autouse=True)
def site_client(flow, parameters, settings, monkeypatch):
    # Secrets Manager has one answer here. The whole way has two keys: tests/end_to_end.
    settings.SITE_KEY = aws.CODE_KEY
    settings.COGNITO_USER_POOL_ID = flow.start_event()["userPoolId"]
    monkeypatch.setenv("SITE_CLIENT", "true")
    monkeypatch.setenv("SITE_KEY_SECRET_ID", "phone-login/tests/site-key/1")
    parameters.renew(aws.clients_read(aws.CLIENT_ID, f"{CLIENT}=site"))


def of_site(event):
    event["callerContext"]["clientId"] = CLIENT
    return event


def start(flow, **request):
    event = of_site(flow.start_event())
    event["request"] |= request
    return flow.start(event)


def stated(flow, response, **facts) -> str:
    said = {"sub": flow.sub, "challenge": response[PUBLIC]["challenge"], "methods": METHODS}
    return site.proven(**said | facts)


def answer(flow, response, given) -> bool:
    return is_correct(of_site(flow.answer_event(response, given)))


def test_statement_of_the_site_is_right_and_texts_nobody(flow):
    response = start(flow)
    assert response[PUBLIC].keys() == {"challenge", "triesLeft", "kind"}
    assert answer(flow, response, stated(flow, response)) is True
    assert flow.messages() == []


def test_statement_without_the_key_is_wrong(flow, settings):
    response = start(flow)
    settings.SITE_KEY = "another" * 8
    assert answer(flow, response, stated(flow, response)) is False


def test_statement_of_another_sign_in_person_or_pool_is_wrong(flow, settings):
    response, other = start(flow), start(flow)
    for wrong in (
        stated(flow, other),
        stated(flow, response, sub=flow.other().sub),
        site.proven_by(sub=flow.sub, methods=METHODS),
    ):
        assert answer(flow, response, wrong) is False
    settings.COGNITO_USER_POOL_ID = "eu-west-1_Another01"
    assert answer(flow, response, stated(flow, response)) is False


@pytest.mark.parametrize("seconds", [91, -31])
def test_statement_of_another_time_is_wrong(flow, clock, seconds):
    response = start(flow)
    given = stated(flow, response)
    clock.shift(seconds)
    assert answer(flow, response, given) is False


def test_statement_is_taken_once(flow):
    response = start(flow)
    given = stated(flow, response)
    assert sum(in_parallel(20, lambda _: answer(flow, response, given))) == 1


def test_changed_methods_are_wrong(flow):
    response = start(flow)
    given = stated(flow, response)
    assert answer(flow, response, given.replace("hwk-mfa-user", "mfa-pwd-user")) is False


@given(st.one_of(st.text(max_size=200), st.none(), st.integers(), st.just("x" * 10**6)))
@settings(max_examples=50)
def test_anything_else_is_wrong(flow, said):
    assert answer(flow, start(flow), said) is False


def test_nobody_is_proven_whom_the_pool_does_not_know(flow):
    response = start(flow)
    event = of_site(flow.answer_event(response, stated(flow, response, sub="")))
    as_unknown(event)
    assert is_correct(event) is False


def test_stranger_is_asked_the_same(flow):
    event = of_site(flow.start_event())
    as_unknown(event)
    assert flow.start(event)[PUBLIC].keys() == start(flow)[PUBLIC].keys()


def test_clients_of_codes_make_no_statement_and_the_other_no_code(flow):
    code, response = flow.start(), start(flow)
    assert code[PUBLIC]["kind"] == "code"
    assert len(flow.messages()) == 1
    event = of_site(flow.start_event())
    event["request"]["session"] = [
        {
            "challengeName": "CUSTOM_CHALLENGE",
            "challengeResult": True,
            "challengeMetadata": code["challengeMetadata"],
        }
    ]
    with pytest.raises(ValueError, match="no challenge of ours"):
        flow.start(event)
    assert response[PRIVATE]["kind"] == "statement"


def claims(flow, event, methods: str | None) -> dict:
    asked = of_site(event("pre_token_generation"))
    asked["request"]["userAttributes"] |= {"phone_number": flow.phone, "sub": flow.sub}
    asked["request"]["clientMetadata"] = {} if methods is None else {"methods": methods}
    details = pre_token_generation.handler(asked, None)["response"]["claimsAndScopeOverrideDetails"]
    return details["idTokenGeneration"]["claimsToAddOrOverride"] if details else {}


def test_tokens_say_the_methods_that_the_site_has_signed(flow, event, clock):
    said = site.proven_by(sub=flow.sub, methods=METHODS)
    assert claims(flow, event, said) == {"amr": ["hwk", "mfa", "user"]}
    for wrong in (
        None,
        said.replace("hwk", "swk"),
        site.proven_by(sub=flow.other().sub, methods=METHODS),
        site.proven(sub=flow.sub, challenge="", methods=METHODS),
        f"v1.mfa.{int(time.time())}.{'0' * 64}",
    ):
        assert claims(flow, event, wrong) == {}
    clock.shift(91)
    assert claims(flow, event, said) == {}

"""Proofs of known browsers, straight at the handler: the caller has the client's id and secret."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.aws import statements as site
from lambdas.triggers import pre_authentication
from lambdas.triggers.errors import TryAgainLater
from lambdas.triggers.pre_authentication import ProofWanted
from tests.lambdas import aws
from tests.wire import Reply, aws_error

Event = dict[str, Any]
KNOWN = "exampleknownclientid"
SUB = "1b2c3d4e-0000-4000-8000-000000000001"
BROWSER = "ab" * 32
SITE_KEY = "fedcba9876543210" * 4


@pytest.fixture(autouse=True)
def site_key(secrets_manager, parameters, clock, settings, monkeypatch):
    settings.SITE_KEY = SITE_KEY
    monkeypatch.setenv("SITE_KEY_SECRET_ID", "phone-login/tests/site-key/1")
    secrets_manager.will(Reply({"SecretString": SITE_KEY}))
    parameters.will(aws.clients_read(aws.CLIENT_ID, f"{KNOWN}=known", "exampleappid=public"))


@pytest.fixture
def begin(event):
    """Whether a flow may begin with a proof, on the client for known browsers."""

    def begin(proof: object, *, client: str = KNOWN, **request: Any) -> bool:
        asked: Event = event("pre_authentication")
        asked["callerContext"]["clientId"] = client
        asked["request"] |= {"validationData": {"knownBrowser": proof}, **request}
        before = json.dumps(asked)
        try:
            assert json.dumps(pre_authentication.handler(asked, None)) == before
        except ProofWanted:
            return False
        return True

    return begin


def proof(**facts: str) -> str:
    return site.known_browser(**({"sub": SUB, "browser": BROWSER} | facts))


def test_proof_of_the_site_lets_a_flow_begin(begin):
    assert begin(proof())


def test_flow_without_a_proof_is_refused(begin):
    assert not begin(None)
    assert not begin("", validationData=None)
    assert not begin("", validationData={})


@pytest.mark.parametrize("client", [aws.CLIENT_ID, "exampleappid", "anapplicationofothers", None])
def test_other_clients_of_the_pool_need_no_proof(begin, client):
    assert begin(None, client=client)


def test_other_clients_cost_one_look_at_the_list_and_leave_no_line(
    begin, parameters, secrets_manager, capsys
):
    for _ in range(20):
        assert begin(None, client="anapplicationofothers")
    assert len(parameters.requests) == 1
    assert secrets_manager.requests == []
    assert capsys.readouterr().out == ""


def test_proof_is_of_one_user(begin):
    assert not begin(proof(sub="2b2c3d4e-0000-4000-8000-000000000002"))


def test_proof_is_of_one_pool(begin, settings):
    settings.COGNITO_USER_POOL_ID = "eu-west-1_Another01"
    assert not begin(proof())


def test_proof_of_one_browser_is_none_of_another(begin):
    assert not begin(proof().replace(BROWSER, "cd" * 32))


def test_proof_cannot_be_made_with_another_key(begin, settings):
    settings.SITE_KEY = "0" * 64
    assert not begin(proof())


def test_words_of_another_statement_are_no_proof(begin):
    version, browser, at, _ = proof().split(".")
    signed = site.sign("something else", "eu-west-1_Example01", SUB, browser, at)
    assert not begin(f"{version}.{browser}.{at}.{signed}")


@pytest.mark.parametrize(
    ("seconds", "counts"), [(89, True), (91, False), (-29, True), (-31, False)]
)
def test_proof_counts_for_a_minute_and_clocks_may_differ_by_half_of_one(
    begin, clock, seconds, counts
):
    made = proof()
    clock.shift(seconds)
    assert begin(made) is counts


def test_time_of_a_proof_cannot_be_changed(begin, clock):
    version, browser, at, mac = proof().split(".")
    clock.shift(600)
    assert not begin(f"{version}.{browser}.{int(at) + 600}.{mac}")


def test_somebody_unknown_is_refused_like_everybody_without_a_proof(begin):
    assert not begin(proof(), userNotFound=True)
    assert not begin(proof(sub=""), userAttributes={})
    assert not begin(proof(sub=""), userAttributes=None)


@given(st.one_of(st.text(), st.none(), st.integers(), st.just("v1." + "a" * 64 + ".1." + "b" * 64)))
def test_nothing_else_is_a_proof(begin, anything):
    assert not begin(anything)


def test_without_the_key_nothing_is_believed(begin, secrets_manager):
    secrets_manager.renew(aws_error("AccessDeniedException", 400))
    with pytest.raises(TryAgainLater):
        begin(proof())
    assert begin(None, client=aws.CLIENT_ID)


def test_without_the_list_of_clients_no_flow_begins(begin, parameters):
    parameters.renew(aws_error("AccessDeniedException", 400))
    with pytest.raises(TryAgainLater):
        begin(proof())

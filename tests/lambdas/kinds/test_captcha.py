"""A CAPTCHA at the handlers. The provider is a server of the test's own."""

import json
import time
from urllib.parse import parse_qs

import pytest

from lambdas.triggers import environment, errors
from tests.lambdas import aws
from tests.lambdas.flow import PUBLIC, as_member, as_unknown, in_parallel, is_correct, shape
from tests.wire import Reply

pytestmark = pytest.mark.cloud

TOKEN = "0.token-of_a.browser"
GOOD = {"success": True, "hostname": "example.com", "action": "sign_in"}
UNUSABLE = {
    "broken": Reply({}, status=500),
    "limited": Reply({}, status=429),
    "moved": Reply({}, status=302, headers={"location": "http://127.0.0.1:9/"}),
    "no JSON": Reply(b"<html>"),
    "no object": Reply([]),
    "hung up": Reply(drop=True),
}


@pytest.fixture(autouse=True)
def provider(flow, wire, monkeypatch: pytest.MonkeyPatch):
    """Turnstile, which verifies every token until it is told otherwise."""
    for name, value in {
        "SIGN_IN_PLAN": "captcha code",
        "CAPTCHA_PROVIDER": "turnstile",
        "CAPTCHA_SITE_KEY": "site-key",
        "CAPTCHA_SECRET_ID": "phone-login/tests/captcha",
        "CAPTCHA_VERIFIER": wire.url,
    }.items():
        monkeypatch.setenv(name, value)
    wire.renew(Reply(GOOD))
    return wire


def token_of(flow) -> str:
    """A token that no other test has used."""
    return f"{TOKEN}-{flow.sub}"


def reason(capsys) -> str:
    return json.loads(capsys.readouterr().out.splitlines()[-1]).get("Reason", "")


def test_challenge_names_provider_and_site_key_and_asks_nobody(flow, provider, table):
    response = flow.start()
    assert response[PUBLIC] == {
        "provider": "turnstile",
        "siteKey": "site-key",
        "action": "sign_in",
        "triesLeft": "3",
        "kind": "captcha",
    }
    assert (provider.requests, table.calls, flow.messages()) == ([], [], [])


def test_token_that_the_provider_verifies_is_right(flow, provider):
    assert flow.answer(flow.start(), token_of(flow)) is True
    [request] = provider.requests
    assert request.method == "POST"
    assert parse_qs(request.body.decode()) == {
        "secret": [aws.CODE_KEY],
        "response": [token_of(flow)],
    }


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"success": False, "error-codes": ["timeout-or-duplicate"]}, "not_verified"),
        ({"success": False, "error-codes": ["invalid-input-secret"]}, "wrong_secret"),
        ({"success": "true"}, "not_verified"),
        ({"success": None}, "not_verified"),
        ({"hostname": "elsewhere.example"}, "other_host"),
        ({"hostname": None}, "other_host"),
        ({"action": "comment"}, "other_action"),
        ({"action": None}, "other_action"),
    ],
)
@pytest.mark.parametrize("fails", ["closed", "open"])
def test_token_that_is_not_verified_for_this_is_wrong(
    flow, provider, monkeypatch, capsys, change, why, fails
):
    monkeypatch.setenv("CAPTCHA_FAILS", fails)
    provider.renew(Reply(GOOD | change))
    assert flow.answer(flow.start(), token_of(flow)) is False
    assert reason(capsys) == why


@pytest.mark.parametrize("name", ["hcaptcha", "recaptcha"])
def test_provider_that_says_no_action_is_believed_without(flow, provider, monkeypatch, name):
    monkeypatch.setenv("CAPTCHA_PROVIDER", name)
    provider.renew(Reply({"success": True, "hostname": "example.com"}))
    assert flow.answer(flow.start(), token_of(flow)) is True
    provider.renew(Reply(GOOD | {"action": "comment"}))
    assert flow.answer(flow.start(), f"{token_of(flow)}2") is False


@pytest.mark.parametrize("token", [None, "", " ", "a b", "a\nb", "\u00e9", 7, [], "x" * 8193])
def test_answer_that_is_no_token_is_wrong_and_nobody_is_asked(flow, provider, token):
    assert flow.answer(flow.start(), token) is False
    assert provider.requests == []


@pytest.mark.parametrize("fails", ["closed", "open"])
def test_token_counts_once(flow, provider, monkeypatch, fails):
    """Whatever the provider thinks of a second time, and while it gives no answer as well."""
    monkeypatch.setenv("CAPTCHA_FAILS", fails)
    provider.renew(Reply(GOOD) if fails == "closed" else UNUSABLE["broken"])
    response = flow.start()
    asked = [flow.answer_event(response, token_of(flow)) for _ in range(8)]
    assert in_parallel(8, lambda n: is_correct(asked[n])).count(True) == 1


@pytest.mark.parametrize("fault", UNUSABLE)
@pytest.mark.parametrize(("fails", "is_right"), [("closed", False), ("open", True)])
def test_provider_without_an_answer_lets_in_as_the_stack_says(
    flow, provider, monkeypatch, capsys, fault, fails, is_right
):
    monkeypatch.setenv("CAPTCHA_FAILS", fails)
    provider.renew(UNUSABLE[fault])
    assert flow.answer(flow.start(), token_of(flow)) is is_right
    assert reason(capsys) == "no_answer"
    assert len(provider.requests) == 1


def test_provider_is_waited_for_no_longer_than_the_trigger_has(flow, provider):
    provider.renew(Reply(GOOD, delay=4))
    started = time.monotonic()
    assert flow.answer(flow.start(), token_of(flow)) is False
    assert time.monotonic() - started < 3.5


def test_secret_that_cannot_be_read_lets_nobody_in(flow, secrets_manager, monkeypatch):
    monkeypatch.setenv("CAPTCHA_FAILS", "open")
    response = flow.start()
    secrets_manager.renew(Reply({}, status=500))
    with pytest.raises(errors.TryAgainLater):
        flow.answer(response, token_of(flow))


def test_member_and_stranger_are_asked_and_answered_alike(flow):
    def told(make, token: str) -> tuple[object, bool]:
        asked = flow.start_event()
        make(asked)
        response = flow.start(asked)
        answered = flow.answer_event(response, token)
        make(answered)
        return shape(response), is_correct(answered)

    assert told(as_member, token_of(flow)) == told(as_unknown, f"{token_of(flow)}2")


@pytest.mark.parametrize("provider_name", ["", "other", "Turnstile"])
def test_provider_that_is_none_is_named(flow, monkeypatch, provider_name):
    monkeypatch.setenv("CAPTCHA_PROVIDER", provider_name)
    with pytest.raises(environment.WrongEnvironment, match="CAPTCHA_PROVIDER"):
        flow.start()


def test_log_holds_neither_token_nor_secret(flow, provider, capsys, caplog):
    response = flow.start()
    flow.answer(response, token_of(flow))
    provider.renew(Reply(drop=True))
    flow.answer(response, f"{token_of(flow)}2")
    said = capsys.readouterr().out + caplog.text
    assert TOKEN not in said
    assert aws.CODE_KEY not in said

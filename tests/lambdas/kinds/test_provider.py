"""The kind ``provider`` with a real table behind it, and a provider at the wire."""

import time
from collections.abc import Iterator

import pytest

from lambdas.triggers import create_auth_challenge, errors, providers
from lambdas.triggers.providers import decoys
from lambdas.triggers.senders import Reason
from tests.fakes.provider import SECRET_KEY, ProviderServer
from tests.lambdas import aws, emf
from tests.lambdas.flow import PRIVATE, PUBLIC, Flow, as_unknown, failures, is_correct, shape, state
from tests.wire import Reply, Request, WireServer

pytestmark = pytest.mark.cloud

PROVIDER_SECRET = "a-name-of-the-tests"


class _Secrets(WireServer):
    """Secrets Manager with the server key and the provider's."""

    def answer(self, request: Request) -> Reply:
        super().answer(request)
        is_ours = request.json["SecretId"] == PROVIDER_SECRET
        return Reply({"SecretString": SECRET_KEY}) if is_ours else aws.KEY_READ


@pytest.fixture(scope="module")
def _provider() -> Iterator[ProviderServer]:
    server = ProviderServer()
    yield server
    server.close()


@pytest.fixture
def provider(_provider, secrets_manager, monkeypatch) -> Iterator[ProviderServer]:
    _provider.forget()
    providers.configured.cache_clear()
    monkeypatch.setattr(decoys, "current", decoys.Decoys())
    for name, value in {
        "PROVIDER_URL": f"{_provider.url}/v1",
        "PROVIDER_SECRET_ID": PROVIDER_SECRET,
        "SIGN_IN_PLAN": "provider",
    }.items():
        monkeypatch.setenv(name, value)
    with _Secrets() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url)
        yield _provider
    providers.configured.cache_clear()


@pytest.fixture
def flow(provider, flow: Flow) -> Flow:
    return flow


def start_unknown(flow: Flow) -> dict:
    event = flow.start_event()
    as_unknown(event)
    return flow.start(event)


def again(flow: Flow, response: dict, *, wrong_answers: int = 1) -> dict:
    return flow.next_round(response, wrong_answers=wrong_answers)


# The question


def test_question_is_that_of_the_provider(flow, provider):
    public = flow.start()[PUBLIC]
    (asked,) = provider.asked("/actions/")
    assert asked.path == f"/v1/users/{flow.sub}/actions/signIn"
    action = provider.newest()
    assert provider.tokens[public["token"]] == action
    assert public["url"] == f"{provider.url}/page?token={public['token']}"
    assert asked.json["phoneNumber"] == flow.phone
    assert action.return_url == (
        f"https://example.com/accounts/login/return/?attempt={public['reference']}"
    )
    assert public["kind"] == "provider"
    assert public["delivery"] == "sent"
    assert public["triesLeft"] == "3"
    assert time.time() < int(public["expiresAt"]) <= time.time() + 301


def test_question_asked_three_times_texts_nobody_before_it_is_opened(flow, provider):
    event = flow.start_event()
    responses = [flow.start(event) for _ in range(3)]
    assert provider.texts == []
    assert len({response[PUBLIC]["token"] for response in responses}) == 3
    assert all(response[PUBLIC]["delivery"] == "sent" for response in responses)


def test_questions_count_as_texts_to_their_number(flow, provider):
    for _ in range(5):
        assert flow.start()[PUBLIC]["delivery"] == "sent"
    refused = flow.start()[PUBLIC]
    assert (refused["delivery"], refused["url"], refused["token"]) == ("not_sent", "", "")
    assert int(refused["resendAt"]) > time.time() + 3000
    assert len(provider.asked("/actions/")) == 5
    assert state(flow).sends_last_hour == 5


def test_questions_count_for_the_pool(flow, provider, monkeypatch):
    monkeypatch.setenv("SENDS_PER_POOL_HOUR", "1")
    assert flow.start()[PUBLIC]["delivery"] == "sent"
    assert flow.start()[PUBLIC]["delivery"] == "over_budget"
    assert len(provider.asked("/actions/")) == 1


def test_questions_count_for_the_country_which_nobody_is_told(flow, provider, monkeypatch):
    monkeypatch.setenv("SENDS_PER_COUNTRY_HOUR", "1")
    flow.start()
    beyond = flow.start()[PUBLIC]
    assert (beyond["delivery"], len(provider.asked("/actions/"))) == ("sent", 1)
    assert beyond["token"] not in provider.tokens


def test_another_sign_in_never_gets_the_same_question(flow, provider):
    first, second = flow.start(), flow.start()
    assert first[PRIVATE]["providerKey"] != second[PRIVATE]["providerKey"]
    token = provider.confirm(provider.actions[first[PRIVATE]["providerKey"]])
    assert not flow.answer(second, token)
    assert not flow.answer(second, second[PUBLIC]["token"])
    assert flow.answer(first, token)


def test_question_of_the_same_sign_in_is_asked_again_after_a_wrong_answer(flow, provider):
    first = flow.start()
    assert not flow.answer(first, "cancelled")
    second = again(flow, first)
    assert second[PRIVATE]["providerKey"] == first[PRIVATE]["providerKey"]
    assert second[PUBLIC]["triesLeft"] == "2"
    assert second[PUBLIC]["reference"] == first[PUBLIC]["reference"]
    assert state(flow).sends_last_hour == 1
    assert flow.answer(second, provider.confirm())


def test_key_that_the_provider_draws_itself_is_the_one_that_counts(flow, provider):
    provider.key_of_its_own = True
    response = flow.start()
    assert response[PRIVATE]["providerKey"].startswith("its-own-")
    assert flow.answer(response, provider.confirm())


def test_enrolment_is_not_told_to_somebody_who_has_proven_nothing(flow, provider):
    flow.start()
    provider.confirm()
    assert flow.start()[PUBLIC]["isEnrolled"] == ""


def test_enrolment_is_told_after_a_step_that_proved_who_it_is(flow, provider, monkeypatch):
    monkeypatch.setenv("SIGN_IN_PLAN", "code provider")
    event = flow.start_event()
    right = {"challengeName": "CUSTOM_CHALLENGE", "challengeResult": True}
    event["request"]["session"] = [{**right, "challengeMetadata": "code -"}]
    assert flow.start(event)[PUBLIC]["isEnrolled"] == "false"
    provider.confirm()
    assert flow.start(event)[PUBLIC]["isEnrolled"] == "true"


# Names that nobody has


def test_unknown_name_gets_parameters_of_the_same_form(flow, provider):
    known, unknown = flow.start(), start_unknown(flow.other())
    assert shape(known) == shape(unknown)
    lengths = {name: len(value) for name, value in known[PUBLIC].items()}
    assert {name: len(value) for name, value in unknown[PUBLIC].items()} == lengths
    real, decoy = known[PUBLIC], unknown[PUBLIC]
    assert decoy["token"].split(".")[0] == real["token"].split(".")[0]
    assert decoy["url"] == f"{provider.url}/page?token={decoy['token']}"
    assert len(provider.asked("/actions/")) == 1


def test_unknown_name_has_the_limits_of_any_other(flow, provider):
    stranger = flow.other()
    told = [start_unknown(stranger)[PUBLIC]["delivery"] for _ in range(6)]
    assert told == ["sent"] * 5 + ["not_sent"]


def test_unknown_name_is_never_right_whatever_the_provider_says(flow, provider):
    flow.start()
    token = provider.confirm()
    response = start_unknown(flow)
    event = flow.answer_event(response, token)
    as_unknown(event)
    assert not is_correct(event)
    assert not provider.asked("/validate")


def test_unknown_name_is_asked_again_as_any_other(flow, provider):
    event = flow.start_event()
    as_unknown(event)
    first = flow.start(event)
    event = flow.start_event()
    as_unknown(event)
    metadata = first["challengeMetadata"]
    event["request"]["session"] = [
        {
            "challengeName": "CUSTOM_CHALLENGE",
            "challengeResult": False,
            "challengeMetadata": metadata,
        }
    ]
    second = flow.start(event)[PUBLIC]
    assert second["triesLeft"] == "2"
    assert second["token"]
    assert not provider.asked("/actions/")


def test_person_whom_the_provider_blocks_gets_what_an_unknown_name_gets(flow, provider):
    provider.blocked.add(flow.sub)
    response = flow.start()
    assert response[PUBLIC]["delivery"] == "sent"
    assert response[PUBLIC]["token"] not in provider.tokens
    assert not flow.answer(response, provider.confirm())


def test_decoys_before_any_real_one_look_like_tokens():
    token, url = decoys.Decoys().make()
    assert len(token.split(".")) == 3
    assert url.endswith(f"?token={token}")


def test_decoys_of_a_url_without_the_token_have_its_length():
    seen = decoys.Decoys()
    seen.learn("a" * 40, "https://example.com/c/0123456789abcdef")
    token, url = seen.make()
    assert (len(token), len(url)) == (40, len("https://example.com/c/0123456789abcdef"))
    assert url.startswith("https://example.com/c/")
    assert not url.endswith("0123456789abcdef")


# The answer


def test_confirmed_question_is_right(flow, provider, capsys):
    response = flow.start()
    assert flow.answer(response, provider.confirm())
    assert failures(flow) == 0
    (asked,) = provider.asked("/validate")
    assert {name: asked.json[name] for name in ("userId", "action")} == {
        "userId": flow.sub,
        "action": "signIn",
    }
    events = [line["event"] for line in emf.lines(capsys.readouterr().out)]
    assert events == ["provider_asked", "provider_confirmed"]


def test_confirmed_question_is_right_once(flow, provider):
    response = flow.start()
    token = provider.confirm()
    assert [flow.answer(response, token) for _ in range(3)] == [True, False, False]


def test_answer_is_counted_before_the_provider_is_asked(flow, provider):
    response = flow.start()
    provider.faults["/v1/validate"] = Reply(drop=True)
    with pytest.raises(errors.TryAgainLater):
        flow.answer(response, "a-token")
    assert failures(flow) == 1


def test_held_number_is_not_even_asked_about(flow, provider):
    response = flow.start()
    for _ in range(10):
        assert not flow.answer(response, "a-guess")
    asked = len(provider.asked("/validate"))
    assert not flow.answer(response, provider.confirm())
    assert len(provider.asked("/validate")) == asked
    assert flow.start()[PUBLIC]["delivery"] == "not_sent"


@pytest.mark.parametrize(
    "answer", ["", " ", "two words", "é", "a\n", "a" * 20_001, None, 7, ["a"], {"a": "b"}]
)
def test_answer_that_is_no_token_costs_nothing(flow, provider, answer):
    response = flow.start()
    assert not flow.answer(response, answer)
    assert (failures(flow), provider.asked("/validate")) == (0, [])


def test_long_token_is_handed_on_whole(flow, provider):
    response = flow.start()
    assert not flow.answer(response, "a" * 20_000)
    assert provider.asked("/validate")[0].json["token"] == "a" * 20_000


def test_unknown_token_is_wrong(flow, provider):
    assert not flow.answer(flow.start(), "a-token-of-nobody")


def test_question_that_was_not_answered_is_wrong(flow, provider):
    response = flow.start()
    assert not flow.answer(response, response[PUBLIC]["token"])


def test_token_of_another_person_is_wrong(flow, provider):
    response = flow.start()
    other = flow.other()
    other.start()
    token = provider.confirm()
    assert not flow.answer(response, token)


def test_token_of_another_question_of_the_same_person_is_wrong(flow, provider):
    response = flow.start()
    flow.start()
    assert not flow.answer(response, provider.confirm())


@pytest.mark.parametrize(
    "changed",
    [
        {"isValid": False},
        {"isValid": "true"},
        {"state": "CHALLENGE_FAILED"},
        {"state": "ALLOW"},
        {"userId": "another"},
        {"userId": None},
        {"actionCode": "pay"},
        {"action": "pay"},
        {"idempotencyKey": "another"},
        {"idempotencyKey": None},
        {"verificationMethod": "PASSKEY"},
        {"verificationMethod": None},
    ],
    ids=str,
)
def test_confirmation_of_anything_else_is_wrong(flow, provider, changed):
    response = flow.start()
    token = provider.confirm()
    reply = {
        "isValid": True,
        "state": "CHALLENGE_SUCCEEDED",
        "userId": flow.sub,
        "actionCode": "signIn",
        "idempotencyKey": response[PRIVATE]["providerKey"],
        "verificationMethod": "SMS",
    }
    provider.faults["/v1/validate"] = Reply({**reply, **changed})
    assert not flow.answer(response, token)
    provider.faults["/v1/validate"] = Reply(reply)
    assert flow.answer(response, token)


def test_method_that_the_stack_believes_is_right(flow, provider, monkeypatch):
    monkeypatch.setenv("PROVIDER_METHODS", "SMS,PASSKEY")
    response = flow.start()
    assert flow.answer(response, provider.confirm(method="PASSKEY"))
    assert not provider.asked("/authenticators")


@pytest.mark.parametrize("method", ["SMS", "WHATSAPP"])
def test_code_to_another_phone_is_wrong(flow, provider, monkeypatch, method):
    """Somebody who has enrolled nothing may be let enroll a phone of theirs under any account."""
    monkeypatch.setenv("PROVIDER_METHODS", "SMS,WHATSAPP")
    response = flow.start()
    person = provider.people[flow.sub]
    person.enrolled[method] = "+12015550199"
    assert not flow.answer(response, provider.confirm(method=method))
    person.enrolled[method] = flow.phone
    assert flow.answer(response, provider.confirm(method=method))


def test_answer_after_the_end_of_the_question_is_wrong(flow, provider, clock):
    response = flow.start()
    token = provider.confirm()
    clock.shift(300)
    assert not flow.answer(response, token)
    assert not provider.asked("/validate")


def test_right_answer_speaks_for_its_block(flow, provider, table):
    response = flow.start()
    table.forget()
    flow.answer(response, provider.confirm())
    assert "block" in [call.item for call in table.calls]


# Faults of the provider

FAULTS = {
    "wrong key": (Reply({"error": "unauthorized"}, 401), Reason.MISCONFIGURED),
    "not allowed": (Reply({"error": "forbidden"}, 403), Reason.MISCONFIGURED),
    "throttled": (Reply({}, 429), Reason.THROTTLED),
    "broken": (Reply({}, 500), Reason.PROVIDER_DOWN),
    "moved": (Reply({}, 302, {"location": "http://127.0.0.1:9/"}), Reason.MISCONFIGURED),
    "no object": (Reply([]), Reason.PROVIDER_DOWN),
    "unreadable": (Reply(b"<html></html>"), Reason.PROVIDER_DOWN),
    "not text": (Reply(b"\xff"), Reason.PROVIDER_DOWN),
    "nothing": (Reply(b""), Reason.PROVIDER_DOWN),
    "too long": (Reply(b"[" + b" " * 70_000 + b"]"), Reason.PROVIDER_DOWN),
    "hung up": (Reply(drop=True), Reason.PROVIDER_DOWN),
}


@pytest.mark.parametrize(("reply", "reason"), FAULTS.values(), ids=FAULTS)
def test_fault_of_the_provider_says_try_again_and_nothing_else(
    flow, provider, reply, reason, caplog
):
    provider.faults["/v1/"] = reply
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$") as caught:
        flow.start()
    assert caught.value.__cause__ is None
    assert f"The provider failed: {reason}" in caplog.text
    provider.faults.clear()
    response = flow.start()
    token = provider.confirm()
    provider.faults["/v1/validate"] = reply
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$"):
        flow.answer(response, token)
    provider.faults.clear()
    assert flow.answer(response, token)
    assert SECRET_KEY not in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize("lacking", ["state", "idempotencyKey", "url", "token"])
def test_question_that_lacks_something_is_none(flow, provider, lacking):
    reply = {"state": "CHALLENGE_REQUIRED", "idempotencyKey": "a", "url": "b", "token": "c"}
    provider.faults["/v1/users"] = Reply({**reply, lacking: None})
    with pytest.raises(errors.TryAgainLater):
        flow.start()


def test_provider_that_hangs_is_left_in_time(flow, provider):
    provider.faults["/v1/"] = Reply(delay=6, drop=True)
    started = time.monotonic()
    with pytest.raises(errors.TryAgainLater):
        flow.start()
    assert time.monotonic() - started < 4.3


def test_key_that_cannot_be_read_asks_nobody(flow, provider, monkeypatch):
    with WireServer() as server:
        server.will(aws.KEY_READ, Reply({"__type": "ResourceNotFoundException"}, 400))
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url)
        with pytest.raises(errors.TryAgainLater):
            flow.start()
    assert not provider.requests


def test_log_holds_no_token_and_no_whole_phone(flow, provider, capsys, caplog):
    caplog.set_level("DEBUG")
    response = flow.start()
    token = provider.confirm()
    flow.answer(response, "wrong")
    flow.answer(response, token)
    logged = capsys.readouterr().out + caplog.text + repr([vars(each) for each in caplog.records])
    for secret in (token, response[PUBLIC]["token"], SECRET_KEY, flow.phone):
        assert secret not in logged


def test_dry_run_reads_the_key_and_asks_nobody(flow, provider):
    event = flow.start_event() | {"triggerSource": "CreateAuthChallenge_DryRun"}
    response = create_auth_challenge.handler(event, None)["response"]
    assert response[PUBLIC]["reference"]
    assert not provider.requests


def test_answer_to_the_challenge_of_another_kind_is_wrong(flow, provider):
    response = flow.start()
    event = flow.answer_event(response, provider.confirm())
    event["request"]["privateChallengeParameters"]["kind"] = "code"
    assert not is_correct(event)

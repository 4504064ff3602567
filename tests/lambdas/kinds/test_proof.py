"""A proof of work at the handlers, with the ledger's table behind them."""

import json
from collections.abc import Callable

import pytest

from lambdas.triggers import environment
from tests import proofs
from tests.lambdas.flow import (
    PRIVATE,
    PUBLIC,
    as_member,
    as_unknown,
    in_parallel,
    is_correct,
    shape,
)

pytestmark = pytest.mark.cloud

PARAMETERS = ["algorithm", "challenge", "salt", "maxnumber", "expiresAt", "triesLeft", "kind"]


@pytest.fixture(autouse=True)
def _plan(flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGN_IN_PLAN", "proof code")
    monkeypatch.setenv("PROOF_WORK", "1000")


def solved(response) -> str:
    return proofs.solved(response[PUBLIC])


def test_challenge_has_one_shape_and_texts_nobody(flow, sns, table):
    response = flow.start()
    assert list(response[PUBLIC]) == PARAMETERS
    assert all(isinstance(value, str) for value in response[PUBLIC].values())
    assert response["challengeMetadata"] == "proof "
    assert (sns.requests, table.calls) == ([], [])


def test_caller_is_told_nothing_that_spares_the_work(flow):
    response = flow.start()
    number = response[PRIVATE]["number"]
    assert solved(response) == number
    assert number not in [*response[PUBLIC].values(), response["challengeMetadata"]]


def test_challenge_is_another_one_each_time(flow):
    responses = [flow.start() for _ in range(20)]
    assert len({response[PUBLIC]["salt"] for response in responses}) == 20
    assert len({response[PRIVATE]["number"] for response in responses}) > 10


def test_number_found_is_right_once(flow):
    response = flow.start()
    asked = [flow.answer_event(response, solved(response)) for _ in range(12)]
    got = in_parallel(12, lambda n: is_correct(asked[n]))
    assert got.count(True) == 1


@pytest.mark.parametrize(
    "answer", [None, "", "x", 7, [], "-1", "007", "1e3", " 7", "\u0667", "9" * 11, "9" * 1_000_000]
)
def test_answer_that_is_no_number_is_wrong(flow, table, answer):
    assert flow.answer(flow.start(), answer) is False
    assert table.calls == []


def test_other_number_is_wrong_and_another_challenge_follows_once(flow):
    first = flow.start()
    assert flow.answer(first, str(int(solved(first)) + 1)) is False
    second = flow.next_round(first)
    assert (first[PUBLIC]["triesLeft"], second[PUBLIC]["triesLeft"]) == ("2", "1")
    assert second[PUBLIC]["salt"] != first[PUBLIC]["salt"]
    assert flow.answer(second, solved(second)) is True
    with pytest.raises(ValueError, match="holds no challenge"):
        flow.next_round(second, wrong_answers=2)


def test_number_of_another_challenge_is_wrong(flow):
    response = flow.start()
    others = {solved(flow.start()) for _ in range(5)} - {response[PRIVATE]["number"]}
    assert not any(flow.answer(response, number) for number in others)


def test_number_found_too_late_is_wrong(flow, clock):
    response = flow.start()
    clock.shift(300)
    assert flow.answer(response, solved(response)) is False


def test_member_and_stranger_are_asked_and_answered_alike(flow):
    def told(make: Callable[[dict], None]) -> tuple[object, bool]:
        asked = flow.start_event()
        make(asked)
        response = flow.start(asked)
        answered = flow.answer_event(response, solved(response))
        make(answered)
        return shape(response), is_correct(answered)

    assert told(as_member) == told(as_unknown)


def test_text_leaves_only_after_the_proof(flow):
    first = flow.start()
    assert flow.then((first["challengeMetadata"], False))[PUBLIC]["kind"] == "proof"
    assert flow.messages() == []
    assert flow.then((first["challengeMetadata"], True))[PUBLIC]["kind"] == "code"
    assert len(flow.messages()) == 1


@pytest.mark.parametrize("work", ["999", "10000001", "much", "-1"])
def test_work_out_of_range_is_named(flow, monkeypatch, work):
    monkeypatch.setenv("PROOF_WORK", work)
    with pytest.raises(environment.WrongEnvironment, match="PROOF_WORK"):
        flow.start()


def test_log_says_what_became_of_it_and_not_the_number(flow, capsys):
    response = flow.start()
    flow.answer(response, "x")
    flow.answer(response, solved(response))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["proof_not_found", "proof_found"]
    assert not any(response[PRIVATE]["number"] == str(value) for value in lines[1].values())

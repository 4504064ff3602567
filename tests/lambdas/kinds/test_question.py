"""A secret question at the handlers, with the ledger's table behind them."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lambdas.triggers import keys, ledger, manage_ledger, secret_answers, site_texts
from tests.lambdas import aws
from tests.lambdas.flow import PUBLIC, as_member, as_unknown, is_correct, shape, warm_up
from tests.wire import Reply

pytestmark = pytest.mark.cloud

RIGHT, WRONG = "Elm Street School", "Oak Street School"


@pytest.fixture(autouse=True)
def _plan(flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGN_IN_PLAN", "question code")


@pytest.fixture
def after_code(monkeypatch: pytest.MonkeyPatch):
    """``after_code(flow)``: the question to somebody whose code was right."""
    monkeypatch.setenv("SIGN_IN_PLAN", "code question")
    return lambda flow, *more: flow.then(("code m", True), *more)


def keep(flow, answer: object = RIGHT) -> bool:
    return site_texts.handler({"action": "keep_answer", "user": flow.sub, "answer": answer}, None)[
        "is_kept"
    ]


def named(flow) -> str:
    return secret_answers.name_of(flow.sub)


def failures(flow) -> int:
    return ledger.configured().show(named(flow), now=time.time()).failures


# An answer that is kept


def test_right_answer_is_right_and_clears_the_wrong_ones(flow):
    keep(flow)
    response = flow.start()
    assert [flow.answer(response, each) for each in (WRONG, WRONG)] == [False, False]
    assert failures(flow) == 2
    assert flow.answer(response, RIGHT) is True
    assert failures(flow) == 0


@pytest.mark.parametrize(
    "typed",
    [
        "elm street school",
        "  ELM   Street\u00a0School ",
        "Elm-Street School.",
        "\uff25\uff4c\uff4d Street School",
    ],
)
def test_right_answer_may_be_spelled_in_other_ways(flow, typed):
    keep(flow)
    assert flow.answer(flow.start(), typed) is True


@pytest.mark.parametrize(
    ("kept", "typed"),
    [
        (RIGHT, "Elm Street"),
        (RIGHT, "ElmStreetSchool"),
        ("Stra\u00dfe 7", "Stra\u00dfe 8"),
        ("\u0915\u0940", "\u0915\u093e"),
        ("Ann", "Anne"),
    ],
)
def test_other_answer_is_wrong(flow, kept, typed):
    assert keep(flow, kept)
    assert flow.answer(flow.start(), typed) is False


@pytest.mark.parametrize("typed", [None, "", " ", "?!", "x", 7, [], "x" * 101, "x" * 1_000_000])
def test_answer_that_cannot_be_one_is_neither_kept_nor_counted(flow, table, typed):
    assert keep(flow, typed) is False
    response = flow.start()
    table.forget()
    assert flow.answer(response, typed) is False
    assert table.calls == []


def test_answer_of_somebody_else_is_wrong(flow, make_phone):
    other = flow.other(make_phone())
    keep(flow)
    keep(other, WRONG)
    assert flow.answer(flow.start(), WRONG) is False
    assert other.answer(other.start(), RIGHT) is False


def test_answer_is_changed_and_forgotten(flow):
    keep(flow)
    keep(flow, WRONG)
    assert flow.answer(flow.start(), RIGHT) is False
    assert flow.answer(flow.start(), WRONG) is True
    assert manage_ledger.handler({"action": "forget_answer", "user": flow.sub}, None) == {}
    assert flow.answer(flow.start(), WRONG) is False


# Guesses


def test_answer_is_counted_before_it_is_compared(flow):
    keep(flow)
    warm_up()
    response = flow.start()
    asked = [flow.answer_event(response, f"guess {n}") for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(is_correct, asked))
    assert failures(flow) == 10
    assert flow.answer(response, RIGHT) is False


def test_hold_ends_with_its_time_and_by_an_operator(flow, clock):
    keep(flow)
    response = flow.start()
    for n in range(10):
        flow.answer(response, f"guess {n}")
    assert flow.answer(response, RIGHT) is False
    clock.shift(15 * 60 + 1)
    assert flow.answer(response, RIGHT) is True
    for n in range(10):
        flow.answer(response, f"guess {n}")
    manage_ledger.handler({"action": "unlock", "phone": flow.phone, "user": flow.sub}, None)
    assert flow.answer(response, RIGHT) is True


def test_guesses_at_an_answer_do_not_hold_the_number(flow):
    keep(flow)
    response = flow.start()
    for n in range(10):
        flow.answer(response, f"guess {n}")
    assert ledger.configured().show(flow.name, now=time.time()).failures == 0


# Known and unknown


def test_member_and_stranger_are_asked_and_refused_alike(flow, table):
    keep(flow)

    def told(make) -> tuple[object, bool, int]:
        asked = flow.start_event()
        make(asked)
        response = flow.start(asked)
        table.forget()
        answered = flow.answer_event(response, WRONG)
        make(answered)
        return shape(response), is_correct(answered), len(table.calls)

    assert told(as_member) == told(as_unknown)


def test_stranger_is_held_like_a_member(flow):
    def failing(make) -> list[bool]:
        response = flow.start()
        asked = flow.answer_event(response, WRONG)
        make(asked)
        is_correct(asked)
        name = secret_answers.name_of(flow.sub)
        if make is as_unknown:
            name = secret_answers.name_of(keys.pseudonym("nobody", flow.sub))
        book = ledger.configured()
        return [book.guesses.count(name, now=time.time()) for _ in range(10)]

    assert failing(as_member) == failing(as_unknown) == [*[True] * 9, False]


def test_question_of_a_name_stays_the_same_and_names_differ(flow, make_phone):
    first = flow.start()[PUBLIC]["question"]
    assert {flow.start()[PUBLIC]["question"] for _ in range(5)} == {first}
    others = {flow.other(make_phone()).start()[PUBLIC]["question"] for _ in range(40)}
    assert others == set(secret_answers.QUESTIONS)
    shown = site_texts.handler({"action": "question", "user": flow.sub}, None)
    assert shown == {"question": first, "is_answered": False}
    keep(flow)
    assert site_texts.handler({"action": "question", "user": flow.sub}, None)["is_answered"]


def test_stranger_is_never_right(flow, after_code):
    asked = flow.start_event()
    asked["request"]["session"] = [
        {"challengeName": "CUSTOM_CHALLENGE", "challengeResult": True}
        | {"challengeMetadata": "code m"}
    ]
    as_unknown(asked)
    answered = flow.answer_event(flow.start(asked), RIGHT)
    as_unknown(answered)
    assert is_correct(answered) is False


# Somebody without an answer


def test_first_answer_after_the_code_is_kept(flow, after_code):
    response = after_code(flow)
    assert response[PUBLIC]["task"] == "choose"
    assert flow.answer(response, RIGHT) is True
    again = after_code(flow)
    assert again[PUBLIC]["task"] == "answer"
    assert flow.answer(again, WRONG) is False
    assert flow.answer(again, RIGHT) is True


def test_first_answer_is_kept_once(flow, after_code):
    """Two tabs, or somebody else with the same number: the second one finds an answer."""
    first, second = after_code(flow), after_code(flow)
    assert flow.answer(first, RIGHT) is True
    assert flow.answer(second, WRONG) is False
    assert flow.answer(after_code(flow), RIGHT) is True


def test_nobody_chooses_an_answer_before_the_code(flow):
    response = flow.start()
    assert response[PUBLIC]["task"] == "answer"
    assert flow.answer(response, RIGHT) is False
    assert flow.answer(response, RIGHT) is False


# What is kept and what is said


def test_table_holds_no_answer(flow, table):
    keep(flow)
    item = table.ask("GetItem", Key={"pk": {"S": f"answer#{named(flow)}"}})["Item"]
    assert sorted(item) == ["digest", "kept_at", "pk", "salt"]
    assert "elm" not in json.dumps(item).lower()
    assert flow.sub not in json.dumps(item)


def test_same_answer_of_two_people_is_kept_differently(flow):
    first, second = (secret_answers.kept("elm street") for _ in range(2))
    assert first.digest != second.digest
    assert secret_answers.fits("elm street", first)


def test_copy_of_the_table_alone_gives_nothing_to_try_answers_on(flow, secrets_manager):
    kept = secret_answers.kept("elm street")
    assert secret_answers.fits("elm street", kept)
    keys._server_key.cache_clear()
    secrets_manager.renew(Reply({"SecretString": aws.CODE_KEY[::-1]}))
    assert not secret_answers.fits("elm street", kept)


def test_log_says_what_became_of_it_and_no_answer(flow, capsys):
    keep(flow)
    response = flow.start()
    flow.answer(response, WRONG)
    flow.answer(response, RIGHT)
    out = capsys.readouterr().out
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert events == ["answer_kept", "answer_refused", "answer_verified"]
    assert "street" not in out.lower()

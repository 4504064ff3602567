"""A code is texted once, within every limit, and one that works."""

import re
import time

import pytest

from tests.codes import wrong
from tests.lambdas import aws
from tests.lambdas.flow import (
    PUBLIC,
    Flow,
    as_member,
    as_unknown,
    drawn,
    in_parallel,
    is_correct,
)

pytestmark = pytest.mark.cloud

MINUTE, HOUR = 60, 3600


# The text


def test_start_texts_the_code_of_the_challenge_once(flow, sns):
    response = flow.start()
    ((phone, _),) = aws.texts(sns)
    assert phone == flow.phone
    assert flow.code() == flow.derived(response)
    assert re.fullmatch(r"[0-9]{6}", flow.code())


def test_start_texts_a_code_that_works(flow):
    response = flow.start()
    assert flow.answer(response, flow.code()) is True


def test_text_names_app_site_and_minutes(flow, monkeypatch):
    monkeypatch.setenv("CODE_LIFETIME_SECONDS", "330")
    flow.start()
    (message,) = flow.messages()
    assert "your Example sign-in code" in message
    assert "5 min" in message
    assert message.endswith(f"\n@example.com #{flow.code()}")


@pytest.mark.parametrize(
    ("phone", "locale", "words"),
    [
        ("+12035550123", None, "sign-in code"),
        ("+12045550123", "de", "Login-Code"),
        ("+4915112340123", None, "Login-Code"),
        ("+4915112350123", "en-GB", "sign-in code"),
        ("+4915112360123", "\n{code}", "Login-Code"),
    ],
)
def test_text_is_in_the_language_of_the_person(flow, monkeypatch, phone, locale, words):
    monkeypatch.setenv("ALLOWED_COUNTRIES", "US,CA,DE")
    person = flow.other(phone)
    asked = person.start_event()
    if locale:
        asked["request"]["userAttributes"]["locale"] = locale
    person.start(asked)
    assert words in person.messages()[0]


def test_text_lives_as_long_as_the_variable_says(flow, monkeypatch, clock):
    monkeypatch.setenv("CODE_LIFETIME_SECONDS", "600")
    before = int(time.time())
    response = flow.start()
    assert before + 600 <= drawn(response).expires_at <= time.time() + 600
    clock.shift(595)
    assert flow.answer(response, flow.code()) is True


# One event, one text


def test_same_event_again_texts_once_and_the_code_works(flow, sns):
    responses = [flow.start() for _ in range(3)]
    assert len(sns.requests) == 1
    assert len({drawn(response) for response in responses}) == 1
    assert flow.answer(responses[-1], flow.code()) is True


def test_same_event_overlapping_texts_once_and_the_code_works(flow, sns):
    sns.will(aws.SLOW_TEXT, aws.SLOW_TEXT)
    responses = in_parallel(3, lambda _: flow.start())
    assert len(sns.requests) == 1
    assert len({drawn(response) for response in responses}) == 1
    assert flow.answer(responses[-1], flow.code()) is True


def test_parallel_starts_for_one_phone_text_once(flow, sns):
    responses = in_parallel(30, lambda _: flow.start())
    assert len(sns.requests) == 1
    assert len({drawn(response) for response in responses}) == 1
    assert {response[PUBLIC]["delivery"] for response in responses} == {"sent"}


def test_parallel_starts_after_the_cooldown_text_the_same_code_once_more(flow, clock):
    first = flow.start()
    clock.shift(31)
    responses = in_parallel(30, lambda _: flow.start())
    assert len(flow.messages()) == 2
    assert {drawn(response) for response in responses} == {drawn(first)}
    assert flow.code() == flow.derived(first)


def test_same_event_overlapping_late_in_a_life_texts_once_and_leaves_the_late_code_alive(
    flow, clock
):
    flow.start()
    late_code = flow.code()
    clock.shift(240)
    responses = in_parallel(3, lambda _: flow.start())
    assert len(flow.messages()) == 2
    assert len({drawn(response) for response in responses}) == 1
    assert flow.answer(responses[-1], late_code) is True


def test_start_within_the_cooldown_texts_nothing_and_says_until_when(flow, sns, clock):
    first = flow.start()
    clock.shift(25)
    again = flow.start()
    assert len(sns.requests) == 1
    assert again[PUBLIC] | {"now": ""} == first[PUBLIC] | {"now": ""}
    assert int(again[PUBLIC]["now"]) - int(first[PUBLIC]["now"]) >= 25


def test_start_after_three_wrong_answers_goes_on_with_the_tries_of_all_others(flow, sns, clock):
    first = flow.start()
    for _ in range(3):
        flow.answer(first, wrong(flow.code()))
    clock.shift(10)
    again = flow.start()
    assert (again[PUBLIC]["delivery"], again[PUBLIC]["triesLeft"]) == ("sent", "3")
    assert len(sns.requests) == 1
    assert flow.answer(again, flow.code()) is True


def test_start_after_all_tries_says_that_nothing_left_and_when_to_ask(flow, sns, clock):
    first = flow.start()
    for response in (first, flow.start()):
        for _ in range(3):
            flow.answer(response, wrong(flow.code()))
    clock.shift(10)
    public = flow.start()[PUBLIC]
    assert len(sns.requests) == 1
    assert (public["delivery"], public["textedAt"]) == ("not_sent", "")
    assert public["resendAt"] == first[PUBLIC]["resendAt"]
    clock.shift(21)
    again = flow.start()[PUBLIC]
    assert len(sns.requests) == 2
    assert (again["delivery"], again["textedAt"] != "") == ("sent", True)


def test_start_within_the_cooldown_says_when_the_text_was_sent(flow, clock):
    first = flow.start()[PUBLIC]
    clock.shift(20)
    again = flow.start()[PUBLIC]
    assert again["textedAt"] == first["textedAt"]
    assert int(again["textedAt"]) <= time.time() - 20


def test_unknown_number_over_its_limits_is_told_what_a_member_is_told(flow, make_phone, clock):
    """Only what holds for every number may be told; the answers differ in nothing but ids."""

    def told(change) -> list[tuple[str, ...]]:
        person = flow.other(make_phone())
        said = []
        for seconds in (0, 10, 31, 61, 121, 301, 301):
            clock.shift(seconds)
            asked = person.start_event()
            change(asked)
            response = person.start(asked)
            for _ in range(3):
                answer = person.answer_event(response, wrong(person.derived(response)))
                change(answer)
                is_correct(answer)
            public = response[PUBLIC]
            since = [
                public[name] and str(round(int(public[name]) - time.time(), -1))
                for name in ("resendAt", "textedAt")
            ]
            said.append((public["delivery"], *since))
        return said

    assert told(as_member) == told(as_unknown)


@pytest.mark.parametrize("change", [as_member, as_unknown], ids=["member", "unknown"])
def test_start_over_the_budget_of_the_pool_says_so_to_everybody(
    flow, make_phone, monkeypatch, sns, clock, change
):
    monkeypatch.setenv("SENDS_PER_POOL_HOUR", "1")
    flow.other(make_phone()).start()
    person = flow.other(make_phone())
    for _ in range(2):
        asked = person.start_event()
        change(asked)
        public = person.start(asked)[PUBLIC]
        assert (public["delivery"], public["textedAt"]) == ("over_budget", "")
        assert int(public["resendAt"]) > time.time()
        clock.shift(5)
    assert len(sns.requests) == 1


def test_start_over_the_budget_of_the_pool_names_the_next_hour(flow, make_phone, monkeypatch):
    monkeypatch.setenv("SENDS_PER_POOL_HOUR", "1")
    flow.other(make_phone()).start()
    resend_at = int(flow.other(make_phone()).start()[PUBLIC]["resendAt"])
    assert resend_at == (int(time.time()) // HOUR + 1) * HOUR


def test_repetition_over_the_budget_keeps_the_time_of_the_first_text(
    flow, make_phone, monkeypatch, clock
):
    monkeypatch.setenv("SENDS_PER_POOL_HOUR", "1")
    first = flow.start()
    clock.shift(31)
    public = flow.start()[PUBLIC]
    assert (public["delivery"], public["textedAt"]) == ("over_budget", first[PUBLIC]["textedAt"])
    assert flow.answer(first, flow.code()) is True


@pytest.mark.parametrize("change", [as_member, as_unknown], ids=["member", "unknown"])
def test_pool_over_its_budget_is_said_even_where_the_block_is_too(
    flow, make_phone, monkeypatch, change
):
    """Otherwise members of a block that is used up would be told from strangers."""
    monkeypatch.setenv("SENDS_PER_POOL_HOUR", "1")
    monkeypatch.setenv("SENDS_PER_BLOCK_HOUR", "1")
    flow.start()
    neighbour = flow.other(flow.phone[:-4] + "0199")
    asked = neighbour.start_event()
    change(asked)
    assert neighbour.start(asked)[PUBLIC]["delivery"] == "over_budget"


def test_hold_says_until_when(flow, table):
    table.write(f"phone#{flow.name}", failures=10, last_failure=int(time.time()))
    public = flow.start()[PUBLIC]
    assert int(public["resendAt"]) == pytest.approx(time.time() + 15 * MINUTE, abs=2)


def test_start_after_the_code_texts_another(flow, sns, clock):
    first = flow.start()
    old_code = flow.code()
    clock.shift(301)
    second = flow.start()
    assert len(sns.requests) == 2
    assert drawn(second).id != drawn(first).id
    assert flow.answer(first, old_code) is False
    assert flow.answer(second, flow.code()) is True


# Under attack


def attack(flow: Flow, make_phone, monkeypatch) -> None:
    monkeypatch.setenv("FAILURES_PER_POOL_5_MINUTES", "2")
    victim = flow.other(make_phone())
    response = victim.start()
    for _ in range(2):
        victim.answer(response, wrong(victim.code()))


def test_under_attack_the_code_has_eight_digits_and_works(flow, make_phone, monkeypatch):
    attack(flow, make_phone, monkeypatch)
    response = flow.start()
    assert response[PUBLIC]["codeLength"] == "8"
    assert re.fullmatch(r"[0-9]{8}", flow.code())
    assert flow.answer(response, flow.code()[:6]) is False
    assert flow.answer(response, flow.code()) is True


def test_under_attack_the_same_event_overlapping_gets_one_challenge(
    flow, make_phone, monkeypatch, table
):
    attack(flow, make_phone, monkeypatch)
    # So long that they overlap, and so short that a busy machine does not outlast the wait.
    table.delay = 0.02
    responses = in_parallel(3, lambda _: flow.start())
    assert len(flow.messages()) == 1
    assert len({drawn(response) for response in responses}) == 1


# Calls


def test_text_takes_three_calls_to_the_table(flow, table):
    table.delay = 0.02
    flow.start()
    assert table.round_trips() == [["phone"], ["block"], ["pool"]]


def test_no_text_within_the_cooldown_takes_one_call(flow, table, clock):
    flow.start()
    clock.shift(2)
    table.forget()
    flow.start()
    assert table.round_trips() == [["phone"]]


def test_start_on_the_heels_of_another_looks_again(flow, table):
    flow.start()
    table.forget()
    flow.start()
    assert table.round_trips() == [["phone"], ["phone"]]


def test_unknown_user_takes_a_look_at_the_pool_and_is_counted_outside_the_cooldown(
    flow, table, clock
):
    for calls in ([["phone"], ["pool"], ["blocked"]], [["phone"]]):
        clock.shift(2)
        table.forget()
        asked = flow.start_event()
        as_unknown(asked)
        flow.start(asked)
        assert table.round_trips() == calls


def test_held_number_is_noted_and_counted_in_two_more_calls(flow, table):
    table.write(f"phone#{flow.name}", failures=10, last_failure=int(time.time()))
    table.forget()
    flow.start()
    assert table.round_trips() == [["phone"], ["phone"], ["blocked"]]

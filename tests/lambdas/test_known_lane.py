"""The lane of known browsers: what strangers do to a number does not touch it."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from lambdas.triggers import ledger, pre_token_generation
from lambdas.triggers.errors import TryAgainLater
from tests.lambdas import aws
from tests.lambdas.flow import (
    PUBLIC,
    Event,
    Flow,
    Response,
    as_member,
    as_unknown,
    in_parallel,
    is_correct,
    state,
)

KNOWN_CLIENT = "exampleknownclientid"
DAY = 86_400
# Seconds after which the same code is not texted again.
NEW_CODE_AFTER = 181

pytestmark = pytest.mark.cloud


class Known(Flow):
    """The same person in a browser that is known, by the client whose flows were all proven."""

    def __init__(self, of: Flow) -> None:
        super().__init__(of._sns, of._event, of.phone)
        self.sub = of.sub

    @property
    def name(self) -> str:
        return ledger.known_name(self.phone, self.sub)

    def _mine(self, event: Event) -> Event:
        event["callerContext"]["clientId"] = KNOWN_CLIENT
        return super()._mine(event)


@pytest.fixture
def known(flow, parameters) -> Known:
    parameters.renew(aws.clients_read(aws.CLIENT_ID, f"{KNOWN_CLIENT}=known"))
    return Known(flow)


def delivery(response: Response) -> str:
    return str(response[PUBLIC]["delivery"])


def wrong(flow: Flow) -> str:
    return f"{(int(flow.code()) + 1) % 10**6:06d}"


def attack(flow: Flow, clock, codes: int) -> None:
    """Have so many codes texted, and type three wrong ones each."""
    for _ in range(codes):
        response = flow.start()
        assert delivery(response) == "sent"
        for _ in range(3):
            assert not flow.answer(response, wrong(flow))
        clock.shift(400)


def test_codes_of_both_lanes_live_side_by_side(flow, known):
    mine = known.start()
    code = known.code()
    theirs = flow.start()
    assert delivery(mine) == delivery(theirs) == "sent"
    assert len(flow.messages()) == 2
    for _ in range(3):
        assert not flow.answer(theirs, wrong(flow))
    assert known.answer(mine, code)


def test_code_of_one_lane_is_none_of_the_other(flow, known):
    mine = known.start()
    code = known.code()
    theirs = flow.start()
    assert not flow.answer(theirs, code)
    # Nor does it help to show the other lane's challenge.
    assert not flow.answer(mine, code)
    assert known.answer(mine, code)


def test_lane_is_of_one_account(known):
    mine = known.start()
    code = known.code()
    other = Known(known.other())
    assert not other.answer(mine, code)


def test_number_that_is_held_holds_no_known_browser(flow, known, clock):
    attack(flow, clock, 4)
    assert delivery(flow.start()) == "not_sent"
    response = known.start()
    assert delivery(response) == "sent"
    assert known.answer(response, known.code())
    assert delivery(flow.start()) == "not_sent"


def test_known_browser_that_is_held_holds_not_the_number(flow, known, clock):
    attack(known, clock, 4)
    assert delivery(known.start()) == "not_sent"
    response = flow.start()
    assert delivery(response) == "sent"
    assert flow.answer(response, flow.code())


def test_lane_is_locked_after_thirty_wrong_codes_and_the_number_is_not(flow, known, clock):
    guesses = 0
    while delivery(response := known.start()) == "sent":
        for _ in range(3):
            known.answer(response, wrong(known))
        guesses = state(known).failures
        clock.shift(5 * 3600)
    assert guesses == 30
    assert delivery(response) == "locked"
    assert delivery(flow.start()) == "sent"


def test_known_browser_is_told_how_many_wrong_codes_others_typed(flow, known, clock):
    assert known.start()[PUBLIC]["wrongElsewhere"] == "0"
    attack(flow, clock, 2)
    assert known.start()[PUBLIC]["wrongElsewhere"] == "6"
    assert "wrongElsewhere" not in flow.start()[PUBLIC]


def test_what_is_read_aside_takes_no_further_round_trip(flow, known, table):
    flow.start()
    usual = len(table.round_trips())
    table.forget()
    known.start()
    assert len(table.calls) > len(table.round_trips())
    assert len(table.round_trips()) <= usual


def test_day_of_attack_buys_fifty_guesses_and_thirty_in_the_lane_with_ten_texts_each(
    flow, known, clock
):
    """Many callers at once, all day long, who have a known browser as well.

    They wait for a new code each time: whoever asks has three tries of it, and all others three.
    """
    lanes = (flow, known)
    began = time.time()
    while time.time() < began + DAY - NEW_CODE_AFTER:
        opens_at = [began + DAY]
        for lane in lanes:
            started = in_parallel(4, lambda _, lane=lane: quietly(lane.start))
            responses = [each for each in started if each]
            if any(delivery(each) == "sent" for each in responses):
                guess = wrong(lane)
                in_parallel(
                    20,
                    lambda n, lane=lane, responses=responses, guess=guess: quietly(
                        lambda: lane.answer(responses[n % len(responses)], guess)
                    ),
                )
            told = next(filter(None, (quietly(lane.start) for _ in range(5))))
            if delivery(told) != "locked":
                opens_at.append(int(told[PUBLIC]["resendAt"]))
        clock.move_to(max(time.time() + NEW_CODE_AFTER, min(opens_at)) + 1)
    for lane, most in zip(lanes, (50, 30), strict=True):
        # Fewer where a busy machine failed a call.
        assert most - 8 <= state(lane).failures <= most
        assert state(lane).sends_last_day <= 10
    assert state(flow).sends_last_day >= 8
    assert len(flow.messages()) <= 20


def quietly(call: Callable[[], Any]) -> Any:
    """What a call returns, None where a busy machine fails it."""
    try:
        return call()
    except TryAgainLater:
        return None


def test_tokens_of_a_known_browser_have_the_reference_of_its_code(known, event):
    response = known.start()
    assert known.answer(response, known.code())
    asked = known._mine(event("pre_token_generation"))
    claims = pre_token_generation.handler(asked, None)["response"]
    given = claims["claimsAndScopeOverrideDetails"]["idTokenGeneration"]["claimsToAddOrOverride"]
    assert given == {"amr": ["sms"], "sign_in_reference": response[PUBLIC]["reference"]}


@pytest.mark.parametrize("as_who", [as_member, as_unknown])
def test_tries_that_are_told_are_those_of_the_person_whoever_asks(flow, as_who):
    def event(of: Event) -> Event:
        as_who(of)
        return of

    def start() -> Response:
        return flow.start(event(flow.start_event()))

    def left_after_a_wrong_answer(response: Response) -> str:
        assert not is_correct(event(flow.answer_event(response, "000002")))
        asked = flow.start_event()
        asked["request"]["session"] = [
            {
                "challengeName": "CUSTOM_CHALLENGE",
                "challengeMetadata": response["challengeMetadata"],
                "challengeResult": False,
            }
        ]
        return flow.start(event(asked))[PUBLIC]["triesLeft"]

    mine, theirs, others = start(), start(), start()
    assert left_after_a_wrong_answer(theirs) == "2"
    assert start()[PUBLIC]["triesLeft"] == "2"
    assert left_after_a_wrong_answer(others) == "1"
    assert left_after_a_wrong_answer(mine) == "2"
    assert not is_correct(event(flow.answer_event(theirs, "000001")))
    assert left_after_a_wrong_answer(others) == "0"
    assert delivery(start()) == "not_sent"
    # Within one sign-in: the second wrong answer.
    assert left_after_a_wrong_answer(mine) == "1"

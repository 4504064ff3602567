"""The functions while the budgets of texts are nearly used up."""

import time

import pytest

from lambdas.triggers import define_auth_challenge as define
from lambdas.triggers.ledger import names
from tests.lambdas import emf
from tests.lambdas.flow import PRIVATE, PUBLIC, as_unknown, is_correct
from tests.proofs import solved

pytestmark = pytest.mark.cloud


def round_of(response, *, is_right=True):
    return {
        "challengeName": "CUSTOM_CHALLENGE",
        "challengeResult": is_right,
        "challengeMetadata": response["challengeMetadata"],
    }


@pytest.fixture
def used(table, clock):
    """``used(percent)``: so much of the pool's 300 texts of the hour is used."""

    def write(percent: int) -> None:
        now = time.time()
        table.write(f"pool#{names.day(now)}", **{f"hour_{names.hour(now)}": 3 * percent})

    return write


@pytest.fixture
def pressed(flow, make_phone, used):
    """Somebody asks, in a process that has seen how much is used."""

    def press(percent: int):
        used(percent)
        flow.other(make_phone()).start()
        return flow

    return press


def test_sign_in_begins_with_a_proof_of_work_and_goes_on_to_its_text(pressed, sns, monkeypatch):
    monkeypatch.setenv("PROOF_WORK", "1000")
    person = pressed(80)
    texts = len(sns.requests)
    asked = person.start(works=False)
    assert asked[PUBLIC]["kind"] == "proof"
    assert len(sns.requests) == texts
    answer = person.answer_event(asked, solved(asked[PUBLIC]))
    answer["request"]["privateChallengeParameters"] = asked[PRIVATE]
    assert is_correct(answer)
    event = person.start_event()
    event["request"]["session"] = [round_of(asked)]
    assert define.handler(event, None)["response"]["challengeName"] == "CUSTOM_CHALLENGE"
    texted = person.start(event)
    assert (texted[PUBLIC]["kind"], texted[PUBLIC]["delivery"]) == ("code", "sent")
    assert person.answer(texted, person.code())
    event["request"]["session"].append(round_of(texted))
    assert define.handler(event, None)["response"]["issueTokens"] is True


def test_strangers_do_the_same_work(pressed):
    person = pressed(80)
    event = person.start_event()
    as_unknown(event)
    stranger, member = person.start(event, works=False), person.start(works=False)
    assert stranger[PUBLIC].keys() == member[PUBLIC].keys()
    assert stranger[PUBLIC]["kind"] == member[PUBLIC]["kind"] == "proof"


def test_no_work_is_asked_for_below_four_fifths(pressed):
    assert pressed(78).start(works=False)[PUBLIC]["kind"] == "code"


def test_no_work_is_asked_for_when_nobody_is_texted(pressed):
    told = pressed(100).start(works=False)[PUBLIC]
    assert (told["kind"], told["delivery"]) == ("code", "over_budget")


def test_sign_in_that_began_without_work_goes_on_without(flow, pressed):
    first = flow.start()
    pressed(85)
    event = flow.start_event()
    event["request"]["session"] = [round_of(first, is_right=False)]
    again = flow.start(event)
    assert (again[PUBLIC]["kind"], again[PUBLIC]["triesLeft"]) == ("code", "2")


def test_member_is_texted_from_the_reserve_and_told_what_a_stranger_is(
    flow, make_phone, pressed, clock, sns, capsys
):
    assert flow.answer(flow.start(), flow.code())
    stranger = flow.other(make_phone())
    pressed(90)
    clock.shift(60)
    texts = len(sns.requests)
    told = {}
    capsys.readouterr()
    for who in (flow, stranger):
        public = who.start()[PUBLIC]
        told[who] = {name: public[name] for name in ("delivery", "openAt", "codeLength")}
        assert int(public["openAt"]) == (int(time.time()) // 3600 + 1) * 3600
        assert abs(int(public["textedAt"]) - time.time()) < 5
    assert told[flow] == told[stranger]
    assert told[flow]["delivery"] == "reserved"
    assert len(sns.requests) == texts + 1
    lines = emf.lines(capsys.readouterr().out)
    sent = next(line for line in lines if line["event"] == "text_sent")
    held = next(line for line in lines if line["event"] == "text_not_sent")
    assert (sent["went_first"], held["Reason"]) == (True, "reserved")
    assert flow.answer(flow.start(), flow.code())


def test_wrong_code_is_told_the_same_time_again(pressed, flow):
    pressed(95)
    event = flow.start_event()
    first = flow.start(event)
    event["request"]["session"].append(round_of(first, is_right=False))
    again = flow.start(event)
    for name in ("delivery", "openAt", "resendAt"):
        assert again[PUBLIC][name] == first[PUBLIC][name]

"""A number with an account and one without are told the same after the same history."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import time_machine
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lambdas.triggers import countries, ledger
from lambdas.triggers.ledger import names, texts
from tests.codes import wrong
from tests.lambdas import aws
from tests.lambdas.flow import Event, Flow, Response, is_correct, warm_up

pytestmark = pytest.mark.cloud

PUBLIC = "publicChallengeParameters"
DAY = 86_400
# Days that no other test uses, some hours in.
_times = itertools.count(3_000_000_000 // DAY * DAY + 30_000, 3 * DAY)

BUDGETS = ["block", "country", "pool", "reserve"]
START, THREE_WRONG = ("start", 0), ("three wrong", 0)
STEP = st.one_of(
    st.just(START),
    st.tuples(st.sampled_from(["wrong", "three wrong"]), st.integers(0, 2)),
    st.tuples(st.just("wait"), st.sampled_from([1, 31, 61, 121, 185, 301, 901, 3600])),
    st.tuples(st.sampled_from([*BUDGETS, "attack"]), st.booleans()),
)


@dataclass
class Asker:
    """Somebody who asks for codes, and what came of it."""

    flow: Flow
    is_known: bool
    responses: list[Response] = field(default_factory=list)

    def start(self) -> dict[str, Any]:
        response = self.flow.start(self._event(self.flow.start_event()))
        self.responses.append(response)
        references = [each[PUBLIC]["reference"] for each in self.responses]
        # Drawn by chance: only its repetition tells something.
        return response[PUBLIC] | {"reference": references.index(references[-1])}

    def answer(self, age: int, code: str) -> bool:
        return is_correct(self._event(self.flow.answer_event(self.responses[-1 - age], code)))

    def _event(self, event: Event) -> Event:
        if not self.is_known:
            event["request"] |= {"userNotFound": True, "userAttributes": {}}
        return event


@dataclass
class Pair:
    member: Asker
    stranger: Asker
    table: aws.Table

    def do(self, step: str, value: int, clock: time_machine.Traveller) -> None:
        if step == "wait":
            clock.shift(value)
        elif step == "start":
            assert self.member.start() == self.stranger.start()
        elif "wrong" in step:
            for _ in range(3 if step == "three wrong" else 1):
                self._answer_wrong(value)
        else:
            # 270 of the 300 texts of an hour are for everybody.
            self._set(step, (280 if step == "reserve" else 10_000) if value else 0)

    def _answer_wrong(self, age: int) -> None:
        if age < len(self.member.responses):
            code = wrong(self.member.flow.derived(self.member.responses[-1 - age]))
            assert self.member.answer(age, code) is self.stranger.answer(age, code) is False

    def _set(self, counter: str, count: int) -> None:
        now = time.time()
        day, hour = names.day(now), names.hour(now)
        block = ledger.block_name(countries.block_of(self.member.flow.phone))
        item, name = {
            "block": (f"block#{block}#{day}", f"hour_{hour}"),
            "country": (f"pool#{day}", f"US_{hour}"),
            "pool": (f"pool#{day}", f"hour_{hour}"),
            "reserve": (f"pool#{day}", f"hour_{hour}"),
            "attack": (f"pool#{day}", f"failures_{names.slot(now)}"),
        }[counter]
        self.table.write(item, **{name: count})


@pytest.fixture
def pair(flow, make_phone, table, monkeypatch) -> Callable[[str], Pair]:
    """``pair(kind)``: two people whom the ledger does not know yet."""
    # Time stands still, so nothing would settle.
    monkeypatch.setattr(texts, "_SETTLES_WITHIN", 0.0)
    warm_up()

    def make(kind: str) -> Pair:
        phone = {"landline": "+493012345678", "abroad": "+8613123456789"}.get(kind) or make_phone()
        return Pair(Asker(flow.other(phone), True), Asker(flow.other(phone), False), table)

    return make


@pytest.mark.parametrize("kind", ["mobile", "landline", "abroad"])
@settings(max_examples=6)
@given(steps=st.lists(STEP, min_size=6, max_size=20))
@example(steps=[START, THREE_WRONG, START])
@example(steps=[("block", True), START, THREE_WRONG, START])
@example(steps=[("country", True), START, THREE_WRONG, START, ("wait", 31), START])
@example(
    steps=[("pool", True), START, ("wait", 31), ("pool", False), ("block", True), START, START]
)
@example(steps=[("reserve", True), START, START, THREE_WRONG, START, ("wait", 31), START])
@example(steps=[START, ("reserve", True), ("wait", 31), START, ("wait", 3600), START])
@pytest.mark.parametrize("is_proven", [False, True])
def test_member_and_stranger_are_told_the_same(pair, kind, is_proven, steps):
    two = pair(kind)
    with time_machine.travel(next(_times), tick=False) as clock:
        if is_proven:
            two.table.write(f"phone#{two.member.flow.name}", used_at=1_700_000_000_000)
        for step, value in steps:
            two.do(step, value, clock)

"""The codes of a number against a model that counts on its fingers."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lambdas.triggers.challenge import Challenge
from lambdas.triggers.ledger import Ledger, Verdict
from tests.lambdas.ledger.book import (
    TABLE,
    new_day,
    new_name,
)

pytestmark = pytest.mark.cloud


STEP = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 31, 61, 125, 181])),
    st.tuples(st.just("start"), st.sampled_from([True, True, True, False])),
    st.tuples(st.just("wrong"), st.integers(0, 3)),
    st.tuples(st.just("right"), st.tuples(st.integers(0, 3), st.integers(0, 2))),
)


@settings(max_examples=6)
@given(steps=st.lists(STEP, min_size=6, max_size=16))
@example(steps=[("wait", 181), ("start", True), ("right", (1, 1)), ("wrong", 1), ("start", True)])
@example(steps=[("wait", 181), ("start", False), ("wrong", 0), ("right", (0, 1))])
@example(steps=[("start", True)] + [("wrong", 0)] * 4 + [("wrong", 1), ("right", (1, 0))])
@example(steps=[("wait", 181), ("start", True), *[("wrong", 0)] * 4, ("right", (1, 1))])
def test_codes_of_a_number_live_as_long_as_they_may_and_no_longer(client, numbers, steps):
    """Against a model: who was texted what, until when, and how often it was guessed at."""
    rich = replace(numbers, sends_per_block_hour=10_000, sends_per_phone_hour=20)
    book, poor = (
        Ledger(client, TABLE, each) for each in (rich, replace(rich, sends_per_pool_day=1))
    )
    number = Number(book, poor)
    for what, argument in [("start", True), *steps]:
        getattr(number, what)(argument)


class Number:
    """A number, and what somebody knows of its codes who counts on their fingers.

    Codes and flows are named by how many came after them.
    """

    def __init__(self, book: Ledger, poor: Ledger) -> None:
        self.book, self.poor = book, poor
        self.name = new_name()
        self.now = new_day()
        self.drawn: list[Challenge] = []
        self.flows: list[Challenge] = []
        self.texted: set[Challenge] = set()
        self.shared: Counter[Challenge] = Counter()
        self.own: Counter[str] = Counter()
        self.is_used = False
        self.failures = 0

    def wait(self, seconds: int) -> None:
        self.now += seconds

    def start(self, is_paid: bool) -> None:
        found = self.book.texts.reserve(self.name, now=self.now)
        if found.challenge in self.drawn or found.may_send:
            self.flows.insert(0, found.challenge)
        if not found.may_send:
            assert found.challenge not in self.drawn or not found.challenge.mark
            return
        assert found.challenge.mark not in self.own
        self.own[found.challenge.mark] = 0
        if found.verdict is Verdict.SEND:
            assert found.challenge not in self.drawn
            self.drawn.insert(0, found.challenge)
            self.is_used = False
        payer = self.book if is_paid else self.poor
        if payer.budgets.spend(self.name, found, block="b", country="US", now=self.now).may_send:
            self.texted.add(found.challenge)

    def wrong(self, flow: int) -> None:
        self.compared(flow)

    def right(self, what: tuple[int, int]) -> None:
        flow, code = what
        if code < len(self.drawn) and self.drawn[code] in self.compared(flow):
            newest = self.drawn[0]
            assert self.book.answers.use(self.name, newest, block="b", now=self.now)
            assert not self.book.answers.use(self.name, newest, block="b", now=self.now)
            self.is_used, self.failures = True, 0
            self.texted.clear()

    def compared(self, flow: int) -> list[Challenge]:
        """Answer, and return what with; for eight failures in a row, all that may be."""
        if flow >= len(self.flows):
            return []
        mine = self.flows[flow]
        counted = self.book.answers.count(self.name, mine, now=self.now)
        got = list(counted.comparable) if counted else []
        if got or self.failures < 8:
            assert got == self.expected(mine)
        if counted and mine.mark:
            self.own[mine.mark] += 1
        elif counted:
            self.shared.update(self.drawn[:2])
        self.failures += bool(counted)
        return got

    def expected(self, mine: Challenge) -> list[Challenge]:
        newest, *others = self.drawn
        answers = self.own[mine.mark] if mine.mark else self.shared[newest]
        is_over = self.is_used or self.now >= newest.expires_at or answers >= 3
        if is_over or mine not in self.drawn[:2]:
            return []
        return [
            each
            for each in [newest, *others[: self.failures < 9]]
            if each in self.texted
            and self.now < each.expires_at
            and (mine.mark or self.shared[each] < 3)
        ]

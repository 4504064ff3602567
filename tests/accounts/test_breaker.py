"""Callers of a service that failed: one may ask, the others wait."""

import time

import pytest

from accounts.breaker import Breaker


@pytest.fixture
def failed() -> Breaker:
    breaker = Breaker(0.2)
    breaker.failed()
    return breaker


def test_all_may_ask_what_answers():
    assert [Breaker(5).may_ask() for _ in range(3)] == [True] * 3


def test_nobody_asks_for_a_while_after_a_failure_then_one_does(failed):
    for _ in range(2):
        assert [failed.may_ask() for _ in range(3)] == [False] * 3
        time.sleep(0.21)
        assert [failed.may_ask() for _ in range(3)] == [True, False, False]


def test_failures_in_a_row_are_counted_until_an_answer():
    breaker = Breaker(5, failures=3, within=0.5)
    for _ in range(2):
        for _ in range(2):
            breaker.failed()
        assert breaker.may_ask()
        breaker.answered()
    for _ in range(3):
        breaker.failed()
    assert not breaker.may_ask()


def test_failures_that_are_far_apart_close_nothing():
    breaker = Breaker(5, failures=2, within=0.05)
    for _ in range(3):
        breaker.failed()
        time.sleep(0.06)
    assert breaker.may_ask()


def test_all_may_ask_again_after_an_answer(failed):
    time.sleep(0.21)
    assert failed.may_ask()
    failed.answered()
    assert [failed.may_ask() for _ in range(3)] == [True] * 3

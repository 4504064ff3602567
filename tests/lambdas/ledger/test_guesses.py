"""Answers that are no codes: how many of them are compared, however many come at once."""

import pytest

from tests.lambdas.ledger.book import DAY, MINUTE, START, in_parallel, write_failures

pytestmark = pytest.mark.cloud


def test_guesses_in_parallel_are_compared_ten_times_before_the_hold(book, name):
    got = in_parallel(60, lambda _: book.guesses.count(name, now=START))
    assert got.count(True) == 10
    assert book.show(name, now=START).held_until == START + 15 * MINUTE


def test_guesses_after_the_hold_go_on(book, name):
    for _ in range(10):
        assert book.guesses.count(name, now=START)
    assert not book.guesses.count(name, now=START + 15 * MINUTE - 1)
    assert book.guesses.count(name, now=START + 15 * MINUTE + 1)


def test_guesses_after_a_right_answer_begin_again(book, name):
    for _ in range(9):
        assert book.guesses.count(name, now=START)
    book.guesses.clear(name)
    assert book.show(name, now=START).failures == 0
    assert [book.guesses.count(name, now=START) for _ in range(11)] == [True] * 10 + [False]


def test_hundredth_guess_locks_for_good(book, client, name):
    write_failures(client, name, 99)
    assert book.guesses.count(name, now=START)
    assert not book.guesses.count(name, now=START + 1000 * DAY)
    assert book.show(name, now=START).is_locked


def test_thing_taken_in_parallel_is_taken_once(book, name):
    got = in_parallel(40, lambda _: book.guesses.take(name, now=START))
    assert got.count(True) == 1
    assert not book.guesses.take(name, now=START + DAY)

"""Answers to codes: which of them are compared, with what, and how often."""

import itertools
from collections import Counter
from dataclasses import replace

import pytest

from lambdas.triggers.challenge import Challenge
from lambdas.triggers.ledger import Ledger, Verdict
from tests.lambdas.ledger.book import (
    MINUTE,
    START,
    TABLE,
    comparable,
    in_parallel,
    joined,
    write_failures,
)

pytestmark = pytest.mark.cloud


def test_parallel_answers_are_compared_three_times(book, name):
    challenge = book.texts.reserve(name, now=START).challenge
    got = in_parallel(120, lambda _: book.answers.count(name, challenge, now=START))
    assert sorted(one.failures for one in got if one) == [1, 2, 3]


def test_parallel_right_answers_win_once(book, name, day):
    challenge = book.texts.reserve(name, now=day).challenge
    got = in_parallel(40, lambda _: book.answers.use(name, challenge, block="b", now=day))
    assert got.count(True) == 1


def test_used_code_is_dead_and_the_next_may_come_at_once(book, name, day):
    challenge = book.texts.reserve(name, now=day).challenge
    assert book.answers.count(name, challenge, now=day + 1)
    assert book.answers.use(name, challenge, block="b", now=day + 1)
    assert not book.answers.count(name, challenge, now=day + 2)
    after = book.texts.reserve(name, now=day + 3)
    assert after.verdict is Verdict.SEND
    assert after.challenge != challenge
    assert book.texts.reserve(name, now=day + 3).verdict is Verdict.COOLDOWN


@pytest.mark.parametrize("typed_into", [0, 1])
@pytest.mark.parametrize(("age", "compared_with"), [(299, [1, 0]), (300, [1])])
def test_code_before_the_newest_is_compared_until_its_end(
    book, name, typed_into, age, compared_with
):
    drawn = [book.texts.reserve(name, now=START + at).challenge for at in (0, 200)]
    compared = comparable(book, name, drawn[typed_into], now=START + age)
    assert compared == [drawn[each] for each in compared_with]


def test_code_two_before_the_newest_is_dead(client, numbers, name):
    """Where codes live so shortly that each text brings another."""
    book = Ledger(client, TABLE, replace(numbers, code_lifetime_seconds=150))
    oldest, old = [book.texts.reserve(name, now=START + at).challenge for at in (0, 40)]
    # Which leaves its count in the one after it.
    assert book.answers.count(name, oldest, now=START + 41)
    new = book.texts.reserve(name, now=START + 110).challenge
    for flow in (oldest, joined(oldest)):
        assert book.answers.count(name, flow, now=START + 111) is None
    assert comparable(book, name, new, now=START + 111) == [new, old]


def test_code_tried_before_the_newest_was_drawn_is_tried_three_times_in_all(book, name):
    old = joined(book.texts.reserve(name, now=START).challenge)
    book.answers.count(name, old, now=START)
    new = joined(book.texts.reserve(name, now=START + 200).challenge)
    compared = [comparable(book, name, each, now=START + 201) for each in (new, old, old, new)]
    assert compared == [[new, old], [new, old], [new], []]


def test_code_without_a_try_is_not_compared_beside_the_next(book, name):
    burnt = joined(book.texts.reserve(name, now=START).challenge)
    for _ in range(3):
        book.answers.count(name, burnt, now=START)
    new = book.texts.reserve(name, now=START + 200).challenge
    assert comparable(book, name, burnt, now=START + 201) == [new]
    assert comparable(book, name, new, now=START + 202) == [new, burnt]


# Tries of one's own


@pytest.mark.parametrize("others", [3, 40])
def test_wrong_answers_elsewhere_spend_no_try_of_whoever_asked(book, name, others):
    mine = book.texts.reserve(name, now=START).challenge
    in_parallel(others, lambda _: book.answers.count(name, joined(mine), now=START + 1))
    assert book.show(name, now=START).failures == 3
    assert book.tries_left(name, mine, now=START + 2) == 3
    assert book.tries_left(name, joined(mine), now=START + 2) == 0
    assert comparable(book, name, mine, now=START + 2) == [mine]


def test_wrong_answers_of_whoever_asked_spend_no_try_of_others(book, name):
    theirs = book.texts.reserve(name, now=START).challenge
    in_parallel(40, lambda _: book.answers.count(name, theirs, now=START + 1))
    late = book.texts.reserve(name, now=START + 2)
    assert (late.verdict, late.tries_left) == (Verdict.COOLDOWN, 3)
    assert comparable(book, name, late.challenge, now=START + 3) == [theirs]
    assert book.texts.reserve(name, now=START + 4).tries_left == 2


def test_each_text_of_a_code_has_tries_for_whoever_asked(book, name):
    texted = [book.texts.reserve(name, now=START + at) for at in (0, 31, 92)]
    verdicts = [Verdict.SEND, Verdict.SEND_AGAIN, Verdict.SEND_AGAIN]
    assert [each.verdict for each in texted] == verdicts
    asked = [each.challenge for each in texted]
    assert len({each.mark for each in asked}) == 3
    flows = [*asked, joined(asked[0])]
    in_parallel(24, lambda n: book.answers.count(name, flows[n % 2], now=START + 93))
    # The first two have spent theirs, and nothing of the third or of all others.
    assert [book.tries_left(name, each, now=START + 94) for each in flows] == [0, 0, 3, 3]
    assert book.show(name, now=START + 94).failures == 6


@pytest.mark.parametrize("is_spent", [False, True])
def test_asker_of_the_code_before_the_newest_has_their_tries(book, name, is_spent):
    old, new = [book.texts.reserve(name, now=START + at).challenge for at in (0, 200)]
    if is_spent:
        in_parallel(9, lambda _: book.answers.count(name, joined(new), now=START + 201))
    assert comparable(book, name, old, now=START + 202) == [new, old]
    assert comparable(book, name, new, now=START + 203) == [new, old]
    got = in_parallel(20, lambda _: book.answers.count(name, old, now=START + 204))
    assert sum(each is not None for each in got) == 2
    assert book.tries_left(name, old, now=START + 205) == 0
    assert book.tries_left(name, new, now=START + 205) == 2


def test_code_is_kept_whatever_tries_are_left(book, name):
    """With new codes, a stranger would have the one that its owner is about to type dropped."""
    mine = book.texts.reserve(name, now=START).challenge
    for at in (31, 92):
        for _ in range(3):
            book.answers.count(name, joined(mine), now=START + at - 1)
        assert book.texts.reserve(name, now=START + at).verdict is Verdict.SEND_AGAIN
    assert comparable(book, name, mine, now=START + 93) == [mine]


@pytest.mark.parametrize("mark", ["", "00000000"])
def test_mark_that_was_not_given_has_no_tries_of_its_own(book, name, mark):
    mine = book.texts.reserve(name, now=START).challenge
    invented = replace(mine, mark=mark)
    got = [bool(comparable(book, name, invented, now=START + 1)) for _ in range(4)]
    assert got == ([False] * 4 if mark else [True, True, True, False])


def test_mark_of_a_code_is_none_of_the_next(book, name):
    old, new = [book.texts.reserve(name, now=START + at).challenge for at in (0, 200)]
    for _ in range(3):
        assert book.answers.count(name, old, now=START + 201)
    # In both codes that count has been written; only that of its own is read.
    mixed = replace(new, mark=old.mark)
    assert book.answers.count(name, mixed, now=START + 202) is None
    other = replace(old, mark=new.mark)
    assert book.answers.count(name, other, now=START + 202) is None


def test_used_code_is_not_compared_beside_the_next(book, name, day):
    used = book.texts.reserve(name, now=day).challenge
    assert book.answers.use(name, used, block="b", now=day + 1)
    new = book.texts.reserve(name, now=day + 2).challenge
    assert comparable(book, name, used, now=day + 3) == [new]


def test_code_is_dead_once_the_one_after_it_was_used(book, name, day):
    old = book.texts.reserve(name, now=day).challenge
    new = book.texts.reserve(name, now=day + 200).challenge
    assert book.answers.use(name, new, block="b", now=day + 201)
    assert book.answers.count(name, old, now=day + 202) is None
    later = book.texts.reserve(name, now=day + 203).challenge
    assert comparable(book, name, later, now=day + 204) == [later]


def test_right_answer_overtaken_by_a_newer_code_takes_nothing(book, name, day):
    old = book.texts.reserve(name, now=day).challenge
    new = book.texts.reserve(name, now=day + 200).challenge
    assert not book.answers.use(name, old, block="b", now=day + 201)
    assert comparable(book, name, new, now=day + 202) == [new, old]


def test_number_that_was_held_has_one_code_at_a_time(book, client, name):
    """Otherwise a hundred answers in a row would be two hundred guesses."""
    for at in (0, 200):
        new = book.texts.reserve(name, now=START + at).challenge
    write_failures(client, name, 7)
    compared = [len(comparable(book, name, new, now=START + 201)) for _ in range(3)]
    assert compared == [2, 2, 1]
    assert book.show(name, now=START + 201).held_until == START + 201 + 15 * MINUTE


def test_parallel_starts_late_in_a_life_leave_the_code_before_alive(book, name):
    old = book.texts.reserve(name, now=START).challenge
    got = in_parallel(30, lambda _: book.texts.reserve(name, now=START + 200))
    [new] = {reservation.challenge for reservation in got}
    assert comparable(book, name, old, now=START + 201) == [new, old]


def test_parallel_answers_to_two_codes_are_compared_three_times_with_either(book, name):
    old = joined(book.texts.reserve(name, now=START).challenge)
    book.answers.count(name, old, now=START)
    flows = [old, joined(book.texts.reserve(name, now=START + 200).challenge)]
    got = in_parallel(60, lambda n: comparable(book, name, flows[n % 2], now=START + 201))
    compared = Counter(itertools.chain.from_iterable(got))
    assert compared == {flows[0]: 2, flows[1]: 3}
    assert book.show(name, now=START + 201).failures == 4


def test_late_code_is_not_compared(book, name):
    challenge = book.texts.reserve(name, now=START).challenge
    assert not book.answers.count(name, challenge, now=START + 300)


def test_code_nobody_drew_is_not_compared(book, name):
    invented = Challenge.draw(now=START, lifetime=300)
    assert not book.answers.count(name, invented, now=START)
    book.texts.reserve(name, now=START)
    assert not book.answers.count(name, invented, now=START)


def test_answer_that_nothing_is_left_to_compare_with_is_no_failure(book, client, name):
    first = joined(book.texts.reserve(name, now=START).challenge)
    assert comparable(book, name, first, now=START + 1)
    newest = joined(book.texts.reserve(name, now=START + 200).challenge)
    book.texts.settle(name, newest, why=Verdict.POOL, is_withheld=True)
    got = [comparable(book, name, newest, now=START + 210) for _ in range(4)]
    assert got == [[first], [first], [], []]
    assert book.show(name, now=START + 211).failures == 3


@pytest.mark.parametrize(("failures", "left"), [(7, [True, True, False]), (8, [True, False])])
def test_late_code_alone_is_compared_until_the_tenth_failure(book, client, name, failures, left):
    first = book.texts.reserve(name, now=START).challenge
    newest = book.texts.reserve(name, now=START + 200).challenge
    book.texts.settle(name, newest, why=Verdict.POOL, is_withheld=True)
    write_failures(client, name, failures)
    got = [comparable(book, name, newest, now=START + 210) == [first] for _ in left]
    assert got == left
    assert book.show(name, now=START + 211).failures == 9

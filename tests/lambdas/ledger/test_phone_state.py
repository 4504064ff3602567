"""Failures of one number: holds, the lock, and the size of its item."""

from collections import Counter

import pytest

from lambdas.triggers.challenge import Challenge
from lambdas.triggers.ledger import Verdict
from tests.lambdas.ledger.book import (
    DAY,
    HOUR,
    MINUTE,
    START,
    TABLE,
    write_failures,
)

pytestmark = pytest.mark.cloud


@pytest.mark.parametrize(
    ("failures", "hold"),
    [
        (10, 15 * MINUTE),
        (20, HOUR),
        (30, 4 * HOUR),
        (50, 24 * HOUR),
        (60, 24 * HOUR),
        (90, 24 * HOUR),
    ],
)
def test_failures_in_a_row_are_followed_by_a_hold(book, client, name, failures, hold):
    challenge = book.texts.reserve(name, now=START).challenge
    write_failures(client, name, failures - 1)
    assert book.answers.count(name, challenge, now=START + 40)
    assert not book.answers.count(name, challenge, now=START + 41)
    # last_failure is in whole seconds
    assert book.texts.reserve(name, now=START + 40 + hold - 1).verdict is Verdict.HELD
    assert book.show(name, now=START).held_until == START + 40 + hold
    after = book.texts.reserve(name, now=START + 40 + hold)
    assert after.may_send
    assert book.answers.count(name, after.challenge, now=START + 40 + hold)


def test_right_answer_clears_the_failures(book, name, day):
    challenge = book.texts.reserve(name, now=day).challenge
    for _ in range(2):
        book.answers.count(name, challenge, now=day)
    assert book.show(name, now=day).failures == 2
    book.answers.count(name, challenge, now=day)
    book.answers.use(name, challenge, block="b", now=day)
    assert book.show(name, now=day).failures == 0


def test_new_codes_never_give_more_than_a_hundred_guesses(book, name):
    """Whoever asks for codes for years and guesses whenever possible gets a hundred guesses."""
    guesses, now = 0, START
    for _ in range(2_000):
        reservation = book.texts.reserve(name, now=now)
        while reservation.may_send and book.answers.count(name, reservation.challenge, now=now):
            guesses += 1
        if reservation.verdict is Verdict.LOCKED:
            break
        now = max(now + 1, reservation.resend_at)
        if reservation.verdict is Verdict.HELD:
            now += HOUR
    assert guesses == 100
    assert book.show(name, now=now).is_locked
    assert not book.texts.reserve(name, now=now + 1000 * DAY).may_send


def test_two_codes_at_a_time_hardly_give_more_than_a_hundred_guesses(book, name):
    """Whoever waits until two codes live guesses at both, nine times, and at one ever after."""
    compared: Counter[Challenge] = Counter()
    answers, now = 0, START
    while answers < 20:
        book.texts.reserve(name, now=now)
        reservation = book.texts.reserve(name, now=now + 200)
        while reservation.may_send and (
            counted := book.answers.count(name, reservation.challenge, now=now + 200)
        ):
            answers += 1
            compared.update(list(counted.comparable))
        now += 2 * HOUR
    assert compared.total() == answers + 9
    assert max(compared.values()) == 3


def test_operator_unlocks_a_locked_number(book, client, name):
    challenge = book.texts.reserve(name, now=START).challenge
    write_failures(client, name, 99)
    assert book.answers.count(name, challenge, now=START)
    assert book.texts.reserve(name, now=START + 400 * DAY).verdict is Verdict.LOCKED
    book.unlock(name)
    assert book.show(name, now=START).failures == 0
    assert book.texts.reserve(name, now=START + 1).may_send


def test_item_does_not_grow_without_end(book, client, name):
    at = START
    for _ in range(40):
        at += 3 * HOUR
        reservation = book.texts.reserve(name, now=at)
        if reservation.may_send:
            book.answers.count(name, reservation.challenge, now=at)
            book.answers.use(name, reservation.challenge, block="b", now=at)
    item = client.get_item(TableName=TABLE, Key={"pk": {"S": f"phone#{name}"}})["Item"]
    assert len(item["recent"]["L"]) <= 11

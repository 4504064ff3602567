"""Budgets that many numbers share."""

from dataclasses import replace

import pytest

from lambdas.triggers.ledger import Ledger, Verdict
from tests.lambdas.ledger.book import (
    DAY,
    HOUR,
    MINUTE,
    TABLE,
    comparable,
    in_parallel,
    joined,
    spend,
)

pytestmark = pytest.mark.cloud


def test_unused_block_gets_five_texts_an_hour_once_ten_were_sent(book, day):
    got = [
        spend(book, f"{day}-{n}", block=f"b{day}", now=day + n * 5 * MINUTE).verdict
        for n in range(36)
    ]
    # Ten in the first hour, before the block is judged; five in each further one.
    assert got[:12] == [Verdict.SEND] * 10 + [Verdict.BLOCK_UNUSED] * 2
    assert got[12:24] == [Verdict.SEND] * 5 + [Verdict.BLOCK_UNUSED] * 7
    assert got[24:] == [Verdict.SEND] * 5 + [Verdict.BLOCK_UNUSED] * 7


def test_used_block_gets_twenty_texts_an_hour_two_of_them_to_people_known_before(book, day):
    got = []
    for n in range(25):
        is_known = n >= 20
        reservation = spend(book, f"{day}-{n}", block=f"b{day}", now=day + n, is_known=is_known)
        got.append(reservation.verdict)
        if n % 5 == 0:
            book.answers.use(f"{day}-{n}", reservation.challenge, block=f"b{day}", now=day + n)
    strangers = [Verdict.SEND] * 18 + [Verdict.BLOCK] * 2
    assert got == [*strangers, *[Verdict.SEND] * 2, *[Verdict.BLOCK] * 3]


def test_country_and_pool_have_budgets_of_their_own(client, numbers, day):
    book = Ledger(
        client,
        TABLE,
        replace(
            numbers,
            sends_per_country_hour=2,
            sends_per_pool_hour=3,
            sends_per_pool_day=5,
        ),
    )

    def start(n: int, country: str, now: float) -> Verdict:
        return spend(book, f"{day}-{n}", block=f"{day}-{n}", country=country, now=now).verdict

    assert [start(n, "US", day) for n in range(3)] == [Verdict.SEND, Verdict.SEND, Verdict.COUNTRY]
    assert [start(n, "FR", day) for n in range(3, 5)] == [Verdict.SEND, Verdict.POOL]
    assert [start(n, "FR", day + HOUR) for n in range(5, 8)] == [
        Verdict.SEND,
        Verdict.SEND,
        # The country's hour is used up as well; the pool's day comes first.
        Verdict.POOL,
    ]
    assert start(8, "US", day + 2 * HOUR) is Verdict.POOL
    assert start(9, "US", day + DAY) is Verdict.SEND


def test_parallel_spending_stops_at_the_budget(client, numbers, day):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=5))
    got = in_parallel(40, lambda n: spend(book, f"{day}-{n}", block=f"{day}-{n}", now=day).verdict)
    assert got.count(Verdict.SEND) == 5


def test_refused_budget_leaves_the_cooldown_as_it_is_for_everybody(client, numbers, name, day):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=1))
    spend(book, f"{name}-other", block="x", now=day)
    assert spend(book, name, block="y", now=day).verdict is Verdict.POOL
    assert book.texts.reserve(name, now=day + 2).verdict is Verdict.COOLDOWN


def test_code_that_no_budget_was_left_for_is_right_only_once_it_is_texted(
    client, numbers, name, day
):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=1))
    spend(book, f"{name}-other", block="x", now=day + HOUR - 40)
    refused = spend(book, name, block="y", now=day + HOUR - 40)
    assert not book.answers.count(name, refused.challenge, now=day + HOUR - 39)
    sent = spend(book, name, block="y", now=day + HOUR + 1)
    assert sent.verdict is Verdict.SEND_AGAIN
    assert sent.challenge == refused.challenge
    assert book.answers.count(name, sent.challenge, now=day + HOUR + 2)


def test_code_before_one_that_no_budget_was_left_for_still_works(client, numbers, name, day):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=1))
    old = spend(book, name, block="y", now=day).challenge
    refused = spend(book, name, block="y", now=day + 200)
    assert refused.verdict is Verdict.POOL
    for flow in (old, refused.challenge):
        assert comparable(book, name, flow, now=day + 299) == [old]
    assert book.answers.count(name, old, now=day + 300) is None
    assert book.show(name, now=day + 300).failures == 2


@pytest.mark.parametrize("end", ["burnt", "used", "never texted"])
def test_answer_is_no_failure_while_none_of_two_codes_can_be_right(client, numbers, name, day, end):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=1))
    if end == "never texted":
        spend(book, f"{name}-other", block="x", now=day)
    old = spend(book, name, block="y", now=day).challenge
    if end == "used":
        book.answers.use(name, old, block="y", now=day)
    for _ in range(3 if end == "burnt" else 0):
        book.answers.count(name, joined(old), now=day)
    before = book.show(name, now=day).failures
    new = spend(book, name, block="y", now=day + 200)
    assert new.verdict is Verdict.POOL
    asked = [] if end == "burnt" else [old, new.challenge]
    for flow in (*asked, joined(old), joined(new.challenge)):
        assert book.answers.count(name, flow, now=day + 201) is None
    assert book.show(name, now=day).failures == before


def test_code_that_no_budget_was_left_for_is_not_compared_beside_the_next(
    client, numbers, name, day
):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=1))
    spend(book, f"{name}-other", block="x", now=day + HOUR - 100)
    refused = spend(book, name, block="y", now=day + HOUR - 100).challenge
    sent = spend(book, name, block="y", now=day + HOUR + 100)
    assert sent.verdict is Verdict.SEND
    assert comparable(book, name, refused, now=day + HOUR + 101) == [sent.challenge]


def test_refused_repetition_leaves_the_code_that_was_texted(client, numbers, name, day):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=1))
    first = spend(book, name, block="y", now=day)
    again = spend(book, name, block="y", now=day + 31)
    assert again.verdict is Verdict.POOL
    assert book.answers.count(name, first.challenge, now=day + 32)

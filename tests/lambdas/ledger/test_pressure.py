"""Budgets that are nearly used up: strangers wait, and people known before are still texted."""

from collections import Counter
from dataclasses import replace

import pytest

from lambdas.triggers.ledger import Ledger, Verdict, names
from tests.lambdas.ledger.book import DAY, HOUR, MINUTE, TABLE, in_parallel, prove, spend

pytestmark = pytest.mark.cloud

DOLLAR = 1_000_000


def strangers(book, day, count, *, now, block=None, country="US", cost=0):
    """Text so many numbers that nobody ever proved, of one block or of a block each."""
    return [
        spend(
            book,
            f"{day}-{now}-{block}-{n}",
            block=block or f"{day}-{now}-{n}",
            country=country,
            now=now + n / 10,
            cost=cost,
        ).verdict
        for n in range(count)
    ]


# Attacks


def test_strangers_who_fill_a_block_do_not_silence_its_members(book, name, day):
    prove(book, name, block=f"b{day}", now=day)
    got = strangers(book, day, 12, block=f"b{day}", now=day + HOUR)
    assert got[-1] is Verdict.BLOCK_UNUSED
    member = spend(book, name, block=f"b{day}", now=day + HOUR + MINUTE)
    assert member.verdict is Verdict.SEND


def test_strangers_who_fill_a_country_do_not_silence_its_members(book, name, day):
    for n in range(20):
        prove(book, f"{name}-{n}", block=f"{name}-{n}", now=day)
    # Codes that were used are written with the next answer.
    book.budgets.settle(day)
    got = Counter(strangers(book, day, 199, now=day + HOUR))
    # Each used code speaks for four others, and twenty more are let through.
    assert got == {Verdict.SEND: 100, Verdict.COUNTRY_UNUSED: 99}
    for n in range(20):
        member = spend(book, f"{name}-{n}", block=f"{name}-{n}", now=day + HOUR + MINUTE)
        assert member.verdict is Verdict.SEND


def test_new_country_gets_a_quarter_of_its_hour_until_codes_are_used(book, day):
    got = Counter(strangers(book, day, 80, now=day, country="LT"))
    assert got == {Verdict.SEND: 50, Verdict.COUNTRY_UNUSED: 30}
    assert strangers(book, day, 1, now=day + MINUTE, country="US") == [Verdict.SEND]


def test_burst_of_neighbours_in_an_unused_country_is_pumping(book, day):
    strangers(book, day, 20, now=day)
    got = strangers(book, day, 7, block=f"b{day}", now=day + MINUTE)
    # One signal alone holds nothing back.
    assert got == [Verdict.SEND] * 4 + [Verdict.PUMPING] * 3
    elsewhere = strangers(book, day, 7, block=f"c{day}", now=day + MINUTE, country="FR")
    assert elsewhere == [Verdict.SEND] * 7


# The reserved share


@pytest.mark.parametrize(
    "budget", ["sends_per_pool_hour", "sends_per_pool_day", "sends_per_country_hour"]
)
def test_last_tenth_is_for_people_known_before(client, numbers, name, day, budget):
    book = Ledger(client, TABLE, replace(numbers, **{budget: 20}))
    for n in range(2):
        prove(book, f"{name}-{n}", block=f"{name}-{n}", now=day)
    got = strangers(book, day, 20, now=day + MINUTE)
    assert got.count(Verdict.SEND) == 16
    assert got[16:] == [got[-1]] * 4
    for n in range(2):
        member = spend(book, f"{name}-{n}", block=f"{name}-{n}", now=day + 2 * MINUTE)
        assert member.may_send
    end = Verdict.COUNTRY if budget == "sends_per_country_hour" else Verdict.POOL
    last = spend(book, f"{name}-0", block=f"{name}-0", now=day + 10 * MINUTE)
    assert last.verdict is end


def test_budget_is_back_by_itself_in_the_next_hour(client, numbers, day):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=10))
    got = strangers(book, day, 11, now=day)
    assert got == [Verdict.SEND] * 9 + [Verdict.RESERVED] * 2
    assert book.budgets.wants_work(day + MINUTE)
    assert strangers(book, day, 3, now=day + HOUR) == [Verdict.SEND] * 3
    assert not book.budgets.wants_work(day + HOUR)


def test_parallel_members_and_strangers_overrun_no_budget(client, numbers, day):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=40))

    def start(n):
        who = f"{day}-{n}"
        return n % 2, spend(book, who, block=who, now=day, is_known=bool(n % 2)).verdict

    got = Counter(in_parallel(120, start))
    assert got[0, Verdict.SEND] + got[1, Verdict.SEND] == 40
    assert got[0, Verdict.SEND] <= 36


def test_money_is_a_budget_that_strangers_use_nine_tenths_of(client, numbers, day):
    book = Ledger(client, TABLE, replace(numbers, dollars_per_pool_hour=1))
    got = strangers(book, day, 20, now=day, cost=DOLLAR // 10)
    assert got == [Verdict.SEND] * 9 + [Verdict.RESERVED] * 11
    known = spend(book, f"{day}-k", block=f"{day}-k", now=day, cost=DOLLAR // 10, is_known=True)
    assert known.may_send
    assert (known.hour_percent, known.day_percent) == (100, 0)
    last = spend(book, f"{day}-l", block=f"{day}-l", now=day, cost=1, is_known=True)
    assert last.verdict is Verdict.POOL


def test_parallel_spending_of_money_stops_with_the_text_that_reaches_the_end(client, numbers, day):
    book = Ledger(client, TABLE, replace(numbers, dollars_per_pool_day=2))

    def start(n):
        who = f"{day}-{n}"
        return spend(book, who, block=who, now=day, cost=DOLLAR * 3 // 10, is_known=True).verdict

    assert in_parallel(30, start).count(Verdict.SEND) == 7


# A proof of work


@pytest.mark.parametrize(
    ("limits", "texts"),
    [
        ({"sends_per_pool_hour": 10}, 8),
        ({"sends_per_pool_day": 10}, 8),
        ({"sends_per_country_hour": 10}, 8),
        ({"dollars_per_pool_hour": 1}, 8),
        # A quarter of 80 is for a country whose codes are not used.
        ({"sends_per_country_hour": 80}, 20),
    ],
)
def test_work_is_asked_for_from_four_fifths_of_a_budget_on(client, numbers, day, limits, texts):
    book = Ledger(client, TABLE, replace(numbers, **limits))
    strangers(book, day, texts - 1, now=day, cost=DOLLAR // 10)
    assert not book.budgets.wants_work(day)
    strangers(book, day, 1, now=day + 10, cost=DOLLAR // 10)
    assert book.budgets.wants_work(day)
    end = day // DAY * DAY + DAY if "sends_per_pool_day" in limits else day // HOUR * HOUR + HOUR
    assert book.budgets.wants_work(end - 1)
    assert not book.budgets.wants_work(end)


def test_process_that_texts_nobody_learns_of_the_pressure_too(client, numbers, name, day):
    tight = replace(numbers, sends_per_pool_hour=10)
    strangers(Ledger(client, TABLE, tight), day, 8, now=day)
    other = Ledger(client, TABLE, tight)
    assert not other.budgets.wants_work(day)
    other.budgets.pretend(name, other.texts.reserve(name, now=day), now=day)
    assert other.budgets.wants_work(day)


# What callers and operators are told


def test_members_and_strangers_are_told_the_same_time(client, numbers, name, day):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=20))
    prove(book, name, block=name, now=day)
    strangers(book, day, 17, now=day + MINUTE)
    at = day + 2 * MINUTE
    member = spend(book, name, block=name, now=at)
    stranger = spend(book, f"{name}-s", block=f"{name}-s", now=at)
    nobody = book.budgets.pretend(f"{name}-n", book.texts.reserve(f"{name}-n", now=at), now=at)
    until = (day // HOUR + 1) * HOUR
    assert [each.open_at for each in (member, stranger, nobody)] == [until] * 3
    assert (member.verdict, stranger.verdict) == (Verdict.SEND, Verdict.RESERVED)
    for who in (name, f"{name}-s", f"{name}-n"):
        assert book.texts.reserve(who, now=at + 1).open_at == until
        assert book.texts.reserve(who, now=until).open_at == 0
    known = spend(book, f"{name}-k", block=f"{name}-k", now=at, is_known=True)
    assert (known.may_send, known.open_at) == (True, 0)


def test_decisions_of_a_number_are_kept_with_reason_and_reference(client, numbers, name, day):
    book = Ledger(client, TABLE, replace(numbers, sends_per_pool_hour=10, sends_per_phone_hour=4))
    first = spend(book, name, block=name, now=day)
    book.texts.release(name, now=day, why="opted_out")
    strangers(book, day, 8, now=day)
    second = spend(book, name, block=name, now=day + 200)
    assert book.answers.use(name, second.challenge, block=name, now=day + 200)
    third = spend(book, name, block=name, now=day + 400)
    fourth = spend(book, name, block=name, now=day + 1000)
    for seconds in (1010, 1100, 1400):
        book.texts.reserve(name, now=day + seconds)
    kept = [
        (each.at - int(day), each.reference, each.why)
        for each in book.show(name, now=day + 1400).decisions
    ]
    assert kept[1:] == [
        (1000, fourth.challenge.reference, "pool"),
        (400, third.challenge.reference, "went_first"),
        (200, second.challenge.reference, "reserved"),
        (0, first.challenge.reference, "opted_out"),
    ]
    assert kept[0][::2] == (1400, "phone_hour")


def test_only_the_last_decisions_are_kept(book, name, day):
    for n in range(30):
        at = day + n * 3 * HOUR
        sent = book.texts.reserve(name, now=at)
        assert sent.may_send
        book.answers.count(name, sent.challenge, now=at)
        book.guesses.clear(name)
    assert len(book._table.read(names.phone_item(name))["decisions"]) <= 9
    assert len(book.show(name, now=at).decisions) == 8

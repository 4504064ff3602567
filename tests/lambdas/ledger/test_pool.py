"""Failures of the whole pool, and longer codes under attack."""

from dataclasses import replace

import pytest

from lambdas.triggers.ledger import Ledger
from tests.lambdas.ledger.book import MINUTE, TABLE, comparable, spend

pytestmark = pytest.mark.cloud


def test_unknown_names_get_longer_codes_under_attack_as_well(client, numbers, day):
    book = Ledger(client, TABLE, replace(numbers, failures_per_pool_5_minutes=1))
    challenge = book.texts.reserve(f"{day}-a", now=day).challenge
    book.answers.count(f"{day}-a", challenge, now=day)
    nobody = book.texts.reserve(f"{day}-nobody", now=day + 1)
    assert book.budgets.pretend(f"{day}-nobody", nobody, now=day + 1).challenge.code_length == 8


def test_codes_grow_to_eight_digits_under_attack_and_nobody_is_shut_out(client, numbers, day):
    book = Ledger(client, TABLE, replace(numbers, failures_per_pool_5_minutes=4))
    for n in range(2):
        challenge = book.texts.reserve(f"{day}-{n}", now=day).challenge
        for _ in range(2):
            book.answers.count(f"{day}-{n}", challenge, now=day)
    grown = spend(book, f"{day}-victim", block=f"b{day}", now=day + 1)
    assert grown.may_send
    assert grown.challenge.code_length == 8
    assert book.answers.count(f"{day}-victim", grown.challenge, now=day + 2)
    calm = spend(book, f"{day}-later", block=f"b{day}", now=day + 11 * MINUTE)
    assert calm.challenge.code_length == 6


def test_longer_code_leaves_the_one_before_it_alive(client, numbers, name, day):
    book = Ledger(client, TABLE, replace(numbers, failures_per_pool_5_minutes=1))
    old = spend(book, name, block=f"b{day}", now=day).challenge
    book.answers.count(name, old, now=day)
    grown = spend(book, name, block=f"b{day}", now=day + 200).challenge
    assert (old.code_length, grown.code_length) == (6, 8)
    assert comparable(book, name, old, now=day + 201) == [grown, old]


def test_right_answers_do_not_count_as_failures_of_the_pool(client, numbers, day):
    book = Ledger(client, TABLE, replace(numbers, failures_per_pool_5_minutes=2))
    for n in range(5):
        challenge = book.texts.reserve(f"{day}-{n}", now=day).challenge
        assert book.answers.count(f"{day}-{n}", challenge, now=day)
        book.answers.use(f"{day}-{n}", challenge, block="b", now=day)
        assert not book.answers.count(f"{day}-{n}", challenge, now=day)
    assert spend(book, f"{day}-b", block=f"b{day}", now=day).challenge.code_length == 6

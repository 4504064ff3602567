"""What is counted for the whole pool: texts of many countries, and failures under attack."""

from collections import Counter
from dataclasses import replace

import pytest

from lambdas.triggers.ledger import Ledger, Verdict, names
from tests.lambdas.ledger.book import (
    COUNTRIES,
    DAY,
    HOUR,
    MINUTE,
    RICH,
    TABLE,
    close_hours,
    comparable,
    in_parallel,
    new_day,
    sign_in,
    spend,
    write_hours,
)
from tests.write_units import PER_SECOND_AND_KEY, WriteUnits

pytestmark = pytest.mark.cloud

# Cognito's default quota is 120 calls a second, and a sign-in makes two.
SIGN_INS_PER_SECOND = 60


@pytest.fixture
def rich(numbers):
    return replace(numbers, **RICH)


@pytest.fixture
def midnight() -> float:
    """Midnight of a day that no other test uses."""
    return new_day() // DAY * DAY


def pool_item(client, midnight: float) -> dict[str, int]:
    key = {"pk": {"S": names.pool_item(midnight)}}
    item = client.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]
    return {name: int(value["N"]) for name, value in item.items() if "N" in value}


def test_parallel_texts_to_60_countries_overrun_no_budget(client, numbers, midnight):
    limited = replace(
        numbers, sends_per_country_hour=2, sends_per_pool_hour=100, sends_per_pool_day=150
    )
    book = Ledger(client, TABLE, limited)

    def start(n: int, now: float) -> tuple[str, Verdict]:
        # Four in a row to each country, so that its budget is asked for, too.
        country, name = COUNTRIES[n // 4], f"{now}-{n}"
        return country, spend(book, name, block=name, country=country, now=now).verdict

    # A tenth of the hour and of the day is left for people known before.
    for hour, left in ((1, 90), (2, 45)):
        at = midnight + hour * HOUR + 2 * MINUTE
        got = in_parallel(240, lambda n, at=at: start(n, at))
        sent = Counter(country for country, verdict in got if verdict is Verdict.SEND)
        assert sent.total() == left
        assert max(sent.values()) <= 2
    found = book.overview.read(1, now=midnight + 3 * HOUR)[0]
    assert sum(each.count for each in found) == 135


def test_parallel_texts_at_the_turn_of_an_hour_keep_the_sum_of_the_day(client, rich, midnight):
    book = Ledger(client, TABLE, rich)
    write_hours(client, midnight, range(3))
    at = midnight + 3 * HOUR + 2 * MINUTE

    def start(n: int) -> None:
        spend(book, f"{at}-{n}", block=f"{at}-{n}", country=COUNTRIES[n], now=at)

    in_parallel(60, start)
    found = book.overview.read(1, now=at)[0]
    assert {each.country: each.count for each in found} == dict.fromkeys(COUNTRIES, 3 * 3_600 + 1)
    of_countries = {name for name in pool_item(client, midnight) if name[:2].isupper()}
    assert of_countries == {*COUNTRIES, *(f"{country}_03" for country in COUNTRIES)}
    assert not {name for name in pool_item(client, midnight) if name.endswith(("_00", "_01"))}


def test_budget_of_the_hour_before_stays_for_calls_that_began_in_it(client, rich, midnight):
    book = Ledger(client, TABLE, replace(rich, sends_per_country_hour=1))
    late = midnight + HOUR - 1
    assert spend(book, f"{midnight}-a", block=f"{midnight}-a", country="AA", now=late).may_send
    assert spend(
        book, f"{midnight}-b", block=f"{midnight}-b", country="AA", now=midnight + HOUR + 5
    ).may_send
    again = spend(book, f"{midnight}-c", block=f"{midnight}-c", country="AA", now=late)
    assert again.verdict is Verdict.COUNTRY


@pytest.mark.parametrize(("second", "units"), [(120, 7), (10, 9)])
def test_sign_in_costs_seven_write_units_with_60_countries(client, rich, midnight, second, units):
    """Two more in the first minute of an hour, while the one before it is kept."""
    book, at = Ledger(client, TABLE, rich), midnight + 20 * HOUR + second
    write_hours(client, midnight, range(21))
    close_hours(book, midnight + 19 * HOUR)
    sign_in(book, f"{midnight}-first", "AA", at)
    metered = WriteUnits(client)
    in_parallel(20, lambda n: sign_in(book, f"{midnight}-{n}", COUNTRIES[n], at))
    assert metered.by_item == {"phone": 60, "block": 40, "pool": 20 * (units - 5)}
    assert metered.updates == {"phone": 60, "block": 40, "pool": 40}
    # All sign-ins write the pool's item; phones and blocks are spread over many.
    assert SIGN_INS_PER_SECOND * metered.by_item["pool"] / 20 <= PER_SECOND_AND_KEY / 4


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

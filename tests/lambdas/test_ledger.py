"""The ledger on a real table of the local AWS, with the clock as an argument."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from botocore.config import Config

from lambdas.triggers import limits
from lambdas.triggers.challenge import Challenge
from lambdas.triggers.ledger import Ledger, Reservation, Verdict

pytestmark = pytest.mark.cloud

START = 1_800_000_000.0
MINUTE, HOUR, DAY = 60, 3600, 86_400
_names = itertools.count()


@pytest.fixture
def numbers() -> limits.Limits:
    limits.configured.cache_clear()
    found = limits.configured()
    limits.configured.cache_clear()
    return found


@pytest.fixture(scope="module")
def client(cloud):
    return cloud.root_session().client(
        "dynamodb", endpoint_url=cloud.emulator.url, config=Config(max_pool_connections=64)
    )


@pytest.fixture
def book(client, numbers) -> Ledger:
    return Ledger(client, "phone-login-ledger-local", numbers)


@pytest.fixture
def name() -> str:
    return f"name-{next(_names)}"


@pytest.fixture
def day() -> float:
    """The start of a day that no other test uses: the pool and blocks start at nothing."""
    return START + next(_names) * 3 * DAY


def verdicts(book: Ledger, name: str, *times: float) -> list[Verdict]:
    return [book.reserve(name, now=now).verdict for now in times]


def fail_times(book: Ledger, name: str, wanted: int, *, now: float) -> float:
    """Fail so many times in a row, as fast as the ledger lets one, and return the time then."""
    done = book.show(name, now=now).failures
    while done < wanted:
        reservation = book.reserve(name, now=now)
        if reservation.may_send:
            while done < wanted and book.count_try(name, reservation.challenge, now=now):
                done += 1
        now += 5 * MINUTE
    return now


def in_parallel(count: int, call: Callable[[int], object]) -> list[object]:
    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(call, range(count)))


def test_first_start_sends_and_says_when_to_ask_again(book, name):
    reservation = book.reserve(name, now=START)
    assert reservation.verdict is Verdict.SEND
    assert reservation.resend_at == START + 30
    assert reservation.challenge.expires_at == START + 300
    assert reservation.challenge.code_length == 6


def test_start_within_the_cooldown_gives_the_same_challenge_and_no_text(book, name):
    first = book.reserve(name, now=START)
    second = book.reserve(name, now=START + 29)
    assert second == replace(first, verdict=Verdict.COOLDOWN)


def test_living_code_is_sent_again_after_the_cooldown(book, name):
    first = book.reserve(name, now=START)
    second = book.reserve(name, now=START + 30)
    assert second.verdict is Verdict.SEND_AGAIN
    assert second.challenge == first.challenge
    assert second.resend_at == START + 90


@pytest.mark.parametrize(("age", "is_same"), [(180, True), (181, False)])
def test_code_is_replaced_when_less_than_two_minutes_are_left(book, name, age, is_same):
    first = book.reserve(name, now=START)
    later = book.reserve(name, now=START + age)
    assert later.may_send
    assert (later.challenge == first.challenge) is is_same


def test_cooldown_grows_with_every_text_of_the_hour(book, name):
    at = START
    for cooldown in (30, 60, 120, 300):
        assert book.reserve(name, now=at).may_send
        assert book.reserve(name, now=at + cooldown - 1).verdict is Verdict.COOLDOWN
        at += cooldown
    assert book.reserve(name, now=at).may_send


def test_failed_text_frees_the_cooldown_and_stays_counted(book, name):
    for step in range(5):
        reservation = book.reserve(name, now=START + step)
        assert reservation.may_send
        book.release(name, now=START + step)
    assert book.reserve(name, now=START + 5).verdict is Verdict.PHONE_HOUR


def test_five_texts_in_any_hour(book, name):
    times = [START + n * 6 * MINUTE for n in range(5)]
    assert all(book.reserve(name, now=now).may_send for now in times)
    assert not book.reserve(name, now=START + HOUR - 1).may_send
    assert book.reserve(name, now=START + HOUR).may_send
    assert not book.reserve(name, now=START + HOUR + 5 * MINUTE).may_send
    assert book.reserve(name, now=START + HOUR + 6 * MINUTE).may_send


def test_ten_texts_in_any_day(book, name):
    sent = [
        now for n in range(60) if book.reserve(name, now=(now := START + n * 20 * MINUTE)).may_send
    ]
    assert len(sent) == 10
    assert verdicts(book, name, START + DAY - 1) == [Verdict.PHONE_DAY]
    assert book.reserve(name, now=START + DAY).may_send


def test_parallel_starts_give_one_text_and_one_challenge(book, name):
    got = in_parallel(60, lambda _: book.reserve(name, now=START))
    assert [r.verdict for r in got].count(Verdict.SEND) == 1
    assert {r.verdict for r in got} == {Verdict.SEND, Verdict.COOLDOWN}
    assert len({r.challenge for r in got}) == 1


def test_parallel_resends_give_one_more_text(book, name):
    book.reserve(name, now=START)
    got = in_parallel(60, lambda _: book.reserve(name, now=START + 40))
    assert [r.may_send for r in got].count(True) == 1
    assert len({r.challenge for r in got}) == 1


def test_parallel_answers_are_compared_three_times(book, name):
    challenge = book.reserve(name, now=START).challenge
    got = in_parallel(120, lambda _: book.count_try(name, challenge, now=START))
    assert sorted(got)[-4:] == [0, 1, 2, 3]


def test_parallel_right_answers_win_once(book, name, day):
    challenge = book.reserve(name, now=day).challenge
    got = in_parallel(40, lambda _: book.use(name, challenge, block="b", now=day))
    assert len(got) - got.count(None) == 1


def test_used_code_is_dead_and_the_next_may_come_at_once(book, name, day):
    challenge = book.reserve(name, now=day).challenge
    assert book.count_try(name, challenge, now=day + 1)
    assert book.use(name, challenge, block="b", now=day + 1) is not None
    assert not book.count_try(name, challenge, now=day + 2)
    after = book.reserve(name, now=day + 3)
    assert after.verdict is Verdict.SEND
    assert after.challenge != challenge
    assert book.reserve(name, now=day + 3).verdict is Verdict.COOLDOWN


def test_older_code_is_dead_when_a_newer_one_exists(book, name):
    old = book.reserve(name, now=START).challenge
    new = book.reserve(name, now=START + 200).challenge
    assert not book.count_try(name, old, now=START + 201)
    assert book.count_try(name, new, now=START + 201)


def test_late_code_is_not_compared(book, name):
    challenge = book.reserve(name, now=START).challenge
    assert not book.count_try(name, challenge, now=START + 300)


def test_code_nobody_drew_is_not_compared(book, name):
    invented = Challenge.draw(now=START, lifetime=300)
    assert not book.count_try(name, invented, now=START)
    book.reserve(name, now=START)
    assert not book.count_try(name, invented, now=START)


def test_burnt_code_is_not_replaced_within_the_cooldown(book, name):
    burnt = book.reserve(name, now=START).challenge
    for _ in range(3):
        book.count_try(name, burnt, now=START)
    early = book.reserve(name, now=START + 10)
    assert early.verdict is Verdict.COOLDOWN
    assert not book.count_try(name, early.challenge, now=START + 11)
    assert book.reserve(name, now=START + 30).verdict is Verdict.SEND


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
    challenge = book.reserve(name, now=START).challenge
    client.update_item(
        TableName="phone-login-ledger-local",
        Key={"pk": {"S": f"phone#{name}"}},
        UpdateExpression="SET failures = :n",
        ExpressionAttributeValues={":n": {"N": str(failures - 1)}},
    )
    assert book.count_try(name, challenge, now=START + 40)
    assert not book.count_try(name, challenge, now=START + 41)
    # last_failure is in whole seconds
    assert book.reserve(name, now=START + 40 + hold - 1).verdict is Verdict.HELD
    assert book.show(name, now=START).held_until == START + 40 + hold
    after = book.reserve(name, now=START + 40 + hold)
    assert after.may_send
    assert book.count_try(name, after.challenge, now=START + 40 + hold)


def test_right_answer_clears_the_failures(book, name, day):
    challenge = book.reserve(name, now=day).challenge
    for _ in range(2):
        book.count_try(name, challenge, now=day)
    assert book.show(name, now=day).failures == 2
    book.count_try(name, challenge, now=day)
    book.use(name, challenge, block="b", now=day)
    assert book.show(name, now=day).failures == 0


def test_new_codes_never_give_more_than_a_hundred_guesses(book, name):
    """Whoever asks for codes for years and guesses whenever possible gets a hundred guesses."""
    guesses, now = 0, START
    for _ in range(2_000):
        reservation = book.reserve(name, now=now)
        while reservation.may_send and book.count_try(name, reservation.challenge, now=now):
            guesses += 1
        if reservation.verdict is Verdict.LOCKED:
            break
        now = max(now + 1, reservation.resend_at)
        if reservation.verdict is Verdict.HELD:
            now += HOUR
    assert guesses == 100
    assert book.show(name, now=now).is_locked
    assert not book.reserve(name, now=now + 1000 * DAY).may_send


def test_operator_unlocks_a_locked_number(book, client, name):
    challenge = book.reserve(name, now=START).challenge
    client.update_item(
        TableName="phone-login-ledger-local",
        Key={"pk": {"S": f"phone#{name}"}},
        UpdateExpression="SET failures = :n",
        ExpressionAttributeValues={":n": {"N": "99"}},
    )
    assert book.count_try(name, challenge, now=START)
    assert book.reserve(name, now=START + 400 * DAY).verdict is Verdict.LOCKED
    book.unlock(name)
    assert book.show(name, now=START).failures == 0
    assert book.reserve(name, now=START + 1).may_send


def spend(book: Ledger, name: str, *, block: str, country: str = "US", now: float) -> Reservation:
    reservation = book.reserve(name, now=now)
    assert reservation.may_send
    return book.spend(name, reservation, block=block, country=country, now=now)


def test_unused_block_gets_five_texts_an_hour_once_ten_were_sent(book, day):
    got = [
        spend(book, f"{day}-{n}", block=f"b{day}", now=day + n * 5 * MINUTE).verdict
        for n in range(36)
    ]
    # Ten in the first hour, before the block is judged; five in each further one.
    assert got[:12] == [Verdict.SEND] * 10 + [Verdict.BLOCK] * 2
    assert got[12:24] == [Verdict.SEND] * 5 + [Verdict.BLOCK] * 7
    assert got[24:] == [Verdict.SEND] * 5 + [Verdict.BLOCK] * 7


def test_used_block_gets_twenty_texts_an_hour(book, day):
    got = []
    for n in range(25):
        reservation = spend(book, f"{day}-{n}", block=f"b{day}", now=day + n)
        got.append(reservation.verdict)
        if n % 5 == 0:
            book.use(f"{day}-{n}", reservation.challenge, block=f"b{day}", now=day + n)
    assert got == [Verdict.SEND] * 20 + [Verdict.BLOCK] * 5


def test_country_and_pool_have_budgets_of_their_own(client, numbers, day):
    book = Ledger(
        client,
        "phone-login-ledger-local",
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
        Verdict.COUNTRY,
    ]
    assert start(8, "US", day + 2 * HOUR) is Verdict.POOL
    assert start(9, "US", day + DAY) is Verdict.SEND


def test_parallel_spending_stops_at_the_budget(client, numbers, day):
    book = Ledger(client, "phone-login-ledger-local", replace(numbers, sends_per_pool_hour=5))
    got = in_parallel(40, lambda n: spend(book, f"{day}-{n}", block=f"{day}-{n}", now=day).verdict)
    assert got.count(Verdict.SEND) == 5


def test_refused_budget_leaves_the_cooldown_as_it_is_for_everybody(client, numbers, name, day):
    book = Ledger(client, "phone-login-ledger-local", replace(numbers, sends_per_pool_hour=1))
    spend(book, f"{name}-other", block="x", now=day)
    assert spend(book, name, block="y", now=day).verdict is Verdict.POOL
    assert book.reserve(name, now=day + 2).verdict is Verdict.COOLDOWN


def test_code_that_no_budget_was_left_for_is_right_only_once_it_is_texted(
    client, numbers, name, day
):
    book = Ledger(client, "phone-login-ledger-local", replace(numbers, sends_per_pool_hour=1))
    spend(book, f"{name}-other", block="x", now=day + HOUR - 40)
    refused = spend(book, name, block="y", now=day + HOUR - 40)
    assert not book.count_try(name, refused.challenge, now=day + HOUR - 39)
    sent = spend(book, name, block="y", now=day + HOUR + 1)
    assert sent.verdict is Verdict.SEND_AGAIN
    assert sent.challenge == refused.challenge
    assert book.count_try(name, sent.challenge, now=day + HOUR + 2)


def test_refused_repetition_leaves_the_code_that_was_texted(client, numbers, name, day):
    book = Ledger(client, "phone-login-ledger-local", replace(numbers, sends_per_pool_hour=1))
    first = spend(book, name, block="y", now=day)
    again = spend(book, name, block="y", now=day + 31)
    assert again.verdict is Verdict.POOL
    assert book.count_try(name, first.challenge, now=day + 32)


def test_unknown_names_get_longer_codes_under_attack_as_well(client, numbers, day):
    book = Ledger(
        client, "phone-login-ledger-local", replace(numbers, failures_per_pool_5_minutes=1)
    )
    challenge = book.reserve(f"{day}-a", now=day).challenge
    book.count_try(f"{day}-a", challenge, now=day)
    nobody = book.reserve(f"{day}-nobody", now=day + 1)
    assert book.pretend(f"{day}-nobody", nobody, now=day + 1).challenge.code_length == 8


def test_codes_grow_to_eight_digits_under_attack_and_nobody_is_shut_out(client, numbers, day):
    book = Ledger(
        client, "phone-login-ledger-local", replace(numbers, failures_per_pool_5_minutes=4)
    )
    for n in range(2):
        challenge = book.reserve(f"{day}-{n}", now=day).challenge
        for _ in range(2):
            book.count_try(f"{day}-{n}", challenge, now=day)
    grown = spend(book, f"{day}-victim", block=f"b{day}", now=day + 1)
    assert grown.may_send
    assert grown.challenge.code_length == 8
    assert book.count_try(f"{day}-victim", grown.challenge, now=day + 2)
    calm = spend(book, f"{day}-later", block=f"b{day}", now=day + 11 * MINUTE)
    assert calm.challenge.code_length == 6


def test_right_answers_do_not_count_as_failures_of_the_pool(client, numbers, day):
    book = Ledger(
        client, "phone-login-ledger-local", replace(numbers, failures_per_pool_5_minutes=2)
    )
    for n in range(5):
        challenge = book.reserve(f"{day}-{n}", now=day).challenge
        assert book.count_try(f"{day}-{n}", challenge, now=day)
        book.use(f"{day}-{n}", challenge, block="b", now=day)
        assert not book.count_try(f"{day}-{n}", challenge, now=day)
    assert spend(book, f"{day}-b", block=f"b{day}", now=day).challenge.code_length == 6


def test_item_does_not_grow_without_end(book, client, name):
    at = START
    for _ in range(40):
        at += 3 * HOUR
        reservation = book.reserve(name, now=at)
        if reservation.may_send:
            book.count_try(name, reservation.challenge, now=at)
            book.use(name, reservation.challenge, block="b", now=at)
    item = client.get_item(
        TableName="phone-login-ledger-local", Key={"pk": {"S": f"phone#{name}"}}
    )["Item"]
    assert len(item["recent"]["L"]) <= 11


def test_item_of_a_number_that_never_answers_does_not_grow_without_end(book, client, name):
    for n in range(80):
        book.reserve(name, now=START + n * 3 * HOUR)
    item = client.get_item(
        TableName="phone-login-ledger-local", Key={"pk": {"S": f"phone#{name}"}}
    )["Item"]
    assert len(item["recent"]["L"]) <= 25

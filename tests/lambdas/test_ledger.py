"""The ledger on a real table of the local AWS, with the clock as an argument."""

import itertools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from botocore.config import Config
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

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
    return [book.texts.reserve(name, now=now).verdict for now in times]


def comparable(book: Ledger, name: str, challenge: Challenge, *, now: float) -> list[Challenge]:
    """Count an answer, and return what it may be compared with, the newest first."""
    counted = book.answers.count(name, challenge, now=now)
    return list(counted.comparable) if counted else []


def write_failures(client, name: str, failures: int) -> None:
    client.update_item(
        TableName="phone-login-ledger-local",
        Key={"pk": {"S": f"phone#{name}"}},
        UpdateExpression="SET failures = :n",
        ExpressionAttributeValues={":n": {"N": str(failures)}},
    )


def in_parallel(count: int, call: Callable[[int], object]) -> list[object]:
    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(call, range(count)))


def test_first_start_sends_and_says_when_to_ask_again(book, name):
    reservation = book.texts.reserve(name, now=START)
    assert reservation.verdict is Verdict.SEND
    assert reservation.resend_at == START + 30
    assert reservation.challenge.expires_at == START + 300
    assert reservation.challenge.code_length == 6


def test_start_within_the_cooldown_gives_the_same_challenge_and_no_text(book, name):
    first = book.texts.reserve(name, now=START)
    second = book.texts.reserve(name, now=START + 29)
    assert second == replace(first, verdict=Verdict.COOLDOWN, texted_at=int(START))


def test_living_code_is_sent_again_after_the_cooldown(book, name):
    first = book.texts.reserve(name, now=START)
    second = book.texts.reserve(name, now=START + 30)
    assert second.verdict is Verdict.SEND_AGAIN
    assert second.challenge == first.challenge
    assert second.resend_at == START + 90


@pytest.mark.parametrize(("age", "is_same"), [(180, True), (181, False)])
def test_code_is_replaced_when_less_than_two_minutes_are_left(book, name, age, is_same):
    first = book.texts.reserve(name, now=START)
    later = book.texts.reserve(name, now=START + age)
    assert later.may_send
    assert (later.challenge == first.challenge) is is_same


def test_cooldown_grows_with_every_text_of_the_hour(book, name):
    at = START
    for cooldown in (30, 60, 120, 300):
        assert book.texts.reserve(name, now=at).may_send
        assert book.texts.reserve(name, now=at + cooldown - 1).verdict is Verdict.COOLDOWN
        at += cooldown
    assert book.texts.reserve(name, now=at).may_send


def test_failed_text_frees_the_cooldown_and_stays_counted(book, name):
    for step in range(5):
        reservation = book.texts.reserve(name, now=START + step)
        assert reservation.may_send
        book.texts.release(name, now=START + step)
    assert book.texts.reserve(name, now=START + 5).verdict is Verdict.PHONE_HOUR


def test_five_texts_in_any_hour(book, name):
    times = [START + n * 6 * MINUTE for n in range(5)]
    assert all(book.texts.reserve(name, now=now).may_send for now in times)
    assert not book.texts.reserve(name, now=START + HOUR - 1).may_send
    assert book.texts.reserve(name, now=START + HOUR).may_send
    assert not book.texts.reserve(name, now=START + HOUR + 5 * MINUTE).may_send
    assert book.texts.reserve(name, now=START + HOUR + 6 * MINUTE).may_send


def test_ten_texts_in_any_day(book, name):
    sent = [
        now
        for n in range(60)
        if book.texts.reserve(name, now=(now := START + n * 20 * MINUTE)).may_send
    ]
    assert len(sent) == 10
    assert verdicts(book, name, START + DAY - 1) == [Verdict.PHONE_DAY]
    assert book.texts.reserve(name, now=START + DAY).may_send


def test_parallel_starts_give_one_text_and_one_challenge(book, name):
    got = in_parallel(60, lambda _: book.texts.reserve(name, now=START))
    assert [r.verdict for r in got].count(Verdict.SEND) == 1
    assert {r.verdict for r in got} == {Verdict.SEND, Verdict.COOLDOWN}
    assert len({r.challenge for r in got}) == 1


def test_parallel_resends_give_one_more_text(book, name):
    book.texts.reserve(name, now=START)
    got = in_parallel(60, lambda _: book.texts.reserve(name, now=START + 40))
    assert [r.may_send for r in got].count(True) == 1
    assert len({r.challenge for r in got}) == 1


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
    book = Ledger(client, "phone-login-ledger-local", replace(numbers, code_lifetime_seconds=150))
    oldest, old, new = [book.texts.reserve(name, now=START + at).challenge for at in (0, 40, 110)]
    assert book.answers.count(name, oldest, now=START + 111) is None
    assert comparable(book, name, new, now=START + 111) == [new, old]


def test_code_tried_before_the_newest_was_drawn_is_tried_three_times_in_all(book, name):
    old = book.texts.reserve(name, now=START).challenge
    book.answers.count(name, old, now=START)
    new = book.texts.reserve(name, now=START + 200).challenge
    compared = [comparable(book, name, each, now=START + 201) for each in (new, old, old, new)]
    assert compared == [[new, old], [new, old], [new], []]


def test_burnt_code_is_not_compared_beside_the_next(book, name):
    burnt = book.texts.reserve(name, now=START).challenge
    for _ in range(3):
        book.answers.count(name, burnt, now=START)
    new = book.texts.reserve(name, now=START + 30).challenge
    assert comparable(book, name, burnt, now=START + 31) == [new]


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
    old = book.texts.reserve(name, now=START).challenge
    book.answers.count(name, old, now=START)
    flows = [old, book.texts.reserve(name, now=START + 200).challenge]
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


def test_burnt_code_is_not_replaced_within_the_cooldown(book, name):
    burnt = book.texts.reserve(name, now=START).challenge
    for _ in range(3):
        book.answers.count(name, burnt, now=START)
    early = book.texts.reserve(name, now=START + 10)
    assert early.verdict is Verdict.COOLDOWN
    assert not book.answers.count(name, early.challenge, now=START + 11)
    assert book.texts.reserve(name, now=START + 30).verdict is Verdict.SEND


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


STEP = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 31, 61, 125, 181])),
    st.tuples(st.just("start"), st.sampled_from([True, True, True, False])),
    st.tuples(st.just("wrong"), st.integers(0, 2)),
    st.tuples(st.just("right"), st.tuples(st.integers(0, 2), st.integers(0, 2))),
)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, min_size=6, max_size=16))
@example(steps=[("wait", 181), ("start", True), ("right", (1, 1)), ("wrong", 1), ("start", True)])
@example(steps=[("wait", 181), ("start", False), ("wrong", 0), ("right", (0, 1))])
def test_codes_of_a_number_live_as_long_as_they_may_and_no_longer(client, numbers, steps):
    """Against a model: who was texted what, until when, and how often it was guessed at."""
    rich = replace(numbers, sends_per_block_hour=10_000, sends_per_phone_hour=20)
    book, poor = (
        Ledger(client, "phone-login-ledger-local", each)
        for each in (rich, replace(rich, sends_per_pool_day=1))
    )
    number = Number(book, poor)
    for what, argument in [("start", True), *steps]:
        getattr(number, what)(argument)


class Number:
    """A number, and what somebody knows of its codes who counts on their fingers.

    Codes and flows are named by how many were drawn after them.
    """

    def __init__(self, book: Ledger, poor: Ledger) -> None:
        self.book, self.poor = book, poor
        self.name = f"name-{next(_names)}"
        self.now = START + next(_names) * 3 * DAY
        self.drawn: list[Challenge] = []
        self.texted: set[Challenge] = set()
        self.answers: Counter[Challenge] = Counter()
        self.is_used = False
        self.failures = 0

    def wait(self, seconds: int) -> None:
        self.now += seconds

    def start(self, is_paid: bool) -> None:
        found = self.book.texts.reserve(self.name, now=self.now)
        if not found.may_send:
            return
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
        if flow >= len(self.drawn):
            return []
        counted = self.book.answers.count(self.name, self.drawn[flow], now=self.now)
        got = list(counted.comparable) if counted else []
        if got or self.failures < 8:
            assert got == self.expected(flow)
        if counted:
            self.failures += 1
            self.answers.update(self.drawn[:2])
        return got

    def expected(self, flow: int) -> list[Challenge]:
        newest, *others = self.drawn
        is_over = self.is_used or self.now >= newest.expires_at or self.answers[newest] >= 3
        if is_over or flow > 1:
            return []
        return [
            each
            for each in [newest, *others[: self.failures < 9]]
            if each in self.texted and self.now < each.expires_at and self.answers[each] < 3
        ]


def test_answer_that_nothing_is_left_to_compare_with_is_no_failure(book, client, name):
    first = book.texts.reserve(name, now=START).challenge
    assert comparable(book, name, first, now=START + 1)
    newest = book.texts.reserve(name, now=START + 200).challenge
    book.texts.withhold(name, newest, by=Verdict.POOL)
    got = [comparable(book, name, newest, now=START + 210) for _ in range(4)]
    assert got == [[first], [first], [], []]
    assert book.show(name, now=START + 211).failures == 3


@pytest.mark.parametrize(("failures", "left"), [(7, [True, True, False]), (8, [True, False])])
def test_late_code_alone_is_compared_until_the_tenth_failure(book, client, name, failures, left):
    first = book.texts.reserve(name, now=START).challenge
    newest = book.texts.reserve(name, now=START + 200).challenge
    book.texts.withhold(name, newest, by=Verdict.POOL)
    write_failures(client, name, failures)
    got = [comparable(book, name, newest, now=START + 210) == [first] for _ in left]
    assert got == left
    assert book.show(name, now=START + 211).failures == 9


def test_operator_unlocks_a_locked_number(book, client, name):
    challenge = book.texts.reserve(name, now=START).challenge
    write_failures(client, name, 99)
    assert book.answers.count(name, challenge, now=START)
    assert book.texts.reserve(name, now=START + 400 * DAY).verdict is Verdict.LOCKED
    book.unlock(name)
    assert book.show(name, now=START).failures == 0
    assert book.texts.reserve(name, now=START + 1).may_send


def test_number_unlocked_during_a_resend_gets_no_text(book, name):
    living = book.texts.reserve(name, now=START).challenge
    book.unlock(name)
    assert book.texts._reserve_again(name, living, now=START + 31).verdict is Verdict.COOLDOWN


def spend(book: Ledger, name: str, *, block: str, country: str = "US", now: float) -> Reservation:
    reservation = book.texts.reserve(name, now=now)
    assert reservation.may_send
    return book.budgets.spend(name, reservation, block=block, country=country, now=now)


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
            book.answers.use(f"{day}-{n}", reservation.challenge, block=f"b{day}", now=day + n)
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
        # The country's hour is used up as well; the pool's day comes first.
        Verdict.POOL,
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
    assert book.texts.reserve(name, now=day + 2).verdict is Verdict.COOLDOWN


def test_code_that_no_budget_was_left_for_is_right_only_once_it_is_texted(
    client, numbers, name, day
):
    book = Ledger(client, "phone-login-ledger-local", replace(numbers, sends_per_pool_hour=1))
    spend(book, f"{name}-other", block="x", now=day + HOUR - 40)
    refused = spend(book, name, block="y", now=day + HOUR - 40)
    assert not book.answers.count(name, refused.challenge, now=day + HOUR - 39)
    sent = spend(book, name, block="y", now=day + HOUR + 1)
    assert sent.verdict is Verdict.SEND_AGAIN
    assert sent.challenge == refused.challenge
    assert book.answers.count(name, sent.challenge, now=day + HOUR + 2)


def test_code_before_one_that_no_budget_was_left_for_still_works(client, numbers, name, day):
    book = Ledger(client, "phone-login-ledger-local", replace(numbers, sends_per_pool_hour=1))
    old = spend(book, name, block="y", now=day).challenge
    refused = spend(book, name, block="y", now=day + 200)
    assert refused.verdict is Verdict.POOL
    for flow in (old, refused.challenge):
        assert comparable(book, name, flow, now=day + 299) == [old]
    assert book.answers.count(name, old, now=day + 300) is None
    assert book.show(name, now=day + 300).failures == 2


@pytest.mark.parametrize("end", ["burnt", "used", "never texted"])
def test_answer_is_no_failure_while_none_of_two_codes_can_be_right(client, numbers, name, day, end):
    book = Ledger(client, "phone-login-ledger-local", replace(numbers, sends_per_pool_hour=1))
    if end == "never texted":
        spend(book, f"{name}-other", block="x", now=day)
    old = spend(book, name, block="y", now=day).challenge
    if end == "used":
        book.answers.use(name, old, block="y", now=day)
    for _ in range(3 if end == "burnt" else 0):
        book.answers.count(name, old, now=day)
    before = book.show(name, now=day).failures
    new = spend(book, name, block="y", now=day + 200)
    assert new.verdict is Verdict.POOL
    for flow in (old, new.challenge):
        assert book.answers.count(name, flow, now=day + 201) is None
    assert book.show(name, now=day).failures == before


def test_code_that_no_budget_was_left_for_is_not_compared_beside_the_next(
    client, numbers, name, day
):
    book = Ledger(client, "phone-login-ledger-local", replace(numbers, sends_per_pool_hour=1))
    spend(book, f"{name}-other", block="x", now=day + HOUR - 100)
    refused = spend(book, name, block="y", now=day + HOUR - 100).challenge
    sent = spend(book, name, block="y", now=day + HOUR + 100)
    assert sent.verdict is Verdict.SEND
    assert comparable(book, name, refused, now=day + HOUR + 101) == [sent.challenge]


def test_refused_repetition_leaves_the_code_that_was_texted(client, numbers, name, day):
    book = Ledger(client, "phone-login-ledger-local", replace(numbers, sends_per_pool_hour=1))
    first = spend(book, name, block="y", now=day)
    again = spend(book, name, block="y", now=day + 31)
    assert again.verdict is Verdict.POOL
    assert book.answers.count(name, first.challenge, now=day + 32)


def test_unknown_names_get_longer_codes_under_attack_as_well(client, numbers, day):
    book = Ledger(
        client, "phone-login-ledger-local", replace(numbers, failures_per_pool_5_minutes=1)
    )
    challenge = book.texts.reserve(f"{day}-a", now=day).challenge
    book.answers.count(f"{day}-a", challenge, now=day)
    nobody = book.texts.reserve(f"{day}-nobody", now=day + 1)
    assert book.budgets.pretend(f"{day}-nobody", nobody, now=day + 1).challenge.code_length == 8


def test_codes_grow_to_eight_digits_under_attack_and_nobody_is_shut_out(client, numbers, day):
    book = Ledger(
        client, "phone-login-ledger-local", replace(numbers, failures_per_pool_5_minutes=4)
    )
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
    book = Ledger(
        client, "phone-login-ledger-local", replace(numbers, failures_per_pool_5_minutes=1)
    )
    old = spend(book, name, block=f"b{day}", now=day).challenge
    book.answers.count(name, old, now=day)
    grown = spend(book, name, block=f"b{day}", now=day + 200).challenge
    assert (old.code_length, grown.code_length) == (6, 8)
    assert comparable(book, name, old, now=day + 201) == [grown, old]


def test_right_answers_do_not_count_as_failures_of_the_pool(client, numbers, day):
    book = Ledger(
        client, "phone-login-ledger-local", replace(numbers, failures_per_pool_5_minutes=2)
    )
    for n in range(5):
        challenge = book.texts.reserve(f"{day}-{n}", now=day).challenge
        assert book.answers.count(f"{day}-{n}", challenge, now=day)
        book.answers.use(f"{day}-{n}", challenge, block="b", now=day)
        assert not book.answers.count(f"{day}-{n}", challenge, now=day)
    assert spend(book, f"{day}-b", block=f"b{day}", now=day).challenge.code_length == 6


def test_item_does_not_grow_without_end(book, client, name):
    at = START
    for _ in range(40):
        at += 3 * HOUR
        reservation = book.texts.reserve(name, now=at)
        if reservation.may_send:
            book.answers.count(name, reservation.challenge, now=at)
            book.answers.use(name, reservation.challenge, block="b", now=at)
    item = client.get_item(
        TableName="phone-login-ledger-local", Key={"pk": {"S": f"phone#{name}"}}
    )["Item"]
    assert len(item["recent"]["L"]) <= 11


def test_item_of_a_number_that_never_answers_does_not_grow_without_end(book, client, name):
    for n in range(80):
        book.texts.reserve(name, now=START + n * 3 * HOUR)
    item = client.get_item(
        TableName="phone-login-ledger-local", Key={"pk": {"S": f"phone#{name}"}}
    )["Item"]
    assert len(item["recent"]["L"]) <= 25

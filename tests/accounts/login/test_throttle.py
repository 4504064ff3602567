"""Limits per network, in memory and in a real Redis."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine

from accounts import devices
from accounts.login import throttle
from accounts.login.throttle import LimitReached

HERE, THERE = "192.0.2.1", "198.51.100.7"
NOW = 1_790_000_000


@pytest.fixture
def two(settings):
    """Two of each kind in ten minutes, counted in memory."""
    settings.ACCOUNTS_THROTTLE_URL = "memory://"
    settings.ACCOUNTS_PHONE_POSTS = "2/10 minutes"
    settings.ACCOUNTS_SENDS = "2/10 minutes"
    settings.ACCOUNTS_WRONG_CODES = "2/10 minutes"
    return settings


@pytest.fixture
def post(rf):
    """``post("192.0.2.1")``: a request from there; a second argument is X-Forwarded-For."""

    def make(peer: str = HERE, forwarded: str | None = None):
        headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
        return rf.post("/", REMOTE_ADDR=peer, headers=headers)

    return make


@pytest.fixture
def log(caplog) -> Iterator[pytest.LogCaptureFixture]:
    logger = logging.getLogger("accounts")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture
def stopped() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def passed(requests) -> list[bool]:
    """Which of the requests, hit in order, get through."""

    def passes(request) -> bool:
        try:
            throttle.hit("sends", request)
        except LimitReached:
            return False
        return True

    return [passes(request) for request in requests]


# Counting


def test_hit_beyond_the_limit_is_refused(two, post):
    assert passed([post(), post(), post(), post()]) == [True, True, False, False]


def test_address_counts_for_itself(two, post):
    assert passed([post(HERE), post(THERE), post(HERE), post(THERE)]) == [True] * 4
    assert passed([post(HERE), post(THERE)]) == [False, False]


def test_kind_counts_for_itself(two, post):
    for kind in ("phone_posts", "sends", "wrong_codes"):
        throttle.hit(kind, post())
        throttle.hit(kind, post())
        with pytest.raises(LimitReached):
            throttle.hit(kind, post())


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("phone_posts", "ACCOUNTS_PHONE_POSTS"),
        ("sends", "ACCOUNTS_SENDS"),
        ("wrong_codes", "ACCOUNTS_WRONG_CODES"),
    ],
)
def test_kind_has_a_limit_of_its_own(two, post, kind, name):
    setattr(two, name, "1/hour")

    throttle.hit(kind, post())
    with pytest.raises(LimitReached):
        throttle.hit(kind, post())


def test_several_rates_are_all_kept(two, post, stopped):
    two.ACCOUNTS_SENDS = "2/minute;3/hour"

    assert passed([post()] * 3) == [True, True, False]
    stopped.shift(61)
    assert passed([post()] * 2) == [True, False]
    stopped.shift(61)
    assert passed([post()]) == [False]
    stopped.shift(3600)
    assert passed([post()] * 3) == [True, True, False]


def test_window_moves_so_that_its_border_gives_nothing_away(two, post, stopped):
    assert passed([post()]) == [True]
    stopped.shift(590)
    assert passed([post()]) == [True]
    stopped.shift(20)
    assert passed([post()] * 2) == [True, False]


@pytest.mark.parametrize(
    ("later", "wait"), [(0, 600), (1, 599), (299.5, 301), (500, 100), (599, 1), (599.9, 1)]
)
def test_refusal_says_when_to_come_back(two, post, stopped, later, wait):
    passed([post(), post()])
    stopped.shift(later)

    with pytest.raises(LimitReached) as caught:
        throttle.hit("sends", post())

    assert caught.value.retry_after == pytest.approx(wait, abs=1)
    assert isinstance(caught.value.retry_after, int)
    assert caught.value.retry_after >= 1
    stopped.shift(caught.value.retry_after + 0.5)
    throttle.hit("sends", post())


def test_refusal_waits_for_the_rate_that_refused(two, post, stopped):
    two.ACCOUNTS_SENDS = "5/minute;1/day"
    passed([post()])

    with pytest.raises(LimitReached) as caught:
        throttle.hit("sends", post())

    assert caught.value.retry_after == pytest.approx(24 * 60 * 60, abs=1)


def wrong(request) -> bool:
    """Whether another wrong code gets through, which counts it."""
    try:
        throttle.hit("wrong_codes", request)
    except LimitReached:
        return False
    return True


def test_wrong_code_that_was_none_is_given_back(two, post):
    for _ in range(5):
        assert wrong(post())
        throttle.give_back(post())

    assert [wrong(post()) for _ in range(3)] == [True, True, False]


def test_code_refused_by_one_rate_costs_nothing_of_the_others(two, post, stopped):
    two.ACCOUNTS_WRONG_CODES = "3/hour;1/minute"

    assert [wrong(post()) for _ in range(5)] == [True] + [False] * 4
    stopped.shift(121)
    assert wrong(post())
    stopped.shift(121)
    assert wrong(post())


@pytest.mark.parametrize("seconds", [0, 150, 299, 300, 301, 450, 599])
def test_window_of_wrong_codes_gives_little_away_wherever_it_ends(two, post, stopped, seconds):
    two.ACCOUNTS_WRONG_CODES = "10/5 minutes"
    stopped.shift(seconds)
    assert [wrong(post()) for _ in range(11)] == [True] * 10 + [False]

    passed_later = 0
    for _ in range(5 * 60):
        stopped.shift(1)
        passed_later += wrong(post())

    assert passed_later <= 10


def test_refusal_of_a_wrong_code_says_when_to_come_back(two, post, stopped):
    for _ in range(2):
        throttle.hit("wrong_codes", post())
    with pytest.raises(LimitReached) as caught:
        throttle.hit("wrong_codes", post())

    assert 0 < caught.value.retry_after <= 601
    stopped.shift(caught.value.retry_after + 1)
    throttle.hit("wrong_codes", post())


# Texts that bring no code


def asking(post, times: int) -> list[bool]:
    """Whether each text that is asked for is of a network that only asks."""
    return [throttle.only_asks(post()) for _ in range(times)]


def test_network_only_asks_once_so_many_texts_brought_no_code(two, post, stopped):
    two.ACCOUNTS_UNUSED_SENDS = "2/hour"
    assert asking(post, 3) == [False, False, True]
    assert not throttle.only_asks(post(THERE))
    stopped.shift(2 * 3600)
    assert asking(post, 1) == [False]


def test_right_code_stands_for_two_texts_however_many_were_asked_for(two, post, stopped):
    two.ACCOUNTS_UNUSED_SENDS = "2/hour"
    asking(post, 40)
    throttle.give_back(post(), code_used=True)
    assert asking(post, 3) == [False, False, True]


def test_right_codes_of_yesterday_stand_for_nothing(two, post, stopped):
    two.ACCOUNTS_UNUSED_SENDS = "2/hour"
    for _ in range(9):
        throttle.give_back(post(), code_used=True)
    stopped.shift(2 * 3600)
    assert asking(post, 3) == [False, False, True]


# New accounts


def signs_up(phone: str, country: str = "US") -> bool:
    try:
        throttle.sign_up(phone=phone, country=country)
    except LimitReached:
        return False
    return True


def test_accounts_count_by_neighbours_by_country_and_in_all(two):
    two.ACCOUNTS_SIGN_UPS_PER_BLOCK = "1/hour"
    two.ACCOUNTS_SIGN_UPS_PER_COUNTRY = "2/hour"
    two.ACCOUNTS_SIGN_UPS = "3/hour"

    assert signs_up("+12015550001")
    assert not signs_up("+12015559999")
    assert signs_up("+12015560001")
    assert not signs_up("+12015570001")
    assert signs_up("+447400123456", "GB")
    assert not signs_up("+33612345678", "FR")


def test_numbers_of_new_accounts_are_kept_nowhere(redis, post):
    signs_up("+12015550001")
    keys = " ".join(
        map(str, throttle._limiters(redis.ACCOUNTS_THROTTLE_URL).moving.storage.storage.keys("*"))
    )
    assert "sign_ups_per_block" in keys
    assert "2015" not in keys


def test_reset_forgets_everything(two, post):
    passed([post()] * 3)

    throttle.reset()

    assert passed([post()]) == [True]


# Whose request it is


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("", "unknown"),
        ("unknown", "unknown"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9", "unknown"),
        ("192.0.2.256", "unknown"),
        ("192.0.2.1\r\nX: y", "unknown"),
        ("٣.٣.٣.٣", "unknown"),
        ("1" * 10_000, "unknown"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_network_is_an_address_or_sixty_four_bits(address, network):
    assert devices.network(address) == network


def test_addresses_of_one_ipv6_network_count_together(two, post):
    one, other, next_door = "2001:db8:1:2::1", "2001:db8:1:2:9:9:9:9", "2001:db8:1:3::1"

    assert passed([post(one), post(other), post(one), post(other)]) == [True, True, False, False]
    assert passed([post(next_door)]) == [True]


def test_ipv4_counts_the_same_in_ipv6_clothes(two, post):
    assert passed([post(HERE), post(f"::ffff:{HERE}"), post(HERE)]) == [True, True, False]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, HERE),
        (0, THERE, HERE),
        (0, "10.0.0.1, 198.51.100.7", HERE),
        (1, THERE, THERE),
        (1, f"203.0.113.9, {THERE}", THERE),
        (1, f"203.0.113.9,{THERE} ", THERE),
        (1, "203.0.113.9, 2001:db8::1", "2001:db8::1"),
        (2, f"203.0.113.9, {THERE}, 10.0.0.2", THERE),
        (2, f"{THERE}, 10.0.0.2", THERE),
        (2, THERE, HERE),
        (3, f"{THERE}, 10.0.0.2", HERE),
    ],
)
def test_client_address_is_what_the_outermost_trusted_proxy_saw(
    settings, post, proxies, forwarded, address
):
    settings.TRUSTED_PROXIES = proxies

    assert devices.client_address(post(HERE, forwarded)) == address


def test_client_address_without_the_header_of_a_trusted_proxy_is_the_peer(settings, post):
    settings.TRUSTED_PROXIES = 1

    assert devices.client_address(post(HERE)) == HERE


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_invented_forwarding_buys_no_further_tries(two, post, proxies):
    two.TRUSTED_PROXIES = proxies
    seen = ", ".join([THERE, "10.0.0.2"][:proxies])

    def spoofed(number: int):
        invented = f"203.0.113.{number}, 10.9.9.{number}"
        return post(HERE, f"{invented}, {seen}" if seen else invented)

    assert passed(map(spoofed, range(4))) == [True, True, False, False]


# Without storage


def test_storage_that_is_down_lets_people_in_with_one_line_in_the_log(two, post, log):
    two.ACCOUNTS_SENDS = "1/minute;1/hour;1/day"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        two.ACCOUNTS_THROTTLE_URL = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"

    started = time.perf_counter()
    throttle.hit("sends", post())

    assert time.perf_counter() - started < 2
    (record,) = [record for record in log.records if record.name.startswith("accounts")]
    assert record.levelno == logging.ERROR
    assert "sends" in record.getMessage()
    assert HERE not in record.getMessage()


def test_storage_that_hangs_lets_people_in_after_a_moment(two, post):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        two.ACCOUNTS_THROTTLE_URL = f"redis://127.0.0.1:{hanging.getsockname()[1]}/0"

        started = time.perf_counter()
        throttle.hit("sends", post())

    assert time.perf_counter() - started < 3


# Redis


each_storage = pytest.mark.parametrize(
    "storage",
    [
        pytest.param("redis", id="redis", marks=pytest.mark.programs),
        pytest.param("two", id="memory"),
    ],
)


@pytest.fixture
def redis(redis_url, two):
    two.ACCOUNTS_THROTTLE_URL = redis_url
    throttle.reset()
    return two


def test_redis_counts_what_memory_counts(redis, post):
    assert passed([post(HERE)] * 3 + [post(THERE)]) == [True, True, False, True]
    with pytest.raises(LimitReached) as caught:
        throttle.hit("sends", post(HERE))
    assert 590 <= caught.value.retry_after <= 601


def test_redis_gives_back_what_memory_gives_back(redis, post):
    for _ in range(5):
        assert wrong(post())
        throttle.give_back(post())

    assert [wrong(post()) for _ in range(3)] == [True, True, False]


def test_redis_knows_networks_that_only_ask(redis, post):
    redis.ACCOUNTS_UNUSED_SENDS = "2/hour"
    assert asking(post, 4) == [False, False, True, True]
    throttle.give_back(post(), code_used=True)
    assert asking(post, 3) == [False, False, True]


def test_redis_counts_for_all_processes(redis, post):
    passed([post()])

    throttle._made_limiter.cache_clear()

    assert passed([post()] * 2) == [True, False]


def test_first_hits_of_a_process_share_one_memory(two, post):
    two.ACCOUNTS_SENDS = "1/hour"
    ready = threading.Barrier(32)

    def hit(_: int) -> bool:
        ready.wait(timeout=20)
        return passed([post()])[0]

    with ThreadPoolExecutor(32) as pool:
        assert sum(pool.map(hit, range(32))) == 1


@each_storage
def test_two_hundred_hits_at_once_pass_five_times(request, storage, post):
    settings = request.getfixturevalue(storage)
    settings.ACCOUNTS_SENDS = "5/10 minutes"
    throttle.hit("phone_posts", post())
    ready = threading.Barrier(200)

    def hit(_: int) -> bool:
        ready.wait(timeout=20)
        return passed([post()])[0]

    with ThreadPoolExecutor(200) as pool:
        assert sum(pool.map(hit, range(200))) == 5


@each_storage
def test_two_hundred_wrong_codes_at_once_pass_ten_times(request, storage, post):
    settings = request.getfixturevalue(storage)
    settings.ACCOUNTS_WRONG_CODES = "10/5 minutes;50/hour"
    throttle.hit("phone_posts", post())
    ready = threading.Barrier(200)

    def type_one(_: int) -> bool:
        ready.wait(timeout=20)
        return wrong(post())

    with ThreadPoolExecutor(200) as pool:
        assert sum(pool.map(type_one, range(200))) == 10


def test_memory_is_swept_seldom(settings, post):
    """Each sweep goes through every name, so one after each hit would grow with the names."""
    settings.ACCOUNTS_THROTTLE_URL = "memory://"
    throttle.reset()
    before = threading.active_count()
    for _ in range(5):
        throttle.hit("phone_posts", post())
    assert threading.active_count() <= before + 1
    assert throttle._limiters("memory://").moving.storage.timer.interval >= 60

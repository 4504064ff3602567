"""No number can be set so that it protects nobody; the message says which one it was."""

import dataclasses

import pytest

from lambdas.triggers import environment, limits

# name: default, lowest, highest
RANGES = {
    "CODE_LIFETIME_SECONDS": (300, 1, 600),
    "SENDS_PER_PHONE_HOUR": (5, 1, 20),
    "SENDS_PER_PHONE_DAY": (10, 1, 50),
    "SENDS_PER_BLOCK_HOUR": (20, 1, 10_000),
    "SENDS_PER_UNUSED_BLOCK_HOUR": (5, 1, 10_000),
    "SENDS_PER_COUNTRY_HOUR": (200, 1, 1_000_000),
    "SENDS_PER_POOL_HOUR": (300, 1, 1_000_000),
    "SENDS_PER_POOL_DAY": (2_000, 1, 10_000_000),
    "DOLLARS_PER_POOL_HOUR": (60, 1, 1_000_000),
    "DOLLARS_PER_POOL_DAY": (300, 1, 10_000_000),
    "FAILURES_PER_POOL_5_MINUTES": (500, 1, 10_000),
    "FAILURES_PER_POOL_DAY": (10_000, 1, 10_000),
    "FAILURES_PER_PHONE": (100, 10, 100),
    "STOP_HOURS": (24, 0, 168),
}
MINUTE, HOUR = 60, 3600
HOLDS = {10: 15 * MINUTE, 20: HOUR, 30: 4 * HOUR, 50: 24 * HOUR, 60: 24 * HOUR}
HOLDS |= {70: 24 * HOUR, 80: 24 * HOUR, 90: 24 * HOUR, 100: 24 * HOUR}


@pytest.fixture(autouse=True)
def _defaults(monkeypatch):
    for name in RANGES:
        monkeypatch.delenv(name, raising=False)


def configured(name: str) -> int:
    return dataclasses.asdict(limits.configured())[name.lower()]


def test_limits_are_all_in_the_table():
    fields = {field.name.upper() for field in dataclasses.fields(limits.Limits)}
    assert fields == set(RANGES)


@pytest.mark.parametrize("name", RANGES)
def test_limit_missing_is_its_default(name):
    assert configured(name) == RANGES[name][0]


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("end", [1, 2])
def test_limit_at_an_end_of_its_range_is_taken(monkeypatch, name, end):
    monkeypatch.setenv(name, str(RANGES[name][end]))
    assert configured(name) == RANGES[name][end]


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize(("end", "step"), [(1, -1), (2, 1)])
def test_limit_beyond_an_end_of_its_range_is_named_and_refused(monkeypatch, name, end, step):
    monkeypatch.setenv(name, str(RANGES[name][end] + step))
    with pytest.raises(environment.WrongEnvironment, match=rf"^{name} must be"):
        limits.configured()


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", ["many", "-1", "1.5", "1e2", "∞"])
def test_limit_that_is_no_number_is_named_and_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(environment.WrongEnvironment, match=rf"^{name} must be"):
        limits.configured()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CODE_LIFETIME_SECONDS", "601"),  # SP 800-63B-4, 3.1.3.2: ten minutes
        ("FAILURES_PER_PHONE", "101"),  # 3.2.2: a hundred failures in a row
        ("FAILURES_PER_POOL_DAY", "10001"),  # one takeover in a hundred days
    ],
)
def test_limit_weaker_than_the_standard_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(environment.WrongEnvironment, match=name):
        limits.configured()


def test_guesses_at_one_code_stay_within_the_standard():
    # With a hundred failures in a row that is one chance in ten thousand for a life.
    assert limits.TRIES_PER_CODE == 3


def test_wrong_limit_is_not_remembered(monkeypatch):
    monkeypatch.setenv("SENDS_PER_PHONE_DAY", "0")
    with pytest.raises(environment.WrongEnvironment):
        limits.configured()
    monkeypatch.setenv("SENDS_PER_PHONE_DAY", "7")
    assert limits.configured().sends_per_phone_day == 7


@pytest.mark.parametrize("failures", range(131))
def test_hold_after_failures_in_a_row(failures):
    further = {110: 24 * HOUR, 120: 24 * HOUR, 130: 24 * HOUR}
    assert limits.hold_after(failures) == (HOLDS | further).get(failures, 0)


def test_holds_never_get_shorter():
    lengths = [limits.hold_after(failures) for failures in sorted(HOLDS)]
    assert lengths == sorted(lengths)


def test_first_day_has_no_more_than_fifty_guesses():
    """Whoever fails as fast as the holds let one is at fifty when the first day is over."""
    now, failures = 0, 0
    while now < 24 * HOUR:
        failures += 1
        now += limits.hold_after(failures)
    assert failures == 50


def test_hundred_failures_take_six_days_at_least():
    assert sum(limits.hold_after(failures) for failures in range(1, 100)) >= 5 * 24 * HOUR
    assert limits.hold_after(100) == 24 * HOUR


def test_cooldowns_never_get_shorter_and_start_at_half_a_minute():
    assert limits.COOLDOWNS == (30, 60, 120, 300)

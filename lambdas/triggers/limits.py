"""Limits that protect accounts and the SMS bill.

The ranges keep within NIST SP 800-63B-4: a code lives ten minutes at the most, and after a hundred
failures in a row a person must act.
"""

from dataclasses import dataclass
from functools import cache

from . import environment

# Seconds until another text, after the first, second, third and any further one within an hour.
COOLDOWNS = (30, 60, 120, 300)
# A living code is texted again only while this much of its life is left, in seconds.
WORTH_REPEATING = 120
TRIES_PER_CODE = 3
# Percent of a shared budget at which sign-ins begin with a proof of work, and at which the rest is
# for people known before: numbers that a code was used on, and known browsers.
WORK_FROM, RESERVED_FROM = 80, 90
# A used code makes up for four that were not: a block or a country stands well while 20 % are used.
WORTH_OF_A_USED_CODE = 5
# Unused codes of a day before a country is judged, and so the texts to one that is new.
UNUSED_BEFORE_JUDGING_A_COUNTRY = 20
# Failures in a row and the seconds without any further answer that follow; each further ten
# after the last count like the last.
HOLDS = {10: 15 * 60, 20: 60 * 60, 30: 4 * 60 * 60, 50: 24 * 60 * 60}


# Failures in a row after which known browsers of an account have no lane of their own any more.
FAILURES_OF_KNOWN_BROWSERS = 30


@dataclass(frozen=True)
class Limits:
    """See docs/configuration.md; the names are those of the variables in lower case."""

    code_lifetime_seconds: int
    sends_per_phone_hour: int
    sends_per_phone_day: int
    sends_per_block_hour: int
    sends_per_unused_block_hour: int
    sends_per_country_hour: int
    sends_per_pool_hour: int
    sends_per_pool_day: int
    dollars_per_pool_hour: int
    dollars_per_pool_day: int
    failures_per_pool_5_minutes: int
    failures_per_pool_day: int
    failures_per_phone: int
    stop_hours: int


@cache
def configured() -> Limits:
    """Read the limits. Raises WrongEnvironment with the name of the one that is out of range."""
    number = environment.number
    return Limits(
        code_lifetime_seconds=number("CODE_LIFETIME_SECONDS", 300, low=1, high=600),
        sends_per_phone_hour=number("SENDS_PER_PHONE_HOUR", 5, low=1, high=20),
        sends_per_phone_day=number("SENDS_PER_PHONE_DAY", 10, low=1, high=50),
        sends_per_block_hour=number("SENDS_PER_BLOCK_HOUR", 20, low=1, high=10_000),
        sends_per_unused_block_hour=number("SENDS_PER_UNUSED_BLOCK_HOUR", 5, low=1, high=10_000),
        sends_per_country_hour=number("SENDS_PER_COUNTRY_HOUR", 200, low=1, high=1_000_000),
        sends_per_pool_hour=number("SENDS_PER_POOL_HOUR", 300, low=1, high=1_000_000),
        sends_per_pool_day=number("SENDS_PER_POOL_DAY", 2_000, low=1, high=10_000_000),
        dollars_per_pool_hour=number("DOLLARS_PER_POOL_HOUR", 60, low=1, high=1_000_000),
        dollars_per_pool_day=number("DOLLARS_PER_POOL_DAY", 300, low=1, high=10_000_000),
        failures_per_pool_5_minutes=number("FAILURES_PER_POOL_5_MINUTES", 500, low=1, high=10_000),
        failures_per_pool_day=number("FAILURES_PER_POOL_DAY", 10_000, low=1, high=10_000),
        failures_per_phone=number("FAILURES_PER_PHONE", 100, low=10, high=100),
        stop_hours=number("STOP_HOURS", 24, low=0, high=168),
    )


def open_share(limit: int) -> int:
    """Return how much of a budget is for everybody; the rest is for people known before."""
    return limit - limit * (100 - RESERVED_FROM) // 100


def hold_after(failures: int) -> int:
    """Return the seconds without any further answer after so many failures in a row, mostly 0."""
    if failures in HOLDS:
        return HOLDS[failures]
    last = max(HOLDS)
    return HOLDS[last] if failures > last and (failures - last) % 10 == 0 else 0

"""Write units of a sign-in at the ledger, and the bill of AWS for a thousand of them."""

import time
from collections import Counter
from dataclasses import replace
from typing import Any

from lambdas.triggers import limits
from lambdas.triggers.ledger import Ledger
from tests.lambdas.ledger.book import (
    COUNTRIES,
    DAY,
    HOUR,
    MINUTE,
    RICH,
    TABLE,
    close_hours,
    in_parallel,
    sign_in,
    write_hours,
)
from tests.write_units import PER_SECOND_AND_KEY, WriteUnits

_SIGN_INS = 40
# US dollars in us-east-1, late 2026; Lambda on arm64, DynamoDB on demand, Cognito Lite.
_PRICE_OF_GB_SECOND, _PRICE_OF_CALL = 0.0000133334, 0.20e-6
_PRICE_OF_WRITE_UNIT = 0.625e-6
_PRICE_OF_ACTIVE_PERSON, _SIGN_INS_A_MONTH = 0.0055, 4
# Billed milliseconds and GB of memory of the calls of a sign-in: Create waits for SNS.
CALLS = {
    "PreAuthentication": (3, 1),
    "Define": (2, 0.25),
    "Create": (250, 1),
    "Verify": (30, 1),
    "Define again": (2, 0.25),
}


def print_units(client: Any) -> None:
    """Print the write units of a sign-in at the end of a day with 60 of them a second."""
    heads = f"{'countries':>9}{'phone':>8}{'block':>8}{'pool':>8}{'in all':>8}{'a second':>10}"
    print(f"\nwrite units of a sign-in, one text and one right answer\n{heads}")
    found = {count: _units(client, count) for count in (1, 27, 60)}
    for count, units in found.items():
        of_items = "".join(f"{units[name]:8.2f}" for name in ("phone", "block", "pool"))
        per_second = PER_SECOND_AND_KEY / units["pool"]
        print(f"{count:9}{of_items}{units.total():8.2f}{per_second:10.0f}")
    _print_bill(found[60].total())


def _units(client: Any, count: int) -> Counter[str]:
    countries = COUNTRIES[:count]
    book = Ledger(client, TABLE, replace(limits.configured(), **RICH))
    # A day of its own for each measurement, to come, so that no item expires.
    midnight = time.time() // DAY * DAY + (100 + count) * DAY
    hour = midnight + 20 * HOUR
    write_hours(client, midnight, range(20), countries)
    close_hours(book, hour)
    metered = WriteUnits(client)
    in_parallel(
        _SIGN_INS,
        lambda n: sign_in(book, f"{hour}-person-{n}", countries[n % count], hour + 3 * MINUTE),
    )
    return Counter({name: units / _SIGN_INS for name, units in metered.by_item.items()})


def bill(units: float) -> dict[str, float]:
    """Return what a thousand sign-ins with so many write units each cost, without the texts."""
    gb_seconds = sum(milliseconds / 1000 * memory for milliseconds, memory in CALLS.values())
    each = {
        "Lambda, time": gb_seconds * _PRICE_OF_GB_SECOND,
        "Lambda, calls": len(CALLS) * _PRICE_OF_CALL,
        "DynamoDB, writes": units * _PRICE_OF_WRITE_UNIT,
        f"Cognito, {_SIGN_INS_A_MONTH} sign-ins a month": (
            _PRICE_OF_ACTIVE_PERSON / _SIGN_INS_A_MONTH
        ),
    }
    return {what: 1000 * dollars for what, dollars in each.items()}


def _print_bill(units: float) -> None:
    print("\nUS dollars for 1,000 sign-ins, 60 countries, without the texts")
    for what, dollars in bill(units).items():
        print(f"{what:32}{dollars:8.4f}")

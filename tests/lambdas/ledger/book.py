"""Ledgers of the tests: times, and what most of them do with one."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from lambdas.triggers.challenge import Challenge
from lambdas.triggers.ledger import Ledger, Reservation

TABLE = "phone-login-ledger-local"
START = 1_800_000_000.0
MINUTE, HOUR, DAY = 60, 3600, 86_400
_names = itertools.count()


def new_name() -> str:
    """A name that no other test uses."""
    return f"name-{next(_names)}"


def new_day() -> float:
    """The start of a day that no other test uses: the pool and blocks start at nothing."""
    return START + next(_names) * 3 * DAY


def comparable(book: Ledger, name: str, challenge: Challenge, *, now: float) -> list[Challenge]:
    """Count an answer, and return what it may be compared with, the newest first."""
    counted = book.answers.count(name, challenge, now=now)
    return list(counted.comparable) if counted else []


def spend(book: Ledger, name: str, *, block: str, country: str = "US", now: float) -> Reservation:
    reservation = book.texts.reserve(name, now=now)
    assert reservation.may_send
    return book.budgets.spend(name, reservation, block=block, country=country, now=now)


def write_failures(client, name: str, failures: int) -> None:
    client.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"phone#{name}"}},
        UpdateExpression="SET failures = :n",
        ExpressionAttributeValues={":n": {"N": str(failures)}},
    )


def in_parallel(count: int, call: Callable[[int], object]) -> list[object]:
    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(call, range(count)))

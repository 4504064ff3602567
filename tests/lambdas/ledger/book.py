"""Ledgers of the tests: times, and what most of them do with one."""

import itertools
import string
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from lambdas.triggers.challenge import Challenge
from lambdas.triggers.ledger import Ledger, Reservation, names

TABLE = "phone-login-ledger-local"
START = 1_800_000_000.0
MINUTE, HOUR, DAY = 60, 3600, 86_400
COUNTRIES = [first + second for first in "ABC" for second in string.ascii_uppercase[:20]]
# Limits that a pool with 60 sign-ins a second has.
RICH = {
    "sends_per_country_hour": 1_000_000,
    "sends_per_pool_hour": 1_000_000,
    "sends_per_pool_day": 10_000_000,
    "dollars_per_pool_hour": 1_000_000,
    "dollars_per_pool_day": 10_000_000,
}
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


def joined(challenge: Challenge) -> Challenge:
    """The challenge in a sign-in for which nothing was texted."""
    return Challenge(challenge.id, challenge.expires_at)


def spend(
    book: Ledger,
    name: str,
    *,
    block: str,
    country: str = "US",
    now: float,
    cost: int = 0,
    is_known: bool = False,
) -> Reservation:
    reservation = book.texts.reserve(name, now=now)
    assert reservation.may_send
    return book.budgets.spend(
        name,
        reservation,
        block=block,
        country=country,
        now=now,
        cost=cost,
        is_known=is_known,
    )


def prove(book: Ledger, name: str, *, block: str, country: str = "US", now: float) -> None:
    """Text a code to the number and use it."""
    sent = spend(book, name, block=block, country=country, now=now, is_known=True)
    assert sent.may_send
    assert book.answers.use(name, sent.challenge, block=block, country=country, now=now)


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


def write_hours(
    client, midnight: float, hours: range, countries: Sequence[str] = COUNTRIES
) -> None:
    """Write the pool's item as 60 sign-ins a second make it, with these hours not added up."""
    counts = {"sends": 5_184_000, "spent": 10**12, "failures": 5_000, "ttl": 2_000_000_000}
    counts |= dict.fromkeys(countries, 100_000)
    slot = names.slot(midnight + hours[-1] * HOUR)
    counts |= {f"failures_{slot - before}": 200 for before in range(3)}
    for hour in hours:
        counts |= {f"hour_{hour:02}": 216_000, f"spent_{hour:02}": 10**11}
        counts |= {f"{country}_{hour:02}": 216_000 // len(countries) for country in countries}
    item = {name: {"N": str(count)} for name, count in counts.items()}
    client.put_item(TableName=TABLE, Item=item | {"pk": {"S": names.pool_item(midnight)}})


def close_hours(book: Ledger, hour: float) -> None:
    """Have the hours before ``hour`` added up, as the first texts of that hour do."""
    # A hundred counts are closed at once.
    for n in range(15):
        spend(book, f"{hour}-{n}", block=f"{hour}-{n}", country=COUNTRIES[0], now=hour + 2 * MINUTE)


def sign_in(book: Ledger, name: str, country: str, now: float) -> None:
    sent = spend(book, name, block=name, country=country, now=now, cost=10_000)
    assert sent.may_send
    assert book.answers.count(name, sent.challenge, now=now)
    assert book.answers.use(name, sent.challenge, block=name, country=country, now=now)

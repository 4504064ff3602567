"""Find users with one number, however each of them has it written."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from accounts import phones

T = TypeVar("T")

_MOST_READINGS = 5


def by_number(holders: Iterable[tuple[str | None, T]]) -> dict[str, list[T]]:
    """Return who holds each number, which is in E.164; more than one are duplicates.

    ``holders`` are pairs of a number as it is written and of who has it. What cannot be a number
    is nobody's.
    """
    found: dict[str, list[T]] = defaultdict(list)
    for written, holder in holders:
        if number := number_of(written):
            found[number].append(holder)
    return dict(found)


def number_of(written: str | None) -> str:
    """Return the number that is meant, in E.164, "" for what cannot be one."""
    number = written or ""
    # Each reading takes one national zero out: +27086… is +2786…
    for _each in range(_MOST_READINGS):
        read = phones.find(number) or ""
        if read == number:
            break
        number = read
    return number

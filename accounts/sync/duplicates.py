"""Find users with the same number, in whatever way each is written."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from accounts import phones

T = TypeVar("T")

_MOST_READINGS = 5


def by_number(holders: Iterable[tuple[str | None, T]]) -> dict[str, list[T]]:
    """Return the holders of each number, by E.164; two or more are duplicates.

    ``holders`` are pairs of a number as it is written and its holder. Texts that cannot be numbers
    are left out.
    """
    found: dict[str, list[T]] = defaultdict(list)
    for written, holder in holders:
        if number := number_of(written):
            found[number].append(holder)
    return dict(found)


def number_of(written: str | None) -> str:
    """Return a number in E.164, or "" for a text that cannot be one."""
    number = written or ""
    # Each reading removes one national zero: +27086… is +2786…
    for _each in range(_MOST_READINGS):
        read = phones.find(number) or ""
        if read == number:
            break
        number = read
    return number

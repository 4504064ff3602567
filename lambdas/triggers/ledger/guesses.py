"""Answers that may be guesses, to any challenge but a code: counted before they are compared."""

from .names import DAY, PHONE_KEPT, milliseconds, once_item, phone_item
from .phone_state import PhoneRules
from .table import Table


class Guesses:
    """Count guesses under a name, with the holds and the lock of a number's wrong codes.

    ``name`` is a pseudonym, ``now`` is in seconds since the epoch. Every method is one round trip
    and raises botocore's errors.
    """

    def __init__(self, table: Table, rules: PhoneRules) -> None:
        self._table = table
        self._rules = rules

    def count(self, name: str, *, now: float) -> bool:
        """Count an answer as a failure. False where it may not even be compared."""
        is_counted, item = self._table.update(
            phone_item(name),
            "SET last_failure = :now, #ttl = :ttl ADD failures :one",
            condition=self._rules.not_held(),
            values={
                **self._rules.hold_times(now),
                ":now": int(now),
                ":one": 1,
                ":ttl": int(now) + PHONE_KEPT,
            },
        )
        if is_counted and self._rules.is_locked(int(item["failures"])):
            self._table.update(phone_item(name), "REMOVE #ttl", values={})
        return is_counted

    def clear(self, name: str, *, used_at: float | None = None) -> None:
        """Forget the failures, after a right answer, which proved the number at ``used_at``."""
        self._table.update(
            phone_item(name),
            ("SET used_at = :used " if used_at else "") + "REMOVE failures, last_failure",
            values={":used": milliseconds(used_at or 0)},
        )

    def take(self, name: str, *, now: float) -> bool:
        """Take something that is good for one use within a day. Of any number at once, one does."""
        is_taken, _ = self._table.update(
            once_item(name),
            "SET #ttl = :ttl",
            condition="attribute_not_exists(pk)",
            values={":ttl": int(now) + DAY},
        )
        return is_taken

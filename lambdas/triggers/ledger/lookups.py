"""Questions about a number that cost money: one for each right code."""

from .names import milliseconds, phone_item
from .table import Table

_ASKED_WITHIN = 10 * 60


class Lookups:
    """Take the right to one question about a number. ``name`` is a pseudonym."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, name: str, *, now: float) -> bool:
        """Tell whether a code of the last ten minutes was right and allows a question.

        Of any number at once, one does. ``now`` is in seconds since the epoch. One round trip.
        Raises botocore's errors.
        """
        at = milliseconds(now)
        is_taken, _ = self._table.update(
            phone_item(name),
            "SET looked_up_at = :at",
            condition=(
                "used_at > :since "
                "AND (attribute_not_exists(looked_up_at) OR looked_up_at < used_at)"
            ),
            # Later than the code, were it of the same millisecond.
            values={":at": at + 1, ":since": at - _ASKED_WITHIN * 1000},
        )
        return is_taken

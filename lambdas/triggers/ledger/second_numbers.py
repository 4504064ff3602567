"""Digests of second numbers, each of which its owner has proven by a code."""

from .names import second_item
from .table import Table


class SecondNumbers:
    """Keep a digest, compare it and forget it.

    ``name`` is a pseudonym. Every method is one round trip and raises botocore's errors. Each is an
    update, since the triggers may update items of the table and do nothing else to them.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def keep(self, name: str, digest: str, *, now: float) -> None:
        """Keep it in place of an earlier one. ``now`` is in seconds since the epoch."""
        self._table.update(
            second_item(name),
            "SET proven = :digest, proven_at = :now",
            values={":digest": digest, ":now": int(now)},
        )

    def is_kept(self, name: str, digest: str, *, now: float) -> bool:
        """Tell whether it is the one that is kept, and note when that was asked."""
        is_kept, _ = self._table.update(
            second_item(name),
            "SET asked_at = :now",
            condition="proven = :digest",
            values={":digest": digest, ":now": int(now)},
        )
        return is_kept

    def forget(self, name: str) -> None:
        """Forget the one that is kept, if there is one."""
        self._table.update(
            second_item(name), "REMOVE proven", condition="attribute_exists(proven)", values={}
        )

"""Digests of backup codes, each of which is taken once."""

from .names import backup_item
from .table import Table


class BackupCodes:
    """Keep, count, take and forget digests.

    ``name`` is a pseudonym. Every method is one round trip and raises botocore's errors.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def keep(self, name: str, digests: list[str], *, now: float) -> None:
        """Keep these in place of all earlier ones. ``now`` is in seconds since the epoch."""
        self._table.update(
            backup_item(name),
            "SET codes = :codes, drawn_at = :now",
            values={":codes": dict.fromkeys(digests, 1), ":now": int(now)},
        )

    def left(self, name: str, *, now: float) -> int:
        """Return how many are left, and note when that was asked.

        An update, since the triggers may update items of the table and do nothing else to them.
        """
        is_there, item = self._table.update(
            backup_item(name),
            "SET asked_at = :now",
            condition="attribute_exists(codes)",
            values={":now": int(now)},
        )
        return len(item["codes"]) if is_there else 0

    def take(self, name: str, digest: str) -> bool:
        """Take one for good. Of any number at once, one does."""
        is_taken, _ = self._table.update(
            backup_item(name),
            "REMOVE codes.#digest",
            condition="attribute_exists(codes.#digest)",
            values={},
            names={"#digest": digest},
        )
        return is_taken

    def forget(self, name: str) -> None:
        """Forget all of them."""
        self._table.delete(backup_item(name))

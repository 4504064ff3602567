"""Answers to secret questions, as slow hashes: they stay until they are changed or forgotten."""

from dataclasses import dataclass

from .names import answer_item
from .table import Table


@dataclass(frozen=True)
class KeptAnswer:
    """The salt and the hash of an answer, in hexadecimal digits."""

    salt: str
    digest: str


class KeptAnswers:
    """Keep, read and forget answers.

    ``name`` is a pseudonym, ``now`` is in seconds since the epoch. Every method is one round trip
    and raises botocore's errors.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, name: str, *, now: float) -> KeptAnswer | None:
        """Return the answer, and note when it was asked for; None where there is none.

        An update, since the triggers may update items of the table and do nothing else to them.
        """
        is_there, item = self._table.update(
            answer_item(name),
            "SET asked_at = :now",
            condition="attribute_exists(digest)",
            values={":now": int(now)},
        )
        return KeptAnswer(item["salt"], item["digest"]) if is_there else None

    def keep(self, name: str, answer: KeptAnswer, *, now: float, is_first: bool = False) -> bool:
        """Keep an answer. False where ``is_first`` and there is one."""
        is_kept, _ = self._table.update(
            answer_item(name),
            "SET salt = :salt, digest = :digest, kept_at = :now",
            condition="attribute_not_exists(digest)" if is_first else None,
            values={":salt": answer.salt, ":digest": answer.digest, ":now": int(now)},
        )
        return is_kept

    def forget(self, name: str) -> None:
        """Forget the answer, if there is one."""
        self._table.delete(answer_item(name))

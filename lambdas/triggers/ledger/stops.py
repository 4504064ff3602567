"""Numbers whose owners want no texts that strangers ask for, for a while."""

from ..challenge import Challenge
from .names import DAY, PHONE_KEPT, milliseconds, phone_item
from .phone_state import challenge_of
from .table import Table

# A wrong word stops nothing, and mutes nobody; without a limit somebody could try them all.
_WORDS_PER_CHALLENGE = 20


class Stops:
    """Stop the texts of a number, and allow them again.

    ``name`` is the number's pseudonym, ``now`` is in seconds since the epoch. Every method is one
    round trip and raises botocore's errors.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def count(self, name: str, *, now: float) -> list[Challenge]:
        """Count a word that somebody typed, and return the challenges that it may be of.

        Those whose texts are at most a day old, and none after too many words.
        """
        is_counted, item = self._table.update(
            phone_item(name),
            "ADD challenge.words :one",
            condition=(
                "attribute_exists(challenge.cid) AND recent[0] > :day_ago "
                "AND (attribute_not_exists(challenge.words) OR challenge.words < :most)"
            ),
            values={
                ":one": 1,
                ":day_ago": milliseconds(now) - DAY * 1000,
                ":most": _WORDS_PER_CHALLENGE,
            },
        )
        if not is_counted:
            return []
        found = (challenge_of(item.get(each, {})) for each in ("challenge", "earlier"))
        return [each for each in found if each]

    def stop(self, name: str, *, until: float, now: float) -> None:
        """Send no more texts ``until`` a time, and let no code be right that was texted."""
        self._table.update(
            phone_item(name),
            "SET stopped_until = :until, challenge.exp = :now, earlier.exp = :now, #ttl = :ttl",
            condition="attribute_exists(earlier)",
            values={":until": int(until), ":now": int(now), ":ttl": int(now) + PHONE_KEPT},
        )

    def allow(self, name: str) -> None:
        """Send texts again."""
        self._table.update(phone_item(name), "REMOVE stopped_until", values={})

"""Counts of texts by day, country and reason, for operators."""

import logging
import re
from dataclasses import dataclass

from ..senders.contract import Reason
from . import names
from .names import DAY, OVERVIEW_KEPT
from .pool import SENT
from .table import Item, Table

log = logging.getLogger(__name__)

_NO_COUNTRY = "--"
# Of each hour that is not over.
_SENT = re.compile(r"([A-Z]{2})_[0-9]{2}")
_BLOCKED = re.compile(r"([A-Z]{2}|--) ([a-z_]+)")
_SENDERS_REASONS = frozenset(Reason)


@dataclass(frozen=True)
class Count:
    """Texts of a UTC day (``2026-11-20``) to a country ("" where the number names none).

    ``reason`` is why they were not sent, "" for those that were.
    """

    day: str
    country: str
    reason: str
    count: int


class Overview:
    """Count blocked texts and sum up days. ``now`` is in seconds since the epoch."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def count_blocked(self, country: str, reason: str, *, now: float) -> None:
        """Count a text that was not sent. One round trip, in an item of its own. Never raises.

        ``country`` is an ISO 3166 code, or "".
        """
        # Fails open: nothing depends on it, and in an attack it would fail first.
        try:
            self._table.update(
                names.blocked_item(now),
                "SET #ttl = :ttl ADD #blocked :one",
                names={"#blocked": f"{country or _NO_COUNTRY} {reason}"},
                values={":one": 1, ":ttl": int(now) + OVERVIEW_KEPT},
            )
        except Exception as error:
            log.warning("A blocked text was not counted: %s", type(error).__name__)

    def read(self, days: int, *, now: float) -> tuple[list[Count], list[Count]]:
        """Return the texts sent and those blocked on each of the last ``days``, today included.

        Texts that a sender refused were counted before they were tried, and are taken off the texts
        sent. Raises TooBusy where AWS holds a part back.
        """
        sent: list[Count] = []
        blocked: list[Count] = []
        times = [now - n * DAY for n in range(days)]
        items = self._table.read_all(
            [item(at) for at in times for item in (names.pool_item, names.blocked_item)]
        )
        for at in times:
            name = names.day(at)
            day = f"{name[:4]}-{name[4:6]}-{name[6:]}"
            kept = _blocked(day, items.get(names.blocked_item(at), {}))
            # Those of the hours that are over.
            summed = [each for each in kept if each.reason == SENT]
            refused = [each for each in kept if each.reason != SENT]
            blocked += refused
            sent += _sent(day, items.get(names.pool_item(at), {}), summed, refused)
        return sent, blocked


def _sent(day: str, pool: Item, summed: list[Count], refused: list[Count]) -> list[Count]:
    spent = {each.country: each.count for each in summed}
    for attribute, count in pool.items():
        if found := _SENT.fullmatch(attribute):
            spent[found[1]] = spent.get(found[1], 0) + count
    for each in refused:
        if each.reason in _SENDERS_REASONS and each.country in spent:
            spent[each.country] -= each.count
    return [Count(day, country, "", count) for country, count in sorted(spent.items()) if count > 0]


def _blocked(day: str, item: Item) -> list[Count]:
    found = [(_BLOCKED.fullmatch(attribute), count) for attribute, count in sorted(item.items())]
    return [
        Count(day, "" if name[1] == _NO_COUNTRY else name[1], name[2], count)
        for name, count in found
        if name
    ]

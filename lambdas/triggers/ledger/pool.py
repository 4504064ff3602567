"""The budgets of the whole pool and of its countries, and the failures that tell of an attack.

All of them are in one item a day, so that one conditional update checks and counts them exactly.
It holds

    sends                texts of the day
    hour_09, US_09       those of the hour, in all and by country
    US                   those of the hours that are over, by country
    failures             wrong answers of the day
    failures_5900000     those of five minutes
"""

import logging
import re
import threading
from collections import Counter

from ..limits import Limits
from . import names
from .names import DAY, HOUR, OVERVIEW_KEPT
from .table import Item, Table
from .verdicts import Verdict

log = logging.getLogger(__name__)

_HOUR = re.compile(r"(hour|(?P<country>[A-Z]{2}))_(?P<hour>[0-9]{2})")
# Seconds after an hour in which somebody may still count in it: a call has five.
_HOUR_SETTLES_WITHIN = 60
# An expression of DynamoDB has 4 kB.
_HOURS_CLOSED_AT_ONCE = 100


class Pool:
    """Count in the pool's item of the day. ``now`` is in seconds since the epoch."""

    def __init__(self, table: Table, limits: Limits) -> None:
        self._table = table
        self._limits = limits
        self._lock = threading.Lock()
        self._counted_too_much = 0

    def look(self, now: float) -> Item:
        """Return the item without spending anything. One round trip."""
        _, item = self._table.update(
            names.pool_item(now), "SET #ttl = :ttl", values={":ttl": int(now) + OVERVIEW_KEPT}
        )
        return item

    def spend(self, country: str, now: float) -> tuple[Verdict | None, Item]:
        """Count a text; return the budget that is used up, if one is, and the item.

        ``country`` is the number's ISO 3166 code. One round trip, two for the first of an hour.
        """
        hour = names.hour(now)
        is_done, item = self._table.update(
            names.pool_item(now),
            "SET #ttl = :ttl ADD sends :one, #hour :one, #country :one",
            condition=(
                "(attribute_not_exists(sends) OR sends < :daily) AND "
                "(attribute_not_exists(#hour) OR #hour < :hourly) AND "
                "(attribute_not_exists(#country) OR #country < :per_country)"
            ),
            names={"#hour": f"hour_{hour}", "#country": f"{country}_{hour}"},
            values={
                ":one": 1,
                ":daily": self._limits.sends_per_pool_day,
                ":hourly": self._limits.sends_per_pool_hour,
                ":per_country": self._limits.sends_per_country_hour,
                ":ttl": int(now) + OVERVIEW_KEPT,
            },
        )
        self._close_hours(item, now)
        if is_done:
            return None, item
        return Verdict.POOL if self.is_used_up(item, now) else Verdict.COUNTRY, item

    def _close_hours(self, item: Item, now: float) -> None:
        """Add the hours that are over to the countries' days. Never raises.

        A write costs what the whole item weighs: with all hours of 60 countries, 20 times as much.
        """
        if now % HOUR < _HOUR_SETTLES_WITHIN:
            return
        found = [_HOUR.fullmatch(attribute) for attribute in sorted(item)]
        closed = [each for each in found if each and each["hour"] < names.hour(now)]
        closed = closed[:_HOURS_CLOSED_AT_ONCE]
        if not closed:
            return
        texts: Counter[str] = Counter()
        for each in closed:
            if country := each["country"]:
                texts[country] += item[each[0]]
        removed = ", ".join(f"#{each[0]}" for each in closed)
        added = ", ".join(f"#{country} :{country}" for country in texts)
        # Fails open: the next text tries again.
        try:
            self._table.update(
                names.pool_item(now),
                f"REMOVE {removed} ADD {added}" if added else f"REMOVE {removed}",
                # Of many that find the same hours, one adds them up.
                condition=f"attribute_exists(#{closed[0][0]})",
                names={f"#{name}": name for name in [*texts, *(each[0] for each in closed)]},
                values={f":{country}": count for country, count in texts.items()},
            )
        except Exception as error:
            log.warning("The hours of the pool were not closed: %s", type(error).__name__)

    def is_used_up(self, item: Item, now: float) -> bool:
        """Tell whether the pool's hour or day allows no further text."""
        hour_percent, day_percent = self.percent_used(item, now)
        return hour_percent >= 100 or day_percent >= 100

    def percent_used(self, item: Item, now: float) -> tuple[int, int]:
        """Return how much of the hour's and of the day's budget is used, rounded down."""
        sends_of_hour, sends = item.get(f"hour_{names.hour(now)}", 0), item.get("sends", 0)
        return (
            100 * sends_of_hour // self._limits.sends_per_pool_hour,
            100 * sends // self._limits.sends_per_pool_day,
        )

    def returns_at(self, item: Item, now: float) -> int:
        """Return when the pool's next hour begins, or its next day, in seconds."""
        window = DAY if item.get("sends", 0) >= self._limits.sends_per_pool_day else HOUR
        return (int(now) // window + 1) * window

    def is_under_attack(self, item: Item, now: float) -> bool:
        """Tell whether so many answers fail that codes have to be longer."""
        slot = names.slot(now)
        recent = max(item.get(f"failures_{slot}", 0), item.get(f"failures_{slot - 1}", 0))
        return bool(
            recent >= self._limits.failures_per_pool_5_minutes
            or item.get("failures", 0) >= self._limits.failures_per_pool_day
        )

    def count_failure(self, now: float) -> None:
        """Count a failure, less those that this process took back since. Never raises.

        Those are settled with the next answer, without a further request, and stay counted where
        their process ends first.
        """
        with self._lock:
            change, self._counted_too_much = 1 - self._counted_too_much, 0
        # Fails open: under so many answers that the table refuses them, nobody is to be shut out,
        # and each number is still counted on its own.
        try:
            self._table.update(
                names.pool_item(now),
                # Old slots would make every write to the item dearer by the hour.
                "SET #ttl = :ttl REMOVE #old ADD failures :change, #slot :change",
                names={
                    "#slot": f"failures_{names.slot(now)}",
                    "#old": f"failures_{names.slot(now) - 3}",
                },
                values={":change": change, ":ttl": int(now) + OVERVIEW_KEPT},
            )
        except Exception as error:
            log.warning("The pool's failures were not counted: %s", type(error).__name__)

    def take_back_failures(self, count: int) -> None:
        """Take back failures that were counted, with the next one that is."""
        with self._lock:
            self._counted_too_much += count

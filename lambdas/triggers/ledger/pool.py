"""The budgets of the whole pool and of its countries, and the failures that tell of an attack.

All of them are in one item a day, so that one conditional update checks and counts them exactly.
It holds

    sends                texts of the day
    hour_09, US_09       those of the hour, in all and by country
    spent, spent_09      the money of the day and of the hour, in millionths of a US dollar
    US                   what the codes of the day say of a country: used ones speak for it, texts
                         against it
    failures             wrong answers of the day
    failures_5900000     those of five minutes

Hours that are over are added up in the item that operators read (``overview``).
"""

import logging
import re
import threading
from collections import Counter

from ..limits import UNUSED_BEFORE_JUDGING_A_COUNTRY, WORTH_OF_A_USED_CODE, Limits, open_share
from ..prices import MILLIONTHS
from . import names
from .names import HOUR, OVERVIEW_KEPT
from .pressure import Pressure, unused_country_share
from .table import Item, Table
from .verdicts import Verdict

log = logging.getLogger(__name__)

# The word behind a country in the day's sums.
SENT = "sent"
_HOUR = re.compile(r"(hour|spent|(?P<country>[A-Z]{2}))_(?P<hour>[0-9]{2})")
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
        self._used: Counter[str] = Counter()
        self.pressure = Pressure(limits)

    def look(self, now: float) -> Item:
        """Return the item without spending anything. One round trip."""
        _, item = self._table.update(
            names.pool_item(now), "SET #ttl = :ttl", values={":ttl": int(now) + OVERVIEW_KEPT}
        )
        self.pressure.learn(item, now)
        return item

    def spend(
        self, country: str, now: float, *, cost: int, goes_first: bool, is_warned: bool
    ) -> tuple[Verdict | None, Item]:
        """Count a text; return the budget that is used up, if one is, and the item.

        ``country`` is the number's ISO 3166 code, ``cost`` in millionths of a US dollar.
        ``goes_first``: the text is to somebody known before, who may have all of each budget.
        ``is_warned``: the number's block looks as if somebody sold texts. One round trip, two for
        the first of an hour.
        """
        hour, limits = names.hour(now), self._limits
        share = (lambda limit: limit) if goes_first else open_share
        conditions = [
            "(attribute_not_exists(sends) OR sends < :daily)",
            "(attribute_not_exists(#hour) OR #hour < :hourly)",
            "(attribute_not_exists(#country) OR #country < :per_country)",
            "(attribute_not_exists(spent) OR spent < :dollars_daily)",
            "(attribute_not_exists(#spent) OR #spent < :dollars_hourly)",
        ]
        if not goes_first:
            unused = "" if is_warned else "attribute_not_exists(#country) OR #country < :unused OR "
            conditions.append(f"({unused}attribute_not_exists(#standing) OR #standing > :standing)")
        is_done, item = self._table.update(
            names.pool_item(now),
            "SET #ttl = :ttl ADD sends :one, #hour :one, #country :one, #standing :minus, "
            "spent :cost, #spent :cost",
            condition=" AND ".join(conditions),
            names={
                "#hour": f"hour_{hour}",
                "#country": f"{country}_{hour}",
                "#standing": country,
                "#spent": f"spent_{hour}",
            },
            values={
                ":one": 1,
                ":minus": -1,
                ":cost": cost,
                ":daily": share(limits.sends_per_pool_day),
                ":hourly": share(limits.sends_per_pool_hour),
                ":per_country": share(limits.sends_per_country_hour),
                ":dollars_daily": share(limits.dollars_per_pool_day * MILLIONTHS),
                ":dollars_hourly": share(limits.dollars_per_pool_hour * MILLIONTHS),
                ":unused": unused_country_share(limits),
                ":standing": -UNUSED_BEFORE_JUDGING_A_COUNTRY,
                ":ttl": int(now) + OVERVIEW_KEPT,
            },
        )
        self.pressure.learn(item, now)
        self._close_hours(item, now)
        if is_done:
            return None, item
        if self.pressure.is_used_up(item, now):
            return Verdict.POOL, item
        if goes_first:
            return Verdict.COUNTRY, item
        return self._why_no_stranger(item, country, now, is_warned=is_warned), item

    def _why_no_stranger(self, item: Item, country: str, now: float, *, is_warned: bool) -> Verdict:
        # Callers without an account, who use no country's budget, are told of the pool's alone.
        if self.pressure.open_at(item, now):
            return Verdict.RESERVED
        texts = item.get(f"{country}_{names.hour(now)}", 0)
        if texts >= open_share(self._limits.sends_per_country_hour):
            return Verdict.COUNTRY
        return Verdict.PUMPING if is_warned else Verdict.COUNTRY_UNUSED

    def _close_hours(self, item: Item, now: float) -> None:
        """Add the hours that are over to the day's sums of the countries. Never raises.

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
        # Fails open: the next text tries again, and operators miss some texts at the worst.
        try:
            is_ours, _ = self._table.update(
                names.pool_item(now),
                f"REMOVE {removed}",
                # Of many that find the same hours, one adds them up.
                condition=f"attribute_exists(#{closed[0][0]})",
                names={f"#{each[0]}": each[0] for each in closed},
                values={},
            )
            if is_ours and texts:
                added = ", ".join(f"#{country} :{country}" for country in texts)
                self._table.update(
                    names.blocked_item(now),
                    f"SET #ttl = :ttl ADD {added}",
                    names={f"#{country}": f"{country} {SENT}" for country in texts},
                    values={
                        ":ttl": int(now) + OVERVIEW_KEPT,
                        **{f":{country}": count for country, count in texts.items()},
                    },
                )
        except Exception as error:
            log.warning("The hours of the pool were not closed: %s", type(error).__name__)

    def is_under_attack(self, item: Item, now: float) -> bool:
        """Tell whether so many answers fail that codes have to be longer."""
        slot = names.slot(now)
        recent = max(item.get(f"failures_{slot}", 0), item.get(f"failures_{slot - 1}", 0))
        return bool(
            recent >= self._limits.failures_per_pool_5_minutes
            or item.get("failures", 0) >= self._limits.failures_per_pool_day
        )

    def count_failure(self, now: float, *, failures: int = 1) -> None:
        """Count a failure, less those that this process took back since. Never raises.

        Those, and the codes that were used, are settled with the next answer, without a further
        request; they stay as they are where their process ends first.
        """
        with self._lock:
            change, self._counted_too_much = failures - self._counted_too_much, 0
            used, self._used = self._used, Counter()
        # Fails open: under so many answers that the table refuses them, nobody is to be shut out,
        # and each number is still counted on its own.
        try:
            self._table.update(
                names.pool_item(now),
                # Old slots would make every write to the item dearer by the hour.
                "SET #ttl = :ttl REMOVE #old ADD failures :change, #slot :change"
                + "".join(f", #{country} :{country}" for country in used),
                names={
                    "#slot": f"failures_{names.slot(now)}",
                    "#old": f"failures_{names.slot(now) - 3}",
                    **{f"#{country}": country for country in used},
                },
                values={
                    ":change": change,
                    ":ttl": int(now) + OVERVIEW_KEPT,
                    **{f":{country}": WORTH_OF_A_USED_CODE * n for country, n in used.items()},
                },
            )
        except Exception as error:
            log.warning("The pool's failures were not counted: %s", type(error).__name__)

    def take_back_failures(self, count: int) -> None:
        """Take back failures that were counted, with the next one that is."""
        with self._lock:
            self._counted_too_much += count

    def credit(self, country: str) -> None:
        """Let a used code speak for its country, with the next failure that is counted."""
        with self._lock:
            self._used[country] += 1

"""How much of the pool's budgets is used, and the step to which the system degrades for it.

From ``WORK_FROM`` percent on, sign-ins begin with a proof of work; from ``RESERVED_FROM`` on, the
rest is for people known before; at the end nobody is texted. An hour or a day later all is as it
was, since the counts of it begin at nothing.
"""

import re

from ..limits import UNUSED_BEFORE_JUDGING_A_COUNTRY, WORK_FROM, Limits, open_share
from ..prices import MILLIONTHS
from . import names
from .names import DAY, HOUR
from .table import Item

_COUNTRY = re.compile(r"([A-Z]{2})_[0-9]{2}")


def unused_country_share(limits: Limits) -> int:
    """Return the texts of an hour to a country whose codes are not used, or that is new."""
    return max(1, limits.sends_per_country_hour // 4)


class Pressure:
    """Read the pool's item, and remember in this process how long a proof of work is asked for.

    Counts only grow within their hour or day, so what was seen once holds until its end, and no
    request is made to ask. ``now`` is in seconds since the epoch.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._works_until = 0.0

    def learn(self, item: Item, now: float) -> None:
        """Remember what the item says."""
        hour_percent, day_percent = self.percent_used(item, now)
        if max(hour_percent, day_percent) >= 100:
            # Nobody is texted, with or without work: they are to hear it at once.
            self._works_until = 0.0
        elif day_percent >= WORK_FROM:
            self._works_until = max(self._works_until, _end_of(DAY, now))
        elif max(hour_percent, self._country_percent(item, now, of_share=True)) >= WORK_FROM:
            self._works_until = max(self._works_until, _end_of(HOUR, now))

    def wants_work(self, now: float) -> bool:
        """Tell whether sign-ins begin with a proof of work, as far as this process has seen."""
        return now < self._works_until

    def percent_used(self, item: Item, now: float) -> tuple[int, int]:
        """Return how much of the hour's and of the day's budget is used, rounded down.

        In texts or in money, whichever is more.
        """
        limits, hour = self._limits, names.hour(now)
        of_hour = (
            100 * item.get(f"hour_{hour}", 0) // limits.sends_per_pool_hour,
            100 * item.get(f"spent_{hour}", 0) // (limits.dollars_per_pool_hour * MILLIONTHS),
        )
        of_day = (
            100 * item.get("sends", 0) // limits.sends_per_pool_day,
            100 * item.get("spent", 0) // (limits.dollars_per_pool_day * MILLIONTHS),
        )
        return max(of_hour), max(of_day)

    def country_percent(self, item: Item, now: float) -> int:
        """Return how much of its hour the country has used that has used most."""
        return self._country_percent(item, now, of_share=False)

    def is_used_up(self, item: Item, now: float) -> bool:
        """Tell whether the pool's hour or day allows no further text."""
        return max(self.percent_used(item, now)) >= 100

    def open_at(self, item: Item, now: float, *, own: int = 0, own_cost: int = 0) -> int:
        """Return when strangers are texted again, in seconds; 0 where they are.

        Leave out ``own`` texts, which cost ``own_cost``.
        """
        limits, hour = self._limits, names.hour(now)

        def is_over(sends: str, spent: str, texts: int, dollars: int) -> bool:
            return bool(
                item.get(sends, 0) - own >= open_share(texts)
                or item.get(spent, 0) - own_cost >= open_share(dollars * MILLIONTHS)
            )

        if is_over("sends", "spent", limits.sends_per_pool_day, limits.dollars_per_pool_day):
            return _end_of(DAY, now)
        of_hour = limits.sends_per_pool_hour, limits.dollars_per_pool_hour
        return _end_of(HOUR, now) if is_over(f"hour_{hour}", f"spent_{hour}", *of_hour) else 0

    def returns_at(self, item: Item, now: float) -> int:
        """Return when the pool's next hour begins, or its next day, in seconds."""
        return _end_of(DAY if self.percent_used(item, now)[1] >= 100 else HOUR, now)

    def _country_percent(self, item: Item, now: float, *, of_share: bool) -> int:
        """``of_share``: of what strangers may have."""
        percents = [0]
        for name, texts in item.items():
            found = _COUNTRY.fullmatch(name)
            if not found or not name.endswith(names.hour(now)):
                continue
            limit = self._limits.sends_per_country_hour
            if of_share and item.get(found[1], 0) <= -UNUSED_BEFORE_JUDGING_A_COUNTRY:
                limit = unused_country_share(self._limits)
            percents.append(100 * texts // limit)
        return max(percents)


def _end_of(window: int, now: float) -> int:
    return (int(now) // window + 1) * window

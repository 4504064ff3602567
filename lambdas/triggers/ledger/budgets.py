"""Budgets that many numbers share: their block's, their country's and the whole pool's.

A block is all numbers that differ in their last four digits alone; sellers of texts own whole
blocks.
"""

import logging
from dataclasses import replace

from ..challenge import LENGTH_UNDER_ATTACK
from ..limits import Limits
from . import names
from .names import WINDOW_KEPT
from .pool import Pool
from .table import Item, Table
from .texts import Reservation, Texts
from .verdicts import Verdict

log = logging.getLogger(__name__)

_NOTICES_PER_DAY = 5
# A used code makes up for four that were not: a block stands well while 20 % are used.
_WORTH_OF_A_USED_CODE = 5
_SENDS_BEFORE_JUDGING_A_BLOCK = 10


class Budgets:
    """Spend on texts. ``name`` and ``block`` are pseudonyms, ``country`` an ISO 3166 code.

    ``now`` is in seconds since the epoch.
    """

    def __init__(self, table: Table, texts: Texts, pool: Pool, limits: Limits) -> None:
        self._table = table
        self._texts = texts
        self._pool = pool
        self._limits = limits

    def spend(
        self, name: str, reservation: Reservation, *, block: str, country: str, now: float
    ) -> Reservation:
        """Count the reserved text against the shared budgets.

        Two round trips. Returns a reservation that may not be sent where one of them is used up,
        and one with a longer code while the pool is under attack.
        """
        verdict = self._spend_block(block, now)
        if verdict is None:
            verdict, pool = self._pool.spend(country, now)
        else:
            pool = self._pool.look(now)
            # Callers without an account, who use no block, are told of the pool's budget alone.
            verdict = Verdict.POOL if self._pool.is_used_up(pool, now) else verdict
        return self._settle(name, reservation, verdict, pool, now=now)

    def pretend(self, name: str, reservation: Reservation, *, now: float) -> Reservation:
        """Do as ``spend`` does, as far as it shows, for somebody who gets no text.

        The pool's budget is looked at, not spent: that it is used up may be known to anybody.
        """
        pool = self._pool.look(now)
        verdict = Verdict.POOL if self._pool.is_used_up(pool, now) else None
        return self._settle(name, reservation, verdict, pool, now=now)

    def spend_notice(self, name: str, *, block: str, country: str, now: float) -> Verdict:
        """Count a text that carries no code, or say why there is none. Three round trips.

        It costs the number none of its codes, so it has a few a day of its own.
        """
        is_done, _ = self._table.update(
            names.notice_item(name, now),
            "SET #ttl = :ttl ADD sends :one",
            condition="attribute_not_exists(sends) OR sends < :daily",
            values={":one": 1, ":daily": _NOTICES_PER_DAY, ":ttl": int(now) + WINDOW_KEPT},
        )
        if not is_done:
            return Verdict.NOTICES
        # Nobody answers a notice, so it does not speak against the block.
        if verdict := self._spend_block(block, now, weight=0):
            return verdict
        verdict, _ = self._pool.spend(country, now)
        return verdict or Verdict.SEND

    def credit_block(self, block: str, now: float) -> None:
        """Let a used code speak for its block. One round trip. Never raises."""
        # Fails open: a right code stays right, whatever becomes of this.
        try:
            self._table.update(
                names.block_item(block, now),
                "SET #ttl = :ttl ADD score :worth",
                values={":worth": _WORTH_OF_A_USED_CODE, ":ttl": int(now) + WINDOW_KEPT},
            )
        except Exception as error:
            log.warning("A used code was not credited: %s", type(error).__name__)

    def _settle(
        self,
        name: str,
        reservation: Reservation,
        verdict: Verdict | None,
        pool: Item,
        *,
        now: float,
    ) -> Reservation:
        """Return the reservation after the budgets were asked; ``verdict`` is the one used up."""
        was_sent_before = reservation.verdict is Verdict.SEND_AGAIN and not reservation.withheld_by
        if reservation.verdict is Verdict.SEND and self._pool.is_under_attack(pool, now):
            reservation = self._lengthen(name, reservation, now=now)
        hour_percent, day_percent = self._pool.percent_used(pool, now)
        reservation = replace(reservation, hour_percent=hour_percent, day_percent=day_percent)
        if verdict is None:
            if reservation.withheld_by:
                self._texts.withhold(name, reservation.challenge, by=None)
            return replace(reservation, withheld_by="")
        # The cooldown stays: nobody without an account would have it freed. Nor does it show here
        # that a block or country held the code back before: those without an account have neither.
        is_told_as_texted = verdict is Verdict.POOL and reservation.texted_at is not None
        if not (was_sent_before or is_told_as_texted):
            self._texts.withhold(name, reservation.challenge, by=verdict)
        until = self._pool.returns_at(pool, now) if verdict is Verdict.POOL else 0
        return replace(
            reservation,
            verdict=verdict,
            resend_at=max(reservation.resend_at, until),
            withheld_by=str(verdict),
        )

    def _lengthen(self, name: str, reservation: Reservation, *, now: float) -> Reservation:
        longer = self._texts.lengthen(
            name, reservation.challenge, now=now, digits=LENGTH_UNDER_ATTACK
        )
        if longer is None:
            return replace(reservation, verdict=Verdict.COOLDOWN)
        return replace(reservation, challenge=longer)

    def _spend_block(self, block: str, now: float, *, weight: int = 1) -> Verdict | None:
        is_done, _ = self._table.update(
            names.block_item(block, now),
            "SET #ttl = :ttl ADD #hour :one, sends :one, score :minus",
            condition=(
                "(attribute_not_exists(#hour) OR #hour < :hourly) AND "
                "(attribute_not_exists(sends) OR sends < :few OR score >= :zero"
                " OR attribute_not_exists(#hour) OR #hour < :unused)"
            ),
            names={"#hour": f"hour_{names.hour(now)}"},
            values={
                ":one": 1,
                ":minus": -weight,
                ":zero": 0,
                ":few": _SENDS_BEFORE_JUDGING_A_BLOCK,
                ":hourly": self._limits.sends_per_block_hour,
                ":unused": self._limits.sends_per_unused_block_hour,
                ":ttl": int(now) + WINDOW_KEPT,
            },
        )
        return None if is_done else Verdict.BLOCK

"""Budgets that many numbers share: their block's, their country's and the whole pool's.

A block is all numbers that differ in their last four digits alone; sellers of texts own whole
blocks. The last tenth of each budget is for people known before: numbers that a code was used on,
and known browsers. A pattern that looks like a sale of texts counts against strangers alone.
"""

import logging
from dataclasses import replace

from ..challenge import LENGTH_UNDER_ATTACK
from ..limits import WORTH_OF_A_USED_CODE, Limits, open_share
from . import names
from .names import WINDOW_KEPT
from .pool import Pool
from .table import Item, Table
from .texts import Reservation, Texts
from .verdicts import Verdict

log = logging.getLogger(__name__)

_NOTICES_PER_DAY = 5
_SENDS_BEFORE_JUDGING_A_BLOCK = 10
# Texts to a block in a quarter of an hour that are a burst, while its codes are not used.
_BURST = 5


class Budgets:
    """Spend on texts. ``name`` and ``block`` are pseudonyms, ``country`` an ISO 3166 code.

    ``now`` is in seconds since the epoch, ``cost`` in millionths of a US dollar.
    """

    def __init__(self, table: Table, texts: Texts, pool: Pool, limits: Limits) -> None:
        self._table = table
        self._texts = texts
        self._pool = pool
        self._limits = limits

    def spend(
        self,
        name: str,
        reservation: Reservation,
        *,
        block: str,
        country: str,
        now: float,
        cost: int = 0,
        is_known: bool = False,
        mailbox: str = "",
    ) -> Reservation:
        """Count the reserved text against the shared budgets.

        Two round trips, and one for a ``mailbox``: the pseudonym of one that the caller named, and
        that gets a few mails a day. Returns a reservation that may not be sent where one of them is
        used up, and one with a longer code while the pool is under attack. ``is_known``: the caller
        is known to have an account, as a browser that signed in to it, and may be told all.
        """
        goes_first = is_known or reservation.is_proven
        verdict, is_warned = None, False
        if mailbox and not self._count_notice(mailbox, now):
            verdict = Verdict.NOTICES
        else:
            verdict, is_warned = self._spend_block(block, now, goes_first=goes_first)
        if verdict is None:
            verdict, pool = self._pool.spend(
                country, now, cost=cost, goes_first=goes_first, is_warned=is_warned
            )
            own = 1 if verdict is None else 0
        else:
            pool, own = self._pool.look(now), 0
            # Callers without an account, who use no block, are told of the pool's budget alone.
            verdict = self._of_pool(pool, now, goes_first=goes_first) or verdict
        open_at = self._pool.pressure.open_at(pool, now, own=own, own_cost=own * cost)
        return self._settle(
            name, reservation, verdict, pool, now=now, open_at=open_at, is_known=is_known
        )

    def pretend(self, name: str, reservation: Reservation, *, now: float) -> Reservation:
        """Do as ``spend`` does, as far as it shows, for somebody who gets no text.

        The pool's budget is looked at, not spent: that it is used up may be known to anybody.
        """
        pool = self._pool.look(now)
        verdict = self._of_pool(pool, now, goes_first=False)
        open_at = self._pool.pressure.open_at(pool, now)
        return self._settle(name, reservation, verdict, pool, now=now, open_at=open_at)

    def wants_work(self, now: float) -> bool:
        """Tell whether sign-ins begin with a proof of work. No round trip: see ``Pressure``."""
        return self._pool.pressure.wants_work(now)

    def spend_notice(
        self,
        name: str,
        *,
        block: str,
        country: str,
        now: float,
        cost: int = 0,
        is_known: bool = False,
    ) -> Verdict:
        """Count a text that carries no code, or say why there is none. Three round trips.

        It costs the number none of its codes, so it has a few a day of its own.
        """
        if not self._count_notice(name, now):
            return Verdict.NOTICES
        # Nobody answers a notice, so it does not speak against the block.
        verdict, is_warned = self._spend_block(block, now, goes_first=is_known, weight=0)
        if verdict is None:
            verdict, _ = self._pool.spend(
                country, now, cost=cost, goes_first=is_known, is_warned=is_warned
            )
        return verdict or Verdict.SEND

    def _count_notice(self, name: str, now: float) -> bool:
        """Count a message that the recipient did not ask for themselves: a few a day."""
        is_done, _ = self._table.update(
            names.notice_item(name, now),
            "SET #ttl = :ttl ADD sends :one",
            condition="attribute_not_exists(sends) OR sends < :daily",
            values={":one": 1, ":daily": _NOTICES_PER_DAY, ":ttl": int(now) + WINDOW_KEPT},
        )
        return is_done

    def credit(self, block: str, country: str, now: float) -> None:
        """Let a used code speak for its block and country. One round trip. Never raises."""
        if country:
            self._pool.credit(country)
        self.credit_block(block, now)

    def settle(self, now: float) -> None:
        """Write what speaks for countries, without waiting for an answer. Never raises."""
        self._pool.count_failure(now, failures=0)

    def credit_block(self, block: str, now: float) -> None:
        """Let a used code speak for its block. One round trip. Never raises."""
        # Fails open: a right code stays right, whatever becomes of this.
        try:
            self._table.update(
                names.block_item(block, now),
                "SET #ttl = :ttl ADD score :worth",
                values={":worth": WORTH_OF_A_USED_CODE, ":ttl": int(now) + WINDOW_KEPT},
            )
        except Exception as error:
            log.warning("A used code was not credited: %s", type(error).__name__)

    def _of_pool(self, pool: Item, now: float, *, goes_first: bool) -> Verdict | None:
        if self._pool.pressure.is_used_up(pool, now):
            return Verdict.POOL
        if not goes_first and self._pool.pressure.open_at(pool, now):
            return Verdict.RESERVED
        return None

    def _settle(
        self,
        name: str,
        reservation: Reservation,
        verdict: Verdict | None,
        pool: Item,
        *,
        now: float,
        open_at: int,
        is_known: bool = False,
    ) -> Reservation:
        """Return the reservation after the budgets were asked; ``verdict`` is the one used up.

        ``open_at`` is when strangers are texted again. It is told to whoever is not known, with an
        account or without, so it does not show whether the text left.
        """
        was_sent_before = reservation.verdict is Verdict.SEND_AGAIN and not reservation.withheld_by
        was_noted = bool(reservation.withheld_by or reservation.open_at)
        if reservation.verdict is Verdict.SEND and self._pool.is_under_attack(pool, now):
            reservation = self._lengthen(name, reservation, now=now)
        pressure = self._pool.pressure
        hour_percent, day_percent = pressure.percent_used(pool, now)
        told_open_at = 0 if is_known or verdict is Verdict.POOL else open_at
        reservation = replace(
            reservation,
            hour_percent=hour_percent,
            day_percent=day_percent,
            country_percent=pressure.country_percent(pool, now),
            open_at=told_open_at,
        )
        if verdict is None:
            if open_at or was_noted:
                why = Verdict.WENT_FIRST if open_at else None
                self._texts.settle(name, reservation.challenge, why=why, open_at=told_open_at)
            return replace(reservation, withheld_by="")
        # The cooldown stays: nobody without an account would have it freed. Nor does it show here
        # that a block or country held the code back before: those without an account have neither.
        is_told_as_texted = verdict is Verdict.POOL and reservation.texted_at is not None
        self._texts.settle(
            name,
            reservation.challenge,
            why=verdict,
            open_at=told_open_at,
            is_withheld=not (was_sent_before or is_told_as_texted),
        )
        until = pressure.returns_at(pool, now) if verdict is Verdict.POOL else 0
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

    def _spend_block(
        self, block: str, now: float, *, goes_first: bool, weight: int = 1
    ) -> tuple[Verdict | None, bool]:
        """Count a text; return why it may not leave, and whether the block looks like a sale."""
        hourly, quarter = self._limits.sends_per_block_hour, names.quarter(now)
        condition = "(attribute_not_exists(#hour) OR #hour < :hourly)"
        if not goes_first:
            condition += (
                " AND (attribute_not_exists(sends) OR sends < :few OR score >= :zero"
                " OR attribute_not_exists(#hour) OR #hour < :unused)"
            )
        is_done, item = self._table.update(
            names.block_item(block, now),
            "SET #ttl = :ttl REMOVE #before, #earlier "
            "ADD #hour :one, #quarter :one, sends :one, score :minus",
            condition=condition,
            names={
                "#hour": f"hour_{names.hour(now)}",
                "#quarter": f"burst_{quarter}",
                "#before": f"burst_{quarter - 1}",
                "#earlier": f"burst_{quarter - 2}",
            },
            values={
                ":one": 1,
                ":minus": -weight,
                ":zero": 0,
                ":few": _SENDS_BEFORE_JUDGING_A_BLOCK,
                ":hourly": hourly if goes_first else open_share(hourly),
                ":unused": self._limits.sends_per_unused_block_hour,
                ":ttl": int(now) + WINDOW_KEPT,
            },
        )
        if is_done:
            is_burst = item[f"burst_{quarter}"] >= _BURST
            is_judged = is_burst or item["sends"] >= _SENDS_BEFORE_JUDGING_A_BLOCK
            # Where unused codes keep back no text to a block, they say nothing of it either.
            counts = self._limits.sends_per_unused_block_hour < hourly
            return None, counts and is_judged and item["score"] < 0
        is_full = item.get(f"hour_{names.hour(now)}", 0) >= open_share(hourly)
        return Verdict.BLOCK if goes_first or is_full else Verdict.BLOCK_UNUSED, False

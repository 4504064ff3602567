"""What was sent and tried, in one DynamoDB table, counted before anything is sent or compared.

Cognito's clients reach the triggers in parallel and past our site, so every count is one
conditional update of one item: of any number at once, only as many succeed as the limit allows.
Items are named by keyed hashes and hold no phone and no code.

    phone#…          a number: its newest challenge and the one before it, its texts of the last
                     day, its failures
    block#…#day      the numbers that share all but their last four digits
    pool#day         the whole pool, and the countries in it
    notice#…#day     a number's texts without a code
    blocked#day      texts that were not sent, by country and reason: for operators only

What goes wrong with the table goes up: no text without a count, no comparison without a count.
"""

import logging
import re
import secrets
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from . import environment, keys, limits
from .challenge import LENGTH_UNDER_ATTACK, Challenge
from .limits import COOLDOWNS, TRIES_PER_CODE, WORTH_REPEATING, Limits
from .senders.contract import Reason

log = logging.getLogger(__name__)

_CONFIG = Config(
    connect_timeout=0.3,
    read_timeout=0.6,
    retries={"total_max_attempts": 1},
    # Ours alone, tested, and on the way of every sign-in.
    parameter_validation=False,
)
_HOUR, _DAY = 60 * 60, 24 * 60 * 60
# Long after any hold; a locked number is kept for ever. Names that are no number, of which
# strangers invent many, are kept as long: how soon a hold is forgotten would tell them apart.
_PHONE_KEPT = 400 * _DAY
_WINDOW_KEPT = 2 * _DAY
# What operators look back on: a month, and some days to spare.
OVERVIEW_DAYS = 31
_OVERVIEW_KEPT = (OVERVIEW_DAYS + 4) * _DAY
_NOTICES_PER_DAY = 5
# A used code makes up for four that were not: a block stands well while 20 % are used.
_WORTH_OF_A_USED_CODE = 5
_SENDS_BEFORE_JUDGING_A_BLOCK = 10
# Seconds in which a start that was first is done with its budgets, and what is trimmed at once.
_SETTLES_WITHIN = 1.0
_TRIMMED_AT_ONCE = 20

_NAMES = {"#ttl": "ttl"}
_RECORD_SEND = (
    "recent = list_append(:now_list, if_not_exists(recent, :none)), #ttl = :ttl, "
    "known_since = if_not_exists(known_since, :at)"
)
_WORTH_KEEPING = (
    "challenge.exp >= :worth AND challenge.tries < :all_tries "
    "AND attribute_not_exists(challenge.used)"
)
# Answers to a code that a block or a country held back are counted, though none is right: those
# without an account have neither, and their answers are counted.
_MAY_BE_ANSWERED = (
    "(attribute_not_exists(challenge.withheld) OR challenge.withheld <> :pool OR ("
    "earlier.exp > :now AND earlier.tries < :all_tries AND attribute_not_exists(earlier.used) "
    "AND (attribute_not_exists(earlier.withheld) OR earlier.withheld <> :pool) "
    "AND (attribute_not_exists(failures) OR failures < :two_codes)))"
)
# From so many failures in a row on, an answer is compared with the newest code alone: otherwise a
# hundred answers would be two hundred guesses.
_FAILURES_WITH_TWO_CODES = min(limits.HOLDS)

_NO_COUNTRY = "--"
_COUNTRY_HOUR = re.compile(r"hour_[0-9]{2}_([A-Z]{2})")
_BLOCKED = re.compile(r"([A-Z]{2}|--) ([a-z_]+)")
_SENDERS_REASONS = frozenset(Reason)
_READS = 3


class TooBusy(Exception):
    """DynamoDB held back a part of what was read."""


class Verdict(StrEnum):
    """What Create has to do about a text, and why."""

    SEND = "send"
    SEND_AGAIN = "send_again"
    COOLDOWN = "cooldown"
    HELD = "held"
    LOCKED = "locked"
    PHONE_HOUR = "phone_hour"
    PHONE_DAY = "phone_day"
    NOTICES = "notices"
    BLOCK = "block"
    COUNTRY = "country"
    POOL = "pool"


@dataclass(frozen=True)
class Reservation:
    """What came of asking for a text. Times are in whole seconds since the epoch.

    ``texted_at`` is when the challenge's code was texted before, as far as callers may know; None
    where it was not. ``withheld_by`` is the verdict of the budget that kept the code from leaving,
    now or when it was asked for before, if one did. ``hour_percent`` and ``day_percent`` are how
    much of the pool's budgets is used, once asked.
    """

    challenge: Challenge
    verdict: Verdict
    resend_at: int
    texted_at: int | None = None
    withheld_by: str = ""
    hour_percent: int | None = None
    day_percent: int | None = None

    @property
    def may_send(self) -> bool:
        return self.verdict in (Verdict.SEND, Verdict.SEND_AGAIN)


@dataclass(frozen=True)
class Try:
    """An answer that was counted, and the challenges whose codes it may be compared with.

    ``failures`` are those in a row, this answer among them. ``comparable`` has the id of the
    message that brought each code, "" unless ``note_message`` was called. ``newest`` is the
    number's newest challenge, which may not be among them.
    """

    failures: int
    newest: Challenge
    comparable: Mapping[Challenge, str]


@dataclass(frozen=True)
class PhoneState:
    """What operators may see of a number. Times are in seconds since the epoch, or 0 for never.

    ``known_since`` is the first text of which anything is kept, ``used_at`` the last right code
    since then. An unlocked number, or a new code key, begins without either.
    """

    failures: int
    held_until: int
    is_locked: bool
    sends_last_hour: int
    sends_last_day: int
    known_since: int
    used_at: int


@dataclass(frozen=True)
class Count:
    """Texts of a UTC day (``2026-11-20``) to a country ("" where no number told one).

    ``reason`` is why they were not sent, "" for those that were.
    """

    day: str
    country: str
    reason: str
    count: int


class Ledger:
    """``client`` is a boto3 ``dynamodb`` client that makes one attempt per call."""

    def __init__(self, client: Any, table: str, limits: Limits) -> None:
        self._client = client
        self._table = table
        self._limits = limits
        # For what is counted in the same round trip as a number's own item.
        self._aside = ThreadPoolExecutor(2)
        self._lock = threading.Lock()
        self._counted_too_much = 0

        self._windows_end = max(
            limits.sends_per_phone_day, limits.sends_per_phone_hour, len(COOLDOWNS)
        )

    # Create

    def reserve(self, name: str, *, now: float) -> Reservation:
        """Count a text to the number with the pseudonym ``name``, or say why there is none.

        One round trip for a new challenge, two where a living one is texted again.
        """
        new = Challenge.draw(now=now, lifetime=self._limits.code_lifetime_seconds)
        is_done, item = self._update(
            f"phone#{name}",
            # What stands on the right is as it was before: the newest moves aside, whole.
            f"SET {_RECORD_SEND}, earlier = if_not_exists(challenge, :nothing), challenge = :new",
            condition=f"{self._may_send()} AND {self._not_held()} AND NOT ({_WORTH_KEEPING})",
            values={
                **self._times(now),
                ":nothing": {},
                ":new": {"cid": new.id, "exp": new.expires_at, "tries": 0},
            },
        )
        if is_done or _newest(item) == new:
            self._trim(name, item)
            return Reservation(new, Verdict.SEND, self._resend_at(item, now))
        if verdict := self._hold_of(item, now):
            until = max(self._held_until(item), int(now) + COOLDOWNS[0])
            return self._nothing(new, verdict, now, until=until)
        living = _newest(item)
        verdict = self._why_no_send(item, now)
        if living is None or (
            verdict is not None and not _is_living(item.get("challenge", {}), now)
        ):
            until = self._resend_at(item, now)
            return self._nothing(new, verdict or Verdict.COOLDOWN, now, until=until)
        if verdict is None:
            return self._send_again(name, living, now=now)
        if _milliseconds(now) - item["recent"][0] < _SETTLES_WITHIN * 1000:
            living = self._settled(name) or living
        return Reservation(
            living,
            verdict,
            self._resend_at(item, now),
            texted_at=_texted_at(item),
            withheld_by=_withheld_by(item),
        )

    def _settled(self, name: str) -> Challenge | None:
        """Return the challenge that a start which is still at work will have texted.

        Under attack it gets a longer one in between, and Cognito may keep our answer, not its.
        """
        time.sleep(_SETTLES_WITHIN / 4)
        _, item = self._update(
            f"phone#{name}",
            "SET looked_at = :now",
            condition="attribute_exists(pk)",
            values={":now": int(time.time())},
        )
        return _newest(item)

    def _send_again(self, name: str, living: Challenge, *, now: float) -> Reservation:
        mark = secrets.token_hex(8)
        is_done, item = self._update(
            f"phone#{name}",
            f"SET {_RECORD_SEND}, sent_mark = :mark",
            condition=f"challenge.cid = :cid AND {self._may_send()} AND {self._not_held()}",
            values={**self._times(now), ":cid": living.id, ":mark": mark},
        )
        is_done = is_done or item.get("sent_mark") == mark
        return Reservation(
            living,
            Verdict.SEND_AGAIN if is_done else Verdict.COOLDOWN,
            self._resend_at(item, now),
            texted_at=_texted_at(item, before_this=is_done),
            withheld_by=_withheld_by(item),
        )

    def spend(
        self, name: str, reservation: Reservation, *, block: str, country: str, now: float
    ) -> Reservation:
        """Count the reserved text against the budgets that many numbers share.

        Two round trips. Returns a reservation that may not be sent where one of them is used up,
        and one with a longer code while the pool is under attack.
        """
        verdict = self._spend_block(block, now)
        if verdict is None:
            verdict, pool = self._spend_pool(country, now)
        else:
            pool = self._look_at_pool(now)
            # Callers without an account, who use no block, are told of the pool's budget alone.
            verdict = Verdict.POOL if self._is_used_up(pool, now) else verdict
        return self._settle(name, reservation, verdict, pool, now=now)

    def pretend(self, name: str, reservation: Reservation, *, now: float) -> Reservation:
        """Do for somebody who gets no text what ``spend`` would show of itself.

        The pool's budget is looked at, not spent: that it is used up may be known to anybody.
        """
        pool = self._look_at_pool(now)
        verdict = Verdict.POOL if self._is_used_up(pool, now) else None
        return self._settle(name, reservation, verdict, pool, now=now)

    def _settle(
        self,
        name: str,
        reservation: Reservation,
        verdict: Verdict | None,
        pool: dict[str, Any],
        *,
        now: float,
    ) -> Reservation:
        """Return the reservation after the budgets were asked; ``verdict`` is the one used up."""
        was_sent_before = reservation.verdict is Verdict.SEND_AGAIN and not reservation.withheld_by
        if reservation.verdict is Verdict.SEND and self._is_under_attack(pool, now):
            reservation = self._lengthen(name, reservation, now=now)
        reservation = replace(
            reservation,
            hour_percent=100
            * pool.get(f"hour_{_hour(now)}", 0)
            // self._limits.sends_per_pool_hour,
            day_percent=100 * pool.get("sends", 0) // self._limits.sends_per_pool_day,
        )
        if verdict is None:
            if reservation.withheld_by:
                self._withhold(name, reservation.challenge, by=None)
            return replace(reservation, withheld_by="")
        # The cooldown stays: nobody without an account would have it freed. Nor does it show here
        # that a block or country held the code back before: those without an account have neither.
        is_told_as_texted = verdict is Verdict.POOL and reservation.texted_at is not None
        if not (was_sent_before or is_told_as_texted):
            self._withhold(name, reservation.challenge, by=verdict)
        until = self._budget_returns_at(pool, now) if verdict is Verdict.POOL else 0
        return replace(
            reservation,
            verdict=verdict,
            resend_at=max(reservation.resend_at, until),
            withheld_by=str(verdict),
        )

    def _withhold(self, name: str, challenge: Challenge, *, by: Verdict | None) -> None:
        """Let no answer to a code be right that nobody was texted, until it is."""
        self._update(
            f"phone#{name}",
            "SET challenge.withheld = :by" if by else "REMOVE challenge.withheld",
            condition="challenge.cid = :cid",
            values={":cid": challenge.id, ":by": str(by)},
        )

    def release(self, name: str, *, now: float) -> None:
        """Free the cooldown of a text that did not leave; it stays counted for the day."""
        self._update(
            f"phone#{name}",
            "SET cleared_at = :next",
            condition="recent[0] <= :now",
            values={":now": _milliseconds(now), ":next": _milliseconds(now) + 1},
        )

    def _trim(self, name: str, item: dict[str, Any]) -> None:
        """Forget texts beyond any window, where no answer ever came to do it on its way."""
        if len(item["recent"]) > self._windows_end + _TRIMMED_AT_ONCE // 2:
            self._update(f"phone#{name}", f"REMOVE {self._beyond_windows()}", values={})

    def note_message(self, name: str, challenge: Challenge, message_id: str) -> None:
        """Remember which message brought the code, for who reports back that it arrived."""
        self._update(
            f"phone#{name}",
            "SET challenge.message_id = :message",
            condition="challenge.cid = :cid",
            values={":cid": challenge.id, ":message": message_id},
        )

    def spend_notice(self, name: str, *, block: str, country: str, now: float) -> Verdict:
        """Count a text that carries no code, or say why there is none. Three round trips.

        It costs the number none of its codes, so it has a few a day of its own.
        """
        is_done, _ = self._update(
            f"notice#{name}#{_day(now)}",
            "SET #ttl = :ttl ADD sends :one",
            condition="attribute_not_exists(sends) OR sends < :daily",
            values={":one": 1, ":daily": _NOTICES_PER_DAY, ":ttl": int(now) + _WINDOW_KEPT},
        )
        if not is_done:
            return Verdict.NOTICES
        # Nobody answers a notice, so it does not speak against the block.
        if verdict := self._spend_block(block, now, weight=0):
            return verdict
        verdict, _ = self._spend_pool(country, now)
        return verdict or Verdict.SEND

    def count_blocked(self, country: str, reason: str, *, now: float) -> None:
        """Count a text that was not sent. One round trip, in an item of its own."""
        # Fails open: nothing depends on it, and in an attack it would fail first.
        try:
            self._update(
                f"blocked#{_day(now)}",
                "SET #ttl = :ttl ADD #blocked :one",
                names={"#blocked": f"{country or _NO_COUNTRY} {reason}"},
                values={":one": 1, ":ttl": int(now) + _OVERVIEW_KEPT},
            )
        except Exception as error:
            log.warning("A blocked text was not counted: %s", type(error).__name__)

    def _spend_block(self, block: str, now: float, *, weight: int = 1) -> Verdict | None:
        is_done, _ = self._update(
            f"block#{block}#{_day(now)}",
            "SET #ttl = :ttl ADD #hour :one, sends :one, score :minus",
            condition=(
                "(attribute_not_exists(#hour) OR #hour < :hourly) AND "
                "(attribute_not_exists(sends) OR sends < :few OR score >= :zero"
                " OR attribute_not_exists(#hour) OR #hour < :unused)"
            ),
            names={"#hour": f"hour_{_hour(now)}"},
            values={
                ":one": 1,
                ":minus": -weight,
                ":zero": 0,
                ":few": _SENDS_BEFORE_JUDGING_A_BLOCK,
                ":hourly": self._limits.sends_per_block_hour,
                ":unused": self._limits.sends_per_unused_block_hour,
                ":ttl": int(now) + _WINDOW_KEPT,
            },
        )
        return None if is_done else Verdict.BLOCK

    def _spend_pool(self, country: str, now: float) -> tuple[Verdict | None, dict[str, Any]]:
        hour, country_hour = f"hour_{_hour(now)}", f"hour_{_hour(now)}_{country}"
        is_done, item = self._update(
            f"pool#{_day(now)}",
            "SET #ttl = :ttl ADD sends :one, #hour :one, #country :one",
            condition=(
                "(attribute_not_exists(sends) OR sends < :daily) AND "
                "(attribute_not_exists(#hour) OR #hour < :hourly) AND "
                "(attribute_not_exists(#country) OR #country < :per_country)"
            ),
            names={"#hour": hour, "#country": country_hour},
            values={
                ":one": 1,
                ":daily": self._limits.sends_per_pool_day,
                ":hourly": self._limits.sends_per_pool_hour,
                ":per_country": self._limits.sends_per_country_hour,
                ":ttl": int(now) + _OVERVIEW_KEPT,
            },
        )
        if is_done:
            return None, item
        return Verdict.POOL if self._is_used_up(item, now) else Verdict.COUNTRY, item

    def _is_used_up(self, pool: dict[str, Any], now: float) -> bool:
        return bool(
            pool.get("sends", 0) >= self._limits.sends_per_pool_day
            or pool.get(f"hour_{_hour(now)}", 0) >= self._limits.sends_per_pool_hour
        )

    def _budget_returns_at(self, pool: dict[str, Any], now: float) -> int:
        """Return when the pool's next hour begins, or its next day."""
        window = _DAY if pool.get("sends", 0) >= self._limits.sends_per_pool_day else _HOUR
        return (int(now) // window + 1) * window

    def _look_at_pool(self, now: float) -> dict[str, Any]:
        _, pool = self._update(
            f"pool#{_day(now)}", "SET #ttl = :ttl", values={":ttl": int(now) + _OVERVIEW_KEPT}
        )
        return pool

    def _is_under_attack(self, pool: dict[str, Any], now: float) -> bool:
        slot = _slot(now)
        recent = max(pool.get(f"failures_{slot}", 0), pool.get(f"failures_{slot - 1}", 0))
        return bool(
            recent >= self._limits.failures_per_pool_5_minutes
            or pool.get("failures", 0) >= self._limits.failures_per_pool_day
        )

    def _lengthen(self, name: str, reservation: Reservation, *, now: float) -> Reservation:
        longer = Challenge.draw(
            now=now,
            lifetime=self._limits.code_lifetime_seconds,
            code_length=LENGTH_UNDER_ATTACK,
        )
        is_done, item = self._update(
            f"phone#{name}",
            "SET challenge.cid = :cid, challenge.exp = :exp",
            condition="challenge.cid = :old",
            values={":cid": longer.id, ":exp": longer.expires_at, ":old": reservation.challenge.id},
        )
        if not is_done and _newest(item) != longer:
            return replace(reservation, verdict=Verdict.COOLDOWN)
        return replace(reservation, challenge=longer)

    # Verify

    def count_try(self, name: str, challenge: Challenge, *, now: float) -> Try | None:
        """Count an answer as a failure, and say what it may be compared with. One round trip.

        ``challenge`` is that of the flow: the number's newest or the one before it, whose text may
        be late. It is answered with the code of either, and both share what tries are left. None
        for an answer that may not even be compared: the challenge is older or nobody's, the newest
        is used, late or tried three times, both were held back by the pool's budget, or the number
        is held or locked.
        """
        aside = self._aside.submit(self._count_pool_failure, now)
        is_counted, item = self._update(
            f"phone#{name}",
            # Trims what is older than any window, last index first.
            "SET challenge.tries = challenge.tries + :one, "
            "earlier.tries = if_not_exists(earlier.tries, :zero) + :one, "
            "last_failure = :now, #ttl = :ttl "
            f"REMOVE {self._beyond_windows()} ADD failures :one",
            condition=(
                "(challenge.cid = :cid OR earlier.cid = :cid) "
                "AND challenge.exp > :now AND challenge.tries < :all_tries "
                "AND attribute_not_exists(challenge.used) "
                f"AND {_MAY_BE_ANSWERED} AND {self._not_held()}"
            ),
            values={
                **self._hold_times(now),
                ":now": int(now),
                ":cid": challenge.id,
                ":all_tries": TRIES_PER_CODE,
                ":zero": 0,
                ":one": 1,
                ":two_codes": _FAILURES_WITH_TWO_CODES - 1,
                ":pool": str(Verdict.POOL),
                ":ttl": int(now) + _PHONE_KEPT,
            },
        )
        aside.result()
        newest = _newest(item)
        if not is_counted or newest is None:
            # What is not compared is no guess at anybody's code.
            self._was_no_failure()
            return None
        failures = int(item["failures"])
        if failures >= self._limits.failures_per_phone:
            self._update(
                f"phone#{name}",
                "REMOVE #ttl",
                condition="failures >= :max",
                values={":max": self._limits.failures_per_phone},
            )
        return Try(failures, newest, _comparable(item, now))

    def use(self, name: str, newest: Challenge, *, block: str, now: float) -> bool:
        """Take the codes of a number for good and clear the failures.

        One round trip. Of many right answers, to whichever code, one makes this true: all of them
        take ``newest``, and no code before it is compared once that is taken.
        """
        aside = self._aside.submit(self._credit_block, block, now)
        is_taken, _ = self._update(
            f"phone#{name}",
            "SET challenge.used = :use, cleared_at = :milliseconds, used_at = :milliseconds "
            "REMOVE failures, last_failure",
            condition=(
                "challenge.cid = :cid "
                "AND (attribute_not_exists(challenge.used) OR challenge.used = :use)"
            ),
            values={
                ":use": secrets.token_hex(8),
                ":milliseconds": _milliseconds(now),
                ":cid": newest.id,
            },
        )
        aside.result()
        if is_taken:
            self._was_no_failure()
        return is_taken

    def _was_no_failure(self) -> None:
        with self._lock:
            self._counted_too_much += 1

    def _count_pool_failure(self, now: float) -> None:
        """Count a failure of the pool, less what this process counted too much before.

        What it did is settled with the next answer, for no further request; what dies with a
        process stays counted.
        """
        with self._lock:
            change, self._counted_too_much = 1 - self._counted_too_much, 0
        # Fails open: under so many answers that the table refuses them, nobody is to be shut out,
        # and each number is still counted on its own.
        try:
            self._update(
                f"pool#{_day(now)}",
                # Old slots would make every write to the item dearer by the hour.
                "SET #ttl = :ttl REMOVE #old ADD failures :change, #slot :change",
                names={
                    "#slot": f"failures_{_slot(now)}",
                    "#old": f"failures_{_slot(now) - 3}",
                },
                values={":change": change, ":ttl": int(now) + _OVERVIEW_KEPT},
            )
        except Exception as error:
            log.warning("The pool's failures were not counted: %s", type(error).__name__)

    def _credit_block(self, block: str, now: float) -> None:
        try:
            self._update(
                f"block#{block}#{_day(now)}",
                "SET #ttl = :ttl ADD score :worth",
                values={":worth": _WORTH_OF_A_USED_CODE, ":ttl": int(now) + _WINDOW_KEPT},
            )
        except Exception as error:
            log.warning("A used code was not credited: %s", type(error).__name__)

    # Operators

    def show(self, name: str, *, now: float) -> PhoneState:
        reply = self._client.get_item(
            TableName=self._table, Key={"pk": {"S": f"phone#{name}"}}, ConsistentRead=True
        )
        item = _plain(reply.get("Item", {}))
        recent = [at / 1000 for at in item.get("recent", [])]
        failures = item.get("failures", 0)
        return PhoneState(
            failures=failures,
            held_until=self._held_until(item),
            is_locked=failures >= self._limits.failures_per_phone,
            sends_last_hour=sum(at > now - _HOUR for at in recent),
            sends_last_day=sum(at > now - _DAY for at in recent),
            known_since=item.get("known_since", 0) // 1000,
            used_at=item.get("used_at", 0) // 1000,
        )

    def unlock(self, name: str) -> None:
        """Forget the failures and the texts of a number, as if it were new."""
        self._client.delete_item(TableName=self._table, Key={"pk": {"S": f"phone#{name}"}})

    def overview(self, days: int, *, now: float) -> tuple[list[Count], list[Count]]:
        """Return the texts sent and those blocked on each of the last ``days``, today included.

        What a sender refused was counted before it was tried, and is taken off the texts sent.
        """
        sent: list[Count] = []
        blocked: list[Count] = []
        names = [_day(now - n * _DAY) for n in range(days)]
        items = self._read([f"{kind}#{name}" for name in names for kind in ("pool", "blocked")])
        for name in names:
            day = f"{name[:4]}-{name[4:6]}-{name[6:]}"
            refused = _blocked_texts(day, items.get(f"blocked#{name}", {}))
            blocked += refused
            spent: dict[str, int] = {}
            for attribute, count in items.get(f"pool#{name}", {}).items():
                if found := _COUNTRY_HOUR.fullmatch(attribute):
                    spent[found[1]] = spent.get(found[1], 0) + count
            for each in refused:
                if each.reason in _SENDERS_REASONS and each.country in spent:
                    spent[each.country] -= each.count
            sent += [Count(day, country, "", n) for country, n in sorted(spent.items()) if n > 0]
        return sent, blocked

    def _read(self, names: list[str]) -> dict[str, dict[str, Any]]:
        """Return those of the items that there are, by name. Raises where AWS holds some back."""
        found: dict[str, dict[str, Any]] = {}
        wanted: list[dict[str, Any]] = [{"pk": {"S": name}} for name in names]
        for _ in range(_READS):
            reply = self._client.batch_get_item(RequestItems={self._table: {"Keys": wanted}})
            for item in reply["Responses"].get(self._table, []):
                found[item["pk"]["S"]] = _plain(item)
            wanted = reply.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if not wanted:
                return found
        raise TooBusy("The table did not give all that was asked for")

    # Expressions

    def _may_send(self) -> str:
        """Return the condition that cooldown and windows of a number are over.

        ``recent`` lists the texts, newest first, in milliseconds; those before ``cleared_at`` (the
        last success or failed send) do not lengthen the cooldown.
        """
        steps = [
            f"(attribute_not_exists(recent[{i}]) OR recent[{i}] < cleared_at"
            f" OR recent[{i}] <= :hour_ago OR recent[0] <= :cooldown_{i})"
            for i in range(len(COOLDOWNS))
        ]
        hourly, daily = self._limits.sends_per_phone_hour, self._limits.sends_per_phone_day
        windows = [
            f"(attribute_not_exists(recent[{hourly - 1}]) OR recent[{hourly - 1}] <= :hour_ago)",
            f"(attribute_not_exists(recent[{daily - 1}]) OR recent[{daily - 1}] <= :day_ago)",
        ]
        return " AND ".join(steps + windows)

    def _not_held(self) -> str:
        held_at = sorted(limits.HOLDS)
        last = held_at[-1]
        further = range(last, self._limits.failures_per_phone, 10)
        steps = [f"(failures = :held_{n} AND last_failure > :since_{n})" for n in held_at[:-1]]
        if each := ", ".join(f":held_{n}" for n in further):
            steps.append(f"(failures IN ({each}) AND last_failure > :since_{last})")
        return f"NOT (failures >= :max_failures OR {' OR '.join(steps)})"

    def _times(self, now: float) -> dict[str, Any]:
        at = _milliseconds(now)
        return {
            ":at": at,
            ":now_list": [at],
            ":none": [],
            ":worth": int(now) + WORTH_REPEATING,
            ":all_tries": TRIES_PER_CODE,
            ":hour_ago": at - _HOUR * 1000,
            ":day_ago": at - _DAY * 1000,
            ":ttl": int(now) + _PHONE_KEPT,
            **{f":cooldown_{i}": at - each * 1000 for i, each in enumerate(COOLDOWNS)},
            **self._hold_times(now),
        }

    def _hold_times(self, now: float) -> dict[str, Any]:
        last = max(limits.HOLDS)
        levels = [*limits.HOLDS, *range(last, self._limits.failures_per_phone, 10)]
        return {
            ":max_failures": self._limits.failures_per_phone,
            **{f":held_{n}": n for n in levels},
            **{f":since_{n}": int(now) - seconds for n, seconds in limits.HOLDS.items()},
        }

    def _beyond_windows(self) -> str:
        first = self._windows_end
        return ", ".join(f"recent[{i}]" for i in range(first + _TRIMMED_AT_ONCE, first - 1, -1))

    # What an item that refused an update says

    def _hold_of(self, item: dict[str, Any], now: float) -> Verdict | None:
        failures = item.get("failures", 0)
        if failures >= self._limits.failures_per_phone:
            return Verdict.LOCKED
        if self._held_until(item) > now:
            return Verdict.HELD
        return None

    def _held_until(self, item: dict[str, Any]) -> int:
        return int(item.get("last_failure", 0) + limits.hold_after(item.get("failures", 0)))

    def _why_no_send(self, item: dict[str, Any], now: float) -> Verdict | None:
        recent = [at / 1000 for at in item.get("recent", [])]
        if sum(at > now - _DAY for at in recent) >= self._limits.sends_per_phone_day:
            return Verdict.PHONE_DAY
        if sum(at > now - _HOUR for at in recent) >= self._limits.sends_per_phone_hour:
            return Verdict.PHONE_HOUR
        return Verdict.COOLDOWN if self._resend_at(item, now) > now else None

    def _resend_at(self, item: dict[str, Any], now: float) -> int:
        """Return when the next text may be asked for, in whole seconds, rounded up."""
        recent = [at / 1000 for at in item.get("recent", [])]
        if not recent:
            return int(now)
        cleared_at = item.get("cleared_at", 0) / 1000
        counting = [at for at in recent if at >= cleared_at and at > now - _HOUR]
        waits = (
            [counting[0] + COOLDOWNS[min(len(counting), len(COOLDOWNS)) - 1]] if counting else []
        )
        hourly, daily = self._limits.sends_per_phone_hour, self._limits.sends_per_phone_day
        if len(recent) >= hourly:
            waits.append(recent[hourly - 1] + _HOUR)
        if len(recent) >= daily:
            waits.append(recent[daily - 1] + _DAY)
        return max((int(-(-at // 1)) for at in waits), default=int(now))

    def _nothing(self, new: Challenge, verdict: Verdict, now: float, *, until: int) -> Reservation:
        """Hand out a challenge that nothing knows of: no answer to it is ever right."""
        return Reservation(new, verdict, max(int(now) + 1, until))

    def _update(
        self,
        key: str,
        expression: str,
        *,
        values: dict[str, Any],
        condition: str | None = None,
        names: dict[str, str] | None = None,
    ) -> tuple[bool, dict[str, Any]]:
        """Return (True, the item after it) or, if the condition fails, (False, before it)."""
        mentioned = set(re.findall(r"[#:]\w+", f"{expression} {condition}"))
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "Key": {"pk": {"S": key}},
            "UpdateExpression": expression,
            "ReturnValues": "ALL_NEW",
            "ExpressionAttributeValues": {
                name: _typed(value) for name, value in values.items() if name in mentioned
            },
        }
        all_names = {**_NAMES, **(names or {})}
        used_names = {short: name for short, name in all_names.items() if short in mentioned}
        if used_names:
            arguments["ExpressionAttributeNames"] = used_names
        if not arguments["ExpressionAttributeValues"]:
            del arguments["ExpressionAttributeValues"]
        if condition:
            arguments["ConditionExpression"] = condition
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            try:
                reply = self._client.update_item(**arguments)
            except ConnectionClosedError:
                # It died while this process was frozen. Where the update was done all the same,
                # the second one finds its own mark, or counts once more than it had to.
                reply = self._client.update_item(**arguments)
        except ClientError as error:
            if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
                raise
            response: dict[str, Any] = dict(error.response)
            return False, _plain(response.get("Item", {}))
        return True, _plain(reply["Attributes"])


@cache
def configured() -> Ledger:
    return Ledger(
        boto3.client("dynamodb", config=_CONFIG),
        environment.text("LEDGER_TABLE"),
        limits.configured(),
    )


def phone_name(phone: str) -> str:
    return keys.pseudonym("phone", phone)


def confirmation_name(phone: str, user: str) -> str:
    """Return the name of the lane in which a signed-in user gets codes to a number.

    It has the limits of a number, and counts of its own: strangers, who are not signed in as the
    user, can neither use it up nor have it held.
    """
    return keys.pseudonym("confirmation", f"{user} {phone}")


def block_name(block: str) -> str:
    return keys.pseudonym("block", block)


def _blocked_texts(day: str, item: dict[str, Any]) -> list[Count]:
    found = [(_BLOCKED.fullmatch(attribute), count) for attribute, count in sorted(item.items())]
    return [
        Count(day, "" if name[1] == _NO_COUNTRY else name[1], name[2], count)
        for name, count in found
        if name
    ]


def _challenge(found: dict[str, Any]) -> Challenge | None:
    return Challenge.parse(found.get("cid"), str(found.get("exp", "")))


def _newest(item: dict[str, Any]) -> Challenge | None:
    return _challenge(item.get("challenge", {}))


def _texted_at(item: dict[str, Any], *, before_this: bool = False) -> int | None:
    """Return when the newest code was texted, as far as callers may know.

    ``before_this``: not counting the text that was reserved just now.
    """
    # Callers may know that the pool's budget is used up. That a block's or a country's is would
    # tell who has an account, since nobody else uses them.
    texts = item.get("recent", [])[1 if before_this else 0 :]
    if not texts or _withheld_by(item) == Verdict.POOL:
        return None
    return int(texts[0] // 1000)


def _withheld_by(item: dict[str, Any]) -> str:
    return str(item.get("challenge", {}).get("withheld", ""))


def _comparable(item: dict[str, Any], now: float) -> dict[Challenge, str]:
    """Return what an answer that was just counted may be compared with; see ``Try``."""
    newest, earlier = item["challenge"], item["earlier"]
    texted = [newest]
    # Every answer since the newest was drawn counts for both; this one is the last.
    is_living = _is_living(earlier | {"tries": earlier["tries"] - 1}, now)
    if is_living and item["failures"] < _FAILURES_WITH_TWO_CODES:
        texted.append(earlier)
    found = [(_challenge(each), each) for each in texted if "withheld" not in each]
    return {challenge: each.get("message_id", "") for challenge, each in found if challenge}


def _is_living(challenge: dict[str, Any], now: float) -> bool:
    return bool(
        challenge.get("exp", 0) > now
        and challenge.get("tries", 0) < TRIES_PER_CODE
        and "used" not in challenge
    )


def _milliseconds(now: float) -> int:
    return int(now * 1000)


def _day(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d}"


def _hour(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%H}"


def _slot(now: float) -> int:
    """Return the number of the five minutes."""
    return int(now) // 300


def _typed(value: Any) -> dict[str, Any]:
    """Return a value as DynamoDB's wire format has it."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, list):
        return {"L": [_typed(each) for each in value]}
    if isinstance(value, dict):
        return {"M": {name: _typed(each) for name, each in value.items()}}
    return {"N": str(value)}


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in item.items()}


def _plain_value(value: dict[str, Any]) -> Any:
    if "N" in value:
        return int(value["N"])
    if "L" in value:
        return [_plain_value(each) for each in value["L"]]
    if "M" in value:
        return _plain(value["M"])
    return value.get("S")

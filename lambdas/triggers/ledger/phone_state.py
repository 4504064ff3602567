"""The limits of one number, twice: as conditions of DynamoDB, and read from the number's item.

The conditions decide, since they are checked and counted in one step. The readings say afterwards
which of them failed and until when. An item holds

    recent        the texts of the last day, newest first, in milliseconds
    cleared_at    the last success or failed text, in milliseconds: earlier texts do not lengthen
                  the cooldown
    failures      wrong answers in a row, and last_failure, in seconds
    challenge     the newest challenge: cid, exp, tries, and if so used, withheld, message_id,
                  open_at and sent_by (another channel than a text). ``tries`` are the answers of
                  sign-ins that it was not texted for, and own_… those of each that it was
                  (``Challenge.mark``)
    earlier       the challenge before it
    stopped_until until when the owner wants no texts that strangers ask for, in seconds
    known_since   the first text of which anything is kept, and used_at, the last right code, both
                  in milliseconds
    looked_up_at  the last question to carriers, in milliseconds
    decisions     what was decided about the last texts, newest first, each [when in seconds, the
                  reference, SEND or why it did not leave]
"""

from dataclasses import dataclass
from typing import Any

from .. import limits
from ..challenge import Challenge
from ..limits import COOLDOWNS, TRIES_PER_CODE, WORTH_REPEATING, Limits
from .names import DAY, HOUR, PHONE_KEPT, milliseconds
from .table import Item
from .verdicts import Verdict

_TRIMMED_AT_ONCE = 20
DECISIONS_KEPT = 8


@dataclass(frozen=True)
class Decision:
    """A decision about a text, with the text's reference. ``at`` is in seconds since the epoch.

    ``why`` is "send" or "send_again" for one that left, else the limit or the sender's reason.
    """

    at: int
    reference: str
    why: str


@dataclass(frozen=True)
class PhoneState:
    """The state of a number, for operators. Times are in seconds since the epoch, or 0 for never.

    ``known_since`` is the first text of which anything is kept, ``used_at`` the last right code
    since then. An unlocked number, or a new code key, begins without either. ``stopped_until`` is
    until when the owner wants no texts that strangers ask for. ``decisions`` are the last ones
    about its texts, newest first.
    """

    failures: int
    held_until: int
    is_locked: bool
    sends_last_hour: int
    sends_last_day: int
    known_since: int
    used_at: int
    stopped_until: int = 0
    decisions: tuple[Decision, ...] = ()


class PhoneRules:
    """The limits that are counted in the item of one number. ``now`` is in seconds throughout."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.failures_until_locked = limits.failures_per_phone
        self._windows_end = max(
            limits.sends_per_phone_day, limits.sends_per_phone_hour, len(COOLDOWNS)
        )

    # Conditions

    def may_send(self) -> str:
        """Return the condition that cooldown and windows are over; ``times`` has its values."""
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

    def not_held(self) -> str:
        """Return the condition that no hold and no lock is on; ``hold_times`` has its values."""
        held_at = sorted(limits.HOLDS)
        last = held_at[-1]
        further = range(last, self._limits.failures_per_phone, 10)
        steps = [f"(failures = :held_{n} AND last_failure > :since_{n})" for n in held_at[:-1]]
        if each := ", ".join(f":held_{n}" for n in further):
            steps.append(f"(failures IN ({each}) AND last_failure > :since_{last})")
        return f"NOT (failures >= :max_failures OR {' OR '.join(steps)})"

    def times(self, now: float) -> dict[str, Any]:
        """Return the values that the conditions and updates of a text need."""
        at = milliseconds(now)
        return {
            ":at": at,
            ":now_list": [at],
            ":none": [],
            ":worth": int(now) + WORTH_REPEATING,
            ":zero": 0,
            ":hour_ago": at - HOUR * 1000,
            ":day_ago": at - DAY * 1000,
            ":ttl": int(now) + PHONE_KEPT,
            **{f":cooldown_{i}": at - each * 1000 for i, each in enumerate(COOLDOWNS)},
            **self.hold_times(now),
        }

    def hold_times(self, now: float) -> dict[str, Any]:
        """Return the values that ``not_held`` needs."""
        last = max(limits.HOLDS)
        levels = [*limits.HOLDS, *range(last, self._limits.failures_per_phone, 10)]
        return {
            ":max_failures": self._limits.failures_per_phone,
            **{f":held_{n}": n for n in levels},
            **{f":since_{n}": int(now) - seconds for n, seconds in limits.HOLDS.items()},
        }

    def beyond_windows(self) -> str:
        """Return the paths of texts older than any window, last index first, to be removed."""
        ends = {"recent": self._windows_end, "decisions": DECISIONS_KEPT}
        return ", ".join(
            f"{name}[{i}]"
            for name, first in ends.items()
            for i in range(first + _TRIMMED_AT_ONCE, first - 1, -1)
        )

    # Readings

    def is_overgrown(self, item: Item) -> bool:
        """Tell whether the item lists so many old texts that they are worth an update."""
        return len(item["recent"]) > self._windows_end + _TRIMMED_AT_ONCE // 2

    def is_locked(self, failures: int) -> bool:
        """Tell whether an operator must act after so many failures in a row."""
        return failures >= self.failures_until_locked

    def hold(self, item: Item, now: float) -> Verdict | None:
        """Return LOCKED or HELD, or None where answers are compared."""
        if self.is_locked(item.get("failures", 0)):
            return Verdict.LOCKED
        if self.held_until(item) > now:
            return Verdict.HELD
        return None

    def held_until(self, item: Item) -> int:
        """Return when the last hold ends or ended, in seconds, 0 where there was none."""
        return int(item.get("last_failure", 0) + limits.hold_after(item.get("failures", 0)))

    def why_no_text(self, item: Item, now: float) -> Verdict | None:
        """Return which window or cooldown allows no text now, None where all do."""
        recent = [at / 1000 for at in item.get("recent", [])]
        if sum(at > now - DAY for at in recent) >= self._limits.sends_per_phone_day:
            return Verdict.PHONE_DAY
        if sum(at > now - HOUR for at in recent) >= self._limits.sends_per_phone_hour:
            return Verdict.PHONE_HOUR
        return Verdict.COOLDOWN if self.resend_at(item, now) > now else None

    def resend_at(self, item: Item, now: float) -> int:
        """Return when the next text may be asked for, in whole seconds, rounded up."""
        recent = [at / 1000 for at in item.get("recent", [])]
        if not recent:
            return int(now)
        cleared_at = item.get("cleared_at", 0) / 1000
        counting = [at for at in recent if at >= cleared_at and at > now - HOUR]
        waits = (
            [counting[0] + COOLDOWNS[min(len(counting), len(COOLDOWNS)) - 1]] if counting else []
        )
        hourly, daily = self._limits.sends_per_phone_hour, self._limits.sends_per_phone_day
        if len(recent) >= hourly:
            waits.append(recent[hourly - 1] + HOUR)
        if len(recent) >= daily:
            waits.append(recent[daily - 1] + DAY)
        return max((int(-(-at // 1)) for at in waits), default=int(now))

    def state(self, item: Item, now: float) -> PhoneState:
        """Return the state for operators; an empty item is that of a new number."""
        recent = [at / 1000 for at in item.get("recent", [])]
        failures = item.get("failures", 0)
        return PhoneState(
            failures=failures,
            held_until=self.held_until(item),
            is_locked=self.is_locked(failures),
            sends_last_hour=sum(at > now - HOUR for at in recent),
            sends_last_day=sum(at > now - DAY for at in recent),
            known_since=item.get("known_since", 0) // 1000,
            used_at=item.get("used_at", 0) // 1000,
            stopped_until=item.get("stopped_until", 0),
            decisions=tuple(Decision(*each) for each in item.get("decisions", [])[:DECISIONS_KEPT]),
        )


def challenge_of(stored: dict[str, Any]) -> Challenge | None:
    """Return a challenge as the item holds it, None where there is none."""
    return Challenge.parse(stored.get("cid"), str(stored.get("exp", "")))


def newest(item: Item) -> Challenge | None:
    """Return the newest challenge, None where the number has none."""
    return challenge_of(item.get("challenge", {}))


def is_living(stored: dict[str, Any], now: float) -> bool:
    """Tell whether an answer may still be right to a challenge, as the item holds it."""
    return bool(stored.get("exp", 0) > now and "used" not in stored)


def own_tries(challenge: Challenge) -> str:
    """Return the name of the count of a sign-in that has a mark, in the challenge of an item."""
    return f"own_{challenge.mark}"


def tries_left(item: Item, challenge: Challenge) -> int:
    """Return how many answers a sign-in has: its own where it has a mark, else those of all others.

    ``challenge`` is that of the sign-in.
    """
    stored, name = item.get("challenge", {}), "tries"
    if challenge.mark:
        both = stored, item.get("earlier", {})
        stored = next((each for each in both if each.get("cid") == challenge.id), {})
        name = own_tries(challenge)
    return max(0, TRIES_PER_CODE - int(stored.get(name, TRIES_PER_CODE)))


def is_stopped(item: Item, now: float) -> bool:
    """Tell whether the owner wants no texts that strangers ask for."""
    return bool(item.get("stopped_until", 0) > now)


def withheld_by(item: Item) -> str:
    """Return the verdict of the budget that keeps the newest code back, "" where none does."""
    return str(item.get("challenge", {}).get("withheld", ""))


def open_at(item: Item, now: float) -> int:
    """Return when strangers are texted again, as the newest challenge was told; 0 once they are."""
    found = int(item.get("challenge", {}).get("open_at", 0))
    return found if found > now else 0


def decision(challenge: Challenge, why: str, now: float) -> list[int | str]:
    """Return a ``Decision`` as the item holds it."""
    return [int(now), challenge.reference, str(why)]


def texted_at(item: Item, *, before_this: bool = False) -> int | None:
    """Return when the newest code was texted (seconds), as far as callers may know.

    ``before_this``: not counting the text that was reserved just now.
    """
    # Callers may know that the pool's budget is used up. That a block's or a country's is would
    # tell who has an account, since nobody else uses them.
    texts = item.get("recent", [])[1 if before_this else 0 :]
    if not texts or withheld_by(item) == Verdict.POOL:
        return None
    return int(texts[0] // 1000)

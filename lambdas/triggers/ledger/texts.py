"""Texts with a code, within the limits of one number: cooldown, hour, day, holds."""

import secrets
import time
from dataclasses import dataclass

from ..challenge import Challenge
from ..limits import COOLDOWNS, Limits
from .names import milliseconds, phone_item
from .phone_state import PhoneRules, is_living, is_stopped, newest, texted_at, withheld_by
from .table import Item, Table
from .verdicts import Verdict

# Seconds in which a start that was first is done with its budgets.
_SETTLES_WITHIN = 1.0

_RECORD_SEND = (
    "recent = list_append(:now_list, if_not_exists(recent, :none)), #ttl = :ttl, "
    "known_since = if_not_exists(known_since, :at)"
)
_WORTH_KEEPING = (
    "challenge.exp >= :worth AND challenge.tries < :all_tries "
    "AND attribute_not_exists(challenge.used)"
)


@dataclass(frozen=True)
class Reservation:
    """The answer to the question for a text. Times are in whole seconds since the epoch.

    ``texted_at`` is when the challenge's code was texted before, as far as callers may know; None
    where it was not. ``withheld_by`` is the verdict of the budget that kept the code from leaving,
    now or when it was asked for before, if one did. ``hour_percent`` and ``day_percent`` are how
    much of the pool's budgets is used, once asked. ``is_stopped``: its owner wants none.
    """

    challenge: Challenge
    verdict: Verdict
    resend_at: int
    texted_at: int | None = None
    withheld_by: str = ""
    hour_percent: int | None = None
    day_percent: int | None = None
    is_stopped: bool = False

    @property
    def may_send(self) -> bool:
        """Tell whether the text may leave, as far as was asked."""
        return self.verdict in (Verdict.SEND, Verdict.SEND_AGAIN)


class Texts:
    """Reserve, free and remember texts in the item of a number.

    ``name`` is the number's pseudonym, ``now`` in seconds since the epoch.
    """

    def __init__(self, table: Table, rules: PhoneRules, limits: Limits) -> None:
        self._table = table
        self._rules = rules
        self._lifetime = limits.code_lifetime_seconds

    def reserve(self, name: str, *, now: float) -> Reservation:
        """Count a text to the number, or say why there is none.

        One round trip for a new challenge, two where a living one is texted again.
        """
        new = Challenge.draw(now=now, lifetime=self._lifetime)
        rules = self._rules
        is_done, item = self._table.update(
            phone_item(name),
            # The right side reads the item as it was before: the newest moves to earlier, whole.
            f"SET {_RECORD_SEND}, earlier = if_not_exists(challenge, :nothing), challenge = :new",
            condition=f"{rules.may_send()} AND {rules.not_held()} AND NOT ({_WORTH_KEEPING})",
            values={
                **rules.times(now),
                ":nothing": {},
                ":new": {"cid": new.id, "exp": new.expires_at, "tries": 0},
            },
        )
        if is_done or newest(item) == new:
            self._trim(name, item)
            return Reservation(
                new, Verdict.SEND, rules.resend_at(item, now), is_stopped=is_stopped(item, now)
            )
        if verdict := rules.hold(item, now):
            until = max(rules.held_until(item), int(now) + COOLDOWNS[0])
            return _unrecorded(new, verdict, now, until=until)
        living = newest(item)
        verdict = rules.why_no_text(item, now)
        if living is None or (
            verdict is not None and not is_living(item.get("challenge", {}), now)
        ):
            until = rules.resend_at(item, now)
            return _unrecorded(new, verdict or Verdict.COOLDOWN, now, until=until)
        if verdict is None:
            return self._reserve_again(name, living, now=now)
        if milliseconds(now) - item["recent"][0] < _SETTLES_WITHIN * 1000:
            living = self._settled(name) or living
        return Reservation(
            living,
            verdict,
            rules.resend_at(item, now),
            texted_at=texted_at(item),
            withheld_by=withheld_by(item),
        )

    def _settled(self, name: str) -> Challenge | None:
        """Return the challenge that a start which is still at work will have texted.

        Under attack it gets a longer one in between, and Cognito may keep our answer, not its.
        """
        time.sleep(_SETTLES_WITHIN / 4)
        _, item = self._table.update(
            phone_item(name),
            "SET looked_at = :now",
            condition="attribute_exists(pk)",
            values={":now": int(time.time())},
        )
        return newest(item)

    def _reserve_again(self, name: str, living: Challenge, *, now: float) -> Reservation:
        mark = secrets.token_hex(8)
        rules = self._rules
        is_done, item = self._table.update(
            phone_item(name),
            f"SET {_RECORD_SEND}, sent_mark = :mark",
            condition=f"challenge.cid = :cid AND {rules.may_send()} AND {rules.not_held()}",
            values={**rules.times(now), ":cid": living.id, ":mark": mark},
        )
        is_done = is_done or item.get("sent_mark") == mark
        return Reservation(
            living,
            Verdict.SEND_AGAIN if is_done else Verdict.COOLDOWN,
            rules.resend_at(item, now),
            texted_at=texted_at(item, before_this=is_done),
            withheld_by=withheld_by(item),
            is_stopped=is_stopped(item, now),
        )

    def _trim(self, name: str, item: Item) -> None:
        """Forget texts older than any window, where no answer ever came to do so."""
        if self._rules.is_overgrown(item):
            paths = self._rules.beyond_windows()
            self._table.update(phone_item(name), f"REMOVE {paths}", values={})

    def lengthen(
        self, name: str, challenge: Challenge, *, now: float, digits: int
    ) -> Challenge | None:
        """Replace the challenge, before it is texted, by one with a code of so many digits.

        Returns None where the number has another challenge by now. One round trip.
        """
        longer = Challenge.draw(now=now, lifetime=self._lifetime, code_length=digits)
        is_done, item = self._table.update(
            phone_item(name),
            "SET challenge.cid = :cid, challenge.exp = :exp",
            condition="challenge.cid = :old",
            values={":cid": longer.id, ":exp": longer.expires_at, ":old": challenge.id},
        )
        return longer if is_done or newest(item) == longer else None

    def withhold(self, name: str, challenge: Challenge, *, by: Verdict | None) -> None:
        """Let no answer be right to a code that was not texted; with None, until now.

        One round trip.
        """
        self._table.update(
            phone_item(name),
            "SET challenge.withheld = :by" if by else "REMOVE challenge.withheld",
            condition="challenge.cid = :cid",
            values={":cid": challenge.id, ":by": str(by)},
        )

    def release(self, name: str, *, now: float) -> None:
        """Free the cooldown of a text that did not leave; it stays counted for the day.

        One round trip.
        """
        self._table.update(
            phone_item(name),
            "SET cleared_at = :next",
            condition="recent[0] <= :now",
            values={":now": milliseconds(now), ":next": milliseconds(now) + 1},
        )

    def note_message(self, name: str, challenge: Challenge, message_id: str) -> None:
        """Remember which message brought the code, for a sender that wants to hear of its arrival.

        One round trip.
        """
        self._table.update(
            phone_item(name),
            "SET challenge.message_id = :message",
            condition="challenge.cid = :cid",
            values={":cid": challenge.id, ":message": message_id},
        )


def _unrecorded(new: Challenge, verdict: Verdict, now: float, *, until: int) -> Reservation:
    """Hand out a challenge that is not in the table: no answer to it is ever right."""
    return Reservation(new, verdict, max(int(now) + 1, until))

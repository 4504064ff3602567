"""Texts with a code, within the limits of one number: cooldown, hour, day, holds."""

import time
from dataclasses import dataclass, replace

from ..challenge import Challenge
from ..limits import COOLDOWNS, TRIES_PER_CODE, Limits
from .names import milliseconds, phone_item
from .phone_state import (
    DECISIONS_KEPT,
    PhoneRules,
    decision,
    is_living,
    is_stopped,
    newest,
    open_at,
    own_tries,
    texted_at,
    tries_left,
    withheld_by,
)
from .table import Item, Table
from .verdicts import Verdict

# Seconds in which a start that was first is done with its budgets.
_SETTLES_WITHIN = 1.0

_RECORD_SEND = (
    "recent = list_append(:now_list, if_not_exists(recent, :none)), #ttl = :ttl, "
    "known_since = if_not_exists(known_since, :at), "
    "decisions = list_append(:decisions, if_not_exists(decisions, :none))"
)
# Whatever tries are left: with new codes, wrong answers would end one that somebody else has.
_WORTH_KEEPING = "challenge.exp >= :worth AND attribute_not_exists(challenge.used)"


@dataclass(frozen=True)
class Reservation:
    """The answer to the question for a text. Times are in whole seconds since the epoch.

    ``texted_at`` is when the challenge's code was texted before, as far as callers may know; None
    where it was not. ``withheld_by`` is the verdict of the budget that kept the code from leaving,
    now or when it was asked for before, if one did. ``is_stopped``: its owner wants none.
    ``is_proven``: a code was used on the number before. ``open_at`` is when strangers are texted
    again, 0 where they are, as far as callers may know. ``tries_left`` are those of the sign-in
    that asks, which has tries of its own where a text was reserved for it (``Challenge.mark``). The
    percents are how much is used of the pool's budgets, and of the country's that has used most,
    once asked.
    """

    challenge: Challenge
    verdict: Verdict
    resend_at: int
    texted_at: int | None = None
    withheld_by: str = ""
    is_proven: bool = False
    open_at: int = 0
    hour_percent: int | None = None
    day_percent: int | None = None
    is_stopped: bool = False
    country_percent: int | None = None
    tries_left: int = TRIES_PER_CODE

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
        new = Challenge.draw(now=now, lifetime=self._lifetime).marked()
        rules = self._rules
        is_done, item = self._table.update(
            phone_item(name),
            # The right side reads the item as it was before: the newest moves to earlier, whole.
            f"SET {_RECORD_SEND}, earlier = if_not_exists(challenge, :nothing), challenge = :new",
            condition=f"{rules.may_send()} AND {rules.not_held()} AND NOT ({_WORTH_KEEPING})",
            values={
                **rules.times(now),
                ":nothing": {},
                ":new": {"cid": new.id, "exp": new.expires_at, "tries": 0, own_tries(new): 0},
                ":decisions": [decision(new, Verdict.SEND, now)],
            },
        )
        is_proven = "used_at" in item
        if is_done or newest(item) == new:
            self._trim(name, item)
            return Reservation(
                new,
                Verdict.SEND,
                rules.resend_at(item, now),
                is_stopped=is_stopped(item, now),
                is_proven=is_proven,
            )
        if verdict := rules.hold(item, now):
            self._note_refusal(name, item, new, verdict, now)
            until = max(rules.held_until(item), int(now) + COOLDOWNS[0])
            return _unrecorded(new, verdict, now, until=until)
        living = newest(item)
        verdict = rules.why_no_text(item, now)
        is_dead = not is_living(item.get("challenge", {}), now)
        if living is None or (verdict and (is_dead or not tries_left(item, living))):
            verdict = verdict or Verdict.COOLDOWN
            self._note_refusal(name, item, new, verdict, now)
            return _unrecorded(new, verdict, now, until=rules.resend_at(item, now))
        if verdict is None:
            return self._reserve_again(name, living, now=now)
        if milliseconds(now) - item["recent"][0] < _SETTLES_WITHIN * 1000:
            living = self._settled(name) or living
        self._note_refusal(name, item, living, verdict, now)
        return Reservation(
            living,
            verdict,
            rules.resend_at(item, now),
            texted_at=texted_at(item),
            withheld_by=withheld_by(item),
            is_proven=is_proven,
            open_at=open_at(item, now),
            tries_left=tries_left(item, living),
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
        marked = living.marked()
        rules = self._rules
        is_done, item = self._table.update(
            phone_item(name),
            f"SET {_RECORD_SEND}, challenge.#own = :zero",
            condition=f"challenge.cid = :cid AND {rules.may_send()} AND {rules.not_held()}",
            values={
                **rules.times(now),
                ":cid": living.id,
                ":decisions": [decision(living, Verdict.SEND_AGAIN, now)],
            },
            names={"#own": own_tries(marked)},
        )
        is_done = is_done or own_tries(marked) in item.get("challenge", {})
        challenge = marked if is_done else living
        return Reservation(
            challenge,
            Verdict.SEND_AGAIN if is_done else Verdict.COOLDOWN,
            rules.resend_at(item, now),
            texted_at=texted_at(item, before_this=is_done),
            withheld_by=withheld_by(item),
            is_stopped=is_stopped(item, now),
            is_proven="used_at" in item,
            open_at=open_at(item, now),
            tries_left=tries_left(item, challenge),
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
        drawn = Challenge.draw(now=now, lifetime=self._lifetime, code_length=digits)
        longer = replace(drawn, mark=challenge.mark)
        is_done, item = self._table.update(
            phone_item(name),
            "SET challenge.cid = :cid, challenge.exp = :exp, decisions[0][1] = :reference",
            condition="challenge.cid = :old",
            values={
                ":cid": longer.id,
                ":exp": longer.expires_at,
                ":old": challenge.id,
                ":reference": longer.reference,
            },
        )
        return longer if is_done or newest(item) == longer else None

    def settle(
        self,
        name: str,
        challenge: Challenge,
        *,
        why: str | None,
        open_at: int = 0,
        is_withheld: bool | None = None,
    ) -> None:
        """Keep what the budgets said of a text, where that is more than that it left.

        ``why`` is kept for operators. ``is_withheld``: let no answer be right to the code, since it
        was not texted; None where it was, False to leave that as it is. ``open_at`` is as in
        ``Reservation``. One round trip.
        """
        sets = {
            "decisions[0][2] = :why": why,
            "challenge.withheld = :why": is_withheld,
            "challenge.open_at = :open_at": open_at,
        }
        removes = {
            "challenge.withheld": is_withheld is None,
            "challenge.open_at": not open_at,
        }
        parts = [
            f"{word} {', '.join(each for each, is_wanted in clauses.items() if is_wanted)}"
            for word, clauses in (("SET", sets), ("REMOVE", removes))
            if any(clauses.values())
        ]
        self._table.update(
            phone_item(name),
            " ".join(parts),
            condition="challenge.cid = :cid",
            values={":cid": challenge.id, ":why": str(why), ":open_at": open_at},
        )

    def _note_refusal(
        self, name: str, item: Item, challenge: Challenge, verdict: Verdict, now: float
    ) -> None:
        """Keep for operators why a number's own limits allow no text. One round trip.

        Not a second press: it would write more often than texts do. The same again takes the
        place of the one before, so that nobody crowds out what was decided about texts.
        """
        if verdict is Verdict.COOLDOWN:
            return
        kept = item.get("decisions", [])
        kept = kept[1:] if kept and kept[0][2] == verdict else kept[: DECISIONS_KEPT - 1]
        self._table.update(
            phone_item(name),
            "SET decisions = :decisions",
            condition="attribute_exists(pk)",
            values={":decisions": [decision(challenge, verdict, now), *kept]},
        )

    def release(self, name: str, *, now: float, why: str = "") -> None:
        """Free the cooldown of a text that did not leave; it stays counted for the day.

        ``why`` it did not is kept for operators. One round trip.
        """
        self._table.update(
            phone_item(name),
            "SET cleared_at = :next" + (", decisions[0][2] = :why" if why else ""),
            condition="recent[0] <= :now",
            values={":now": milliseconds(now), ":next": milliseconds(now) + 1, ":why": why},
        )

    def note(self, name: str, challenge: Challenge, why: str) -> None:
        """Keep for operators what became of the text. One round trip."""
        self._keep(name, challenge, "decisions[0][2]", why)

    def note_channel(self, name: str, challenge: Challenge, channel: str) -> None:
        """Remember that the code goes out by another channel than a text. One round trip."""
        self._keep(name, challenge, "challenge.sent_by", channel)

    def note_message(self, name: str, challenge: Challenge, message_id: str) -> None:
        """Remember which message brought the code, for a sender that wants to hear of its arrival.

        One round trip.
        """
        self._keep(name, challenge, "challenge.message_id", message_id)

    def _keep(self, name: str, challenge: Challenge, path: str, value: str) -> None:
        self._table.update(
            phone_item(name),
            f"SET {path} = :value",
            condition="challenge.cid = :cid",
            values={":cid": challenge.id, ":value": value},
        )


def _unrecorded(new: Challenge, verdict: Verdict, now: float, *, until: int) -> Reservation:
    """Hand out a challenge that is not in the table: no answer to it is ever right."""
    return Reservation(new, verdict, max(int(now) + 1, until))

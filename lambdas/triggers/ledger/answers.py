"""Answers to codes: counted before they are compared, and taken once."""

import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .. import limits
from ..challenge import Challenge
from ..limits import TRIES_PER_CODE
from .budgets import Budgets
from .names import PHONE_KEPT, milliseconds, phone_item
from .phone_state import PhoneRules, challenge_of, is_living, newest, own_tries
from .pool import Pool
from .table import Item, Table
from .verdicts import Verdict

# Answers to a code that a block or a country held back are counted, though none is right: those
# without an account have neither, and their answers are counted.
_MAY_BE_ANSWERED = (
    "(attribute_not_exists(challenge.withheld) OR challenge.withheld <> :pool OR ("
    "earlier.exp > :now AND attribute_not_exists(earlier.used) "
    "AND (attribute_not_exists(earlier.withheld) OR earlier.withheld <> :pool) "
    "AND (attribute_not_exists(failures) OR failures < :two_codes){earlier}))"
)
# From so many failures in a row on, an answer is compared with the newest code alone: otherwise a
# hundred answers would be two hundred guesses.
_FAILURES_WITH_TWO_CODES = min(limits.HOLDS)
_LINKS_PER_CHALLENGE = 20


@dataclass(frozen=True)
class _Tries:
    """A count of answers: how one is added, and the conditions that there is another try.

    ``earlier`` is the one for the earlier code, which may have been tried before.
    """

    adding: str
    condition: str
    earlier: str = ""


# Those of all sign-ins that the codes were not texted for.
_SHARED = _Tries(
    "challenge.tries = challenge.tries + :one, "
    "earlier.tries = if_not_exists(earlier.tries, :zero) + :one",
    "(challenge.cid = :cid OR earlier.cid = :cid) AND challenge.tries < :all_tries",
    " AND earlier.tries < :all_tries",
)
# Those of one sign-in. Which of the codes is its own is not known here, so both are written: in the
# other one nobody reads that name.
_OWN = _Tries(
    "challenge.#own = if_not_exists(challenge.#own, :zero) + :one, "
    "earlier.#own = if_not_exists(earlier.#own, :zero) + :one",
    "((challenge.cid = :cid AND challenge.#own < :all_tries)"
    " OR (earlier.cid = :cid AND earlier.#own < :all_tries))",
)


@dataclass(frozen=True)
class CountedAnswer:
    """An answer that was counted, and the challenges whose codes it may be compared with.

    ``failures`` are those in a row, this answer among them. ``comparable`` has the id of the
    message that brought each code, "" unless ``Texts.note_message`` was called. ``newest`` is the
    number's newest challenge, which may not be among them.
    """

    failures: int
    newest: Challenge
    comparable: Mapping[Challenge, str]


class Answers:
    """Count answers in the item of a number, and take its codes.

    ``name`` and ``block`` are pseudonyms, ``now`` is in seconds since the epoch.
    """

    def __init__(self, table: Table, rules: PhoneRules, pool: Pool, budgets: Budgets) -> None:
        self._table = table
        self._rules = rules
        self._pool = pool
        self._budgets = budgets
        # Other items are counted while the number's own is, so that they cost no time.
        self._in_parallel = ThreadPoolExecutor(2)

    def count(self, name: str, challenge: Challenge, *, now: float) -> CountedAnswer | None:
        """Count an answer as a failure, and return the codes to compare it with. One round trip.

        ``challenge`` is that of the flow: the number's newest or the one before it, whose text may
        be late. It is answered with the code of either, and costs one of three tries: those of the
        flow, where one of its texts was sent for it, else those that all other flows share. None
        for an answer that may not even be compared: the challenge is older or nobody's, no try is
        left, the newest is used or late, both were held back by the pool's budget, or the number is
        held or locked.
        """
        tries = _OWN if challenge.mark else _SHARED
        counted_in_pool = self._in_parallel.submit(self._pool.count_failure, now)
        is_counted, item = self._table.update(
            phone_item(name),
            f"SET {tries.adding}, last_failure = :now, #ttl = :ttl "
            f"REMOVE {self._rules.beyond_windows()} ADD failures :one",
            condition=(
                f"{tries.condition} AND challenge.exp > :now "
                "AND attribute_not_exists(challenge.used) "
                f"AND {_MAY_BE_ANSWERED.format(earlier=tries.earlier)} "
                f"AND {self._rules.not_held()}"
            ),
            names={"#own": own_tries(challenge)},
            values={
                **self._rules.hold_times(now),
                ":now": int(now),
                ":cid": challenge.id,
                ":all_tries": TRIES_PER_CODE,
                ":zero": 0,
                ":one": 1,
                ":two_codes": _FAILURES_WITH_TWO_CODES - 1,
                ":pool": str(Verdict.POOL),
                ":ttl": int(now) + PHONE_KEPT,
            },
        )
        counted_in_pool.result()
        found = newest(item)
        if not is_counted or found is None:
            # An answer that is not compared guesses at nobody's code.
            self._pool.take_back_failures(1)
            return None
        failures = int(item["failures"])
        if self._rules.is_locked(failures):
            self._keep_for_ever(name)
        return CountedAnswer(failures, found, _comparable(item, challenge, now))

    def count_opened(self, name: str, *, now: float) -> list[Challenge]:
        """Count a link of a mail that was opened, and return the challenges that it may be of.

        Those of which an answer may still be right, and none after too many links. One round trip.
        """
        is_counted, item = self._table.update(
            phone_item(name),
            "ADD challenge.opened :one",
            condition=(
                "attribute_exists(challenge.cid) AND challenge.exp > :now "
                "AND (attribute_not_exists(challenge.opened) OR challenge.opened < :most) "
                f"AND {self._rules.not_held()}"
            ),
            values={
                **self._rules.hold_times(now),
                ":now": int(now),
                ":one": 1,
                ":most": _LINKS_PER_CHALLENGE,
            },
        )
        # A newest one that is used or spent ends the one before it as well.
        if not is_counted or not is_living(item["challenge"], now):
            return []
        both = [item["challenge"], item.get("earlier", {})]
        living = [each for each in both if is_living(each, now) and "withheld" not in each]
        return [found for found in map(challenge_of, living) if found]

    def use(
        self,
        name: str,
        newest: Challenge,
        *,
        block: str,
        now: float,
        country: str = "",
        mistyped: int = 0,
    ) -> bool:
        """Take the codes of a number for good and clear the failures.

        One round trip. Of many right answers, to whichever code, one makes this true: all of them
        take ``newest``, and no code before it is compared once that is taken. ``mistyped`` are the
        counted failures that this answer shows to be no guesses: the pool forgets them. The code
        speaks for its ``block`` and its ``country`` (ISO 3166).
        """
        credited = self._in_parallel.submit(self._budgets.credit, block, country, now)
        is_taken, _ = self._table.update(
            phone_item(name),
            "SET challenge.used = :use, cleared_at = :milliseconds, used_at = :milliseconds "
            "REMOVE failures, last_failure",
            condition=(
                "challenge.cid = :cid "
                "AND (attribute_not_exists(challenge.used) OR challenge.used = :use)"
            ),
            values={
                ":use": secrets.token_hex(8),
                ":milliseconds": milliseconds(now),
                ":cid": newest.id,
            },
        )
        credited.result()
        if is_taken:
            self._pool.take_back_failures(1 + mistyped)
        return is_taken

    def _keep_for_ever(self, name: str) -> None:
        self._table.update(
            phone_item(name),
            "REMOVE #ttl",
            condition="failures >= :max",
            values={":max": self._rules.failures_until_locked},
        )


def _comparable(item: Item, answered: Challenge, now: float) -> dict[Challenge, str]:
    """Return the challenges that the answer may be compared with; see ``CountedAnswer``."""
    newest, earlier = item["challenge"], item["earlier"]
    texted = [newest]
    # This answer is counted among them.
    had_a_try = bool(answered.mark) or earlier["tries"] <= TRIES_PER_CODE
    if had_a_try and is_living(earlier, now) and item["failures"] < _FAILURES_WITH_TWO_CODES:
        texted.append(earlier)
    found = [(challenge_of(each), each) for each in texted if "withheld" not in each]
    return {challenge: each.get("message_id", "") for challenge, each in found if challenge}

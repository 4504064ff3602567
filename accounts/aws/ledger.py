"""Read the triggers' ledger for operators: the state of a number, and counts of texts.

The ledger names numbers by hashes whose key never leaves AWS, so a function there is asked.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.views.decorators.debug import sensitive_variables

from accounts.aws import functions


@dataclass(frozen=True)
class Decision:
    """A decision about a text. ``reason`` is why it was not sent, or ``send`` and the like.

    ``reference`` is that of the attempt, which finds its lines in the logs and its events.
    """

    at: datetime
    reference: str
    reason: str


@dataclass(frozen=True)
class PhoneState:
    """Times are in seconds since the epoch. ``held_until`` is in the past where nothing is held.

    ``known_since`` is the first text of which the ledger keeps anything, ``used_at`` the last right
    code since then; both are 0 for never, and None from functions that do not say. Until
    ``stopped_until`` the number gets no texts that anybody can ask for. ``decisions`` are the last
    ones about texts to the number, newest first.
    """

    failures: int
    held_until: int
    is_locked: bool
    sends_last_hour: int
    sends_last_day: int
    known_since: int | None = None
    used_at: int | None = None
    stopped_until: int = 0
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True)
class Sent:
    """Texts that left on a UTC day; ``country`` is its ISO code."""

    day: date
    country: str
    count: int


@dataclass(frozen=True)
class Blocked:
    """Texts that were not sent on a UTC day, and why; ``country`` is "" where nobody knows it.

    A ``reason`` is a limit (``held``, ``phone_hour``, ``country`` …), ``unknown`` for numbers
    without an account, or the sender's (``opted_out``, ``landline`` …).
    """

    day: date
    country: str
    reason: str
    count: int


@dataclass(frozen=True)
class Overview:
    """Counts of texts by day, country and, for those that were not sent, reason."""

    sent: list[Sent]
    blocked: list[Blocked]


@sensitive_variables()
def show(phone: str) -> PhoneState:
    """Return what is held on ``phone`` (E.164). Raises FunctionError."""
    return functions.ask("LEDGER_FUNCTION", {"action": "show", "phone": phone}, _state)


@sensitive_variables()
def unlock(phone: str, *, user_sub: str = "") -> PhoneState:
    """Forget failures, holds and texts of ``phone``, and those of the user's confirmations.

    Raises FunctionError.
    """
    of_user = {"user": user_sub} if user_sub else {}
    return functions.ask("LEDGER_FUNCTION", {"action": "unlock", "phone": phone, **of_user}, _state)


def overview(days: int) -> Overview:
    """Return the texts of the last ``days`` (1 to 31), today included. Raises FunctionError."""
    return functions.ask("LEDGER_FUNCTION", {"action": "overview", "days": days}, _overview)


def _state(answer: dict[str, Any]) -> PhoneState:
    if not isinstance(answer, dict):
        raise TypeError(type(answer))
    decisions = tuple(
        Decision(datetime.fromtimestamp(each["at"], UTC), str(each["reference"]), str(each["why"]))
        for each in answer.get("decisions", ())
    )
    return PhoneState(**{**answer, "decisions": decisions})


def _overview(answer: dict[str, Any]) -> Overview:
    return Overview(
        sent=[
            Sent(date.fromisoformat(each["day"]), str(each["country"]), int(each["count"]))
            for each in answer["sent"]
        ],
        blocked=[
            Blocked(
                date.fromisoformat(each["day"]),
                str(each["country"]),
                str(each["reason"]),
                int(each["count"]),
            )
            for each in answer["blocked"]
        ],
    )

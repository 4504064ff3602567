"""An answer to a code: counted, compared, and taken once."""

from typing import Any

from .. import countries, ledger, limits, links, phones, telemetry
from ..challenge import Challenge
from ..ledger import Verdict
from ..senders import end_user_messaging
from .purposes import Purpose


def accept(
    phone: str,
    challenge: Challenge,
    answer: Any,
    purpose: Purpose,
    *,
    user: str,
    now: float,
    wrong_before: int = 0,
    texted: str = "",
) -> bool:
    """Count an answer, compare it, and take the code for good: of many right ones, one is.

    ``challenge`` is that of the flow; the ledger knows which codes of the number live. ``answer``
    is as typed, ``now`` in seconds since the epoch. ``wrong_before`` is how many wrong answers the
    same sign-in had: after a right one they were no guesses. ``texted`` is the number to which the
    code went, where that is another one than ``phone``. Raises botocore's errors.
    """
    name = purpose.ledger_name(phone, user)
    book = purpose.book()
    counted = book.answers.count(name, challenge, now=now)
    if counted is None:
        return False
    key = purpose.key()
    # With each of them, also after a match: how long that takes tells nothing.
    right = [
        one
        for one in counted.comparable
        if one.accepts(answer, key, user=user, now=now) or links.fits(answer, user, one, now=now)
    ]
    if not right:
        is_locked = book.is_locked(counted.failures)
        _record_hold(phone, challenge, counted.failures, purpose, is_locked=is_locked)
        return False
    to = texted or phone
    block = ledger.block_name(countries.block_of(to))
    # An answer that cannot be a code was never counted, so it is not taken back either.
    mistyped = min(wrong_before, counted.failures - 1)
    is_taken = book.answers.use(
        name,
        counted.newest,
        block=block,
        country=countries.country_of(to) or "",
        now=now,
        mistyped=mistyped,
    )
    if not is_taken:
        return False
    if message_id := counted.comparable[right[0]]:
        end_user_messaging.report_received(message_id)
    return True


def _record_hold(
    phone: str, challenge: Challenge, failures: int, purpose: Purpose, *, is_locked: bool
) -> None:
    seconds = limits.hold_after(failures)
    if not (seconds or is_locked):
        return
    telemetry.record(
        "hold_began",
        metrics={"Holds": 1},
        reason=Verdict.LOCKED if is_locked else Verdict.HELD,
        purpose=purpose.name,
        phone=phones.mask(phone),
        challenge_id=challenge.id,
        reference=challenge.reference,
        failures=failures,
        seconds=0 if is_locked else seconds,
    )

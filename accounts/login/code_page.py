"""The content of the page of a code, from the attempt that is under way."""

import math
import time
from dataclasses import dataclass

from accounts.aws.challenges import CodeChallenge
from accounts.conf import conf
from accounts.login.pending import Pending

# Between two texts (COOLDOWNS in lambdas/triggers/limits.py), in seconds.
_LONGEST_PAUSE = 300
# Of a code (TRIES_PER_CODE in lambdas/triggers/limits.py).
_ALL_TRIES = 3


@dataclass(frozen=True)
class CodePage:
    """The variables of ``accounts/code.html`` that come from the attempt.

    ``phone`` is E.164: the view decides how much of it is shown. ``undelivered`` is why the person
    gets no text, "" where one is on its way. ``is_delayed``: nobody knows whether the text left, so
    its code may come, and may be asked for again. ``may_have_code``: an earlier text may have
    brought a code that is still right. ``is_hopeless``: another text to this number would fare no
    better. ``is_held_back``: the number gets none for longer than between two texts, and
    ``has_lane``: it is another matter where the person signed in before. ``is_second_try``: a try
    was used already. ``wrong_elsewhere`` is how many wrong codes others typed for it, as only a
    browser that is known is told. ``opens_in`` is for how many minutes only numbers proven before
    are texted, 0 where all are: ``opens_in_hours`` says it in hours where it is that long.
    ``minutes`` and ``seconds_left`` are how long the code works, and ``resend_in`` is in seconds:
    ``resend_clock`` says it as 1:15, ``resend_hours`` in hours where it is that long. ``channel``
    is how the code went last, and ``channels`` how else it can: at once, with ``is_refused``, and
    after ``resend_in`` otherwise. ``address`` is the e-mail address that the code proves, or "".
    ``way`` is that of ``Pending``, for a code that goes elsewhere than to the number.
    """

    attempt: str
    next_url: str
    reference: str
    phone: str
    length: int
    tries: int
    is_second_try: bool
    minutes: int
    seconds_left: int
    undelivered: str
    is_delayed: bool
    is_over_budget: bool
    may_have_code: bool
    is_hopeless: bool
    is_held_back: bool
    has_lane: bool
    wrong_elsewhere: int
    opens_in: int
    opens_in_hours: int
    resend_in: int
    resend_clock: str
    resend_hours: int
    channel: str
    channels: tuple[str, ...]
    is_refused: bool
    address: str
    way: str


def of(waiting: Pending, challenge: CodeChallenge) -> CodePage:
    """Return what the page says of an attempt that awaits a code of ``challenge``."""
    delivery = challenge.delivery
    # Where a text was asked for once more, the one before has brought the code.
    is_repetition = delivery == "over_budget" and challenge.texted_at is not None
    resend_in = waiting.seconds_to_resend()
    is_reserved = delivery == "reserved"
    opens_in = max(0, math.ceil((challenge.open_at - time.time()) / 60)) if is_reserved else 0
    return CodePage(
        attempt=waiting.attempt,
        next_url=waiting.next_url,
        reference=waiting.reference,
        phone=waiting.phone,
        length=challenge.code_length,
        tries=challenge.tries_left,
        is_second_try=challenge.tries_left < _ALL_TRIES,
        minutes=waiting.minutes_left(),
        seconds_left=waiting.seconds_left(),
        undelivered="" if challenge.is_sent or delivery == "delayed" or is_repetition else delivery,
        is_delayed=delivery == "delayed",
        is_over_budget=delivery == "over_budget",
        may_have_code=delivery not in ("not_sent", "locked", "over_budget"),
        is_hopeless=delivery == "locked"
        or (delivery in ("landline", "blocked_country") and not challenge.channels),
        is_held_back=waiting.purpose == "login" and _is_held_back(delivery, resend_in),
        has_lane=bool(conf.known_client_id),
        wrong_elsewhere=challenge.wrong_elsewhere,
        opens_in=opens_in,
        opens_in_hours=math.ceil(opens_in / 60) if opens_in > 120 else 0,
        resend_in=resend_in,
        resend_clock=f"{resend_in // 60}:{resend_in % 60:02d}",
        resend_hours=math.ceil(resend_in / 3600) if resend_in >= 3600 else 0,
        channel=challenge.channel,
        channels=tuple(challenge.channels.split()),
        is_refused=challenge.is_refused,
        address=waiting.address,
        way=waiting.way,
    )


def _is_held_back(delivery: str, resend_in: int) -> bool:
    return delivery == "locked" or (delivery == "not_sent" and resend_in > _LONGEST_PAUSE)

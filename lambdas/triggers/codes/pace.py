"""The time an answer takes, so that it does not tell whether a text was sent."""

import random
import time
from collections import deque
from functools import cache

# A function has 5 s, and Cognito asks again then; a text is only begun while it can end before.
ANSWER_WITHIN = 3.8
_NO_TEXT_TAKES = 0.15  # until a text was sent by this process, and its time is known


class Pace:
    """Make an answer without a text take as long as one with a text. Times are in seconds."""

    def __init__(self) -> None:
        self._seen = deque([_NO_TEXT_TAKES], maxlen=32)

    def learn(self, seconds: float) -> None:
        """Remember how long an answer with a text took."""
        self._seen.append(min(seconds, 1.2))

    def wait(self, started: float) -> None:
        """Sleep until an answer that began at ``started`` (monotonic) may be given."""
        # One of the real ones, not their mean: a spread of its own would tell as well.
        wanted = random.choice(self._seen)  # noqa: S311 - no secret
        time.sleep(max(0.0, wanted - (time.monotonic() - started)))


@cache
def of(service: str) -> Pace:
    """Return this process's pace of a channel or provider: they differ in the time they take."""
    return Pace()


def milliseconds_since(started: float) -> int:
    """Return the whole milliseconds since ``started`` (monotonic)."""
    return int((time.monotonic() - started) * 1000)

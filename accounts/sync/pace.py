"""Slow down calls in bulk to the rate that AWS grants to the whole account."""

import time


class Pace:
    """Call it before each call to AWS: it waits, so that there are at most ``per_second``."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0

    def __call__(self) -> None:
        """Sleep until the next call may be made."""
        now = time.monotonic()
        if (wait := self._next - now) > 0:
            time.sleep(wait)
        self._next = max(now, self._next) + self._gap

"""Spare requests the wait for a service that did not answer a moment ago."""

import threading
import time
from collections import deque


class Breaker:
    """Remember, for all threads of one process, whether a service is worth asking.

    After so many ``failures`` within so many seconds, without an answer between them, nobody asks
    for ``pause`` seconds. Then one request asks, the others go on doing without, and ``answered``
    lets all of them ask again.
    """

    def __init__(self, pause: float, *, failures: int = 1, within: float = 30.0) -> None:
        self.pause = pause
        self._within = within
        self._lock = threading.Lock()
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._closed_until = 0.0

    def may_ask(self) -> bool:
        """Tell whether this request may ask. After a pause, the first one to call this may."""
        if not self._closed_until:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._closed_until:
                return False
            # This request asks; the next one does after another pause, unless it is answered.
            if self._closed_until:
                self._closed_until = now + self.pause
            return True

    def failed(self) -> None:
        """Note that the service did not answer."""
        with self._lock:
            now, failed_at = time.monotonic(), self._failed_at
            failed_at.append(now)
            if len(failed_at) == failed_at.maxlen and now - failed_at[0] <= self._within:
                self._closed_until = now + self.pause

    def answered(self) -> None:
        """Note that the service answered: everybody may ask again."""
        if self._failed_at:
            self._failed_at.clear()
        self._closed_until = 0.0

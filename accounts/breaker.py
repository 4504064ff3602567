"""Spare requests the wait for a service that did not answer a moment ago."""

import threading
import time


class Breaker:
    """Remembers, for the threads of one process, whether asking is worth while.

    After ``failed`` nobody asks for ``pause`` seconds. Then one request asks, the others go on
    doing without, and ``answered`` lets all of them ask again.
    """

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self._lock = threading.Lock()
        self._closed_until = 0.0

    def may_ask(self) -> bool:
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
        with self._lock:
            self._closed_until = time.monotonic() + self.pause

    def answered(self) -> None:
        self._closed_until = 0.0

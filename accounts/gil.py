"""Let few threads of a process work at once, since they share one interpreter.

Python runs one thread at a time. Where many have work, each asks for the interpreter again after
every wait for the network, and handing it over between processors costs time: with 32 threads at
work, a login took 1.6 times the processor time that it takes alone (``make bench WHAT=load``). So a
request works in a turn, and gives it up while it waits for AWS. Databases answer too soon for that.

A turn is a courtesy and no lock: after ``patience`` seconds a request goes on without one. So a
database that hangs does not keep pages from being served that need none.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

# Measured with 1, 2 and 4 places: alike, and better than none.
PLACES, PATIENCE = 2, 0.25


class Turns:
    """``places`` threads work at once; the others wait, but no longer than ``patience`` seconds."""

    def __init__(self, places: int = PLACES, patience: float = PATIENCE) -> None:
        self._places = threading.Semaphore(places)
        self._patience = patience
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Work in a turn."""
        self._take()
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Let others work in this block, which only waits."""
        had_one = self._leave()
        try:
            yield
        finally:
            if had_one:
                self._take()

    def _take(self) -> None:
        self._mine.has_one = self._places.acquire(timeout=self._patience)

    def _leave(self) -> bool:
        had_one = getattr(self._mine, "has_one", False)
        if had_one:
            self._mine.has_one = False
            self._places.release()
        return had_one


# Those of this process.
current = Turns()


def in_turns(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Return a WSGI application that works in turns."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with current.taken():
            return application(environ, start_response)

    return serve

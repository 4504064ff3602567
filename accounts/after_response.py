"""Do work after the response has left, so that nobody waits for it.

It is done in the thread of the request, which suits tests and the development server. A server
that keeps connections open calls ``threads.use``: else the next request of a connection would wait
for the work of the one before, and load balancers send those of many people on one connection.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from django import db
from django.http import HttpRequest, HttpResponseBase

log = logging.getLogger(__name__)

_KEY = "_accounts_after_response"


class Threads:
    """So many pieces of work at once; there is no queue, which could grow without end."""

    def __init__(self, most: int = 0) -> None:
        self.use(most)

    def use(self, most: int) -> None:
        """Have so many threads from now on, none with 0: then work is done where it comes up.

        A process that is told to stop ends what they do first.
        """
        self._free = threading.Semaphore(most)
        self._pool = ThreadPoolExecutor(max(1, most), thread_name_prefix="after-response")

    def take(self, work: Callable[[], object]) -> bool:
        """Let a thread do it, if one is free."""
        if not self._free.acquire(blocking=False):
            return False
        self._pool.submit(copy_context().run, self._do, work)
        return True

    def _do(self, work: Callable[[], object]) -> None:
        # As Django does around a request: each thread has a connection, which may be old.
        db.close_old_connections()
        try:
            work()
        finally:
            db.close_old_connections()
            self._free.release()


# Those of this process.
threads = Threads()


def do(request: HttpRequest, work: Callable[[], object]) -> None:
    """Call ``work`` after the response to ``request`` has left. Its errors are logged."""
    if not hasattr(request, _KEY):
        setattr(request, _KEY, [])
    getattr(request, _KEY).append(work)


def let_work_at_close(request: HttpRequest, response: HttpResponseBase) -> None:
    """Do the work when the server closes the response, which it does at the end."""
    if works := getattr(request, _KEY, []):
        # Django's signal request_finished does not say which request it was.
        setattr(response, "close", partial(_work_and_close, works, response.close))  # noqa: B010


def _work_and_close(works: list[Callable[[], object]], close: Callable[[], None]) -> None:
    # Servers may close twice.
    given, works[:] = works[:], []
    work = partial(_work, given)
    if given and not threads.take(work):
        work()
    close()


def _work(works: list[Callable[[], object]]) -> None:
    for work in works:
        try:
            work()
        except Exception:
            log.exception("Work after a response failed")

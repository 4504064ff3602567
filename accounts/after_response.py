"""Do work after the response has left, so that nobody waits for it.

It is done in the thread of the request, which suits tests and the development server. A server
that keeps connections open calls ``threads.use``: else the next request of a connection would wait
for the work of the one before, and load balancers send those of many people on one connection.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from django import db
from django.http import HttpRequest, HttpResponseBase

log = logging.getLogger(__name__)

Work = Callable[[], object]

_KEY = "_accounts_after_response"
# Seconds.
_APART = 1.0


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

    def take(self, work: Work, *, wait: float = 0.0) -> bool:
        """Let a thread do it after so many seconds, if one is free."""
        if not self._free.acquire(blocking=False):
            return False
        self._pool.submit(copy_context().run, self._do, work, wait)
        return True

    def _do(self, work: Work, wait: float) -> None:
        try:
            time.sleep(wait)
            # As Django does around a request: each thread has a connection, which may be old.
            db.close_old_connections()
            work()
        finally:
            db.close_old_connections()
            self._free.release()


# Those of this process.
threads = Threads()


def do(request: HttpRequest, work: Work, *, apart: bool = False) -> None:
    """Call ``work`` after the response to ``request`` has left. Its errors are logged.

    ``apart`` from the next request as well, which comes at once: where threads do it, it waits for
    a second, so that nobody can tell by the clock that there was work.
    """
    if not hasattr(request, _KEY):
        setattr(request, _KEY, ([], []))
    getattr(request, _KEY)[apart].append(work)


def let_work_at_close(request: HttpRequest, response: HttpResponseBase) -> None:
    """Do the work when the server closes the response, which it does at the end."""
    if works := getattr(request, _KEY, None):
        # Django's signal request_finished does not say which request it was.
        setattr(response, "close", partial(_work_and_close, works, response.close))  # noqa: B010


def _work_and_close(works: tuple[list[Work], list[Work]], close: Callable[[], None]) -> None:
    for given, wait in zip(works, (0.0, _APART), strict=True):
        work = partial(_work, given[:])
        if given and not threads.take(work, wait=wait):
            work()
        # Servers may close twice.
        given.clear()
    close()


def _work(works: list[Work]) -> None:
    for work in works:
        try:
            work()
        except Exception:
            log.exception("Work after a response failed")

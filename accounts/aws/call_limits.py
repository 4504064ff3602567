"""Bound how long requests wait for AWS, and how many of them at once.

A service that hangs would soon hold every thread of the site. So another thread makes the call, and
the request waits for it

- until the deadline of the whole request (``deadline``), or for ``LONGEST`` seconds without one;
- only while enough other threads are left: all but one may wait, whatever they wait for, and half
  of them for one service once a call to it has waited for longer than ``_SLOW`` seconds;
- not at all for a while after several calls in a row got no answer (``Breaker``).

    CallError
    ├── NotSent     nothing was asked: try again later
    └── NoAnswer    what was asked may have been done
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from queue import SimpleQueue
from typing import Any, TypeVar

from botocore import exceptions
from django.views.decorators.debug import sensitive_variables

from accounts import gil
from accounts.breaker import Breaker
from accounts.conf import conf

T = TypeVar("T")

# Seconds. A person waits no longer for a page, and load balancers give up soon after.
LONGEST = 9.0
_SLOW = 1.0
# Five in half a minute are an outage, not bad luck; after 15 s one call tries again.
_FAILURES, _WITHIN, _PAUSE = 5, 30.0, 15.0

_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


class CallError(Exception):
    pass


class NotSent(CallError):
    pass


class NoAnswer(CallError):
    pass


# Errors of a call that left: nobody knows whether it was done.
NO_ANSWER = (
    exceptions.ReadTimeoutError,
    exceptions.ConnectionClosedError,
    exceptions.ResponseStreamingError,
    NoAnswer,
)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let the calls in this block take so long, all together."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


class Calls:
    """The calls of one process to one service. ``threads`` is how many requests it serves at once.

    ``places`` has one for each request that may wait at once, for this service or another. A call
    whose answer comes in drips, or never, is left to itself; of those there are no more than
    ``threads`` either.
    """

    def __init__(self, threads: int, places: threading.Semaphore | None = None) -> None:
        self._threads = threads
        self._places = places or _places(threads)
        self._made = threading.BoundedSemaphore(2 * threads)
        self._idle: list[_Caller] = []
        self._breaker = Breaker(_PAUSE, failures=_FAILURES, within=_WITHIN)
        self._lock = threading.Lock()
        # When each call that is waited for began, the oldest first.
        self._begun: dict[object, float] = {}

    @sensitive_variables()
    def run(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns, or raise what it raises. Raises CallError."""
        ends_at = _ends_at.get()
        patience = LONGEST if ends_at is None else ends_at - time.monotonic()
        if patience <= 0:
            raise NotSent("No time is left for another call")
        with self._waiting():
            future = self._begin(call)
            try:
                with gil.current.left():
                    result = future.result(timeout=patience)
            except TimeoutError as error:
                # With little time left, a service that is well is late too.
                if patience >= _SLOW:
                    self._breaker.failed()
                raise NoAnswer("No answer in time") from error
            except (exceptions.ConnectionError, exceptions.HTTPClientError):
                self._breaker.failed()
                raise
            except Exception:
                # An answer, if no good one.
                self._breaker.answered()
                raise
            self._breaker.answered()
            return result

    def _begin(self, call: Callable[[], T]) -> Future[T]:
        if not self._made.acquire(blocking=False):
            raise NotSent("Too many calls have never ended")
        future: Future[T] = Future()
        try:
            self._caller().asked.put((future, call))
        except RuntimeError as error:
            # The machine has no thread left, or the process ends.
            self._made.release()
            raise NotSent("No thread could be started") from error
        return future

    def _caller(self) -> "_Caller":
        while self._idle:
            try:
                caller = self._idle.pop()
            except IndexError:
                # Another request was quicker.
                break
            # A process that was forked has none of the threads that were started before.
            if caller.is_alive():
                return caller
        caller = _Caller(self._rest)
        caller.start()
        return caller

    def _rest(self, caller: "_Caller") -> None:
        self._idle.append(caller)
        self._made.release()

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        key, now = object(), time.monotonic()
        with self._lock:
            oldest = next(iter(self._begun.values()), now)
            is_slow = now - oldest >= _SLOW
            if is_slow and len(self._begun) >= max(1, self._threads // 2):
                raise NotSent("Too many calls are waited for")
            if not self._places.acquire(blocking=False):
                raise NotSent("Too many calls are waited for")
            if not self._breaker.may_ask():
                self._places.release()
                raise NotSent("Calls have failed a moment ago")
            self._begun[key] = now
        try:
            yield
        finally:
            with self._lock:
                del self._begun[key]
                self._places.release()


class _Caller(threading.Thread):
    """Make one call after the other: a new thread for each would cost as much as the call.

    It is not a thread of the standard library's pool, for whose threads the end of the process
    waits.
    """

    def __init__(self, rest: Callable[["_Caller"], None]) -> None:
        super().__init__(name="call", daemon=True)
        self.asked: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._rest = rest

    def run(self) -> None:
        """Wait for calls, for as long as the process lives."""
        while True:
            _answer(*self.asked.get())
            self._rest(self)


# Reports of an error show the variables of each frame, and below are phones and codes.
@sensitive_variables()
def _answer(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:
        future.set_exception(error)


def _places(threads: int) -> threading.Semaphore:
    return threading.BoundedSemaphore(max(1, threads - 1))


_making = threading.Lock()


def calls_to(service: str) -> Calls:
    """Return the calls of this process to ``service``, which its threads share."""
    # Of two that were made at once, each would count for itself.
    with _making:
        return _made_calls(service)


@cache
def _made_calls(service: str) -> Calls:
    return Calls(conf.web_threads, _made_places())


@cache
def _made_places() -> threading.Semaphore:
    return _places(conf.web_threads)


class Bounded:
    """A boto3 client whose operations go through ``calls``."""

    def __init__(self, client: Any, calls: Calls) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in self._client.meta.method_to_api_mapping:
            return partial(self._run, found)
        return found

    def _run(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        return self._calls.run(partial(operation, **arguments))

"""Counts what only the web tier can see, network addresses and new accounts, and says when to come
back.

The limits that protect accounts and the SMS bill are kept by the triggers, which everybody passes.
This is the fence before them, so it fails open: without its storage people still sign in.
"""

import logging
import threading
import time
from functools import cache
from typing import Literal, NamedTuple

from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import (
    MovingWindowRateLimiter,
    RateLimiter,
    SlidingWindowCounterRateLimiter,
)

from accounts import devices
from accounts.breaker import Breaker
from accounts.conf import conf

log = logging.getLogger(__name__)

Kind = Literal["phone_posts", "sends", "wrong_codes"]
# Of a moving window nothing can be given back, of a counter it can.
_GIVEN_BACK: Kind = "wrong_codes"
_UNUSED = "unused_sends"
_COUNTERS = (_GIVEN_BACK, _UNUSED)
# A right code stands for its own text, and for another one of its network that brought none.
_WORTH_OF_A_CODE = 2


class LimitReached(Exception):
    """Too much of it. ``retry_after`` is in whole seconds from now."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Limit reached for another {retry_after} s")
        self.retry_after = retry_after


def hit(kind: Kind, request: HttpRequest, *, is_known: bool = False) -> None:
    """Count one ``kind`` for the request's network address. Raises LimitReached.

    Browsers that are known to their account count apart: strangers on the same network, as in a
    school, use up nothing of theirs.
    It is counted before what it stands for is done, so that many at once are no more than many in
    a row. A wrong code that turns out to be a right one is given back.
    """
    network = devices.network(devices.client_address(request))
    _take(kind, f"{network} known" if is_known else network)


def give_back(request: HttpRequest, *, code_used: bool = False) -> None:
    """Take back a wrong code that was hit, because it was none.

    ``code_used``: it was a right one, so somebody on the network got a text and used it.
    """
    network = devices.network(devices.client_address(request))
    _ask(_GIVEN_BACK, network, cost=-1)
    if code_used:
        _ask(_UNUSED, network, cost=-_WORTH_OF_A_CODE)


def only_asks(request: HttpRequest) -> bool:
    """Count a text that is asked for, and tell whether its network asks for many and uses few.

    One that does is not counted any more, so that a few right codes end it.
    """
    return _ask(_UNUSED, devices.network(devices.client_address(request))) > 0


def sign_up(*, phone: str, country: str) -> None:
    """Count an account that is about to be made. Raises LimitReached.

    By neighbouring numbers, by country and in all, as the triggers count texts: without it each
    number that is typed would leave an account, long after no text leaves.
    """
    # Without the last four digits, as in lambdas/triggers/countries.py, and unreadable.
    block = salted_hmac("accounts.throttle", phone[:-4], algorithm="sha256").hexdigest()[:32]
    _take("sign_ups_per_block", block)
    _take("sign_ups_per_country", country)
    _take("sign_ups", "all")


def reset() -> None:
    """Forget all counts of the storage, as between two tests."""
    _limiters(conf.throttle_url).moving.storage.reset()


def _take(kind: str, name: str) -> None:
    if wait := _ask(kind, name):
        raise LimitReached(wait)


def _ask(kind: str, name: str, *, cost: int = 1) -> int:
    """Count ``cost`` of ``kind``, and return 0, or for how many seconds that is too much."""
    limiters = _limiters(conf.throttle_url)
    if not limiters.breaker.may_ask():
        return 0
    limiter = limiters.counting if kind in _COUNTERS else limiters.moving
    wait, taken = 0, []
    try:
        for rate in _rates(conf.throttle_rates[kind]):
            if not limiter.hit(rate, kind, name, cost=cost):
                wait = _wait(limiter, rate, kind, name)
                break
            taken.append(rate)
        if wait and limiter is limiters.counting:
            # Refused by one rate, it costs nothing of the others.
            for rate in taken:
                limiter.hit(rate, kind, name, cost=-cost)
    except limiter.storage.base_exceptions as error:
        # Fail open: see above. Without a pause each step would wait for a storage that hangs.
        limiters.breaker.failed()
        log.error(  # noqa: TRY400 - one line, however often
            "Throttle storage failed; nobody limits %s: %s", kind, type(error).__name__
        )
        return 0
    limiters.breaker.answered()
    return wait


def _wait(limiter: RateLimiter, rate: RateLimitItem, *keys: str) -> int:
    reset_at = limiter.get_window_stats(rate, *keys).reset_time
    return max(1, round(reset_at - time.time() + 0.5))


@cache
def _rates(spelled: str) -> list[RateLimitItem]:
    return parse_many(spelled)


_making = threading.Lock()
_PAUSE = 5.0


class RarelySweptMemory(MemoryStorage):
    """Counts of one process. Those that are over are removed once a minute.

    MemoryStorage starts a thread after each hit, unless ``timer`` lives, and that goes through
    every name there is.
    """

    STORAGE_SCHEME = ["process"]
    _EVERY = 60.0

    @property
    def timer(self) -> threading.Timer:
        """The thread that sweeps, every minute."""
        return self._timer

    @timer.setter
    def timer(self, sweep: threading.Timer) -> None:
        self._timer = threading.Timer(self._EVERY, sweep.function)
        self._timer.daemon = True


class _Limiters(NamedTuple):
    moving: MovingWindowRateLimiter
    counting: SlidingWindowCounterRateLimiter
    breaker: Breaker


def _limiters(url: str) -> _Limiters:
    # Threads of a new process come at once, and two stores in memory would count apart.
    with _making:
        return _made_limiter(url)


@cache
def _made_limiter(url: str) -> _Limiters:
    # A hanging Redis must not hang a sign-in.
    is_remote = url.startswith(("redis", "valkey"))
    options = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5} if is_remote else {}
    storage = RarelySweptMemory() if url == "memory://" else storage_from_string(url, **options)
    return _Limiters(
        MovingWindowRateLimiter(storage), SlidingWindowCounterRateLimiter(storage), Breaker(_PAUSE)
    )

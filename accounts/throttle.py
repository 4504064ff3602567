"""Counts what only the web tier can see, the network address, and says when to come back.

The limits that protect accounts and the SMS bill are kept by the triggers, which everybody passes.
This is the fence before them, so it fails open: without its storage people still sign in.
"""

import contextlib
import ipaddress
import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Literal, cast
from urllib.parse import urlsplit

from django.http import HttpRequest
from limits import RateLimitItem, parse_many
from limits.storage import Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from accounts.breaker import Breaker
from accounts.conf import conf

log = logging.getLogger(__name__)

Kind = Literal["phone_posts", "sends", "wrong_codes"]


class LimitReached(Exception):
    """Too much of it. ``retry_after`` is in whole seconds from now."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Limit reached for another {retry_after} s")
        self.retry_after = retry_after


def hit(kind: Kind, request: HttpRequest) -> None:
    """Count one ``kind`` for the request's network address. Raises LimitReached."""
    _require(MovingWindowRateLimiter.hit, kind, request)


def count(kind: Kind, request: HttpRequest) -> None:
    """Count one ``kind`` that has happened already, too much or not."""
    with contextlib.suppress(LimitReached):
        hit(kind, request)


def check(kind: Kind, request: HttpRequest) -> None:
    """Raise LimitReached if another ``kind`` would be too much, without counting one."""
    _require(MovingWindowRateLimiter.test, kind, request)


def reset() -> None:
    """Forget all counts of the storage, as between two tests."""
    _limiter(conf.throttle_url)[0].storage.reset()


def client_address(request: HttpRequest) -> str:
    """Return the address of the browser: the entry that our outermost proxy wrote, or the peer.

    X-Forwarded-For is read from the right, as many places as proxies are trusted; what stands
    further left was written by the client and is worth nothing.
    """
    if proxies := conf.trusted_proxies:
        chain = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        if len(chain) >= proxies and chain[-proxies]:
            return chain[-proxies]
    return str(request.META.get("REMOTE_ADDR", ""))


def network(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or an IPv6 network of /64."""
    try:
        # Some proxies write the port as well.
        bare = address if address.count(":") > 1 and "[" not in address else _host(address)
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _require(ask: Callable[..., bool], kind: Kind, request: HttpRequest) -> None:
    limiter, storage = _limiter(conf.throttle_url)
    if not storage.may_ask():
        return
    address = network(client_address(request))
    wait = 0
    try:
        for rate in _rates(conf.throttle_rates[kind]):
            if not ask(limiter, rate, kind, address):
                wait = _wait(limiter, rate, kind, address)
                break
    except limiter.storage.base_exceptions as error:
        # Fail open: see above. Without a pause each step would wait for a storage that hangs.
        storage.failed()
        log.error(  # noqa: TRY400 - one line, however often
            "Throttle storage failed; nobody limits %s: %s", kind, type(error).__name__
        )
        return
    storage.answered()
    if wait:
        raise LimitReached(wait)


def _host(address: str) -> str:
    return urlsplit(f"//{address}").hostname or ""


def _wait(limiter: MovingWindowRateLimiter, rate: RateLimitItem, *keys: str) -> int:
    reset_at = limiter.get_window_stats(rate, *keys).reset_time
    return max(1, round(reset_at - time.time() + 0.5))


@cache
def _rates(spelled: str) -> list[RateLimitItem]:
    return parse_many(spelled)


_making = threading.Lock()
_PAUSE = 5.0


def _limiter(url: str) -> tuple[MovingWindowRateLimiter, Breaker]:
    # Threads of a new process come at once, and two stores in memory would count apart.
    with _making:
        return _made_limiter(url)


@cache
def _made_limiter(url: str) -> tuple[MovingWindowRateLimiter, Breaker]:
    # A hanging Redis must not hang a sign-in.
    is_remote = url.startswith(("redis", "valkey"))
    options = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5} if is_remote else {}
    storage = cast(Storage, storage_from_string(url, **options))
    return MovingWindowRateLimiter(storage), Breaker(_PAUSE)

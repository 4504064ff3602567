"""Django's Redis cache, which costs a page little time while Redis does not answer."""

import logging
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from django.core.cache.backends import redis
from redis.exceptions import RedisError

from accounts.breaker import Breaker

log = logging.getLogger(__name__)

# Within a data centre an answer takes a millisecond.
TIME_LIMITS = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
_PAUSE = 5.0


class RedisCache(redis.RedisCache):
    """Redis, or an empty cache that keeps nothing while Redis is away: no page depends on it."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        options = TIME_LIMITS | params.get("OPTIONS", {})
        super().__init__(server, {**params, "OPTIONS": options})

    # Private: between a cache and its client Django has no public hook, and every public method of
    # the cache would have to be written again.
    @cached_property
    def _cache(self) -> Any:
        return _Lenient(super()._cache)


def _missing(*arguments: Any) -> int:
    raise ValueError("Key not found.")


_EMPTY: dict[str, Callable[..., Any]] = {
    "add": lambda *_: False,
    "get": lambda _key, default=None: default,
    "set": lambda *_: None,
    "touch": lambda *_: False,
    "delete": lambda *_: False,
    "get_many": lambda *_: {},
    "has_key": lambda *_: False,
    "incr": _missing,
    "set_many": lambda *_: None,
    "delete_many": lambda *_: None,
    "clear": lambda *_: False,
}


class _Lenient:
    """Django's client of Redis, with an answer to every operation while Redis has none."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._breaker = Breaker(_PAUSE)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation not in _EMPTY:
            raise AttributeError(operation)
        return partial(self._ask, operation)

    def _ask(self, operation: str, *arguments: Any) -> Any:
        if self._breaker.may_ask():
            try:
                answer = getattr(self._client, operation)(*arguments)
            except RedisError as error:
                self._breaker.failed()
                log.error("The cache does not answer: %s", type(error).__name__)  # noqa: TRY400
            else:
                self._breaker.answered()
                return answer
        return _EMPTY[operation](*arguments)

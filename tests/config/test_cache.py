"""The cache on Redis, with Redis and without."""

import logging
import time

import pytest
from django.core.cache import caches

from tests import provision
from tests.redis import Redis

pytestmark = pytest.mark.programs


@pytest.fixture
def redis(tmp_path):
    if provision.redis_server() is None:
        pytest.skip("redis-server is not installed")
    with Redis(tmp_path) as running:
        yield running


@pytest.fixture
def cache(redis, settings):
    settings.CACHES = {"default": {"BACKEND": "config.cache.RedisCache", "LOCATION": redis.url}}
    return caches["default"]


def test_cache_keeps_what_it_is_given(cache):
    cache.set("one", {"a": 1})
    cache.set_many({"two": 2, "three": 3})
    assert cache.add("one", "other") is False
    assert cache.incr("two") == 3
    assert cache.get_many(["one", "two"]) == {"one": {"a": 1}, "two": 3}
    cache.delete("three")
    assert cache.get("three", "default") == "default"


@pytest.mark.parametrize("outage", ["hang", "stop"])
def test_cache_without_redis_is_empty_and_costs_little(cache, redis, caplog, outage):
    cache.set("one", 1)
    getattr(redis, outage)()
    started = time.monotonic()

    with caplog.at_level(logging.ERROR, logger="config"):
        logging.getLogger("config").addHandler(caplog.handler)
        for _ in range(20):
            assert cache.get("one", "default") == "default"
            assert cache.add("one", 1) is False
            assert cache.get_many(["one"]) == {}
            assert cache.has_key("one") is False
            cache.set("one", 1)
            cache.set_many({"one": 1})
            cache.delete("one")
            cache.delete_many(["one"])
            assert cache.touch("one") is False
            with pytest.raises(ValueError, match="not found"):
                cache.incr("one")
            cache.clear()
        logging.getLogger("config").removeHandler(caplog.handler)

    assert time.monotonic() - started < 1.5
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "The cache does not answer"
    ]

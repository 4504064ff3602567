"""What people meet while a part of the site is away: a real one, stopped or held still."""

import re
import signal
import time
from collections.abc import Iterator

import pytest

from tests import provision
from tests.redis import Redis
from tests.site import Browser, Site

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def redis(tmp_path_factory) -> Iterator[Redis]:
    if provision.redis_server() is None:
        pytest.skip("redis-server is not installed")
    with Redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(scope="module")
def site(environment, redis, tmp_path_factory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    given = environment | {"CACHE_URL": redis.url, "WEB_THREADS": "4", "WEB_DRAIN_SECONDS": "3"}
    running = Site(given, directory / "site.log")
    try:
        running.wait()
        yield running
    finally:
        running.kill()


@pytest.fixture(params=["down", "hanging"])
def without_redis(request, redis, site) -> Iterator[Site]:
    redis.hang() if request.param == "hanging" else redis.stop()
    yield site
    redis.stop()
    redis.start()
    time.sleep(6)  # until the site asks it again


def test_sign_in_goes_on_without_redis_and_costs_little(without_redis, phone, texts):
    browser = Browser(without_redis)
    took: list[float] = []

    def timed(answer):
        took.append(answer.elapsed.total_seconds())
        return answer

    timed(browser.get("/accounts/login/"))
    assert timed(browser.post("/accounts/login/", phone=phone)).status_code == 302
    for _ in range(3):
        wrong = timed(browser.post("/accounts/login/code/", code="12"))
        assert wrong.status_code == 200
    code = re.match(r"\d{6}", texts(phone)[-1])[0]
    assert timed(browser.post("/accounts/login/code/", code=code)).status_code == 302
    assert timed(browser.get("/")).status_code == 200
    # One of all steps finds out, and waits half a second for it; it asks Cognito besides.
    assert sum(took) < 5
    assert [seconds for seconds in took[2:5] if seconds > 0.3] == []


def test_ready_without_redis_and_at_once(without_redis):
    for _ in range(5):
        asked = without_redis.get("/readyz")
        assert asked.status_code == 200
        assert asked.elapsed.total_seconds() < 1


def test_stopping_site_says_so_and_serves_on(environment, tmp_path):
    site = Site(environment | {"WEB_DRAIN_SECONDS": "3"}, tmp_path / "site.log")
    try:
        site.wait()
        site.process.send_signal(signal.SIGTERM)
        told_at = time.monotonic()
        answers: list[tuple[float, int, int]] = []
        while time.monotonic() - told_at < 2.5:
            probe = site.get("/readyz").status_code
            answers.append(
                (
                    time.monotonic() - told_at,
                    probe,
                    Browser(site).get("/accounts/login/").status_code,
                )
            )
            time.sleep(0.05)
        assert {page for _, _, page in answers} == {200}
        assert {probe for at, probe, _ in answers if at > 1} == {503}
        assert site.process.wait(timeout=20) == 0
        assert time.monotonic() - told_at >= 2.9
    finally:
        site.kill()


def test_second_signal_ends_the_wait(environment, tmp_path):
    site = Site(environment | {"WEB_DRAIN_SECONDS": "60"}, tmp_path / "site.log")
    try:
        site.wait()
        site.process.send_signal(signal.SIGTERM)
        while site.get("/readyz").status_code == 200:
            time.sleep(0.05)
        site.process.send_signal(signal.SIGTERM)
        assert site.process.wait(timeout=20) == 0
    finally:
        site.kill()

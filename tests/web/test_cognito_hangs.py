"""What people meet while Cognito takes connections and never answers."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hanging import hanging_server
from tests.site import Browser, Site

pytestmark = pytest.mark.cloud

THREADS = 4


@pytest.fixture(scope="module")
def hanging() -> Iterator[str]:
    with hanging_server() as url:
        yield url


@pytest.fixture(scope="module")
def site(environment, hanging, tmp_path_factory) -> Iterator[Site]:
    given = environment | {"AWS_ENDPOINT_URL": hanging, "WEB_THREADS": str(THREADS)}
    running = Site(given, tmp_path_factory.mktemp("site") / "site.log")
    try:
        running.wait("/healthz")
        yield running
    finally:
        running.kill()


def test_pages_are_served_while_more_sign_ins_than_threads_wait(site):
    browsers = [Browser(site) for _ in range(3 * THREADS)]
    for browser in browsers:
        browser.get("/accounts/login/")

    def sign_in(place: int) -> tuple[float, int, str]:
        answer = browsers[place].post("/accounts/login/", phone=f"+1201555{place:04d}")
        return time.monotonic(), answer.status_code, answer.headers.get("Retry-After", "")

    with ThreadPoolExecutor(len(browsers)) as pool:
        began = time.monotonic()
        sent = [pool.submit(sign_in, place) for place in range(len(browsers))]
        time.sleep(0.5)
        page = Browser(site).get("/accounts/login/")
        served = time.monotonic()
        answers = [one.result() for one in sent]
    assert page.status_code == 200
    waited = [at for at, _, _ in answers if at > served]
    assert waited, "no sign-in was waiting any more when the page was served"
    assert {(status, retry) for _, status, retry in answers} == {(503, "60")}
    # Nobody waited for longer than the deadline and a moment.
    assert max(at for at, _, _ in answers) - began < 12

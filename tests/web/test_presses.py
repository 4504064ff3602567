"""Many requests of one browser, before gunicorn's own threads and a Cognito that takes its time."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.site import Browser, Site
from tests.wire import Recorder

pytestmark = pytest.mark.cloud

LOGIN, CODE = "/accounts/login/", "/accounts/login/code/"
THREADS = 8


@pytest.fixture(scope="module")
def slow(environment) -> Iterator[Recorder]:
    recorder = Recorder(environment["AWS_ENDPOINT_URL"])
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def running(environment, slow, tmp_path_factory) -> Iterator[Site]:
    given = environment | {"AWS_ENDPOINT_URL": slow.url, "WEB_THREADS": str(THREADS)}
    made = Site(given, tmp_path_factory.mktemp("site") / "site.log")
    yield made
    made.kill()


@pytest.fixture
def site(running, slow) -> Iterator[Site]:
    running.wait()
    yield running
    slow.delays.clear()
    slow.lost.clear()
    slow.renew()


def at_code_page(site: Site, phone: str, address: str) -> Browser:
    browser = Browser(site, address=address)
    browser.get(LOGIN)
    assert browser.post(LOGIN, phone=phone).headers["Location"] == CODE
    return browser


def test_posts_of_one_browser_do_not_stall_the_others(site, slow, phone):
    browser = at_code_page(site, phone, "192.0.2.55")
    slow.delays[""] = 1.0
    numbers = [f"{phone[:-4]}{1000 + n}" for n in range(55)]
    others: list[float] = []
    is_over = threading.Event()

    def visit() -> None:
        while not is_over.is_set():
            others.append(Browser(site).get(LOGIN).elapsed.total_seconds())
            time.sleep(0.05)

    visitor = threading.Thread(target=visit)
    with ThreadPoolExecutor(55) as presses:
        visitor.start()
        started = time.monotonic()
        sent = [presses.submit(browser.twin().post, LOGIN, phone=number) for number in numbers]
        answers = [each.result() for each in sent]
        took = time.monotonic() - started
        is_over.set()
        visitor.join()
    # Most were sent away at once, and one browser never has more than two threads.
    assert {answer.status_code for answer in answers} <= {302, 429, 503}
    assert [answer.status_code for answer in answers].count(503) > 40
    assert took < 10
    assert max(others) < 2.5, sorted(others)[-5:]


def test_code_that_is_sent_twice_ends_in_one_session(site, slow, phone, texts):
    browser = at_code_page(site, phone, "192.0.2.56")
    code = re.match(r"\d{6}", texts(phone)[-1])[0]
    slow.delays["RespondToAuthChallenge"] = 1.0
    twins = [browser.twin(), browser.twin()]
    with ThreadPoolExecutor(2) as presses:
        answers = list(presses.map(lambda each: each.post(CODE, code=code), twins))
    assert [answer.status_code for answer in answers] == [302, 302]
    assert twins[0].cookies["__Host-sessionid"] == twins[1].cookies["__Host-sessionid"]
    assert slow.times("RespondToAuthChallenge") == 1
    assert [each.get("/").status_code for each in twins] == [200, 200]


def test_browser_whose_worker_was_killed_goes_on_at_once(site, slow, phone, texts):
    browser = at_code_page(site, phone, "192.0.2.57")
    code = re.match(r"\d{6}", texts(phone)[-1])[0]
    slow.lost.add("RespondToAuthChallenge")

    def press() -> None:
        with pytest.raises(OSError, match=r"."):
            browser.twin().post(CODE, code=code)

    first = threading.Thread(target=press)
    first.start()
    while not slow.times("RespondToAuthChallenge"):
        time.sleep(0.01)
    main = site.process.pid
    (worker,) = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    os.kill(int(worker), signal.SIGKILL)
    first.join()
    slow.lost.clear()
    site.wait()
    answer = browser.post(CODE, code=code)
    assert answer.status_code == 302
    assert answer.elapsed.total_seconds() < 3
    assert browser.get("/").status_code == 200

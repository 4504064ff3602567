"""``make bench WHAT=outage``: how long pages take while Cognito hangs and people go on signing in.

Starts the site as the image does, with PostgreSQL and a Cognito that takes connections and never
answers. Ten sign-ins a second are sent for 20 seconds, and ten pages a second that need no Cognito.
The same pages without any sign-in are measured before, in the same run. Exits with 1 where a page
takes more than 200 ms at the 99th percentile.
"""

import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.hanging import hanging_server
from tests.postgres import Postgres
from tests.site import PRODUCTION, Browser, Site, manage

SECONDS, A_SECOND, LIMIT = 20, 10, 0.2


def paced(pool: ThreadPoolExecutor, call: Callable[[int], float], shift: float) -> list[Future]:
    """Begin ``call`` so many times a second, however long each takes."""
    began, begun = time.monotonic() + shift, []
    for place in range(SECONDS * A_SECOND):
        time.sleep(max(0.0, began + place / A_SECOND - time.monotonic()))
        begun.append(pool.submit(call, place))
    return begun


def told(name: str, took: list[float]) -> float:
    ordered = sorted(took)
    p99 = ordered[int(len(ordered) * 0.99)]
    print(
        f"{name:28} {len(took):4}  median {statistics.median(took) * 1000:6.0f} ms"
        f"  p99 {p99 * 1000:6.0f} ms  longest {ordered[-1] * 1000:6.0f} ms"
    )
    return p99


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as made,
        Postgres(Path(made)) as database,
        hanging_server() as cognito,
    ):
        environment = {
            **PRODUCTION,
            "PATH": os.environ["PATH"],
            "WEB_CONCURRENCY": "2",
            "DATABASE_URL": database,
            "AWS_ENDPOINT_URL": cognito,
            "DJANGO_STATIC_ROOT": f"{made}/static",
            # All come from one address.
            "ACCOUNTS_PHONE_POSTS": "100000/hour",
            "ACCOUNTS_SENDS": "100000/hour",
            "ACCOUNTS_UNUSED_SENDS": "100000/hour",
        }
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "collectstatic", "--noinput")
        site = Site(environment, Path(made) / "site.log")
        try:
            site.wait("/healthz")
            return _measured(site)
        finally:
            site.kill()


def _measured(site: Site) -> int:
    browsers = [Browser(site) for _ in range(SECONDS * A_SECOND)]
    for browser in browsers:
        browser.get("/accounts/login/")
    statuses: Counter[int] = Counter()

    def page(_: int) -> float:
        started = time.monotonic()
        assert site.get("/accounts/login/").status_code == 200
        return time.monotonic() - started

    def sign_in(place: int) -> float:
        started = time.monotonic()
        answer = browsers[place].post("/accounts/login/", phone=f"+1201{200 + place}0100")
        statuses[answer.status_code] += 1
        return time.monotonic() - started

    with ThreadPoolExecutor(400) as pool:
        before = paced(pool, page, 0)
        told("pages, nobody signs in", [one.result() for one in before])
        sender = pool.submit(paced, pool, sign_in, 0)
        during = paced(pool, page, 0.05)
        p99 = told("pages, Cognito hangs", [one.result() for one in during])
        told("sign-ins, Cognito hangs", [one.result() for one in sender.result()])
        print(f"{'answers to sign-ins':28} {dict(statuses)}")
    return int(p99 > LIMIT)


if __name__ == "__main__":
    sys.exit(main())

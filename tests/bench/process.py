"""One site in a process of its own, which does what it is told on standard input.

Each line is ``{"do": "login", "times": 20}`` or its like, and is answered by a line of JSON. CPU is
that of the whole process, whatever its threads: seconds, one a journey.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.bench import journeys, sampling, trace
from tests.bench.browser import Browser

WARM_UP = 5


class Site:
    def __init__(self) -> None:
        sampling.prepare()
        self.journey = journeys.chosen()
        os.environ["DJANGO_SETTINGS_MODULE"] = self.journey.settings
        import django
        from django.core.handlers.wsgi import WSGIHandler

        django.setup()
        self.journey.prepare()
        self._application = WSGIHandler()
        for _ in range(WARM_UP):
            self.sign_in(self.journey.person())

    def sign_in(self, phone: str, watch: Callable[[str], object] = lambda _: None) -> Browser:
        """Go the whole way. ``watch`` is told the name of each step before it is done."""
        browser = Browser(self._application, journeys.next_address())
        for name, step in self.journey.steps(browser, phone):
            watch(name)
            answer = step()
            if answer.status not in (200, 302):
                raise RuntimeError(f"{name}: {answer.status} {answer.body[:500]!r}")
        if answer.status != 200:
            raise RuntimeError(f"{name}: leads to {answer.headers['Location']}")
        return browser

    # What it may be told to do

    def login(self, times: int) -> Any:
        """Return the CPU of each step, one dictionary a login."""
        return [_cpu_of_steps(self, self.journey.person()) for _ in range(times)]

    def login_queries(self) -> Any:
        phone = self.journey.person()
        with trace.queries() as found:
            self.sign_in(phone, watch=found.begin)
        return found.rows

    def login_profile(self, times: int) -> Any:
        people = [self.journey.person() for _ in range(times)]

        def run(part: list[str]) -> None:
            for phone in part:
                self.sign_in(phone)

        few = people[: times // 10]
        return _profiles(lambda: run(people), times, lambda: run(few), len(few))

    def page(self, times: int, path: str = "/", *, signed_in: bool = True) -> Any:
        """Return the CPU of one page, as the mean of ``times`` in a row."""
        browser = self._browser(signed_in=signed_in)

        def run() -> None:
            for _ in range(times):
                browser.get(path)

        return _cpu(run) / times

    def page_queries(self, path: str = "/", *, signed_in: bool = True) -> Any:
        browser = self._browser(signed_in=signed_in)
        with trace.queries() as found:
            found.begin(path)
            answer = browser.get(path)
        return {"rows": found.rows, "bytes": len(answer.body), "status": answer.status}

    def _browser(self, *, signed_in: bool) -> Browser:
        if signed_in:
            return self.sign_in(self.journey.person())
        return Browser(self._application, journeys.next_address())

    def page_profile(self, times: int, path: str = "/") -> Any:
        browser = self.sign_in(self.journey.person())

        def run(times: int) -> None:
            for _ in range(times):
                browser.get(path)

        return _profiles(lambda: run(times), times, lambda: run(times // 10), times // 10)


def _cpu_of_steps(site: Site, phone: str) -> dict[str, float]:
    began: list[tuple[str, float]] = []
    site.sign_in(phone, watch=lambda name: began.append((name, time.process_time())))
    ends = [at for _, at in began[1:]] + [time.process_time()]
    return {name: end - at for (name, at), end in zip(began, ends, strict=True)}


def _profiles(many: Callable[[], None], times: int, few: Callable[[], None], fewer: int) -> str:
    """Return two profiles as text: of samples, and of calls, for which fewer journeys do."""
    found: list[Any] = []
    took = _cpu(lambda: found.append(sampling.sample(many))) / times
    sampled = sampling.table(found[0], took * 1000)
    return f"{sampled}\n\nWith the price of counting:\n\n{trace.table(trace.profile(few, fewer))}"


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def serve(make: Callable[[], Site]) -> None:
    # What a site prints is not an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    site = make()
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        answer = getattr(site, told.pop("do"))(**told)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(Site)

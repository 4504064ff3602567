import dataclasses
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from django.test import RequestFactory
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page

from accounts.aws.challenges import CodeChallenge
from accounts.login import pending
from accounts.login.pending import Pending
from accounts.sessions.store import SessionStore
from tests import provision
from tests.channel_stack import ChannelStack

CHROMIUM = provision.chromium()
FONTS = provision.fonts()
# Chromium makes two pages for its address bar in every window, which costs a third of its time.
# The rest is what Playwright turns off itself: of two lists, Chromium takes the last.
_NOT_WANTED = (
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,"
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,"
    "ThirdPartyStoragePartitioning,OptimizationHints,NetworkTimeServiceQuerying,"
    # A process made ahead for pages that never come.
    "SpareRendererForSitePerProcess"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.cloud)
            item.add_marker(pytest.mark.django_db(transaction=True))
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_type_launch_args,
        "executable_path": provision.chromium(
            whole=not browser_type_launch_args.get("headless", True)
        ),
        # The same letters, and so the same widths, on every machine.
        "env": {**os.environ, **({"FONTCONFIG_FILE": str(FONTS)} if FONTS else {})},
        # A browser at rest talks to nobody; root has no sandbox.
        "args": [
            "--no-sandbox",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-gpu",
            f"--disable-features={_NOT_WANTED}",
        ],
    }


@pytest.fixture(scope="session")
def _answered(live_server) -> Iterator[None]:
    """Let the server's threads end before it does: they put its database away."""
    yield
    deadline = time.monotonic() + 2
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            # Others serve on: those of fakes at the wire.
            thread.join(timeout=max(0, deadline - time.monotonic()))


@pytest.fixture(scope="session")
def browser(_answered: None, browser: Browser) -> Browser:
    """Playwright's, closed before the server that it keeps connections to."""
    return browser


@pytest.fixture(scope="session")
def _pages(browser: Browser) -> Iterator[dict[str, Page]]:
    pages: dict[str, Page] = {}
    yield pages
    for page in pages.values():
        page.context.close()


@pytest.fixture
def browser_context_args(
    browser_context_args: dict[str, Any], request: pytest.FixtureRequest
) -> dict[str, Any]:
    """Those of the parameter of a test, where it has one."""
    return {**browser_context_args, **getattr(request, "param", {})}


@pytest.fixture
def page(
    browser: Browser,
    browser_context_args: dict[str, Any],
    request: pytest.FixtureRequest,
    _pages: dict[str, Page],
) -> Iterator[Page]:
    """A page that tests use one after the other, emptied between.

    A new one costs the browser a process, which is more than most tests do. Who asks for
    ``alone`` gets one, and who wants a context of another kind shares it with those who do.
    """
    marker = request.node.get_closest_marker("browser_context_args")
    kind = {**browser_context_args, **(marker.kwargs if marker else {})}
    if "alone" in request.fixturenames:
        with browser.new_context(**kind) as context:
            yield context.new_page()
        return
    name = json.dumps(kind, sort_keys=True)
    page = _pages.pop(name, None) or browser.new_context(**kind).new_page()
    yield page
    for other in page.context.pages:
        if other != page:
            other.close()
    page.unroute_all()
    page.context.clear_permissions()
    page.context.clear_cookies()
    page.set_viewport_size(kind.get("viewport") or {"width": 1280, "height": 720})
    page.emulate_media(
        media="null", color_scheme="null", reduced_motion="null", forced_colors="null"
    )
    page.goto("about:blank")
    # One that could not be emptied has not got here, and is not used again.
    _pages[name] = page


@pytest.fixture
def context(page: Page) -> BrowserContext:
    return page.context


@pytest.fixture
def alone() -> None:
    """For tests that put into a page what stays: a clock, a slow line, a script that runs first."""


@pytest.fixture
def site(on_cloud, live_server, page: Page) -> Iterator[str]:
    """The address of the running site; a page that breaks its own rules fails the test."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # Chromium reports the 4xx and 5xx pages that a test asks for as errors, too.
        if message.type == "error" and "the server responded with a status" not in message.text:
            complaints.append(message.text)

    def note(error: Error) -> None:
        complaints.append(str(error))

    page.on("console", listen)
    page.on("pageerror", note)
    yield live_server.url.replace("127.0.0.1", "localhost")
    page.remove_listener("console", listen)
    page.remove_listener("pageerror", note)
    assert complaints == []


def place(
    page: Page, site: str, phone: str, address: str = "/accounts/login/code/", **facts: Any
) -> None:
    """Open the page of the code as if one had been asked for, where no text matters.

    Or another ``address`` of a sign-in, with ``facts`` of it changed.
    """
    now = int(time.time())
    challenge = CodeChallenge(
        session="",
        username="",
        expires_at=now + 300,
        resend_at=now + 30,
        tries_left=3,
        code_length=6,
    )
    waiting = Pending(
        attempt="placed",
        phone=phone,
        next_url="",
        challenge=challenge,
        reference="K7F-2Q",
    )
    request = RequestFactory().get("/")
    request.session = SessionStore()
    pending.store(request, dataclasses.replace(waiting, **facts))
    key = request.session.session_key
    page.context.add_cookies([{"name": "sessionid", "value": key, "url": site}])
    page.goto(f"{site}{address}", wait_until="domcontentloaded")


# What stands outside the window, or is hidden by the box around it.
CUT_OFF = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const box = one.getBoundingClientRect();
  const hides = getComputedStyle(one).overflowX === "hidden" && one.scrollWidth > one.clientWidth
    && !one.matches(".heard");
  return box.width && (box.right > innerWidth + 1 || box.left < -1 || hides);
}).map((one) => one.outerHTML.slice(0, 200))"""

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_COLOURS = ["color-contrast", "link-in-text-block"]


_RUN = """only => {
  // The colours that are meant, not those on the way from one theme to the other.
  for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
  // Preloading would copy imported stylesheets into the page, which the policy forbids.
  return axe.run({runOnly: only, resultTypes: ["violations"], preload: false});
}"""


# Targets must be large enough in the fonts of other machines too: set this tight, our letters take
# the room of a narrow font.
_TIGHT = """is_tight => {
  const sheet = new CSSStyleSheet();
  if (is_tight) sheet.replaceSync("* { letter-spacing: -.1em !important; }");
  document.adoptedStyleSheets = [sheet];
}"""


def assert_accessible(page: Page) -> None:
    """Fail on anything that axe finds, in the dark theme and in the light one, which stays."""
    # A page may be seen, and judged, before its styles are there.
    page.wait_for_load_state()
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    for look, only in (("dark", _COLOURS), ("tight", ["target-size"]), ("light", _RULES)):
        page.emulate_media(color_scheme="dark" if look == "dark" else "light")
        page.evaluate(_TIGHT, look == "tight")
        results = AxeResults(page.evaluate(_RUN, only))
        assert results.violations_count == 0, f"{look}: {results.generate_report()}"


@pytest.fixture
def stack(channels: ChannelStack) -> ChannelStack:
    """The stack of every channel, for modules whose ``site`` serves it."""
    return channels

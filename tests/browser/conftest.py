import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests import provision

CHROMIUM = provision.chromium()
# Chromium makes two pages for its address bar in every window, which costs a third of its time.
# The rest is what Playwright turns off itself: of two lists, Chromium takes the last.
_NOT_WANTED = (
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,"
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,"
    "ThirdPartyStoragePartitioning,OptimizationHints,NetworkTimeServiceQuerying"
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
        "executable_path": CHROMIUM,
        # A browser at rest talks to nobody; root has no sandbox.
        "args": [
            "--no-sandbox",
            "--disable-background-networking",
            "--disable-component-update",
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


@pytest.fixture
def site(on_cloud, live_server, page: Page) -> Iterator[str]:
    """The address of the running site; a page that breaks its own rules fails the test."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # Chromium reports the 4xx and 5xx pages that a test asks for as errors, too.
        if message.type == "error" and "the server responded with a status" not in message.text:
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield live_server.url.replace("127.0.0.1", "localhost")
    assert complaints == []


_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_COLOURS = ["color-contrast", "link-in-text-block"]


_RUN = """only => {
  // The colours that are meant, not those on the way from one theme to the other.
  for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
  // Preloading would copy imported stylesheets into the page, which the policy forbids.
  return axe.run({runOnly: only, resultTypes: ["violations"], preload: false});
}"""


def assert_accessible(page: Page) -> None:
    """Fail on anything that axe finds, in the dark theme and in the light one, which stays."""
    page.evaluate(AXE_SCRIPT)
    for theme, only in (("dark", _COLOURS), ("light", _RULES)):
        page.emulate_media(color_scheme=theme)
        found = page.evaluate(_RUN, only)
        results = AxeResults(found)
        assert results.violations_count == 0, f"{theme}: {results.generate_report()}"

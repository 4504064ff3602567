"""The browser tests see the same letters on every machine."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import FONTS


@pytest.mark.skipif(FONTS is None, reason="DejaVu Sans is not installed")
@pytest.mark.parametrize(
    ("family", "drawn"),
    [
        ("sans-serif", "DejaVu Sans"),
        ("system-ui", "DejaVu Sans"),
        ("monospace", "DejaVu Sans Mono"),
        # Installed as well, but not offered.
        ("'DejaVu Serif', sans-serif", "DejaVu Sans"),
        ("'Noto Sans', 'Liberation Sans', sans-serif", "DejaVu Sans"),
    ],
)
def test_other_fonts_of_the_machine_are_not_used(page: Page, family, drawn):
    page.set_content(f'<p style="font-family: {family}">Sign in</p>')
    devtools = page.context.new_cdp_session(page)
    devtools.send("DOM.enable")
    devtools.send("CSS.enable")
    root = devtools.send("DOM.getDocument")["root"]["nodeId"]
    node = devtools.send("DOM.querySelector", {"nodeId": root, "selector": "p"})["nodeId"]
    [font] = devtools.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    devtools.detach()
    assert font["familyName"] == drawn

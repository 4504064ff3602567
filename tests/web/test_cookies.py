"""Cookies of a deployed site: no other host of the domain can plant or read one."""

from collections.abc import Iterator

import pytest

from tests.site import Browser, Site

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def site(without_aws, tmp_path_factory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    # Nobody is texted: the number is of no account, and nothing answers there.
    given = without_aws | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    running = Site(given, directory / "site.log")
    try:
        running.wait("/healthz")
        yield running
    finally:
        running.kill()


def test_every_cookie_belongs_to_this_host_alone(site):
    browser = Browser(site)
    answers = [
        browser.get("/accounts/login/"),
        browser.post("/accounts/language/", language="de"),
        # It says so in a message.
        browser.post("/accounts/login/forget/"),
    ]

    set_by = [line for answer in answers for line in answer.raw.headers.getlist("Set-Cookie")]
    names = {line.partition("=")[0] for line in set_by}
    assert {"__Host-csrftoken", "__Host-language", "__Host-messages", "__Host-phone"} <= names
    for line in set_by:
        assert line.startswith("__Host-")
        attributes = line.split("; ")[1:]
        assert "Secure" in attributes
        assert "Path=/" in attributes
        assert not any(each.lower().startswith("domain") for each in attributes)

"""Lines of a deployed site: one for each thing, with its request, and no phone in clear."""

from collections.abc import Iterator

import pytest

from tests.site import Browser, Site

pytestmark = pytest.mark.programs

PHONE = "+12015550123"


@pytest.fixture(scope="module")
def site(without_aws, tmp_path_factory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    running = Site(without_aws, directory / "site.log")
    try:
        running.wait("/healthz")
        yield running
    finally:
        running.kill()


def test_phone_that_somebody_else_writes_is_masked(site):
    """Our own lines mask it where they are written; in an address, Django and others do not."""
    site.get(f"/{PHONE}")
    site.get("/%2B12015550123")
    site.get("/%252B12015550123")
    site.get("/nothing", User_Agent=f"Phone of {PHONE}")

    assert PHONE[1:] not in site.log
    assert "Not Found: /+…23" in site.log
    assert "Phone of +…23" in site.log


def test_word_of_a_text_or_a_mail_is_in_no_line(site):
    """It is in the address of the page that the text names, which others write as well."""
    word = "dmkEzddhA2wZ2m3B-IEdbDpvgcg"
    site.get(f"/accounts/login/link/K7F2Q/{word}/", X_Request_ID="request-3")
    site.get(f"/accounts/login/link/K7F2Q/{word}")
    site.get(f"/accounts/login/link/K7F2Q/{word}/more")
    (line,) = [each for each in site.lines() if each.get("request_id") == "request-3"]
    assert line["request"] == "GET /accounts/login/link/K7F2Q/…/"
    assert word not in site.log
    site.get("/no/K7F2Q", X_Request_ID="request-2")
    Browser(site).post("/no/K7F2Q")
    site.get("/no/K7F2Q/more")

    (line,) = [each for each in site.lines() if each.get("request_id") == "request-2"]
    assert line["request"] == "GET /no/…"
    assert "/no/K7F2Q" not in site.log


def test_request_is_one_line_with_its_browser_and_network(site):
    site.get("/accounts/login/", X_Request_ID="request-1", User_Agent="Firefox")

    (line,) = [each for each in site.lines() if each.get("request_id") == "request-1"]
    assert line["request"] == "GET /accounts/login/"
    assert line["code"] == 200
    assert line["user_agent"] == "Firefox"
    assert line["network"] == "192.0.2.0/24"


@pytest.mark.parametrize(
    ("said", "ask"),
    [
        ("Not Found: /nothing-at-all", lambda site: site.get("/nothing-at-all")),
        (
            "Forbidden (CSRF cookie not set.): /accounts/language/",
            lambda site: Browser(site).post("/accounts/language/"),
        ),
    ],
    ids=["not found", "forbidden"],
)
def test_warning_of_django_is_one_line_with_its_request_and_network(site, said, ask):
    ask(site)

    (line,) = [each for each in site.lines() if each["message"] == said]
    (finished,) = [
        each
        for each in site.lines()
        if each["message"] == "request_finished" and each["request_id"] == line["request_id"]
    ]
    assert line["request"] == finished["request"]
    assert line["network"] == finished["network"] == "192.0.2.0/24"
    assert line["level"] == "warning"


def test_error_of_django_is_one_line_with_its_network(site):
    site.get("/accounts/login/", Host="evil.example")

    (line,) = [each for each in site.lines() if each["logger"] == "django.security.DisallowedHost"]
    assert line["network"] == "192.0.2.0/24"

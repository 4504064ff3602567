"""What people meet while a real PostgreSQL is down, frozen, slow, or has what they need locked."""

import time
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from tests.postgres import Postgres, programs
from tests.site import PRODUCTION, Browser, Site, manage

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Iterator[Postgres]:
    if programs() is None:
        pytest.skip("PostgreSQL is not installed")
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    with server:
        yield server


@pytest.fixture(scope="module")
def running(database, static_root, tmp_path_factory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    environment = PRODUCTION | {
        "DATABASE_URL": database.url,
        "DJANGO_STATIC_ROOT": static_root,
        "DATABASE_STATEMENT_SECONDS": "4",
        "WEB_THREADS": "4",
    }
    manage(environment, "migrate", "--verbosity", "0")
    one = Site(environment, directory / "site.log")
    try:
        one.wait("/healthz")
        yield one
    finally:
        one.kill()


@pytest.fixture
def site(database, running) -> Iterator[Site]:
    """The site with its database, which is put right afterwards."""
    assert ask(running).status_code == 200
    yield running
    database.thaw()
    if not database.is_running():
        database.start()
    deadline = time.monotonic() + 20
    while ask(running).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def ask(site: Site, language: str = "en"):
    """Ask for a page that reads the session."""
    cookie = f"__Host-sessionid={'a' * 32}"
    return site.get("/accounts/login/", Cookie=cookie, Accept_Language=language)


def test_page_without_a_database_is_a_plain_503(site, database):
    before = len(site.lines())
    database.kill()

    for _ in range(5):
        page = ask(site)
        assert page.status_code == 503
        assert page.elapsed.total_seconds() < 1
        assert page.headers["Retry-After"] == "30"
        assert "no-store" in page.headers["Cache-Control"]
        assert 'href="/accounts/login/">Try again</a>' in page.text
        # A browser keeps its session: it may be good in a minute.
        assert "__Host-sessionid" not in page.headers.get("Set-Cookie", "")
    (line, *_) = [each for each in site.lines()[before:] if "does not answer" in each["message"]]
    assert line["message"].startswith("The database does not answer: OperationalError")
    assert (line["level"], line["logger"]) == ("error", "accounts.views.site")


def test_page_without_a_database_is_in_every_language(site, database):
    database.kill()

    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            assert gettext("Please try again in a minute") in ask(site, language).text


def test_frozen_database_costs_two_seconds_and_then_nothing(site, database):
    database.freeze()

    first = ask(site)
    assert first.status_code == 503
    assert first.elapsed.total_seconds() < 4
    took = [ask(site).elapsed.total_seconds() for _ in range(8)]
    # Each of four threads may find its own connection dead.
    assert sum(took) < 8
    assert sum(each >= 1 for each in took) <= 4
    assert site.get("/healthz").elapsed.total_seconds() < 0.5
    assert site.get("/readyz").status_code == 503


def test_row_that_is_locked_costs_two_seconds(site, database):
    with psycopg.connect(database.url) as other:
        other.execute("LOCK TABLE accounts_session IN ACCESS EXCLUSIVE MODE")
        page = ask(site)
    assert page.status_code == 503
    assert 1.5 < page.elapsed.total_seconds() < 4
    assert "55P03" in site.log
    assert ask(site).status_code == 200


def test_database_that_takes_no_writes_is_not_ready_and_a_plain_503(site, database):
    with psycopg.connect(database.url, autocommit=True) as other:
        other.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        other.execute("SELECT pg_reload_conf()")
        try:
            time.sleep(1.1)
            assert site.get("/readyz").status_code == 503
            browser = Browser(site)
            browser.get("/accounts/login/")
            page = browser.post("/accounts/login/", phone="+12015550123")
        finally:
            other.execute("ALTER SYSTEM RESET default_transaction_read_only")
            other.execute("SELECT pg_reload_conf()")
    assert page.status_code == 503
    assert "Please try again in a minute" in page.text
    assert "25006" in site.log


def test_form_without_a_database_leads_to_the_start(site, database):
    browser = Browser(site)
    browser.get("/accounts/login/")
    database.kill()

    page = browser.post("/accounts/login/", phone="+12015550123")

    assert page.status_code == 503
    assert 'href="/">Try again</a>' in page.text


SLEEP = """
import time
from django.db import connection, OperationalError
started = time.monotonic()
try:
    connection.cursor().execute("SELECT pg_sleep(3)")
    print("slept")
except OperationalError as error:
    print(error.__cause__.sqlstate, time.monotonic() - started < 2)
"""


@pytest.fixture
def limited(database) -> dict[str, str]:
    return PRODUCTION | {"DATABASE_URL": database.url, "DATABASE_STATEMENT_SECONDS": "1"}


def test_page_gives_up_a_slow_statement(limited):
    serving = f"import config.wsgi{SLEEP}"

    assert manage(limited, "shell", "--no-imports", "-c", serving).strip() == "57014 True"


def test_page_gives_up_when_the_server_does_not_end_a_statement(limited):
    """As one that froze while it was at work."""
    frozen = SLEEP.replace("SELECT pg", "SET statement_timeout = 0; SELECT pg")
    serving = f"import config.wsgi{frozen.replace('< 2', '< 2.7')}"

    assert manage(limited, "shell", "--no-imports", "-c", serving).strip() == "None True"


def test_command_has_all_the_time_it_needs(limited):
    assert manage(limited, "shell", "--no-imports", "-c", SLEEP).strip() == "slept"

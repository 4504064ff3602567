"""The inbox with everybody's texts is for ``make run`` alone."""

import subprocess
import sys

import pytest

from localcloud.cloud import PROJECT
from tests.site import PRODUCTION, Site

pytestmark = pytest.mark.programs

# What could be set by accident, in the hope of the inbox or left over from another place.
TEMPTING = {
    "LOCAL_CLOUD": "true",
    "DJANGO_DEBUG": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "DJANGO_SILENCED_SYSTEM_CHECKS": "site.E001,site.E002,site.E003,site.E006",
}


@pytest.fixture
def plain_gunicorn() -> list[str]:
    """gunicorn as somebody starts it who has not read about ours."""
    program = f"{sys.prefix}/bin/gunicorn"
    return [program, "--bind", "127.0.0.1:{port}", "config.wsgi"]


@pytest.fixture
def environment(sqlite_url, tmp_path) -> dict[str, str]:
    # Without our configuration gunicorn makes a folder in its home.
    return PRODUCTION | TEMPTING | {"DATABASE_URL": sqlite_url, "HOME": str(tmp_path)}


@pytest.mark.parametrize("is_ours", [True, False], ids=["our gunicorn", "plain gunicorn"])
def test_no_variable_brings_the_inbox_to_a_deployed_site(
    environment, tmp_path, plain_gunicorn, is_ours
):
    command = None if is_ours else plain_gunicorn
    site = Site(environment, tmp_path / "site.log", command=command)
    try:
        site.wait("/healthz")
        assert site.get("/local/inbox/").status_code == 404
        assert "Local mode" not in site.get("/accounts/login/").text
    finally:
        site.kill()


def test_settings_of_local_mode_are_not_served_by_gunicorn(environment, tmp_path, plain_gunicorn):
    given = environment | {"DJANGO_SETTINGS_MODULE": "localcloud.settings"}
    site = Site(given, tmp_path / "site.log", command=plain_gunicorn)
    try:
        assert site.process.wait(timeout=60) != 0
    finally:
        site.kill()
    assert "show everybody's texts" in site.log


@pytest.mark.parametrize("address", ["", "https://cognito.example.com", "http://10.0.0.7:4566"])
def test_settings_of_local_mode_need_a_local_aws(address):
    given = PRODUCTION | {"AWS_ENDPOINT_URL": address}
    done = subprocess.run(
        [sys.executable, "-c", "import localcloud.settings"],
        cwd=PROJECT,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "need the local AWS" in done.stderr


def test_inbox_is_for_this_machine_alone(client):
    assert client.get("/local/inbox/").status_code == 503  # no local AWS runs here
    assert client.get("/local/inbox/", REMOTE_ADDR="192.0.2.1").status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [("WEB_THREADS", "0"), ("WEB_CONCURRENCY", "999"), ("WEB_DRAIN_SECONDS", "junk")],
)
def test_numbers_of_gunicorn_have_ranges(tmp_path, name, value):
    site = Site(PRODUCTION | {name: value}, tmp_path / "site.log")
    try:
        assert site.process.wait(timeout=60) != 0
    finally:
        site.kill()
    assert f"{name} must be a number from" in site.log

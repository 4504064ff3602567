"""``make spa``: the example apps, with ``make run`` running."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests

from localcloud import preflight
from localcloud.cloud import PROJECT
from localcloud.emulator import free_port
from tests.example_server import served

pytestmark = pytest.mark.cloud


def spa(*arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "localcloud.example", *map(str, arguments)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def origin(cloud) -> Iterator[str]:
    with served(cloud.environment) as origin:
        yield origin


def test_pages_know_the_public_client_and_no_secret(cloud, origin):
    config = requests.get(f"{origin}/config.json", timeout=5).json()
    assert config == {
        "userPoolId": cloud.outputs["CognitoUserPoolId"],
        "clientId": cloud.outputs["PublicClientId"],
        "endpoint": cloud.emulator.url,
    }


@pytest.mark.parametrize("path", ["", "amplify.html", "identity-js.html", "style.css"])
def test_pages_are_served(origin, path):
    reply = requests.get(f"{origin}/{path}", timeout=5)
    assert reply.ok
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/../../README.md", "/%2e%2e/%2e%2e/README.md", "/libraries/../package.json"]
)
def test_nothing_else_of_the_project_is_served(origin, path):
    # Others would tidy the path up before they ask.
    with closing(HTTPConnection(urlsplit(origin).netloc)) as connection:
        connection.request("GET", path)
        assert connection.getresponse().status == 404


def test_client_that_went_with_a_restart_is_missed_aloud(cloud):
    environment = {
        name: value
        for name, value in cloud.environment.items()
        if name != "COGNITO_PUBLIC_CLIENT_ID"
    }
    with served(environment) as origin:
        reply = requests.get(f"{origin}/config.json", timeout=5)
    assert reply.status_code == 503
    assert "without PUBLIC_CLIENT=1" in reply.text


def test_it_says_its_address_and_ends_in_silence(cloud):
    port = free_port()
    with preflight.alone(cloud.state_dir) as lock:
        lock.write("http://localhost:8000/")
        lock.flush()
        with spa("--state", cloud.state_dir, "--port", port) as process:
            said = process.stdout.readline() + process.stdout.readline()
            assert f"http://localhost:{port}/" in said
            assert requests.get(f"http://localhost:{port}/config.json", timeout=5).ok
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")


def test_without_make_run_it_says_what_to_start(tmp_path):
    process = spa("--state", tmp_path, "--port", free_port())
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("make spa: ")
    assert "(make run PUBLIC_CLIENT=1)" in err

"""``make spa``: the example apps beside a running ``make run``."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import requests

from localcloud import example
from localcloud.cloud import PROJECT, write_env_file
from localcloud.emulator import free_port

pytestmark = pytest.mark.cloud

START_FIRST = "make spa: Start make run PUBLIC_CLIENT=1 in another terminal first\n"


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
    with example.server(lambda: cloud.environment) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


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
    request = requests.Request("GET", origin).prepare()
    request.url = f"{origin}{path}"
    with requests.Session() as session:
        assert session.send(request, timeout=5).status_code == 404


@pytest.mark.parametrize("missing", ["everything", "the client", "the local AWS"])
def test_without_a_client_for_apps_it_says_what_to_start(cloud, tmp_path, missing):
    environment = dict(cloud.environment)
    if missing == "the client":
        del environment["COGNITO_PUBLIC_CLIENT_ID"]
    elif missing == "the local AWS":
        environment["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{free_port()}"
    if missing != "everything":
        write_env_file(tmp_path / "env", environment)
    process = spa("--state", tmp_path, "--port", free_port())
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (1, "", START_FIRST)


def test_it_says_its_address_and_ends_in_silence(cloud):
    port = free_port()
    with spa("--state", cloud.state_dir, "--port", port) as process:
        said = process.stdout.readline() + process.stdout.readline()
        assert f"http://localhost:{port}/" in said
        assert requests.get(f"http://localhost:{port}/config.json", timeout=5).ok
        taken = spa("--state", cloud.state_dir, "--port", port)
        _, err = taken.communicate(timeout=20)
        assert f"Port {port} cannot be had; choose another: SPA_PORT={port + 1} make spa" in err
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")

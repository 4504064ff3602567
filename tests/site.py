"""The site in a process of its own, started as the image starts it.

It is told nothing but what the environment of a test says, and ends with the test.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from localcloud.cloud import PROJECT
from localcloud.emulator import free_port

# A deployed site without AWS: what must be said for it to start.
PRODUCTION = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "PYTHONDONTWRITEBYTECODE": "1",
    "NO_PROXY": "*",
    "ENV_FILE": os.devnull,
    "HOST": "127.0.0.1",
    "WEB_CONCURRENCY": "1",
    "DJANGO_SECRET_KEY": "aB3-dE5_gH7-jK9_mN1-pQ3_sT5-vW7_yZ9-bC1_eF3-hJ5_kL7-nP9_rS1",
    "DJANGO_ALLOWED_HOSTS": "localhost",
    "DJANGO_TRUSTED_PROXIES": "1",
    "AWS_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "tests",
    "COGNITO_USER_POOL_ID": "eu-west-1_Example01",
    "COGNITO_CLIENT_ID": "exampleclientid",
    "COGNITO_CLIENT_SECRET": "exampleclientsecret",
    "ACCOUNTS_COUNTRIES": "US,GB",
    "ACCOUNTS_DEFAULT_REGION": "US",
}
# What the proxy before the site writes.
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1", "Host": "localhost"}


def command_of_the_image() -> list[str]:
    (spelled,) = re.findall(r"^CMD (\[.*\])$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    program, *arguments = json.loads(spelled)
    return [str(Path(sys.executable).with_name(program)), *arguments]


def manage(environment: dict[str, str], *arguments: str, cwd: Path = PROJECT) -> str:
    """Run a command of manage.py, and return what it printed."""
    command = [sys.executable, str(cwd / "manage.py"), *arguments]
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Site:
    """One gunicorn on ``port``, started in ``cwd``, with what it logs in ``log``."""

    def __init__(
        self,
        environment: dict[str, str],
        log: Path,
        *,
        cwd: Path = PROJECT,
        command: list[str] | None = None,
    ) -> None:
        self.port = free_port()
        self._environment = {**environment, "PORT": str(self.port)}
        self._log = log
        self._cwd = cwd
        self._command = [word.format(port=self.port) for word in command or command_of_the_image()]
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """Return what was logged as JSON, without a line that is still being written."""
        whole = self.log.rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def get(self, path: str, *, timeout: float = 30, **headers: str) -> requests.Response:
        """Ask as a proxy does. Redirects are not followed."""
        return requests.get(
            f"http://{self.address}{path}",
            headers=FORWARDED | {name.replace("_", "-"): value for name, value in headers.items()},
            timeout=timeout,
            allow_redirects=False,
        )

    def wait(self, path: str = "/readyz") -> None:
        """Wait until ``path`` is answered well."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                if self.get(path, timeout=5).ok:
                    return
            time.sleep(0.1)
        raise AssertionError(f"The site did not become ready: {self.log[-3000:]}")

    def kill(self) -> None:
        """As when a machine is lost."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Browser:
    """Somebody at a ``Site`` behind its proxy, with cookies. Redirects are not followed."""

    def __init__(self, site: Site, *, address: str = FORWARDED["X-Forwarded-For"]) -> None:
        self._site = site
        self._address = address
        self.cookies: dict[str, str] = {}

    def twin(self) -> "Browser":
        """Return the same browser before it learns how a request ends."""
        twin = Browser(self._site, address=self._address)
        twin.cookies = dict(self.cookies)
        return twin

    def get(self, path: str) -> requests.Response:
        return self._ask("GET", path)

    def post(self, path: str, **fields: str) -> requests.Response:
        return self._ask("POST", path, data=fields)

    def _ask(self, method: str, path: str, **what: Any) -> requests.Response:
        headers = {
            **FORWARDED,
            "X-Forwarded-For": self._address,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Referer": "https://localhost/",
            "X-CSRFToken": self.cookies.get("__Host-csrftoken", ""),
        }
        answer = requests.request(
            method,
            f"http://{self._site.address}{path}",
            headers=headers,
            timeout=60,
            allow_redirects=False,
            **what,
        )
        # A cookie jar would keep the secure ones from the plain address.
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        return answer

"""The emulator's process: bound to loopback, on a port of its own, ended with its owner."""

import os
import secrets
import socket
import subprocess
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import requests

from localcloud import LocalCloudError, with_parent

START_TIMEOUT = 30.0
STOP_TIMEOUT = 15.0
REGION = "us-east-1"


@dataclass(frozen=True)
class RootKey:
    """The root key of the emulated account, which deploys. The site gets one with fewer rights."""

    id: str
    secret: str


class Emulator:
    """A MiniStack process whose state lives in ``state_dir`` and outlives it.

    ``program`` is the ``ministack`` executable of an environment of its own, since it pins
    botocore. Functions that run in it get ``variables`` as well. ``start`` raises LocalCloudError
    and leaves nothing running when it does.
    """

    def __init__(self, program: Path, state_dir: Path) -> None:
        self._program = program
        self.variables: dict[str, str] = {}
        # The emulator runs in another directory, so the path must be absolute.
        self._state_dir = state_dir.resolve()
        self._process: subprocess.Popen[bytes] | None = None
        self.root_key = RootKey("local-root", secrets.token_hex(20))
        self.url = ""

    @property
    def log_path(self) -> Path:
        """The file that the process writes its lines to."""
        return self._state_dir / "emulator.log"

    def start(self) -> None:
        """Start the process, and wait until it answers. Raises LocalCloudError."""
        if not self._program.exists():
            raise LocalCloudError(f"The emulator is not installed: {self._program} is missing")
        scratch = self._state_dir / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        # A clean environment: no AWS profile, proxy or settings of the developer.
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_REGION": REGION,
            # Enforces signatures, roles and client secrets.
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": self.root_key.id,
            "AWS_SECRET_ACCESS_KEY": self.root_key.secret,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self._state_dir / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self._state_dir / "s3"),
            # These would listen on every interface.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "COGNITO_EMAIL_ENABLED": "false",
            **self.variables,
        }
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                with_parent.command([str(self._program)]),
                env=environment,
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches the owner alone, which then ends it in order.
                start_new_session=True,
            )
        try:
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def last_words(self) -> str:
        """The last line that the emulator wrote: the best hint why it died."""
        try:
            with self.log_path.open(errors="replace") as log:
                lines = deque((line.strip() for line in log if line.strip()), maxlen=1)
        except OSError:
            return "no log"
        return lines[0] if lines else "it said nothing"

    def stop(self) -> None:
        """End the process; it saves its state first. Harmless when it is not running."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if not self.is_running():
                break
            try:
                if requests.get(f"{self.url}/_ministack/health", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise LocalCloudError(
            f"The local AWS did not start: {self.last_words()} (see {self.log_path})"
        )


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

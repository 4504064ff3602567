"""A redis-server for as long as a test needs one; it may be held still, stopped and started again.

with Redis(tmp_path) as redis:
    ...  # redis.url
"""

import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from localcloud.emulator import free_port
from tests import provision

START_TIMEOUT = 10.0


class Redis:
    """One server on a free port of loopback, which keeps nothing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        program = provision.redis_server()
        if program is None:
            raise RuntimeError("redis-server is not installed")
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]
        self._process = subprocess.Popen(
            [program, "--port", str(self._port), "--dir", str(self._directory), *options],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                break
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def hang(self) -> None:
        """Take connections, and answer nothing."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def flush(self) -> None:
        """Forget everything."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
            connection.sendall(b"FLUSHALL\r\n")
            connection.recv(16)

    def stop(self) -> None:
        if self._process:
            # One that is held still gets no other signal.
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def __enter__(self) -> "Redis":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

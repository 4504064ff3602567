"""A PostgreSQL of Debian's package for as long as a test needs one.

with Postgres(tmp_path) as url:
    ...  # DATABASE_URL of a database that is empty, and gone afterwards
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from localcloud.emulator import free_port

START_TIMEOUT = 30.0
# Nothing here has to outlive the test, so nothing waits for the disk.
_IN_A_HURRY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def programs() -> Path | None:
    """Return the directory of PostgreSQL's programs, or None where there are none."""
    # Debian keeps them outside the PATH, in one folder for each version.
    packaged = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    if packaged:
        return packaged[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Postgres:
    """One server on a free port of loopback; its log is ``postgres.log`` in ``log_dir``.

    PostgreSQL refuses to run as root: there its own user, else ``nobody``, runs it, in a data
    directory that this user can reach.
    """

    def __init__(self, log_dir: Path) -> None:
        self._log_path = log_dir / "postgres.log"
        self._port = free_port()
        self._data = Path()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/postgres"

    def __enter__(self) -> str:
        found = programs()
        if found is None:
            raise RuntimeError("PostgreSQL is not installed")
        self._data = Path(tempfile.mkdtemp(prefix="postgres-"))
        run_as = _run_as()
        if run_as:
            shutil.chown(self._data, run_as["user"], run_as["group"])
        try:
            with self._log_path.open("wb") as log:
                subprocess.run(
                    [
                        *(found / "initdb", "--pgdata", self._data, "--username=postgres"),
                        *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
                    ],
                    cwd=self._data,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    check=True,
                    **run_as,
                )
            self.start()
        except BaseException:
            self.stop()
            raise
        return self.url

    def start(self) -> None:
        """Serve what is in the data directory, as after ``kill``."""
        found = programs()
        assert found is not None
        settings = [
            f"port={self._port}",
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=200",
            *_IN_A_HURRY,
        ]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(found / "postgres", "-D", self._data),
                    *(argument for setting in settings for argument in ("-c", setting)),
                ],
                cwd=self._data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for its owner.
                start_new_session=True,
                **_run_as(),
            )
        self._wait_until_ready(found)

    def is_running(self) -> bool:
        return self._process is not None

    def freeze(self) -> None:
        """Take connections, and answer nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Cut all connections and take no others. What was written stays, as far as it was."""
        self._signal(signal.SIGCONT)
        if self._process is not None:
            # Its "immediate shutdown": nothing is saved.
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(15)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        """Tell the server and all its processes."""
        if self._process is not None:
            for process in (self._process.pid, *self._children()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, number)

    def _children(self) -> list[int]:
        """Each has a session of its own."""
        assert self._process is not None
        task = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(pid) for pid in task.read_text().split()] if task.exists() else []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self._data, ignore_errors=True)

    def _wait_until_ready(self, found: Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        ask = [found / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={self._port}"]
        while self._process and self._process.poll() is None and time.monotonic() < deadline:
            if subprocess.run(ask, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start: {self._log_path.read_text()[-2000:]}")


def _run_as() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

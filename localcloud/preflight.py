"""``python -m localcloud.preflight TARGET``: say what stands in the way of a make target.

Runs before anything is installed, so it needs the standard library alone. The lock of a state
directory is held by its ``make run``, which writes the site's address into it once that answers.
"""

import argparse
import contextlib
import errno
import fcntl
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from localcloud import LocalCloudError

STATE = Path(__file__).resolve().parent.parent / ".local"
_START = "Start it in another terminal (make run), wait until it says Ready, and do this again."
_START_FOR_APPS = _START.replace("make run", "make run PUBLIC_CLIENT=1")


def main() -> int:
    """Examine one target. Returns 0, or 1 with a message on stderr."""
    parser = argparse.ArgumentParser(prog="make", description=__doc__)
    parser.add_argument("target", choices=["run", "admin", "manage", "aws", "spa", "clean"])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--phone", default="")
    parser.add_argument("--state", type=Path, default=STATE)
    options = parser.parse_args()
    state = options.state.resolve()
    try:
        if options.target == "run":
            may_run(options.port, state)
        elif options.target == "clean":
            may_clean(state)
        elif options.target == "spa":
            may_serve_apps(options.port, state)
        elif options.target == "admin":
            may_make_admin(options.phone, state)
        elif note := may_use(state, is_needed=options.target != "manage"):
            print(f"make {options.target}: {note}", file=sys.stderr)
    except LocalCloudError as error:
        print(f"make {options.target}: {error}", file=sys.stderr)
        return 1
    return 0


def may_run(port: int, state: Path) -> None:
    """Raise LocalCloudError where ``make run`` could not start."""
    for environment in state.glob("*venv"):
        if _is_broken(environment):
            raise LocalCloudError(
                f"{environment} was made in another place, or for a Python that is gone. "
                "Remove that folder, and do the same again"
            )
    if (serves := serving(state)) is not None:
        raise LocalCloudError(f"Another make run uses {state} already{_at(serves)}")
    refuse_taken_port(port)


def may_make_admin(phone: str, state: Path) -> None:
    """Raise LocalCloudError without a number, or without a run."""
    if not phone:
        raise LocalCloudError("Whose number? make admin PHONE=+12015550123")
    may_use(state, is_needed=True)


def may_use(state: Path, *, is_needed: bool) -> str:
    """Return a note about the run whose AWS is used, or "". Raises LocalCloudError without one.

    Where the run is not needed, the settings that it left are enough.
    """
    serves = serving(state)
    if serves:
        return ""
    if serves is not None:
        raise LocalCloudError("make run is still starting. Wait until it says Ready")
    if is_needed or not (state / "env").exists():
        raise LocalCloudError(f"The local AWS is not running. {_START}")
    return "make run is not running: what asks AWS will fail."


def may_serve_apps(port: int, state: Path) -> None:
    """Raise LocalCloudError where ``make spa`` could not start, or its pages not sign in."""
    if shutil.which("npm") is None:
        raise LocalCloudError("Node 20 or newer with npm is needed")
    serves = serving(state)
    if serves == "":
        raise LocalCloudError("make run is still starting. Wait until it says Ready")
    if serves is None:
        raise LocalCloudError(f"The local AWS is not running. {_START_FOR_APPS}")
    if "\nCOGNITO_PUBLIC_CLIENT_ID=" not in (state / "env").read_text():
        raise LocalCloudError(
            f"The local AWS has no client for apps. End make run. {_START_FOR_APPS}"
        )
    refuse_taken_port(port, again="SPA_PORT={port} make spa")


def may_clean(state: Path) -> None:
    """Raise LocalCloudError where ``make clean`` would pull the state away under a run."""
    if (serves := serving(state)) is not None:
        raise LocalCloudError(f"make run uses {state}{_at(serves)}. End it first, with Ctrl-C")


def serving(state: Path) -> str | None:
    """Return the address of the site that runs on ``state``, "" while it starts, None if none."""
    try:
        with (state / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read()
    except FileNotFoundError:
        pass
    return None


@contextlib.contextmanager
def alone(state: Path) -> Iterator[IO[str]]:
    """Hold the lock of ``state``, to write the site's address into. Raises LocalCloudError."""
    with (state / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalCloudError(f"Another make run uses {state} already") from error
        lock.truncate(0)
        yield lock


def refuse_taken_port(port: int, *, again: str = "PORT={port} make run") -> None:
    """Raise LocalCloudError where the port is taken, and say ``again`` with one that is free."""
    if _is_free(port):
        return
    others = range(max(port, 1023) + 1, 65536)
    other = next((one for one in others if _is_free(one)), 8000)
    raise LocalCloudError(f"Port {port} cannot be had; choose another: {again.format(port=other)}")


def _is_broken(environment: Path) -> bool:
    """Tell whether the programs of a virtual environment cannot run any more."""
    python, made = environment / "bin" / "python", environment / "pyvenv.cfg"
    if python.is_symlink() and not python.exists():
        return True
    # Its scripts name the place in which it was made, and so does the command that made it.
    lines = made.read_text("utf-8", "replace").splitlines() if made.exists() else []
    command = next((line for line in lines if line.startswith("command = ")), "")
    places = {str(environment), str(environment.resolve())}
    return bool(command) and not any(place in command for place in places)


def _is_free(port: int) -> bool:
    # "localhost" is either address, and a browser might find another server on the second.
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except (OSError, OverflowError) as error:
            # A machine without IPv6 has no server there.
            if family == socket.AF_INET or getattr(error, "errno", None) == errno.EADDRINUSE:
                return False
    return True


def _at(address: str) -> str:
    return f" and serves {address}" if address else ""


if __name__ == "__main__":
    sys.exit(main())

"""What runs on this machine, read from /proc."""

import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
_LISTEN = "0A"


def of(directory: Path) -> dict[int, str]:
    """The processes that name ``directory``: in their command, environment or working directory.

    Everything that a local cloud starts does. A process that ended and waits for its parent to
    notice is none.
    """
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            named = command + (entry / "environ").read_bytes() + bytes((entry / "cwd").readlink())
        except OSError:
            continue
        if os.fsencode(directory) in named and int(entry.name) != os.getpid():
            found[int(entry.name)] = command.replace(b"\0", b" ").decode()
    return found


def kill(directory: Path) -> None:
    """End those that are left, some of which may be ending by themselves."""
    for pid in of(directory):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def left_of(directory: Path, *, seconds: float = 5) -> dict[int, str]:
    """Those that are still there after the moment that the last of them may need to die."""
    deadline = time.monotonic() + seconds
    while (found := of(directory)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def listening(pids: dict[int, str]) -> set[tuple[str, int]]:
    """The addresses and ports on which these processes accept connections."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(str(descriptor.readlink()))
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6"):
        path = Path("/proc/net") / table
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            _, local, _, state, *rest = line.split()
            if state == _LISTEN and f"socket:[{rest[5]}]" in inodes:
                address, port = local.split(":")
                found.add((_address(address), int(port, 16)))
    return found


def _address(text: str) -> str:
    # Words of 32 bits in the machine's order.
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)

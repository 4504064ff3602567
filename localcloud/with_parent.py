"""Run a program that ends when its parent does: ``python localcloud/with_parent.py PROGRAM …``.

``make run`` may be killed without a chance to end what it started. Linux then sends SIGTERM to the
program; other systems know no such thing.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

# Of <sys/prctl.h>.
_PR_SET_PDEATHSIG = 1


def command(program: Sequence[str]) -> list[str]:
    """Return how to start a program so, in any directory and environment."""
    return [sys.executable, str(Path(__file__).resolve()), *program]


def main() -> None:
    """Become the program that the arguments name."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit("The parent ended already")
    try:
        os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - there is no shell to fear
    except OSError as error:
        sys.exit(f"{sys.argv[1]} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main()

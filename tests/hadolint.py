"""``python -m tests.hadolint Dockerfile``: lint it, or say that hadolint is missing."""

import shutil
import subprocess
import sys
from pathlib import Path


def program() -> str | None:
    """Return the path of hadolint, or None. PyPI has it for Linux on x86-64."""
    beside = Path(sys.executable).with_name("hadolint")
    return str(beside) if beside.exists() else shutil.which("hadolint")


def main() -> int:
    found = program()
    if found is None:
        print("The Dockerfile is not linted: hadolint is not installed.")
        return 0
    return subprocess.run([found, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

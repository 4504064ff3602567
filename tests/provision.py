"""``python -m tests.provision``: bring the programs that the suite needs and pip cannot install.

Chromium comes from the system, else from Debian's package where we may install one, else as
Playwright's own download; Redis, PostgreSQL, nginx and the font of the browser tests from the
system or Debian's packages. What cannot be had is said in one line, and the tests that need it say
so again when they are skipped.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from localcloud import example
from tests import postgres

_CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
# The same engine without the windows around it, at half the cost.
_HEADLESS_SHELL = "chromium-headless-shell"


def chromium(*, whole: bool = False) -> str | None:
    """Return the path of a Chromium, or None. ``whole``: one that could show a window as well."""
    if named := os.environ.get("CHROMIUM"):
        return named
    for name in _CHROMIUM_NAMES if whole else (_HEADLESS_SHELL, *_CHROMIUM_NAMES):
        if found := shutil.which(name):
            return found
    return _downloaded_chromium()


def redis_server() -> str | None:
    """Return the path of a Redis server, or None."""
    return shutil.which("redis-server")


def nginx() -> str | None:
    """Return the path of an nginx, or None."""
    # Debian's is where only root's PATH leads.
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def fonts() -> Path | None:
    """Return the fontconfig file that offers browsers DejaVu Sans alone, or None without it."""
    for found in Path("/usr/share/fonts").rglob("DejaVuSans.ttf"):
        if (found.parent / "DejaVuSans-Bold.ttf").exists():
            return Path(__file__).parent / "browser" / "fonts.conf"
    return None


def example_libraries() -> Path | None:
    """Return where the libraries of examples/spa are bundled, or None."""
    return example.LIBRARIES if (example.LIBRARIES.parent / ".bundled").exists() else None


def _downloaded_chromium() -> str | None:
    # Asked in a process of its own: Playwright starts a driver to answer.
    script = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    asked = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    path = asked.stdout.strip()
    return path if path and Path(path).exists() else None


def _may_install_packages() -> bool:
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def _install_packages(packages: list[str]) -> None:
    print(f"Installing Debian's {' and '.join(packages)} for the tests …", flush=True)
    # A run level of 1 keeps the packages from starting services.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"  {' '.join(command)}: {done.stderr.strip().splitlines()[-1:]}", flush=True)


def _bundle_example_libraries() -> None:
    if shutil.which("npm") is None:
        return
    target = example.LIBRARIES.parent / ".bundled"
    # The target knows whether they are there, and as new as the lock.
    command = ["make", "--silent", str(target.relative_to(example.PROJECT))]
    subprocess.run(command, cwd=example.PROJECT, check=False)


def main() -> None:
    wanted: dict[str, Callable[[], object]] = {
        _HEADLESS_SHELL: chromium,
        "redis-server": redis_server,
        "postgresql": postgres.programs,
        "nginx-light": nginx,
        "fonts-dejavu-core": fonts,
    }
    missing = [package for package, find in wanted.items() if find() is None]
    if missing and _may_install_packages():
        _install_packages(missing)
    if chromium() is None:
        print("Downloading Playwright's Chromium for the tests …", flush=True)
        subprocess.run(
            [sys.executable, "-m", "playwright", "install", "chromium"],
            capture_output=True,
            check=False,
        )
    _bundle_example_libraries()
    if chromium() is None:
        print("The browser tests will be skipped: Chromium is not installed.")
    if fonts() is None:
        print("The browser tests will use this machine's fonts: DejaVu Sans is not installed.")
    if redis_server() is None:
        print("The tests on a real Redis will be skipped: redis-server is not installed.")
    if postgres.programs() is None:
        print("The tests on a real PostgreSQL will be skipped: postgresql is not installed.")
    if nginx() is None:
        print("The test of two processes will be skipped: nginx is not installed.")
    if example_libraries() is None:
        print("The tests of the example apps will be skipped: npm, or its packages, cannot be had.")


if __name__ == "__main__":
    main()

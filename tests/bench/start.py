"""``make bench WHAT=start``: what it takes until the site, a command and ``make run`` are there.

Cold is without any bytecode, and for ``make run`` without any state.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from localcloud.emulator import free_port
from tests.bench import report, turns
from tests.bench.report import Section
from tests.bench.turns import PEERS_PYTHON, PROJECT

ROUNDS = 5
_SERVE = "from django.core.wsgi import get_wsgi_application; get_wsgi_application()"
_WORKS = {
    "the site": ["-c", "import config.wsgi"],
    "manage.py check": ["-m", "django", "check"],
}
_OF_PEER = {**_WORKS, "the site": ["-c", _SERVE]}


def cpu_of(command: list[str], environment: dict[str, str]) -> float:
    """Return the seconds of CPU that a command takes."""
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said.decode()[-2000:])
    return used.ru_utime + used.ru_stime


def until_ready(state: Path) -> float:
    """Return the seconds until ``make run`` says that it is ready."""
    began = time.monotonic()
    command = [sys.executable, "-m", "localcloud", f"--port={free_port()}", "--state", str(state)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("Ready"):
                break
        took = time.monotonic() - began
        process.terminate()
        process.stdout.read()
    return took


def measure(rounds: int) -> Section:
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        scratch = Path(made)
        ours = {
            **turns.site_environment(scratch, "http://127.0.0.1:9"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": f"sqlite:///{scratch / 'ours.sqlite3'}",
        }
        peer = {**ours, "DJANGO_SETTINGS_MODULE": "tests.bench.peer.settings", "PEER": "allauth"}
        empty = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(scratch / "none")}

        def started(python: str, arguments: list[str], told: dict[str, str]) -> Callable[[], float]:
            return lambda: cpu_of([python, *arguments], told)

        measured = {}
        for name, arguments in _WORKS.items():
            for how, more in (("warm", {}), ("cold", empty)):
                measured[f"{name}, {how}"] = started(sys.executable, arguments, ours | more)
                measured[f"peer {name}, {how}"] = started(PEERS_PYTHON, _OF_PEER[name], peer | more)
        for each in measured.values():
            each()
        took = turns.by_turns(measured, rounds)
        state = scratch / "state"
        run = {"without state": until_ready(state), "with state": until_ready(state)}
    names = [name for name in took if not name.startswith("peer ")]
    ratios = {name: took[name] / took[f"peer {name}"] for name in names}
    return Section(
        "start",
        "Until it is there",
        (
            "CPU of a process that does no more, next to django-allauth in a project of its own."
            f" Cold is without any bytecode. {rounds} rounds."
        ),
        [
            [
                ["", "CPU, s", "allauth's CPU, s", "ours to it"],
                *(
                    [
                        name,
                        took[name].shown(digits=2),
                        took[f"peer {name}"].shown(digits=2),
                        ratios[name].shown(digits=2),
                    ]
                    for name in names
                ),
            ],
            [["", "s"], *([f"`make run`, {how}", f"{took:.0f}"] for how, took in run.items())],
        ],
        ratios=ratios,
        versions=report.versions_of_peers("django-allauth"),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    report.keep(measure(parser.parse_args().rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())

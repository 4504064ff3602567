"""``make bench WHAT=suite``: how long the tests take, ``make unit`` and ``make test``."""

import os
import re
import subprocess
import time
from dataclasses import dataclass

from tests.bench import report
from tests.bench.report import Section
from tests.bench.turns import PROJECT

_TARGETS = ("unit", "test")


@dataclass(frozen=True)
class Run:
    passed: int
    skipped: int
    seconds: float
    cpu: float


def run(target: str) -> Run:
    """Run a target of make. Raises RuntimeError if a test fails."""
    began = time.monotonic()
    # What is told to this make is not meant for that one.
    told = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    process = subprocess.Popen(
        ["make", target], cwd=PROJECT, env=told, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said[-3000:])

    def count(what: str) -> int:
        found = re.findall(rf"(\d+) {what}", said)
        return int(found[-1]) if found else 0

    seconds = time.monotonic() - began
    return Run(count("passed"), count("skipped"), seconds, used.ru_utime + used.ru_stime)


def measure() -> Section:
    rows = [["", "tests", "skipped", "s", "CPU, s", "CPU of a test, ms"]]
    for target in _TARGETS:
        done = run(target)
        figures = (done.seconds, done.cpu, done.cpu / done.passed * 1000)
        counts = (str(done.passed), str(done.skipped))
        rows.append([f"`make {target}`", *counts, *(f"{each:,.0f}" for each in figures)])
    return Section(
        "suite",
        "The tests",
        "Once each, with everything installed; CPU is that of all processes.",
        [rows],
    )


if __name__ == "__main__":
    report.keep(measure())

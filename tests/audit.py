"""``python -m tests.audit requirements*.txt``: look up known faults of what is locked.

With pip-audit, in PyPI's database. A fault that is known fails the command; that nobody can be
asked is said in one line.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

# Of a connection; one that is refused ends at once. A whole lock has some time more.
_TIMEOUT = 5
_SECONDS = 60
# How pip-audit ends where the service does not answer, or its answer cannot be read.
_AWAY = ("requests.exceptions.", "network may be blocking", "ServiceError", "ConnectionError")


@dataclass(frozen=True)
class Report:
    """The result for one lock. ``asked`` are the packages that the database knows."""

    asked: int
    unknown: tuple[str, ...]
    faults: tuple[str, ...]


class NotAudited(Exception):
    """pip-audit could not read the lock, or failed in another way of its own."""


def audit(lock: str) -> Report | None:
    """Return what is known of a lock, None where the database is away. Raises NotAudited."""
    program = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"]
    options = ["--progress-spinner", "off", "--timeout", str(_TIMEOUT), "--format", "json"]
    try:
        done = subprocess.run(
            [*program, *options, "--requirement", lock],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except ValueError:
        last = (done.stderr.strip() or "no word").splitlines()[-1]
        if any(sign in done.stderr for sign in _AWAY):
            return None
        raise NotAudited(f"{lock}: {last}") from None
    return read(dependencies)


def read(dependencies: list[dict[str, Any]]) -> Report:
    """Sort the dependencies of pip-audit's JSON."""
    known = [each for each in dependencies if "skip_reason" not in each]
    unknown = [each["name"] for each in dependencies if "skip_reason" in each]
    faults = [
        f"{each['name']} {each['version']}: {fault['id']}, "
        f"corrected in {', '.join(fault['fix_versions']) or 'no version yet'}"
        for each in known
        for fault in each["vulns"]
    ]
    return Report(len(known), tuple(unknown), tuple(faults))


def summary(reports: list[Report | None]) -> tuple[list[str], int]:
    """Return the lines to print and the exit code."""
    there = [each for each in reports if each and each.asked]
    # A mirror of the index may serve packages and know nothing of their faults.
    if not there:
        return ["The locks are not audited: the database of known faults cannot be reached."], 0
    faults = sorted({fault for each in there for fault in each.faults})
    if faults:
        return faults, 1
    unknown = sorted({name for each in there for name in each.unknown})
    lines = [f"No known faults in {sum(each.asked for each in there)} locked packages."]
    if unknown:
        lines.append(f"The database does not know {', '.join(unknown)}.")
    if missing := len(reports) - len(there):
        lines.append(f"It could not be asked about {missing} of {len(reports)} locks.")
    return lines, 0


def main() -> int:
    """Audit the locks that are named, and print what is known."""
    with ThreadPoolExecutor() as workers:
        try:
            lines, code = summary(list(workers.map(audit, sys.argv[1:])))
        except NotAudited as error:
            lines, code = [str(error)], 1
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())

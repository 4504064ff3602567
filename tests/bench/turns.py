"""Sites in processes of their own, measured by turns: what else the machine does falls on all."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import cognito
from tests.site import PRODUCTION

PROJECT = Path(__file__).resolve().parents[2]
PEERS = ("allauth", "oidc", "plain")
# Of the peers: theirs are never among the site's.
PEERS_PYTHON = str(PROJECT / ".local/bench-venv/bin/python")
# A limit that a crowd from one machine would meet; it is counted all the same.
GENEROUS = {
    f"ACCOUNTS_{name}": "10000000/hour"
    for name in (
        *("PHONE_POSTS", "SENDS", "UNUSED_SENDS", "WRONG_CODES"),
        *("SIGN_UPS", "SIGN_UPS_PER_COUNTRY", "SIGN_UPS_PER_BLOCK"),
    )
}


@dataclass(frozen=True)
class Rounds:
    """One figure a round."""

    values: list[float]

    @property
    def middle(self) -> float:
        return statistics.median(self.values)

    def __truediv__(self, other: "Rounds") -> "Rounds":
        """Return the ratios, round by round."""
        return Rounds([a / b for a, b in zip(self.values, other.values, strict=True)])

    def shown(self, factor: float = 1, digits: int = 1) -> str:
        figures = (self.middle, min(self.values), max(self.values))
        middle, low, high = (f"{each * factor:.{digits}f}" for each in figures)
        return f"{middle} ({low} to {high})"


class SiteProcess:
    """A site that does what ``tests.bench.process`` can."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._answer()

    def do(self, what: str, **how: Any) -> Any:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": what, **how}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("A site ended, and says above why")
        return json.loads(line)


def site_environment(scratch: Path, cognito_url: str) -> dict[str, str]:
    """Return what the site is told in production, before a Cognito of our own."""
    return {
        **PRODUCTION,
        **GENEROUS,
        "PYTHONDONTWRITEBYTECODE": "",
        "COGNITO_USER_POOL_ID": cognito.POOL_ID,
        "COGNITO_CLIENT_ID": cognito.CLIENT_ID,
        "COGNITO_CLIENT_SECRET": cognito.CLIENT_SECRET,
        "AWS_ENDPOINT_URL": cognito_url,
        "COGNITO_ISSUER": cognito_url,
        "COGNITO_JWKS_URL": f"{cognito_url}/jwks.json",
        # This check finds that the pool is not one of AWS.
        "DJANGO_SILENCED_SYSTEM_CHECKS": "site.E008",
        "ACCOUNTS_SIGN_UP": "open",
        "DJANGO_STATIC_ROOT": str(scratch / "static"),
    }


@contextmanager
def sites(
    scratch: Path,
    *names: str,
    environment: dict[str, str] | None = None,
    module: str = "tests.bench.process",
    python: str = sys.executable,
) -> Iterator[dict[str, SiteProcess]]:
    """Start sites by name (``journeys``), each with a SQLite of its own, and one Cognito.

    With ``environment`` they are told that instead; ``module`` is what runs. Peers have a Python of
    their own, all others run on ``python``.
    """
    with ExitStack() as stack:
        url = "" if environment else stack.enter_context(cognito.running())
        found = {}
        for name in names:
            # The connection is kept, as the site keeps that to PostgreSQL.
            database = f"sqlite:///{scratch / name}.sqlite3?conn_max_age=600"
            program = PEERS_PYTHON if name in PEERS else python
            told = environment or {**site_environment(scratch, url), "DATABASE_URL": database}
            process = subprocess.Popen(
                [program, "-m", module],
                cwd=PROJECT,
                env={**told, "PEER": name, "PROVIDER": url},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(scratch / f"{name}.log").open("w"),
                text=True,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            try:
                found[name] = SiteProcess(process)
            except RuntimeError as error:
                raise RuntimeError((scratch / f"{name}.log").read_text()[-3000:]) from error
        try:
            yield found
        except RuntimeError:
            for name in names:
                print((scratch / f"{name}.log").read_text()[-3000:], file=sys.stderr)
            raise
        # After a response nobody sees an error but in the log; less work would look like speed.
        for name in names:
            errors = [
                line
                for line in (scratch / f"{name}.log").read_text().splitlines()
                if '"level": "error"' in line
            ]
            if errors:
                raise RuntimeError(f"{len(errors)} errors of {name}, such as {errors[0][:2000]}")


def by_turns(measure: dict[str, Callable[[], float]], rounds: int) -> dict[str, Rounds]:
    """Return what each measured, one figure a round."""
    taken: dict[str, list[float]] = {name: [] for name in measure}
    for n in range(rounds):
        # The order turns as well.
        for name in list(measure)[:: -1 if n % 2 else 1]:
            taken[name].append(measure[name]())
    return {name: Rounds(values) for name, values in taken.items()}

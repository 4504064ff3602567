"""Findings of the doctor that a stage accepts for a time, as deploy.toml names them.

    [prod.accept]
    sandbox = { reason = "production access is asked for", until = 2027-01-31 }

The name is that of the check, as the doctor prints it. An accepted finding is shown with its reason
and fails nothing; after its day it counts again.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cognito_admin.doctor.context import Finding, Level, warning
from cognito_admin.terminal import DeployError

LONGEST = timedelta(days=366)
_ACCEPTABLE = (Level.WARNING, Level.DANGER, Level.NOT_CHECKED)
_EXAMPLE = '{ reason = "…", until = 2027-01-31 }'


@dataclass(frozen=True)
class Acceptance:
    """Why a stage lives with a finding, and the last day on which it does."""

    reason: str
    until: date


def read(config: Path, stage: str, *, today: date) -> dict[str, Acceptance]:
    """Return what a stage accepts, by check; nothing without a file. Raises DeployError."""
    try:
        section = tomllib.loads(config.read_text(encoding="utf-8")).get(stage)
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise DeployError(f"{config.name} cannot be read: {error}") from error
    accepted = section.get("accept", {}) if isinstance(section, dict) else {}
    if not isinstance(accepted, dict):
        raise DeployError(f"{config.name}: accept is a table: sandbox = {_EXAMPLE}")
    latest = today + LONGEST
    return {
        check: _read_one(config.name, check, value, latest) for check, value in accepted.items()
    }


def apply(
    findings: Iterable[Finding],
    accepted: Mapping[str, Acceptance],
    *,
    today: date,
    are_all: bool,
) -> Iterator[Finding]:
    """Yield the findings, those that are accepted at a level of their own.

    ``are_all``: every check was made, so that a name which none of them has is a mistake.
    """
    unseen = set(accepted) if are_all else set()
    for finding in findings:
        unseen.discard(finding.check)
        yield _judged(finding, accepted.get(finding.check), today)
    for check in sorted(unseen):
        yield warning(
            "accept",
            f"deploy.toml accepts {check!r}, and nothing was looked at under that name",
            f"take {check!r} out of deploy.toml, or write it as it stands above",
        )


def _judged(finding: Finding, acceptance: Acceptance | None, today: date) -> Finding:
    if acceptance is None or finding.level not in _ACCEPTABLE:
        return finding
    told, text = f"{acceptance.until}: {acceptance.reason}", finding.text.rstrip(".")
    if today > acceptance.until:
        return replace(finding, text=f"{text}. It was accepted until {told}")
    return replace(finding, level=Level.ACCEPTED, text=f"{text}. Accepted until {told}")


def _read_one(name: str, check: str, value: Any, latest: date) -> Acceptance:
    given = value if isinstance(value, dict) else {}
    reason, until = given.get("reason"), given.get("until")
    if set(given) != {"reason", "until"} or not isinstance(reason, str) or not reason.strip():
        raise DeployError(f"{name}: accept needs a reason and an end: {check} = {_EXAMPLE}")
    # A time of day is a date as well, for Python.
    if type(until) is not date:
        raise DeployError(f"{name}: until of {check} is a day, such as 2027-01-31, without quotes")
    if until > latest:
        raise DeployError(f"{name}: {check} is accepted until {until}; at most a year lies ahead")
    return Acceptance(reason.strip(), until)

"""Read a stage of deploy.toml: the region, and the parameters of lambdas/template.yaml."""

import os
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cognito_admin import accepted_findings
from cognito_admin.terminal import DeployError

LAMBDAS = Path(__file__).resolve().parent.parent / "lambdas"
_EXAMPLE = """
[{stage}]
region = "eu-west-1"
AppName = "Example"
SiteHost = "www.example.com"
AllowedCountries = "US,CA"
"""


def read(config: Path, stage: str) -> tuple[str, dict[str, str]]:
    """Return the region and the template's parameters of a stage. Raises DeployError."""
    if not re.fullmatch("[a-z][a-z0-9-]{0,19}", stage):
        raise DeployError(f"{stage!r} is not the name of a stage: STAGE=prod")
    try:
        section = tomllib.loads(config.read_text()).get(stage)
    except FileNotFoundError:
        section = None
    except tomllib.TOMLDecodeError as error:
        raise DeployError(f"{config.name} cannot be read: {error}") from error
    if not isinstance(section, dict):
        raise DeployError(
            f"{config.name} says nothing of the stage {stage}. Write into it:\n"
            f"{_EXAMPLE.format(stage=stage)}\n"
            "All that can be set is in lambdas/template.yaml, under Parameters."
        )
    # Read again by the doctor; what is wrong with it is said before anything is deployed.
    accepted_findings.read(config, stage, today=datetime.now(UTC).date())
    written = {name: _spelled(each) for name, each in section.items() if name != "accept"}
    region = written.pop("region", "") or os.environ.get("AWS_REGION", "")
    if not region:
        raise DeployError(f'{config.name} names no region: region = "eu-west-1"')
    defaults = template_parameters()
    if unknown := sorted(set(written) - set(defaults)):
        raise DeployError(
            f"{config.name} sets parameters that lambdas/template.yaml does not have: "
            f"{', '.join(unknown)}"
        )
    parameters = {name: value or defaults[name] for name, value in written.items()}
    if empty := sorted(name for name, value in parameters.items() if value is None):
        raise DeployError(f"{config.name} leaves empty what has no default: {', '.join(empty)}")
    return region, {name: str(value) for name, value in parameters.items()} | {"Stage": stage}


def template_parameters() -> dict[str, str | None]:
    """Return the parameters of the template with their defaults, None where one has none."""
    text = (LAMBDAS / "template.yaml").read_text(encoding="utf-8")
    section = re.search(r"^Parameters:\n(.*?)^\S", text, re.MULTILINE | re.DOTALL)
    found: dict[str, str | None] = {}
    for name, body in re.findall(
        r"^  (\w+):\n((?:    .*\n)+)", section[1] if section else "", re.MULTILINE
    ):
        default = re.search(r"^    Default: (.*)$", body, re.MULTILINE)
        found[name] = default[1].strip('"') if default else None
    return found


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

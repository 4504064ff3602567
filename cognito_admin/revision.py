"""One string for what was deployed, so that a change of it is seen.

A revision is 64 hexadecimal digits. The first 16 change with the sources, the template or any
parameter: SAM publishes new versions when the first ten do. The other 48 are those of the
sources alone, by which the doctor knows whether a stack runs what is checked out here.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

_SOURCES = 48
# Folders that tools leave behind; some of their files are JSON (.mypy_cache, .aws-sam).
_LEFT_OUT = re.compile(r"(^|/)(\.|__pycache__/)")


def of(lambdas: Path, parameters: Mapping[str, str]) -> str:
    """Return the revision of the sources and the template in ``lambdas`` with ``parameters``."""
    made_of, template = digest(lambdas)[:_SOURCES], (lambdas / "template.yaml").read_text()
    whole = f"{made_of}{template}{sorted(parameters.items())}"
    return hashlib.sha256(whole.encode()).hexdigest()[: 64 - _SOURCES] + made_of


def has_sources(revision: str, lambdas: Path) -> bool:
    """Tell whether a revision was made of these sources."""
    return revision[-_SOURCES:] == digest(lambdas)[:_SOURCES]


def sources(lambdas: Path) -> list[Path]:
    """Return the files that are deployed, in order."""
    return [
        path
        for path in sorted(lambdas.rglob("*"))
        if path.suffix in (".py", ".json")
        and not _LEFT_OUT.search(path.relative_to(lambdas).as_posix())
    ]


def digest(lambdas: Path) -> str:
    """Return the SHA-256 of the files that are deployed and of their names, in hexadecimal."""
    running = hashlib.sha256()
    for path in sources(lambdas):
        name = path.relative_to(lambdas).as_posix()
        running.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return running.hexdigest()

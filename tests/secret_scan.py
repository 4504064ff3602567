"""``python -m tests.secret_scan``: look for secrets in what git tracks, with detect-secrets.

``.secrets.baseline`` lists the finds that are none, each with the reason. They are known by their
digests, so code may move. ``--write`` brings the list in step with the tree; a new entry in it has
no judgement yet, and is reported until it has one.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from detect_secrets import SecretsCollection
from detect_secrets.core.baseline import format_for_output
from detect_secrets.settings import default_settings

PROJECT = Path(__file__).resolve().parent.parent
BASELINE = PROJECT / ".secrets.baseline"
# Digests of packages, pictures, programs of fonts and translations, and the baseline's own digests.
_NOT_READ = (".lock", "-lock.json", ".mo", ".po", ".png", ".svg", ".woff2", ".baseline")

Entry = dict[str, Any]


def scan(root: Path, files: list[str]) -> dict[str, Any]:
    """Return what is found in files below ``root``, in the form of a baseline."""
    found = SecretsCollection(str(root))
    with default_settings():
        found.scan_files(*files)
        baseline = format_for_output(found, is_slim_mode=True)
    for name, each in baseline["results"].items():
        for entry in each:
            entry["filename"] = name
    return baseline


def tracked(root: Path) -> list[str]:
    """Return the files that are worth reading."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        name
        for name in listed.stdout.split("\0")
        if (root / name).is_file()
        and not name.endswith(_NOT_READ)
        and not (name.startswith("requirements") and name.endswith(".txt"))
    ]


def entries(baseline: dict[str, Any]) -> dict[str, list[Entry]]:
    """Return the entries of a baseline by their digest: one value may stand in several places."""
    found: dict[str, list[Entry]] = {}
    for results in baseline["results"].values():
        for entry in results:
            found.setdefault(entry["hashed_secret"], []).append(entry)
    return found


def is_judged(entry: Entry) -> bool:
    """Tell whether somebody said that it is no secret, and why."""
    return entry.get("is_secret") is False and bool(entry.get("why"))


def faults(found: dict[str, Any], baseline: dict[str, Any]) -> list[str]:
    """Return a line for each find that is not judged, and for each entry that is found no more."""
    known = entries(baseline)
    told = [
        f"{entry['filename']}: {entry['type']} {digest[:12]}"
        for digest, each in entries(found).items()
        for entry in each
        if not any(is_judged(one) for one in known.get(digest, []))
    ]
    gone = sorted(known.keys() - entries(found).keys())
    return told + [f"{BASELINE.name} lists what is found no more: {each[:12]}" for each in gone]


def write(found: dict[str, Any], baseline: dict[str, Any]) -> None:
    """Write what was found as the baseline, with the judgements of the one before."""
    known = entries(baseline)
    for digest, each in entries(found).items():
        judged = next((one for one in known.get(digest, []) if is_judged(one)), {})
        for entry in each:
            entry["is_secret"] = judged.get("is_secret")
            entry["why"] = judged.get("why", "")
    BASELINE.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def main() -> int:
    """Report finds that are not judged, or write the baseline."""
    found = scan(PROJECT, tracked(PROJECT))
    baseline = json.loads(BASELINE.read_text("utf-8")) if BASELINE.exists() else {"results": {}}
    if "--write" in sys.argv[1:]:
        write(found, baseline)
        return 0
    told = faults(found, baseline)
    for line in told:
        print(line)
    if told:
        print(
            "A secret must go, and be changed. For anything else: python -m tests.secret_scan "
            f"--write, then is_secret and why in {BASELINE.name}."
        )
    return bool(told)


if __name__ == "__main__":
    sys.exit(main())

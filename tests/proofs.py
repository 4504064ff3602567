"""The work of a proof, done as a browser does it: from what a caller is told."""

import hashlib
from collections.abc import Mapping


def solved(asked: Mapping[str, str]) -> str:
    """Return the number behind the public parameters of a challenge."""
    for number in range(int(asked["maxnumber"]) + 1):
        if hashlib.sha256(f"{asked['salt']}{number}".encode()).hexdigest() == asked["challenge"]:
            return str(number)
    raise AssertionError("No number fits")

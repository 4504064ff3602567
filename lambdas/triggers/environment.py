"""Environment variables, which the template sets. A wrong one is named at the first call.

Every function raises WrongEnvironment.
"""

import os
import re


class WrongEnvironment(Exception):
    """A variable of the function is missing or out of range; the message names it."""


def text(name: str, default: str = "") -> str:
    """Return a value that is not empty."""
    value = os.environ.get(name, "").strip() or default
    if not value:
        raise WrongEnvironment(f"{name} is not set")
    return value


def optional(name: str) -> str:
    """Return a value, "" where there is none."""
    return os.environ.get(name, "").strip()


def number(name: str, default: int | None = None, *, low: int, high: int) -> int:
    """Return a whole number from ``low`` to ``high``."""
    value = text(name, "" if default is None else str(default))
    if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
        raise WrongEnvironment(f"{name} must be a whole number from {low} to {high}")
    return int(value)


def matching(name: str, pattern: str, *, hint: str) -> str | None:
    """Return a value that ``pattern`` matches as a whole, or None where there is none."""
    value = os.environ.get(name, "").strip()
    if value and not re.fullmatch(pattern, value):
        raise WrongEnvironment(f"{name} must be {hint}")
    return value or None


def words(name: str) -> frozenset[str]:
    """Return the words of a list with commas; at least one is required."""
    found = frozenset(word.strip() for word in text(name).split(",")) - {""}
    if not found:
        raise WrongEnvironment(f"{name} is empty")
    return found

"""What the template hands to the functions. The first call with a wrong value says which one."""

import os


class WrongEnvironment(Exception):
    """A variable of the function is missing or out of range; the message names it."""


def text(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise WrongEnvironment(f"{name} is not set")
    return value


def seconds(name: str, *, low: int, high: int) -> int:
    value = text(name)
    if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
        raise WrongEnvironment(f"{name} must be a whole number of seconds from {low} to {high}")
    return int(value)

"""Lists that operators export: ``runs`` write them in steps, ``lists`` has the rows of each."""

from accounts.exports.lists import Exported
from accounts.exports.runs import (
    AlreadyRunning,
    file_of,
    go_on,
    may_have,
    remove,
    run_due,
    sees_whole_numbers,
    start,
    work,
)

__all__ = [
    "AlreadyRunning",
    "Exported",
    "file_of",
    "go_on",
    "may_have",
    "remove",
    "run_due",
    "sees_whole_numbers",
    "start",
    "work",
]

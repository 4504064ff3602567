"""How many processors this process may use, which decides how many workers gunicorn starts."""

import math
import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def count(quota: Path = _QUOTA) -> int:
    """Return the processors of the machine, or fewer where the container may use less of them.

    ``quota`` is a file of Linux's control groups: microseconds of work in microseconds of time, or
    "max" for no limit.
    """
    machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        work, period = quota.read_text().split()
        allowed = math.ceil(int(work) / int(period))
    except (OSError, ValueError):
        return machine or 1
    return max(1, min(machine or 1, allowed))

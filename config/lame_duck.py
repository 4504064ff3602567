"""The time between SIGTERM and the end, when the site still serves and /readyz is 503.

One byte of memory that gunicorn's master shares with its workers, because they are forked from it.
"""

import mmap

_shared = mmap.mmap(-1, 1)


def begin() -> None:
    """Let ``is_on`` be true in every worker."""
    _shared[0] = 1


def is_on() -> bool:
    """Tell whether the site is about to stop."""
    return _shared[0] == 1

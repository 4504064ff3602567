"""The time between SIGTERM and the end: the site serves on, and says that it is about to stop.

One byte of memory that gunicorn's master shares with its workers, because they are forked from it.
"""

import mmap

_shared = mmap.mmap(-1, 1)


def begin() -> None:
    _shared[0] = 1


def is_on() -> bool:
    return _shared[0] == 1

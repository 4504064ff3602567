"""Run jobs of the site at the same moment, each in a thread with a connection of its own."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django.db import connections


@contextlib.contextmanager
def database_in_a_file(directory: Path) -> Iterator[None]:
    """Keep the test's database in a file, so that every thread has a connection of its own.

    In memory they would share one, and the transactions on it.
    """
    memory = connections["default"]
    name, path = memory.settings_dict["NAME"], str(directory / "db.sqlite3")
    with memory.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [path])
    # The very dictionary that other threads make their connections from.
    memory.settings_dict["NAME"] = path
    connections["default"] = connections.create_connection("default")
    # The first one sets the journal mode, for which nobody waits.
    connections["default"].ensure_connection()
    try:
        yield
    finally:
        connections["default"].close()
        memory.settings_dict["NAME"] = name
        connections["default"] = memory


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs at the same moment, each in a thread, and return what they returned."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        barrier.wait(10)
        try:
            return job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return [future.result() for future in [threads.submit(run, job) for job in jobs]]

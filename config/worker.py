"""gunicorn's worker with threads, with a limit on how long a request may take to arrive."""

import contextlib
import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

# A form has a few hundred bytes: enough for the slowest line.
READ_SECONDS = 10.0


class Worker(ThreadWorker):  # type: ignore[misc]
    """Stops reading a request ``READ_SECONDS`` after its connection got a thread.

    gunicorn itself waits for every next byte of a head or body as long as it takes, so a few
    connections that send one now and then would hold all threads. A request that was
    read by then is answered: a thread that is at work already is not disturbed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading_until: dict[Any, float] = {}

    def enqueue_req(self, conn: Any) -> None:
        """Start the time for reading, and hand the connection to a thread."""
        self._reading_until[conn] = time.monotonic() + READ_SECONDS
        super().enqueue_req(conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """End the time for reading."""
        self._reading_until.pop(conn, None)
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Stop reading where the time is over. gunicorn calls it at least once a second."""
        super().murder_pending()
        now = time.monotonic()
        for conn, until in list(self._reading_until.items()):
            if now >= until:
                del self._reading_until[conn]
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)

"""The example apps at an origin of a test's own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from localcloud import example


@contextmanager
def served(environment: dict[str, str]) -> Iterator[str]:
    """Serve them for a local AWS, with nothing in the storage of the origin."""
    with example.server(lambda: environment) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()

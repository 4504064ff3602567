import threading
from collections.abc import Iterator

import pytest

from accounts.aws import functions
from accounts.events import text_counts
from tests.wire import WireServer


@pytest.fixture
def function(settings, wire: WireServer) -> Iterator[WireServer]:
    """The triggers' function. A thread that asks it ends with its test, not in the next one."""
    settings.AWS_ENDPOINT_URL = wire.url
    settings.LEDGER_FUNCTION = "phone-login-ledger-test"
    # A process makes its client once, which takes a while.
    functions._client()
    yield wire
    for thread in threading.enumerate():
        if thread.name == text_counts.THREAD:
            thread.join()

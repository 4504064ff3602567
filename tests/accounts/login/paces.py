"""What a test asks of the paces by which answers wait."""

import time

from accounts.login.decoys import Pace


def has_seen_a_call(pace: Pace) -> bool:
    """Tell whether it knows how long a call takes, and so lets others wait."""
    began = time.monotonic()
    pace.wait(began + 0.5)
    return time.monotonic() - began >= 0.5

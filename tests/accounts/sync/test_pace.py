"""How fast the site calls AWS in bulk."""

import time

from accounts.sync.pace import Pace


def test_calls_are_spread_evenly_and_the_first_waits_for_none():
    pace = Pace(50)
    began = time.monotonic()
    pace()
    assert time.monotonic() - began < 0.02
    for _ in range(5):
        pace()
    assert 0.1 <= time.monotonic() - began < 1


def test_call_after_a_pause_does_not_wait_and_saves_up_no_others():
    pace = Pace(50)
    pace()
    time.sleep(0.1)
    began = time.monotonic()
    pace()
    assert time.monotonic() - began < 0.02
    pace()
    assert time.monotonic() - began >= 0.02

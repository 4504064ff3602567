"""Let the clock of this process run ahead. The local AWS runs in another one, and keeps its own."""

import time

import time_machine


def seconds_later(seconds: float) -> time_machine.travel:
    return time_machine.travel(time.time() + seconds, tick=True)

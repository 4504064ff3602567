"""Where the CPU of a site goes, by looking now and then: that costs nothing, so shares are true.

A profile that counts calls costs several times what it watches, and most where calls are many.
"""

import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

from tests.bench.trace import NOBODYS, package_of, short

_EVERY = 0.001


def prepare() -> None:
    """Leave the timer's signal to the main thread: the threads that are begun from here on."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF})


def sample(work: Callable[[], None]) -> dict[str, Any]:
    """Return how many samples had each function at work (``own``) or on its stack, and packages.

    A timer of the process' CPU interrupts the main thread. Where that waits for a thread that it
    began, as calls to AWS are made, the thread is looked at. What the standard library does counts
    for the package that asked for it.
    """
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    packages: Counter[str] = Counter()

    def look(_signal: int, frame: FrameType | None) -> None:
        if frame and frame.f_code.co_filename == threading.__file__:
            frame = _thread_at_work() or frame
        stack = list(_stack(frame))
        if not stack:
            return
        own[_name(stack[0])] += 1
        whole.update({_name(code) for code in stack})
        found = (package_of(code.co_filename) for code in stack)
        packages[next((each for each in found if each not in NOBODYS), NOBODYS[0])] += 1

    def leave_to_main(*_: Any) -> None:
        prepare()
        sys.setprofile(None)

    kept = signal.signal(signal.SIGPROF, look)
    threading.setprofile(leave_to_main)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, kept)
        threading.setprofile(None)  # type: ignore[arg-type]
    return {"samples": own.total(), "own": own, "whole": whole, "packages": packages}


def _stack(frame: FrameType | None) -> Iterator[CodeType]:
    """Yield what is at work, the innermost first, without what measures it."""
    while frame:
        code = frame.f_code
        if not short(code.co_filename).startswith(("tests/bench/", "<frozen runpy>")):
            yield code
        frame = frame.f_back


def _name(code: CodeType) -> str:
    return f"{short(code.co_filename)}:{code.co_firstlineno} {code.co_qualname}"


def _thread_at_work() -> FrameType | None:
    frames = sys._current_frames()
    for thread in threading.enumerate():
        if thread.name == "call" and thread.ident in frames:
            return frames[thread.ident]
    return None


def table(found: dict[str, Any], milliseconds: float) -> str:
    """Return what was found as text, of something that takes so many milliseconds."""
    lines = [f"{milliseconds:.1f} ms of CPU, {found['samples']} samples"]
    for title, name, largest in (
        ("by package", "packages", 20),
        ("by own time", "own", 25),
        ("by cumulative time", "whole", 100),
    ):
        lines += ["", f"{'ms':>8}{'%':>7}  {title}"]
        for what, times in Counter(found[name]).most_common(largest):
            share = times / found["samples"]
            lines.append(f"{share * milliseconds:8.2f}{share * 100:7.1f}  {what}")
    return "\n".join(lines)

"""Where a site's time goes: its queries with who asked for each, and its largest functions."""

import cProfile
import pstats
import re
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
LARGEST = 25
_BRIEF = 240
_OF_PROJECT = ("accounts/", "config/")
# What every package uses.
NOBODYS = ("standard library", "built in")
_OF_OTHERS = ("allauth/", "mozilla_django_oidc/", "django/contrib/")


class Queries:
    """Takes the place of the connection's log of queries."""

    def __init__(self) -> None:
        self.rows: list[dict[str, str]] = []
        self._step = ""

    def begin(self, step: str) -> None:
        self._step = step

    def append(self, entry: dict[str, Any]) -> None:
        callers = [_shown(frame) for frame in reversed(traceback.extract_stack())]
        ours = [shown for shown in callers if shown.startswith(_OF_PROJECT)]
        others = [shown for shown in callers if shown.startswith(_OF_OTHERS)]
        self.rows.append(
            {
                "step": self._step,
                "sql": " ".join(entry["sql"].split()),
                "caller": (ours or others or ["?"])[0],
                "through": " < ".join(list(dict.fromkeys(ours))[1:4]),
            }
        )

    def __len__(self) -> int:
        return len(self.rows)

    def clear(self) -> None:
        """Called at the start of each request, which ends none of ours."""


@contextmanager
def queries() -> Iterator[Queries]:
    """Note every statement to the database, BEGIN and COMMIT among them."""
    from django.db import connection

    found, kept = Queries(), connection.queries_log
    connection.ensure_connection()
    connection.queries_log, connection.force_debug_cursor = found, True  # type: ignore[assignment]
    try:
        yield found
    finally:
        connection.queries_log, connection.force_debug_cursor = kept, False


def is_transaction(sql: str) -> bool:
    return sql.startswith(("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"))


def profile(work: Callable[[], None], times: int) -> Any:
    """Return calls, and milliseconds of CPU, of one of ``times``: functions, and sums by package.

    Watching costs several times what is watched: ``sampling`` tells what is large, this how often.
    """
    profiles = [cProfile.Profile(time.thread_time)]

    def begin(*_: Any) -> None:
        sys.setprofile(None)
        # From 3.12 on, one profile sees all threads.
        with suppress(ValueError):
            each = cProfile.Profile(time.thread_time)
            each.enable()
            profiles.append(each)

    threading.setprofile(begin)
    profiles[0].enable()
    try:
        work()
    finally:
        profiles[0].disable()
        threading.setprofile(None)  # type: ignore[arg-type]
    found = pstats.Stats(*profiles).stats  # type: ignore[attr-defined]
    functions, packages = [], defaultdict(float)
    for (path, line, name), (_, calls, own, cumulative, callers) in found.items():
        functions.append(
            {
                "name": f"{short(path)}:{line} {name}" if line else name,
                "calls": calls / times,
                "own": own / times * 1000,
                "cumulative": cumulative / times * 1000,
            }
        )
        if line:
            packages[package_of(path)] += own / times * 1000
        else:
            for (caller, *_rest), numbers in callers.items():
                packages[package_of(caller)] += numbers[2] / times * 1000
    return {"functions": functions, "packages": packages}


def listed(rows: list[dict[str, str]]) -> str:
    """Return queries as text, in order, each with who asked for it."""
    lines = []
    for n, row in enumerate(rows, 1):
        lines += [
            f"{n:3} {row['step']}: {_brief(row['sql'])}",
            f"      {row['caller']}" + (f" < {row['through']}" if row["through"] else ""),
        ]
    return "\n".join(lines)


def _brief(sql: str) -> str:
    """Return a statement without the columns and values that all of its kind have."""
    sql = re.sub(r'^SELECT (DISTINCT )?"[^()]*? FROM ', "SELECT … FROM ", sql)
    sql = re.sub(r"'([^']*)'", lambda text: text[0] if len(text[1]) < 20 else "'…'", sql)
    sql = re.sub(r'"\w+"\.("\w+")', r"\1", sql).replace('"', "")
    return sql if len(sql) <= _BRIEF else f"{sql[:_BRIEF]} …"


def table(found: Any) -> str:
    """Return what ``profile`` found as text."""
    lines = [f"{'own ms':>10}  by package"]
    packages = sorted(found["packages"].items(), key=lambda pair: -pair[1])
    lines += [f"{own:10.3f}  {name}" for name, own in packages[:LARGEST]]
    for by in ("own", "cumulative"):
        lines += ["", f"{'own ms':>10}{'cum. ms':>10}{'calls':>9}  by {by} time"]
        functions = sorted(found["functions"], key=lambda each: -each[by])
        lines += [
            f"{each['own']:10.3f}{each['cumulative']:10.3f}{each['calls']:9.1f}  {each['name']}"
            for each in functions[:LARGEST]
        ]
    return "\n".join(lines)


def _shown(frame: traceback.FrameSummary) -> str:
    return f"{short(frame.filename)}:{frame.lineno} {frame.name}"


def short(path: str) -> str:
    for start in ("site-packages/", f"{PROJECT}/", "lib/python"):
        _, found, rest = path.rpartition(start)
        if found:
            return rest
    return path


def package_of(path: str) -> str:
    parts = Path(short(path)).parts
    if not parts or parts[0] in ("~", "<string>"):
        return "built in"
    if parts[0] == "django" and len(parts) > 2:
        return f"django.{parts[1]}"
    if f"{parts[0]}/" in _OF_PROJECT:
        return "ours"
    return parts[0] if "site-packages" in path or parts[0] == "tests" else "standard library"

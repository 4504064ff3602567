"""The site on a machine whose clock is off, by as many seconds as the file in CLOCK says now."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import time_machine

from config.wsgi import application as site


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    offset = float(Path(os.environ["CLOCK"]).read_text())
    if not offset:
        return site(environ, start_response)
    with time_machine.travel(time.time() + offset, tick=True):
        return site(environ, start_response)

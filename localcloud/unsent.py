"""Report on the console texts that did not leave, and how to go on. Pages tell nobody."""

import contextlib
import json
import time
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.cloud import Cloud

LOG_GROUP = "/phone-login/local/triggers"
# Lines of several functions come in late, and out of order.
_LOOKED_BACK = 30.0
_UNLOCK = 'To forget its texts and holds: make manage ARGS="ledger unlock +1…"'
_MEANING = {
    "cooldown": ("it was asked for too soon", "The next may leave after the wait on the page."),
    "held": ("too many wrong codes in a row", _UNLOCK),
    "locked": ("too many wrong codes in a row, for good", _UNLOCK),
    "phone_hour": ("this number got its texts of an hour", _UNLOCK),
    "phone_day": ("this number got its texts of a day", _UNLOCK),
    "notices": ("this number got its notices of a day", _UNLOCK),
    "unknown": (
        "nobody has an account with this number",
        "Sign in at the site once: it makes one.",
    ),
    "provider_down": ("it took too long, as on a busy machine", "Ask for another after the wait."),
    **dict.fromkeys(
        ("block", "country", "pool"),
        ("a budget of all numbers is used up", "make clean forgets all counts, and all users."),
    ),
}
_OTHERWISE = (
    f'The log says more: make aws ARGS="logs filter-log-events --log-group-name {LOG_GROUP}"'
)


class Unsent:
    """The texts of a running cloud that did not leave since this was made."""

    def __init__(self, cloud: Cloud) -> None:
        self._since = time.time()
        self._seen: set[str] = set()
        self._logs: Any = cloud.root_session().client(
            "logs",
            endpoint_url=cloud.emulator.url,
            config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}),
        )

    def news(self) -> list[str]:
        """Return a line for each text that has not been told; none where nobody answers."""
        since = max(self._since, time.time() - _LOOKED_BACK)
        lines: list[str] = []
        with contextlib.suppress(BotoCoreError, ClientError):
            pages = self._logs.get_paginator("filter_log_events").paginate(
                logGroupName=LOG_GROUP, startTime=int(since * 1000)
            )
            lines = [event["message"] for page in pages for event in page["events"]]
        fresh = [line for line in lines if '"text_not_sent"' in line and line not in self._seen]
        self._seen.update(fresh)
        return [told(json.loads(line)) for line in fresh]


def told(line: dict[str, Any]) -> str:
    """Return a line of the triggers' log in plain words."""
    why, way_on = _MEANING.get(line["Reason"], (line["Reason"], _OTHERWISE))
    reference = f" ({line['reference']})" if line.get("reference") else ""
    return f"No text to {line['phone']}{reference}: {why}. {way_on}"

"""One line of JSON per event, which CloudWatch reads as a log entry and as metrics at once.

The format is CloudWatch's embedded metric format. Codes, digests, sessions, keys and whole events
never go in; phones only masked.
"""

import json
import os
import time
from collections.abc import Mapping

NAMESPACE = "PhoneLogin"


def record(event: str, *, metrics: Mapping[str, int], reason: str = "", **facts: str | int) -> None:
    """Write ``event`` with its facts, and count ``metrics`` per stage and, if given, per reason.

    ``facts`` are flat: outcome, phone (masked), challenge_id, country, milliseconds …
    """
    stage = os.environ.get("STAGE", "local")
    dimensions = [["Stage"], ["Stage", "Reason"]] if reason else [["Stage"]]
    counted = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": dimensions,
                    "Metrics": [{"Name": name, "Unit": "Count"} for name in metrics],
                }
            ],
        }
    }
    line = {
        **(counted if metrics else {}),
        "Stage": stage,
        **({"Reason": reason} if reason else {}),
        "event": event,
        **facts,
        **metrics,
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)

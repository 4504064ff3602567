"""The function of texts at the wire, where it sends and checks codes for the site."""

import time
from typing import Any

from tests.fakes.user_pool import UserPool
from tests.wire import Reply

DOWN = Reply({"errorType": "TryAgainLater"}, headers={"X-Amz-Function-Error": "Unhandled"})


def proof(*, delivery: str = "sent", **changes: Any) -> dict[str, Any]:
    """Its answer to a code that was asked for a moment ago."""
    now = int(time.time())
    return {
        "challenge_id": "6Zk3vQ1rT8yLw0XnB5mJ2dA",
        "expires_at": now + 300,
        "resend_at": now + 30,
        "tries_left": 3,
        "code_length": 6,
        "delivery": delivery,
        "texted_at": now if delivery == "sent" else None,
        "now": now,
        "reference": "K7F-2Q",
        "channels": "",
    } | changes


def sends_codes(pool: UserPool, settings: Any, *right: str, **changes: Any) -> None:
    """Let the site of this process ask it for codes, of which those are ``right``."""
    settings.TEXTS_FUNCTION = "phone-login-texts-test"
    pool.functions["prove"] = lambda _: proof(**changes)
    pool.functions["check"] = lambda asked: {"is_correct": asked["code"] in right}

"""The peer to measure against: a challenge that is drawn and texted, and counted nowhere."""

import time
from typing import Any

from . import environment, keys, messages, senders
from .challenge import Challenge
from .senders import Message


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    history = event["request"].get("session") or []
    if history:
        challenge = Challenge.parse(*history[-1]["challengeMetadata"].split(" "))
        assert challenge is not None
    else:
        challenge = Challenge.draw(now=time.time(), lifetime=300)
        attributes = event["request"]["userAttributes"]
        body = messages.code_message(
            challenge.code(keys.code_key(), user=attributes["sub"]),
            language="en",
            app_name=environment.text("APP_NAME"),
            site_host=environment.text("SITE_HOST"),
            minutes=5,
        )
        senders.configured().send(
            Message(attributes["phone_number"], body, 300, "US"), deadline=time.monotonic() + 4
        )
    event["response"] = {
        "publicChallengeParameters": {
            "expiresAt": str(challenge.expires_at),
            "resendAt": str(challenge.expires_at),
            "triesLeft": str(3 - len(history)),
            "codeLength": "6",
        },
        "privateChallengeParameters": challenge.private_parameters(),
        "challengeMetadata": f"{challenge.id} {challenge.expires_at}",
    }
    # The local AWS waits a while for a log line from a function that writes none.
    print("{}", flush=True)
    return event

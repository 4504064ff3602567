"""The peer to measure against, in the place of ``triggers/kinds/code.py``: it counts nothing."""

import time

from .. import environment, keys, messages, senders
from ..challenge import Challenge
from ..senders import Message
from . import Answered, Asked, Made


def make(asked: Asked) -> Made:
    if asked.earlier:
        challenge = Challenge.parse(*asked.earlier[-1].split(" "))
        assert challenge is not None
    else:
        recipient = asked.recipient()
        assert recipient.phone is not None
        challenge = Challenge.draw(now=time.time(), lifetime=300)
        body = messages.code_message(
            challenge.code(keys.code_key(), user=recipient.user),
            language=recipient.language,
            app_name=environment.text("APP_NAME"),
            site_host=environment.text("SITE_HOST"),
            minutes=5,
        )
        message = Message(recipient.phone, body, 300, recipient.country)
        senders.configured().send(message, deadline=time.monotonic() + 4)
    # The local AWS waits a while for a log line from a function that writes none.
    print("{}", flush=True)
    return Made(
        public={
            "expiresAt": str(challenge.expires_at),
            "resendAt": str(challenge.expires_at),
            "triesLeft": str(3 - len(asked.earlier)),
            "codeLength": "6",
        },
        private=challenge.private_parameters(),
        metadata=f"{challenge.id} {challenge.expires_at}",
    )


def is_right(answered: Answered) -> bool:
    challenge = Challenge.from_private_parameters(answered.private)
    print("{}", flush=True)
    return challenge is not None and challenge.accepts(
        answered.answer, keys.code_key(), user=answered.recipient().user, now=answered.now
    )

"""Services that send texts to phones.

    contract            what every sender takes, returns and raises
    fallback            the senders in order, until one takes the text
    sns                 Amazon SNS
    end_user_messaging  AWS End User Messaging SMS, for numbers, pools and sender ids of one's own
    pinpoint            Amazon Pinpoint, for accounts that still have a project there
    india               registered ids, which operators in India demand on every text
    aws                 one attempt at a service, and the meaning of its refusal

    senders.configured().send(senders.Message(…), deadline=time.monotonic() + 4)

SMS_SENDERS lists the names of the senders in the order of their turn, SMS_REGION says in which
region they work; every sender's module lists the variables of its own.
"""

import os
from collections.abc import Callable
from functools import cache

from .. import environment
from . import end_user_messaging, pinpoint, sns
from .aws import LONGEST_ATTEMPT
from .contract import Message, Reason, Sender, SendError
from .fallback import FirstThatWorks, Sent

__all__ = [
    "LONGEST_ATTEMPT",
    "FirstThatWorks",
    "Message",
    "Reason",
    "SendError",
    "Sender",
    "Sent",
    "configured",
]

_SENDERS: dict[str, Callable[[], Sender]] = {
    sns.SnsSender.name: sns.from_environment,
    end_user_messaging.EndUserMessagingSender.name: end_user_messaging.from_environment,
    pinpoint.PinpointSender.name: pinpoint.from_environment,
}


@cache
def configured() -> FirstThatWorks:
    """Return the senders of SMS_SENDERS, made once per process. Raises WrongEnvironment."""
    value = os.environ.get("SMS_SENDERS", "").strip() or sns.SnsSender.name
    names = [name.strip() for name in value.split(",")]
    if not set(names) <= set(_SENDERS) or len(names) != len(set(names)):
        raise environment.WrongEnvironment(
            f"SMS_SENDERS must list each sender once, of: {', '.join(_SENDERS)}"
        )
    return FirstThatWorks([_SENDERS[name]() for name in names], longest_attempt=LONGEST_ATTEMPT)

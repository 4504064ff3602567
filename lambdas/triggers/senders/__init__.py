"""Services that bring codes to people: by text, and by the other channels of the stack.

    contract            what every sender takes, returns and raises
    fallback            the senders of a channel in order, until one takes the message
    sns                 texts: Amazon SNS
    end_user_messaging  texts: AWS End User Messaging, for numbers and pools of one's own
    pinpoint            texts: Amazon Pinpoint, for accounts that still have a project there
    notify              texts and calls: AWS's own numbers, with AWS's own words
    voice               calls: End User Messaging, for numbers of one's own
    whatsapp            WhatsApp: End User Messaging Social
    mail                mail: Amazon SES
    india               registered ids, which operators in India demand on every text
    aws                 one attempt at a service, and the meaning of its refusal

    senders.configured().send(senders.Message(…), deadline=time.monotonic() + 4)

SMS_SENDERS and VOICE_SENDERS list the names of the senders in the order of their turn, SMS_REGION
says in which region they work; every sender's module lists the variables of its own. Calls,
WhatsApp and mail are switched on by VOICE_SENDERS, WHATSAPP_NUMBER_ID and EMAIL_SENDER.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache

from .. import environment
from . import end_user_messaging, mail, notify, pinpoint, sns, voice, whatsapp
from .aws import LONGEST_ATTEMPT
from .contract import Channel, Message, Reason, Sender, SendError
from .fallback import FirstThatWorks, Sent

__all__ = [
    "LONGEST_ATTEMPT",
    "Channel",
    "FirstThatWorks",
    "Message",
    "Reason",
    "SendError",
    "Sender",
    "Sent",
    "configured",
    "other_channels",
]

_TEXTS: dict[str, Callable[[], Sender]] = {
    sns.SnsSender.name: sns.from_environment,
    end_user_messaging.EndUserMessagingSender.name: end_user_messaging.from_environment,
    pinpoint.PinpointSender.name: pinpoint.from_environment,
    notify.NotifyTextSender.name: notify.text_from_environment,
}
_CALLS: dict[str, Callable[[], Sender]] = {
    notify.NotifyVoiceSender.name: notify.voice_from_environment,
    voice.VoiceSender.name: voice.from_environment,
}
# The variables that switch them on, in the order in which they are offered.
_SWITCHES = {
    Channel.VOICE: "VOICE_SENDERS",
    Channel.WHATSAPP: "WHATSAPP_NUMBER_ID",
    Channel.EMAIL: "EMAIL_SENDER",
}


def other_channels() -> tuple[Channel, ...]:
    """Return the channels but texts that are switched on."""
    return tuple(each for each, name in _SWITCHES.items() if environment.optional(name))


@cache
def configured(channel: Channel = Channel.TEXT) -> FirstThatWorks:
    """Return the senders of ``channel``, made once per process. Raises WrongEnvironment."""
    match channel:
        case Channel.TEXT:
            made = _listed("SMS_SENDERS", _TEXTS, default=sns.SnsSender.name)
        case Channel.VOICE:
            made = _listed("VOICE_SENDERS", _CALLS)
        case Channel.WHATSAPP:
            made = [whatsapp.from_environment()]
        case Channel.EMAIL:
            made = [mail.from_environment()]
    return FirstThatWorks(made, longest_attempt=LONGEST_ATTEMPT)


def _listed(
    variable: str, known: Mapping[str, Callable[[], Sender]], *, default: str = ""
) -> list[Sender]:
    value = os.environ.get(variable, "").strip() or default
    names = [name.strip() for name in value.split(",")]
    if not set(names) <= set(known) or len(names) != len(set(names)):
        raise environment.WrongEnvironment(
            f"{variable} must list each sender once, of: {', '.join(known)}"
        )
    return [known[name]() for name in names]

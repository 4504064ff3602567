"""Calls from a number of one's own, through AWS End User Messaging: Amazon Polly reads the code.

Variables:

    VOICE_ORIGINATION_IDENTITY  number or pool that can call, up to 256 characters
    VOICE_MAX_PRICE             US dollars for a minute, above 0 and below 100, with a point;
                                optional
"""

from types import MappingProxyType
from typing import Any

from .. import environment
from . import aws, end_user_messaging
from .contract import Message

# By the languages of the catalogues. The service has no voice for Hindi: a call in that language is
# in English, by a voice of India.
VOICES = MappingProxyType(
    {
        "ar": "ZEINA",
        "de": "VICKI",
        "en": "JOANNA",
        "es": "LUPE",
        "fr": "LEA",
        "hi": "RAVEENA",
        "ja": "MIZUKI",
        "pt": "CAMILA",
    }
)


class VoiceSender:
    """``client`` is a boto3 ``pinpoint-sms-voice-v2`` client that makes one attempt per call."""

    name = "end_user_messaging"
    wants_feedback = False

    def __init__(self, client: Any, identity: str, max_price: str | None) -> None:
        self._client = client
        self._identity = identity
        self._max_price = max_price

    def send(self, message: Message) -> str:
        """Call the phone of ``message`` and return the call's id. Raises SendError."""
        parameters = {
            "DestinationPhoneNumber": message.phone,
            "OriginationIdentity": self._identity,
            "MessageBody": message.body,
            "MessageBodyTextType": "SSML",
            "VoiceId": VOICES[message.language],
            "TimeToLive": end_user_messaging.seconds_to_live(message),
        }
        if self._max_price:
            parameters["MaxPricePerMinute"] = self._max_price
        return aws.message_id(
            aws.call(self._client, "send_voice_message", parameters, end_user_messaging.reason_of)
        )


def from_environment() -> VoiceSender:
    """Return the sender of the variables above. Raises WrongEnvironment."""
    name = "VOICE_ORIGINATION_IDENTITY"
    identity = environment.matching(
        name, end_user_messaging.IDENTITY, hint="a number or a pool that can call"
    )
    price = environment.matching(
        "VOICE_MAX_PRICE", end_user_messaging.PRICE, hint="dollars such as 0.50"
    )
    client = aws.client("pinpoint-sms-voice-v2")
    return VoiceSender(client, identity or environment.text(name), price)

"""How a text leaves for a phone. One attempt and short limits: a retried call is a second text."""

from functools import cache
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

_CONFIG = Config(connect_timeout=1, read_timeout=1.5, retries={"total_max_attempts": 1})


class SendError(Exception):
    """The text was refused or its fate is unknown. ``reason`` is the provider's error code."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The text could not be sent: {reason}")
        self.reason = reason


class Sender(Protocol):
    def send(self, phone: str, text: str) -> str:
        """Send ``text`` to ``phone`` (E.164) and return the provider's message id.

        Raises SendError.
        """


class SnsSender:
    def __init__(self, client: Any) -> None:
        self._client = client

    def send(self, phone: str, text: str) -> str:
        try:
            reply = self._client.publish(
                PhoneNumber=phone,
                Message=text,
                MessageAttributes={
                    "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}
                },
            )
            return str(reply["MessageId"])
        except ClientError as error:
            raise SendError(str(error.response["Error"].get("Code"))) from error
        except (BotoCoreError, ResponseParserError, KeyError) as error:
            # botocore lets the last two through when the reply is garbage.
            raise SendError(type(error).__name__) from error


@cache
def configured() -> Sender:
    return SnsSender(boto3.client("sns", config=_CONFIG))

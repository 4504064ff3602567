"""Mail, through Amazon SES.

Variables:

    EMAIL_SENDER             address that mails come from, of an identity which SES has verified; a
                             name may stand before it: "Example <login@example.com>"
    EMAIL_CONFIGURATION_SET  up to 64 letters, digits, hyphens and underscores; optional
"""

from typing import Any

from .. import environment
from . import aws
from .contract import Message, Reason, SendError

REASONS = {
    "AccountSuspendedException": Reason.MISCONFIGURED,
    "BadRequestException": Reason.MISCONFIGURED,
    "LimitExceededException": Reason.SPEND_LIMIT,
    "MailFromDomainNotVerifiedException": Reason.MISCONFIGURED,
    "MessageRejected": Reason.MISCONFIGURED,
    "NotFoundException": Reason.MISCONFIGURED,
    "SendingPausedException": Reason.MISCONFIGURED,
    "TooManyRequestsException": Reason.THROTTLED,
}
_SENDER = (
    r"([A-Za-z0-9 .&'+-]{1,60} <[^@<>\s]{1,64}@[a-z0-9.-]{1,255}>|[^@<>\s]{1,64}@[a-z0-9.-]{1,255})"
)
_UTF_8 = "UTF-8"


class MailSender:
    """``client`` is a boto3 ``sesv2`` client that makes one attempt per call."""

    name = "ses"
    wants_feedback = False

    def __init__(self, client: Any, sender: str, configuration_set: str | None) -> None:
        self._client = client
        self._sender = sender
        self._configuration_set = configuration_set

    def send(self, message: Message) -> str:
        """Mail ``message`` to its address and return its id. Raises SendError."""
        if not message.address:
            raise SendError(Reason.MISCONFIGURED, "NoAddress", certain=True)
        parameters = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": [message.address]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": message.subject, "Charset": _UTF_8},
                    "Body": {"Text": {"Data": message.body, "Charset": _UTF_8}},
                }
            },
        }
        if self._configuration_set:
            parameters["ConfigurationSetName"] = self._configuration_set
        return aws.message_id(aws.call(self._client, "send_email", parameters, _reason_of))


def from_environment() -> MailSender:
    """Return the sender of the variables above. Raises WrongEnvironment."""
    sender = environment.matching(
        "EMAIL_SENDER", _SENDER, hint="an address, or a name and <an address>"
    )
    configuration_set = environment.matching(
        "EMAIL_CONFIGURATION_SET", "[A-Za-z0-9_-]{1,64}", hint="the name of a configuration set"
    )
    client = aws.client("sesv2")
    return MailSender(client, sender or environment.text("EMAIL_SENDER"), configuration_set)


def _reason_of(refusal: aws.Refusal) -> Reason | None:
    return REASONS.get(refusal.code)

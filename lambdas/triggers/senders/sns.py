"""Amazon SNS: needs nothing but the permission to publish to phones.

It takes texts to numbers that have opted out, and texts beyond the spend limit, and drops them
later: those refusals show only in its delivery logs.

Variables, all optional:

    SNS_MAX_PRICE           US dollars for one text, above 0 and below 100, such as 0.50
    SNS_SENDER_ID           1 to 11 letters, digits and hyphens, at least one letter
    SNS_ORIGINATION_NUMBER  5 to 14 digits, a + before them or not
    IN_ENTITY_ID, IN_TEMPLATE_ID
"""

from dataclasses import dataclass
from typing import Any

from .. import environment
from . import aws, india
from .contract import Message, Reason

REASONS = {
    "OptedOut": Reason.OPTED_OUT,
    "OptedOutException": Reason.OPTED_OUT,
    "InvalidParameter": Reason.MISCONFIGURED,
    "ParameterValueInvalid": Reason.MISCONFIGURED,
    "ValidationException": Reason.MISCONFIGURED,
    "AuthorizationError": Reason.MISCONFIGURED,
    "InvalidSecurity": Reason.MISCONFIGURED,
    "NotFound": Reason.MISCONFIGURED,
    "InternalError": Reason.PROVIDER_DOWN,
}
_PRICE = r"(?=.*[1-9])[0-9]{1,2}(\.[0-9]{1,5})?"
SENDER_ID = r"(?=.*[A-Za-z])[A-Za-z0-9-]{1,11}"
_NUMBER = r"\+?[0-9]{5,14}"


@dataclass(frozen=True)
class Options:
    """The variables above; None leaves the service its default."""

    max_price: str | None = None
    sender_id: str | None = None
    origination_number: str | None = None
    registration: india.Registration | None = None


class SnsSender:
    """``client`` is a boto3 ``sns`` client that makes one attempt per call."""

    name = "sns"
    wants_feedback = False

    def __init__(self, client: Any, options: Options) -> None:
        self._client = client
        self._options = options

    def send(self, message: Message) -> str:
        """Send ``message`` and return its id. Raises SendError."""
        parameters = {
            "PhoneNumber": message.phone,
            "Message": message.body,
            "MessageAttributes": self._attributes(message),
        }
        return aws.message_id(aws.call(self._client, "publish", parameters, _reason_of))

    def _attributes(self, message: Message) -> dict[str, dict[str, str]]:
        options = self._options
        registration = india.on(message, options.registration)
        strings = {
            "AWS.SNS.SMS.SMSType": "Transactional",
            "AWS.SNS.SMS.SenderID": options.sender_id,
            "AWS.MM.SMS.OriginationNumber": options.origination_number,
            "AWS.MM.SMS.EntityId": registration and registration.entity_id,
            "AWS.MM.SMS.TemplateId": registration and registration.template_id,
        }
        attributes = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in strings.items()
            if value
        }
        if options.max_price:
            attributes["AWS.SNS.SMS.MaxPrice"] = {
                "DataType": "Number",
                "StringValue": options.max_price,
            }
        return attributes


def from_environment() -> SnsSender:
    """Return the sender of the variables above. Raises WrongEnvironment."""
    options = Options(
        max_price=environment.matching("SNS_MAX_PRICE", _PRICE, hint="dollars such as 0.50"),
        sender_id=environment.matching(
            "SNS_SENDER_ID", SENDER_ID, hint="1 to 11 letters, digits and hyphens, one a letter"
        ),
        origination_number=environment.matching(
            "SNS_ORIGINATION_NUMBER", _NUMBER, hint="5 to 14 digits"
        ),
        registration=india.from_environment(),
    )
    return SnsSender(aws.client("sns"), options)


def _reason_of(refusal: aws.Refusal) -> Reason | None:
    # One code for every parameter; only the message tells which it is.
    if refusal.code == "InvalidParameter" and "PhoneNumber" in refusal.message:
        opted_out = "opted out" in refusal.message.lower()
        return Reason.OPTED_OUT if opted_out else Reason.LANDLINE
    return REASONS.get(refusal.code)

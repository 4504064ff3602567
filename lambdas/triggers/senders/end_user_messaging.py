"""AWS End User Messaging SMS: one's own numbers, pools, sender ids and protection.

Variables, all optional; ids may be ARNs:

    EUM_ORIGINATION_IDENTITY      number, pool, sender id or RCS agent, up to 256 characters. With a
                                  pool that has an RCS agent, phones that know RCS get that
    EUM_CONFIGURATION_SET         name, up to 256 characters
    EUM_PROTECT_CONFIGURATION_ID  up to 256 characters
    EUM_MAX_PRICE                 US dollars for one text, above 0 and below 100, with a point
    EUM_MESSAGE_FEEDBACK          true to tell the service which texts were answered
    IN_ENTITY_ID, IN_TEMPLATE_ID
"""

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any

from .. import environment
from . import aws, india
from .contract import Message, Reason, SendError

# By the refusal's reason, where it gives one that is listed; else by its code.
REASONS = {
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": Reason.OPTED_OUT,
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": Reason.SANDBOX,
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": Reason.BLOCKED_COUNTRY,
    # Someone has blocked this one number: not a matter for the next sender.
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": Reason.LANDLINE,
    "NO_ORIGINATION_IDENTITIES_FOUND": Reason.MISCONFIGURED,
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": Reason.SPEND_LIMIT,
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_VOICE": Reason.SPEND_LIMIT,
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_NOTIFY": Reason.SPEND_LIMIT,
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_RCS": Reason.SPEND_LIMIT,
    "DAILY_NOTIFY_TIER_MESSAGE_LIMIT": Reason.SPEND_LIMIT,
    "DESTINATION_COUNTRY_BLOCKED": Reason.BLOCKED_COUNTRY,
    "COUNTRY_NOT_ENABLED": Reason.BLOCKED_COUNTRY,
    "INTERNATIONAL_SENDING_NOT_SUPPORTED": Reason.BLOCKED_COUNTRY,
    "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": Reason.MISCONFIGURED,
    "PRICE_OVER_THRESHOLD": Reason.SPEND_LIMIT,
    "SENDER_ID_NOT_REGISTERED": Reason.MISCONFIGURED,
    "SENDER_ID_NOT_SUPPORTED": Reason.MISCONFIGURED,
    "SENDER_ID_REQUIRES_REGISTRATION": Reason.MISCONFIGURED,
    "INSUFFICIENT_ACCOUNT_REPUTATION": Reason.MISCONFIGURED,
    "ACCOUNT_DISABLED": Reason.MISCONFIGURED,
    "ConflictException": Reason.MISCONFIGURED,
    "ServiceQuotaExceededException": Reason.SPEND_LIMIT,
    "ValidationException": Reason.MISCONFIGURED,
    "ThrottlingException": Reason.THROTTLED,
    "AccessDeniedException": Reason.MISCONFIGURED,
    "ResourceNotFoundException": Reason.MISCONFIGURED,
    "InternalServerException": Reason.PROVIDER_DOWN,
}
SHORTEST_LIFETIME, LONGEST_LIFETIME = 5, 259_200
IDENTITY = r"[A-Za-z0-9_:/+-]{1,256}"
ID = r"[A-Za-z0-9_:/-]{1,256}"
PRICE = r"(?=.*[1-9])[0-9]{0,2}\.[0-9]{1,5}"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """The variables above; None leaves the service its default."""

    origination_identity: str | None = None
    configuration_set: str | None = None
    protect_configuration_id: str | None = None
    max_price: str | None = None
    message_feedback: bool = False
    registration: india.Registration | None = None


class EndUserMessagingSender:
    """``client`` is a boto3 ``pinpoint-sms-voice-v2`` client that makes one attempt per call."""

    name = "end_user_messaging"

    def __init__(self, client: Any, options: Options) -> None:
        self._client = client
        self._options = options
        self.wants_feedback = options.message_feedback

    def send(self, message: Message) -> str:
        """Send ``message`` and return its id. Raises SendError."""
        options = self._options
        registration = india.on(message, options.registration)
        parameters = {
            "DestinationPhoneNumber": message.phone,
            "MessageBody": message.body,
            "MessageType": "TRANSACTIONAL",
            "TimeToLive": seconds_to_live(message),
            "OriginationIdentity": options.origination_identity,
            "ConfigurationSetName": options.configuration_set,
            "ProtectConfigurationId": options.protect_configuration_id,
            "MaxPrice": options.max_price,
            "MessageFeedbackEnabled": options.message_feedback,
            "DestinationCountryParameters": registration
            and {
                "IN_ENTITY_ID": registration.entity_id,
                "IN_TEMPLATE_ID": registration.template_id,
            },
        }
        given = {name: value for name, value in parameters.items() if value}
        return aws.message_id(aws.call(self._client, "send_text_message", given, reason_of))


def from_environment() -> EndUserMessagingSender:
    """Return the sender of the variables above. Raises WrongEnvironment."""
    feedback = environment.matching("EUM_MESSAGE_FEEDBACK", "true|false", hint="true or false")
    options = Options(
        origination_identity=environment.matching(
            "EUM_ORIGINATION_IDENTITY", IDENTITY, hint="a number, a pool or a sender id"
        ),
        configuration_set=environment.matching(
            "EUM_CONFIGURATION_SET", ID, hint="the name of a configuration set"
        ),
        protect_configuration_id=environment.matching(
            "EUM_PROTECT_CONFIGURATION_ID", ID, hint="the id of a protect configuration"
        ),
        max_price=environment.matching("EUM_MAX_PRICE", PRICE, hint="dollars such as 0.50"),
        message_feedback=feedback == "true",
        registration=india.from_environment(),
    )
    return EndUserMessagingSender(aws.client("pinpoint-sms-voice-v2"), options)


def report_received(message_id: str) -> None:
    """Tell the service that this text was answered with its code. Never raises.

    Without that it counts a text of EUM_MESSAGE_FEEDBACK as lost after an hour, and its filter
    against artificial traffic learns the wrong thing.
    """
    parameters = {"MessageId": message_id, "MessageFeedbackStatus": "RECEIVED"}
    # Fails open: a right code signs in, whatever becomes of this.
    try:
        aws.call(_feedback_client(), "put_message_feedback", parameters, reason_of)
    except SendError as error:
        _not_reported(error.detail)
    except Exception as error:
        _not_reported(type(error).__name__)


@cache
def _feedback_client() -> Any:
    return aws.client("pinpoint-sms-voice-v2")


def _not_reported(detail: str) -> None:
    log.warning("Receipt of a text not reported", extra={"detail": detail})


def seconds_to_live(message: Message) -> int:
    """Return the lifetime of ``message`` within the range that the service takes."""
    return min(max(message.lifetime, SHORTEST_LIFETIME), LONGEST_LIFETIME)


def reason_of(refusal: aws.Refusal) -> Reason | None:
    """Return the meaning of a refusal by any operation of this service, None where it has none."""
    if refusal.code == "ValidationException" and "DestinationPhoneNumber" in refusal.fields:
        return Reason.LANDLINE
    return REASONS.get(refusal.reason) or REASONS.get(refusal.code)

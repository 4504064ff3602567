"""Amazon Pinpoint, for accounts that still have a project there.

New projects can no longer be made: a new account takes ``end_user_messaging``.

Variables, of which only the first is required:

    PINPOINT_PROJECT_ID          the application's id, up to 64 letters, digits and hyphens
    PINPOINT_ORIGINATION_NUMBER  3 to 15 digits, a + before them or not
    PINPOINT_KEYWORD             up to 30 letters, digits and underscores
    PINPOINT_SENDER_ID           1 to 11 letters, digits and hyphens, at least one letter
    IN_ENTITY_ID, IN_TEMPLATE_ID
"""

from dataclasses import dataclass
from typing import Any

from .. import environment
from . import aws, india, sns
from .contract import Message, Reason, SendError

REASONS = {
    "BadRequestException": Reason.MISCONFIGURED,
    "ForbiddenException": Reason.MISCONFIGURED,
    "MethodNotAllowedException": Reason.MISCONFIGURED,
    "NotFoundException": Reason.MISCONFIGURED,
    "PayloadTooLargeException": Reason.MISCONFIGURED,
    "TooManyRequestsException": Reason.THROTTLED,
    "InternalServerErrorException": Reason.PROVIDER_DOWN,
}
SENT = {"SUCCESSFUL", "DUPLICATE"}
# The refusals of a delivery, which the service answers with HTTP 200. A status that is not here,
# such as UNKNOWN_FAILURE, leaves open whether the text has left.
REFUSED = {
    "OPT_OUT": Reason.OPTED_OUT,
    "THROTTLED": Reason.THROTTLED,
    "TEMPORARY_FAILURE": Reason.PROVIDER_DOWN,
    "PERMANENT_FAILURE": Reason.LANDLINE,
}
_NOT_ALLOWED = {401, 403, 404}


@dataclass(frozen=True)
class Options:
    """The variables above; None leaves the service its default."""

    project_id: str
    origination_number: str | None = None
    keyword: str | None = None
    sender_id: str | None = None
    registration: india.Registration | None = None


class PinpointSender:
    """``client`` is a boto3 ``pinpoint`` client that makes one attempt per call."""

    name = "pinpoint"
    wants_feedback = False

    def __init__(self, client: Any, options: Options) -> None:
        self._client = client
        self._options = options

    def send(self, message: Message) -> str:
        """Send ``message`` and return its id, "" where the service gave none. Raises SendError."""
        request = {
            "Addresses": {message.phone: {"ChannelType": "SMS"}},
            "MessageConfiguration": {"SMSMessage": self._sms(message)},
        }
        parameters = {"ApplicationId": self._options.project_id, "MessageRequest": request}
        reply = aws.call(
            self._client, "send_messages", parameters, lambda refusal: REASONS.get(refusal.code)
        )
        return _message_id(_result(reply, message.phone))

    def _sms(self, message: Message) -> dict[str, str]:
        options = self._options
        registration = india.on(message, options.registration)
        sms = {
            "Body": message.body,
            "MessageType": "TRANSACTIONAL",
            "OriginationNumber": options.origination_number,
            "Keyword": options.keyword,
            "SenderId": options.sender_id,
            "EntityId": registration and registration.entity_id,
            "TemplateId": registration and registration.template_id,
        }
        return {name: value for name, value in sms.items() if value}


def from_environment() -> PinpointSender:
    """Return the sender of the variables above. Raises WrongEnvironment."""
    project_id = environment.matching(
        "PINPOINT_PROJECT_ID", "[A-Za-z0-9-]{1,64}", hint="the id of an application"
    )
    options = Options(
        project_id=project_id or environment.text("PINPOINT_PROJECT_ID"),
        origination_number=environment.matching(
            "PINPOINT_ORIGINATION_NUMBER", r"\+?[0-9]{3,15}", hint="3 to 15 digits"
        ),
        keyword=environment.matching(
            "PINPOINT_KEYWORD", "[A-Za-z0-9_]{1,30}", hint="1 to 30 letters, digits and underscores"
        ),
        sender_id=environment.matching(
            "PINPOINT_SENDER_ID",
            sns.SENDER_ID,
            hint="1 to 11 letters, digits and hyphens, one a letter",
        ),
        registration=india.from_environment(),
    )
    return PinpointSender(aws.client("pinpoint"), options)


def _result(reply: dict[str, Any], phone: str) -> dict[str, Any]:
    """Return the result for ``phone``, an empty dict if the reply holds none."""
    found: Any = reply
    for key in ("MessageResponse", "Result", phone):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _message_id(result: dict[str, Any]) -> str:
    status, code = aws.word(result.get("DeliveryStatus")), result.get("StatusCode")
    if status in SENT:
        return str(result.get("MessageId") or "")
    if status not in REFUSED:
        raise aws.unreadable(status or "NoDeliveryStatus")
    if not (isinstance(code, int) and 100 <= code < 600):
        raise SendError(REFUSED[status], status, certain=True)
    not_allowed = status == "PERMANENT_FAILURE" and code in _NOT_ALLOWED
    reason = Reason.MISCONFIGURED if not_allowed else REFUSED[status]
    raise SendError(reason, f"{status} {code}", certain=True)

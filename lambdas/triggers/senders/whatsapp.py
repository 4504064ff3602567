"""WhatsApp, through AWS End User Messaging Social, with a template of the kind "authentication".

Meta has such a template's words; it is given the code, for its text and for its button.

Variables:

    WHATSAPP_NUMBER_ID    phone-number-id-… or the ARN of one
    WHATSAPP_TEMPLATE     name of the template, up to 512 small letters, digits and underscores
    WHATSAPP_LANGUAGES    Meta's codes of the languages in which it is approved, such as
                          "en_US,de,pt_BR"; one that is none of them gets the first
    WHATSAPP_API_VERSION  of Meta's Cloud API, v20.0 where it is empty

A number that WhatsApp does not know is refused later, in the events of the account: no reply here
says it.
"""

import json
from typing import Any

from .. import environment
from . import aws
from .contract import Message, Reason

REASONS = {
    "AccessDeniedException": Reason.MISCONFIGURED,
    "AccessDeniedByMetaException": Reason.MISCONFIGURED,
    "DependencyException": Reason.PROVIDER_DOWN,
    "InternalServiceException": Reason.PROVIDER_DOWN,
    "InvalidParametersException": Reason.MISCONFIGURED,
    "ResourceNotFoundException": Reason.MISCONFIGURED,
    "ThrottledRequestException": Reason.THROTTLED,
    "ValidationException": Reason.MISCONFIGURED,
}
NUMBER_ID = (
    r"phone-number-id-[0-9a-zA-Z]{1,99}|arn:[0-9a-zA-Z:_-]{1,80}:phone-number-id/[0-9a-zA-Z]+"
)
_LANGUAGE = "[a-z]{2,3}(_[A-Z]{2})?"
_LANGUAGES = f"{_LANGUAGE}(,{_LANGUAGE})*"


class WhatsAppSender:
    """``client`` is a boto3 ``socialmessaging`` client that makes one attempt per call."""

    name = "whatsapp"
    wants_feedback = False

    def __init__(
        self, client: Any, number_id: str, template: str, languages: list[str], version: str
    ) -> None:
        self._client = client
        self._number_id = number_id
        self._template = template
        self._languages = languages
        self._version = version

    def send(self, message: Message) -> str:
        """Send the code of ``message`` and return its id. Raises SendError."""
        parameters = {
            "originationPhoneNumberId": self._number_id,
            "message": json.dumps(self._content(message)).encode(),
            "metaApiVersion": self._version,
        }
        reply = aws.call(self._client, "send_whatsapp_message", parameters, _reason_of)
        return aws.message_id(reply, "messageId")

    def _content(self, message: Message) -> dict[str, Any]:
        code = [{"type": "text", "text": message.code}]
        return {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message.phone,
            "type": "template",
            "template": {
                "name": self._template,
                "language": {"code": self._language(message.language)},
                "components": [
                    {"type": "body", "parameters": code},
                    {"type": "button", "sub_type": "url", "index": "0", "parameters": code},
                ],
            },
        }

    def _language(self, wanted: str) -> str:
        fitting = (each for each in self._languages if each.partition("_")[0] == wanted)
        return next(fitting, self._languages[0])


def from_environment() -> WhatsAppSender:
    """Return the sender of the variables above. Raises WrongEnvironment."""
    number_id = environment.matching("WHATSAPP_NUMBER_ID", NUMBER_ID, hint="phone-number-id-…")
    template = environment.matching(
        "WHATSAPP_TEMPLATE", "[a-z0-9_]{1,512}", hint="the name of a template"
    )
    languages = environment.matching(
        "WHATSAPP_LANGUAGES", _LANGUAGES, hint="a list such as en_US,de"
    )
    version = environment.matching(
        "WHATSAPP_API_VERSION", r"v[0-9]{1,3}\.0", hint="a version such as v20.0"
    )
    return WhatsAppSender(
        aws.client("socialmessaging"),
        number_id or environment.text("WHATSAPP_NUMBER_ID"),
        template or environment.text("WHATSAPP_TEMPLATE"),
        (languages or environment.text("WHATSAPP_LANGUAGES", "en")).split(","),
        version or "v20.0",
    )


def _reason_of(refusal: aws.Refusal) -> Reason | None:
    return REASONS.get(refusal.code)

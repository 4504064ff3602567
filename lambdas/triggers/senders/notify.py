"""Notify of AWS End User Messaging: texts and calls from AWS's own numbers, without registration.

Its templates are written and approved by AWS, so it is given the code alone: no line at the end
binds a text to the site, and a notice, which has no code, is left to the next sender.

Variables:

    NOTIFY_CONFIGURATION_ID  id or ARN of a configuration, up to 256 characters
    NOTIFY_TEXT_TEMPLATES    templates of texts by language, such as "en:id-1,de:id-2"; optional
    NOTIFY_VOICE_TEMPLATES   the same for calls; optional

Without a template of the person's language the configuration's default one is taken.
"""

from collections.abc import Mapping
from typing import Any

from .. import environment
from . import aws, end_user_messaging, voice
from .contract import Message, Reason, SendError

_TEMPLATES = r"[a-z]{2}:[A-Za-z0-9_-]{1,256}(,[a-z]{2}:[A-Za-z0-9_-]{1,256})*"


class _NotifySender:
    """``client`` is a boto3 ``pinpoint-sms-voice-v2`` client that makes one attempt per call."""

    name = "notify"
    wants_feedback = False
    operation: str

    def __init__(self, client: Any, configuration: str, templates: Mapping[str, str]) -> None:
        self._client = client
        self._configuration = configuration
        self._templates = templates

    def send(self, message: Message) -> str:
        """Send the code of ``message`` and return its id. Raises SendError."""
        if not message.code:
            raise SendError(Reason.MISCONFIGURED, "NoCode", certain=True)
        parameters = {
            "NotifyConfigurationId": self._configuration,
            "DestinationPhoneNumber": message.phone,
            "TemplateVariables": {"code": self._written(message.code)},
            "TimeToLive": end_user_messaging.seconds_to_live(message),
            **self._more(message),
        }
        if template := self._templates.get(message.language):
            parameters["TemplateId"] = template
        reply = aws.call(self._client, self.operation, parameters, end_user_messaging.reason_of)
        return aws.message_id(reply)

    def _written(self, code: str) -> str:
        return code

    def _more(self, message: Message) -> dict[str, str]:
        return {}


class NotifyTextSender(_NotifySender):
    operation = "send_notify_text_message"


class NotifyVoiceSender(_NotifySender):
    operation = "send_notify_voice_message"

    def _written(self, code: str) -> str:
        # One by one: without the spaces it is a number of hundreds of thousands.
        return " ".join(code)

    def _more(self, message: Message) -> dict[str, str]:
        # The voice must speak the template's language, and that of the default one is not known.
        knows = message.language in self._templates
        return {"VoiceId": voice.VOICES[message.language]} if knows else {}


def text_from_environment() -> NotifyTextSender:
    """Return the sender of texts. Raises WrongEnvironment."""
    return NotifyTextSender(*_options("NOTIFY_TEXT_TEMPLATES"))


def voice_from_environment() -> NotifyVoiceSender:
    """Return the sender of calls. Raises WrongEnvironment."""
    return NotifyVoiceSender(*_options("NOTIFY_VOICE_TEMPLATES"))


def _options(variable: str) -> tuple[Any, str, dict[str, str]]:
    name = "NOTIFY_CONFIGURATION_ID"
    configuration = environment.matching(
        name, end_user_messaging.ID, hint="the id of a Notify configuration"
    )
    listed = environment.matching(variable, _TEMPLATES, hint="a list such as en:id-1,de:id-2")
    templates = dict(each.split(":") for each in listed.split(",")) if listed else {}
    client = aws.client("pinpoint-sms-voice-v2")
    return client, configuration or environment.text(name), templates

"""Senders of the other channels at the wire, judged by the models of the locked botocore."""

import base64
import json
import re

import botocore.session
import pytest
from botocore.validate import ParamValidator

from lambdas.triggers import messages, senders
from lambdas.triggers.environment import WrongEnvironment
from lambdas.triggers.senders import Channel, Message, Reason, mail, notify, voice, whatsapp
from tests.lambdas.senders import replies
from tests.wire import Reply, aws_error

SMS_VOICE = "pinpoint-sms-voice-v2"
ADDRESS = "ada@example.org"
MODELS = botocore.session.get_session()
CODES = Message(
    replies.PHONE,
    replies.BODY,
    lifetime=300,
    country="US",
    code=replies.CODE,
    language="de",
    address=ADDRESS,
    subject="Your sign-in code",
)
SPOKEN = "0 1 2 3 4 5"


@pytest.fixture(autouse=True)
def _switched_on(monkeypatch):
    monkeypatch.setenv("NOTIFY_CONFIGURATION_ID", "nc-1")
    monkeypatch.setenv("VOICE_ORIGINATION_IDENTITY", "+12065550100")
    monkeypatch.setenv("WHATSAPP_NUMBER_ID", "phone-number-id-0a1b")
    monkeypatch.setenv("WHATSAPP_TEMPLATE", "sign_in_code")
    monkeypatch.setenv("EMAIL_SENDER", "Example <login@example.com>")


def model(service, operation):
    return MODELS.get_service_model(service).operation_model(operation)


def fits_model(service, operation, parameters):
    """Check names, types and lengths as botocore does, and the patterns, which it leaves out."""
    shape = model(service, operation).input_shape
    report = ParamValidator().validate(parameters, shape)
    assert not report.has_errors(), report.generate_report()
    for name, value in parameters.items():
        member = shape.members[name]
        if pattern := member.metadata.get("pattern"):
            assert re.search(f"^(?:{pattern})$", value), (name, value)
        if allowed := getattr(member, "enum", None):
            assert value in allowed
    return parameters


def asked(service, sender, operation, message=CODES):
    service.renew(Reply({"MessageId": "message-1"}))
    assert sender.send(message) == "message-1"
    (request,) = service.requests
    assert request.operation == operation
    return fits_model(SMS_VOICE, operation, request.json)


# Notify


def test_notify_text_has_the_code_and_nothing_of_our_words(service):
    assert asked(service, notify.text_from_environment(), "SendNotifyTextMessage") == {
        "NotifyConfigurationId": "nc-1",
        "DestinationPhoneNumber": replies.PHONE,
        "TemplateVariables": {"code": replies.CODE},
        "TimeToLive": 300,
    }


@pytest.mark.parametrize(
    ("language", "template"), [("de", "notify-de-001"), ("en", "notify-en-001"), ("fr", None)]
)
def test_notify_template_is_that_of_the_language(service, given, language, template):
    given(NOTIFY_TEXT_TEMPLATES="en:notify-en-001,de:notify-de-001")
    message = Message(replies.PHONE, "", 300, "US", code=replies.CODE, language=language)
    made = notify.text_from_environment()
    assert asked(service, made, "SendNotifyTextMessage", message).get("TemplateId") == template


def test_notify_leaves_a_notice_to_the_next_sender(service, text):
    with pytest.raises(senders.SendError) as raised:
        notify.text_from_environment().send(text)
    assert (raised.value.reason, raised.value.certain) == (Reason.MISCONFIGURED, True)
    assert not service.requests


def test_notify_call_reads_the_digits_one_by_one_in_the_voice_of_its_template(service, given):
    given(NOTIFY_VOICE_TEMPLATES="de:notify-de-call")
    assert asked(service, notify.voice_from_environment(), "SendNotifyVoiceMessage") == {
        "NotifyConfigurationId": "nc-1",
        "DestinationPhoneNumber": replies.PHONE,
        "TemplateId": "notify-de-call",
        "TemplateVariables": {"code": SPOKEN},
        "VoiceId": "VICKI",
        "TimeToLive": 300,
    }


def test_notify_call_without_a_template_of_the_language_has_no_voice_of_another(service):
    parameters = asked(service, notify.voice_from_environment(), "SendNotifyVoiceMessage")
    assert {"VoiceId", "TemplateId"} & set(parameters) == set()


# Calls from a number of one's own


def test_call_is_ssml_by_a_voice_of_the_language(service):
    assert asked(service, voice.from_environment(), "SendVoiceMessage") == {
        "DestinationPhoneNumber": replies.PHONE,
        "OriginationIdentity": "+12065550100",
        "MessageBody": replies.BODY,
        "MessageBodyTextType": "SSML",
        "VoiceId": "VICKI",
        "TimeToLive": 300,
    }


def test_call_has_a_cap_on_its_price(service, given):
    given(VOICE_MAX_PRICE="0.50")
    parameters = asked(service, voice.from_environment(), "SendVoiceMessage")
    assert parameters["MaxPricePerMinute"] == "0.50"


def test_every_language_of_the_texts_has_a_voice_that_the_service_knows():
    known = MODELS.get_service_model(SMS_VOICE).shape_for("VoiceId").enum
    assert set(voice.VOICES) == messages.LANGUAGES
    assert set(voice.VOICES.values()) <= set(known)


# WhatsApp


def whatsapp_content(service, message=CODES):
    service.renew(Reply({"messageId": "message-1"}))
    assert whatsapp.from_environment().send(message) == "message-1"
    (request,) = service.requests
    body = request.json
    assert (request.method, request.path) == ("POST", "/v1/whatsapp/send")
    content = base64.b64decode(body["message"])
    fits_model("socialmessaging", "SendWhatsAppMessage", body | {"message": content})
    assert body["originationPhoneNumberId"] == "phone-number-id-0a1b"
    assert body["metaApiVersion"] == "v20.0"
    return json.loads(content)


def test_whatsapp_message_is_an_authentication_template_with_the_code_twice(service):
    code = [{"type": "text", "text": replies.CODE}]
    assert whatsapp_content(service) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": replies.PHONE,
        "type": "template",
        "template": {
            "name": "sign_in_code",
            "language": {"code": "en"},
            "components": [
                {"type": "body", "parameters": code},
                # Copies the code: the button of every such template.
                {"type": "button", "sub_type": "url", "index": "0", "parameters": code},
            ],
        },
    }


@pytest.mark.parametrize(("listed", "language"), [("en_US,de", "de"), ("en_US,fr", "en_US")])
def test_whatsapp_template_is_in_the_language_or_in_the_first(service, given, listed, language):
    given(WHATSAPP_LANGUAGES=listed)
    assert whatsapp_content(service)["template"]["language"] == {"code": language}


# Mail


def test_mail_is_plain_text_to_the_address(service):
    service.renew(Reply({"MessageId": "message-1"}))
    assert mail.from_environment().send(CODES) == "message-1"
    (request,) = service.requests
    assert (request.method, request.path) == ("POST", "/v2/email/outbound-emails")
    assert fits_model("sesv2", "SendEmail", request.json) == {
        "FromEmailAddress": "Example <login@example.com>",
        "Destination": {"ToAddresses": [ADDRESS]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Your sign-in code", "Charset": "UTF-8"},
                "Body": {"Text": {"Data": replies.BODY, "Charset": "UTF-8"}},
            }
        },
    }


def test_mail_without_an_address_is_refused_before_it_is_sent(service, text):
    with pytest.raises(senders.SendError, match="NoAddress"):
        mail.from_environment().send(text)
    assert not service.requests


# All of them

MADE = {
    "notify text": notify.text_from_environment,
    "notify call": notify.voice_from_environment,
    "call": voice.from_environment,
    "whatsapp": whatsapp.from_environment,
    "mail": mail.from_environment,
}
every_sender = pytest.mark.parametrize("name", MADE)


@every_sender
@pytest.mark.parametrize(
    ("reply", "certain"),
    [
        (aws_error("AccessDeniedException"), True),
        (aws_error("ThrottlingException", status=429), True),
        (Reply({}, 504), False),
        (Reply(drop=True), False),
        (Reply({}), False),
    ],
)
def test_refusal_is_one_attempt_and_says_whether_something_left(service, name, reply, certain):
    service.renew(reply)
    with pytest.raises(senders.SendError) as raised:
        MADE[name]().send(CODES)
    assert raised.value.certain is certain
    assert len(service.requests) == 1
    shown = f"{raised.value!r} {raised.value.detail}"
    assert not replies.secrets_in(shown)
    assert ADDRESS not in shown


@every_sender
def test_runtime_that_does_not_know_the_operation_sends_nothing_and_says_so(service, name):
    sender = MADE[name]()
    # A client of an older boto3.
    sender._client = object()
    with pytest.raises(senders.SendError) as raised:
        sender.send(CODES)
    assert (raised.value.detail, raised.value.certain) == ("UnknownOperation", True)


@pytest.mark.parametrize(
    ("module", "service_name", "operation"),
    [(whatsapp, "socialmessaging", "SendWhatsAppMessage"), (mail, "sesv2", "SendEmail")],
)
def test_every_refusal_of_the_model_has_a_meaning(module, service_name, operation):
    # Meta's refusals come by way of AWS, and not every model has them yet.
    known = {shape.name for shape in model(service_name, operation).error_shapes}
    assert known <= set(module.REASONS)


@pytest.mark.parametrize(
    ("name", "value", "sender"),
    [
        ("NOTIFY_CONFIGURATION_ID", "", "notify text"),
        ("NOTIFY_CONFIGURATION_ID", "a b", "notify text"),
        ("NOTIFY_TEXT_TEMPLATES", "de=x", "notify text"),
        ("NOTIFY_VOICE_TEMPLATES", "german:x", "notify call"),
        ("VOICE_ORIGINATION_IDENTITY", "", "call"),
        ("VOICE_MAX_PRICE", "much", "call"),
        ("WHATSAPP_NUMBER_ID", "+12065550100", "whatsapp"),
        ("WHATSAPP_TEMPLATE", "Sign-in", "whatsapp"),
        ("WHATSAPP_LANGUAGES", "english", "whatsapp"),
        ("WHATSAPP_API_VERSION", "20", "whatsapp"),
        ("EMAIL_SENDER", "login", "mail"),
        ("EMAIL_CONFIGURATION_SET", "a b", "mail"),
    ],
)
def test_variable_that_cannot_work_is_named(given, name, value, sender):
    given(**{name: value})
    with pytest.raises(WrongEnvironment, match=name):
        MADE[sender]()


@pytest.mark.parametrize(
    ("variables", "channels"),
    [
        ({}, []),
        ({"VOICE_SENDERS": "notify"}, [Channel.VOICE]),
        ({"EMAIL_SENDER": "login@example.com"}, [Channel.EMAIL]),
        (
            {
                "EMAIL_SENDER": "login@example.com",
                "WHATSAPP_NUMBER_ID": "phone-number-id-1",
                "VOICE_SENDERS": "notify,end_user_messaging",
            },
            [Channel.VOICE, Channel.WHATSAPP, Channel.EMAIL],
        ),
    ],
)
def test_channels_are_those_that_are_switched_on(given, variables, channels):
    given(**dict.fromkeys(["VOICE_SENDERS", "WHATSAPP_NUMBER_ID", "EMAIL_SENDER"], ""))
    given(**variables)
    assert list(senders.other_channels()) == channels


@pytest.mark.parametrize(
    ("channel", "names"),
    [
        (Channel.VOICE, ("notify", "end_user_messaging")),
        (Channel.WHATSAPP, ("whatsapp",)),
        (Channel.EMAIL, ("ses",)),
    ],
)
def test_channel_has_its_senders_in_their_order(given, channel, names):
    given(VOICE_SENDERS="notify,end_user_messaging")
    assert senders.configured(channel).names == names


def test_texts_go_through_notify_where_it_is_listed(given):
    given(SMS_SENDERS="notify,sns")
    assert senders.configured().names == ("notify", "sns")


def test_calls_through_an_unknown_sender_name_the_variable(given):
    given(VOICE_SENDERS="sns")
    with pytest.raises(WrongEnvironment, match=r"VOICE_SENDERS .* notify, end_user_messaging"):
        senders.configured(Channel.VOICE)

"""The stand-in for calls and WhatsApp, asked by boto3 as the functions ask it."""

import json

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.messaging import Messaging

PHONE = "+12015550123"


@pytest.fixture
def messaging():
    made = Messaging()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def api(messaging):
    """``api(service)``: a client for it."""

    def make(service: str):
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=messaging.url,
            aws_access_key_id="tests",
            aws_secret_access_key="tests",
            config=Config(retries={"total_max_attempts": 1}),
        )

    return make


def kept(messaging: Messaging) -> list[dict[str, str]]:
    return requests.get(f"{messaging.url}/messages", timeout=5).json()["messages"]


def call(api, **changes: str):
    asked = {
        "DestinationPhoneNumber": PHONE,
        "OriginationIdentity": "+12015550100",
        "MessageBody": "<speak>Your code: 1<break/>2<break/>3</speak>",
        "MessageBodyTextType": "SSML",
    }
    return api("pinpoint-sms-voice-v2").send_voice_message(**asked | changes)


def test_call_is_kept_as_it_is_heard(api, messaging):
    assert call(api)["MessageId"] == "local-1"
    assert kept(messaging) == [{"channel": "voice", "to": PHONE, "body": "Your code: 1 2 3"}]


def test_whatsapp_message_is_kept_in_the_words_of_its_template(api, messaging):
    parameters = [{"type": "text", "text": "123456"}]
    content = {"to": PHONE, "template": {"components": [{"parameters": parameters}]}}
    api("socialmessaging").send_whatsapp_message(
        originationPhoneNumberId="phone-number-id-local",
        message=json.dumps(content).encode(),
        metaApiVersion="v20.0",
    )
    [message] = kept(messaging)
    assert message["body"] == "123456 is your verification code."


@pytest.mark.parametrize(
    "wrong",
    [{"DestinationPhoneNumber": 1}, {"Nonsense": "x"}, {"MessageBody": ""}],
    ids=["type", "name", "length"],
)
def test_request_that_the_model_does_not_know_is_refused_and_not_kept(messaging, wrong):
    """Such as boto3 would not write."""
    reply = requests.post(
        messaging.url,
        json={"DestinationPhoneNumber": PHONE, "OriginationIdentity": "x"} | wrong,
        headers={"x-amz-target": "PinpointSMSVoiceV2.SendVoiceMessage"},
        timeout=5,
    )
    assert (reply.status_code, reply.json()["__type"]) == (400, "ValidationException")
    assert kept(messaging) == []


def test_stand_in_refuses_when_it_is_told_to(api, messaging):
    messaging.refuses = "ThrottlingException"
    with pytest.raises(ClientError, match="ThrottlingException"):
        call(api)
    assert kept(messaging) == []


def test_stand_in_listens_on_loopback_alone(messaging):
    assert messaging.url.startswith("http://127.0.0.1:")

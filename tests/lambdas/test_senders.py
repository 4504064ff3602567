import time

import boto3
import pytest
from botocore.stub import Stubber

from lambdas.triggers import senders
from tests.lambdas import aws
from tests.wire import Reply

PHONE = "+12015550123"
TEXT = "012345 is your Example sign-in code."


def test_sns_sender_publishes_a_transactional_text_to_the_phone():
    client = boto3.client("sns")
    asked = {
        "PhoneNumber": PHONE,
        "Message": TEXT,
        "MessageAttributes": {
            "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}
        },
    }
    with Stubber(client) as stub:
        stub.add_response("publish", {"MessageId": "message-1"}, asked)
        assert senders.SnsSender(client).send(PHONE, TEXT) == "message-1"


@pytest.mark.parametrize(
    ("code", "status"), [("OptedOut", 400), ("Throttling", 400), ("InternalError", 500)]
)
def test_sns_sender_refused_gives_the_reason_and_quotes_nothing(code, status):
    client = boto3.client("sns")
    with Stubber(client) as stub:
        stub.add_client_error("publish", code, f"{PHONE}: {TEXT}", status)
        with pytest.raises(senders.SendError) as raised:
            senders.SnsSender(client).send(PHONE, TEXT)
    assert raised.value.reason == code
    assert str(raised.value) == f"The text could not be sent: {code}"


def test_sns_sender_invalid_parameters_quote_nothing():
    with pytest.raises(senders.SendError) as raised:
        senders.SnsSender(boto3.client("sns")).send(PHONE, {"text": TEXT})
    assert raised.value.reason == "ParamValidationError"
    assert TEXT not in str(raised.value)


def test_configured_sends_through_sns(sns):
    sns.will(aws.TEXT_SENT)
    assert senders.configured().send(PHONE, TEXT) == "message-1"
    assert aws.texts(sns) == [(PHONE, TEXT)]
    assert aws.published(sns.requests[0])["Action"] == "Publish"


def test_configured_is_made_once_per_process():
    assert senders.configured() is senders.configured()


@pytest.mark.parametrize("code", ["InternalFailure", "Throttling", "ServiceUnavailable"])
def test_configured_failing_service_is_asked_once(sns, code):
    sns.will(aws.sns_error(code, "", 500))
    with pytest.raises(senders.SendError, match=code):
        senders.configured().send(PHONE, TEXT)
    assert len(sns.requests) == 1


def test_configured_throttled_is_asked_once(sns):
    sns.will(aws.sns_error("Throttling", "Rate exceeded"))
    with pytest.raises(senders.SendError, match="Throttling"):
        senders.configured().send(PHONE, TEXT)
    assert len(sns.requests) == 1


def test_configured_connection_lost_is_asked_once(sns):
    sns.will(Reply(drop=True))
    with pytest.raises(senders.SendError, match="ConnectionClosedError"):
        senders.configured().send(PHONE, TEXT)
    assert len(sns.requests) == 1


def test_configured_hanging_service_is_given_up_soon(sns):
    sns.will(aws.HANGING)
    started = time.monotonic()
    with pytest.raises(senders.SendError, match="ReadTimeoutError"):
        senders.configured().send(PHONE, TEXT)
    assert time.monotonic() - started < 2.8
    assert len(sns.requests) == 1


def test_configured_unreachable_service_is_given_up_soon(deaf, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", deaf)
    started = time.monotonic()
    with pytest.raises(senders.SendError, match="ConnectTimeoutError"):
        senders.configured().send(PHONE, TEXT)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"not XML"),
        Reply(b""),
        Reply(b"not XML", 400),
        Reply(b"not XML", 503),
        Reply(b"<PublishResponse></PublishResponse>"),
        Reply(b"<PublishResponse><PublishResult></PublishResult></PublishResponse>"),
    ],
)
def test_configured_garbage_for_a_reply_is_a_send_error(sns, reply):
    sns.will(reply)
    with pytest.raises(senders.SendError):
        senders.configured().send(PHONE, TEXT)

"""What all senders share: one attempt, short limits, and errors that quote nothing."""

import json
import logging
import time
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.triggers import senders
from lambdas.triggers.environment import WrongEnvironment
from lambdas.triggers.senders import Message, Reason, SendError, aws
from tests.lambdas import aws as services
from tests.lambdas.senders import replies
from tests.lambdas.senders.conftest import MADE
from tests.wire import Reply


def test_send_returns_the_message_id(sender, service, text):
    service.will(replies.sent(sender.name))
    assert sender.send(text) == "message-1"
    assert len(service.requests) == 1


def test_each_text_has_a_connection_of_its_own(sender, service, monkeypatch, text):
    accept, accepted = service._server.get_request, []

    def counted():
        accepted.append(accept())
        return accepted[-1]

    monkeypatch.setattr(service._server, "get_request", counted)
    service.will(replies.sent(sender.name))
    for _ in range(3):
        sender.send(text)
    assert len(accepted) == len(service.requests) == 3


@pytest.mark.parametrize("name", MADE)
def test_region_is_that_of_the_function_by_default(service, text, name):
    service.will(replies.sent(name))
    MADE[name]().send(text)
    assert "/eu-west-1/" in service.requests[0].headers["authorization"]


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-2", "us-gov-west-1"])
def test_region_may_be_another_one(service, monkeypatch, text, name, region):
    monkeypatch.setenv("SMS_REGION", region)
    service.will(replies.sent(name))
    MADE[name]().send(text)
    assert f"/{region}/" in service.requests[0].headers["authorization"]


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("region", ["eu", "eu-west", "EU-WEST-1", "eu-west-1.evil.example", "a b"])
def test_region_that_is_none_is_named(monkeypatch, name, region):
    monkeypatch.setenv("SMS_REGION", region)
    with pytest.raises(WrongEnvironment, match="SMS_REGION"):
        MADE[name]()


@pytest.mark.parametrize(
    "code",
    [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "Throttled",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
        "KMSThrottling",
    ],
)
def test_throttled_is_asked_once(refused, sender, code):
    error = refused(sender, replies.refusal(sender.name, code))
    assert (error.reason, error.detail, error.certain) == (Reason.THROTTLED, code, True)


def test_too_many_requests_under_an_unknown_name_is_throttled(refused, sender):
    error = refused(sender, replies.refusal(sender.name, "Whatever", 429))
    assert error.reason == Reason.THROTTLED


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("code", ["InternalFailure", "ServiceUnavailable", "Whatever"])
def test_failing_service_is_asked_once(refused, sender, code, status):
    error = refused(sender, replies.refusal(sender.name, code, status))
    assert (error.reason, error.detail, error.certain) == (Reason.PROVIDER_DOWN, code, True)


@pytest.mark.parametrize("status", [400, 403, 404])
@pytest.mark.parametrize("code", ["AccessDenied", "Whatever"])
def test_refusal_that_nobody_knows_is_our_fault(refused, sender, code, status):
    error = refused(sender, replies.refusal(sender.name, code, status))
    assert (error.reason, error.detail, error.certain) == (Reason.MISCONFIGURED, code, True)


@pytest.mark.parametrize("status", [502, 504])
@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>"])
def test_gateway_that_fails_leaves_it_open(refused, sender, body, status):
    error = refused(sender, Reply(body, status))
    assert (error.reason, error.certain) == (Reason.PROVIDER_DOWN, False)
    assert error.detail == f"HTTP {status}"


def test_firewall_that_refuses_is_certain(refused, sender):
    error = refused(sender, Reply(b"<html>Forbidden</html>", 403))
    assert (error.reason, error.certain) == (Reason.MISCONFIGURED, True)
    assert error.detail == "HTTP 403"


def test_lost_connection_leaves_it_open(refused, sender):
    error = refused(sender, Reply(drop=True))
    assert (error.reason, error.certain) == (Reason.PROVIDER_DOWN, False)
    assert error.detail == "ConnectionClosedError"


def test_hanging_service_is_given_up_soon_and_leaves_it_open(refused, sender):
    started = time.monotonic()
    error = refused(sender, services.HANGING)
    assert 1.4 < time.monotonic() - started < 2
    assert (error.reason, error.certain) == (Reason.PROVIDER_DOWN, False)
    assert error.detail == "ReadTimeoutError"


@pytest.mark.parametrize("name", MADE)
def test_unreachable_service_is_given_up_at_once_and_is_certain(deaf, monkeypatch, text, name):
    monkeypatch.setenv("AWS_ENDPOINT_URL", deaf)
    sender, started = MADE[name](), time.monotonic()
    with pytest.raises(SendError) as raised:
        sender.send(text)
    assert 0.4 < time.monotonic() - started < 1
    assert raised.value.reason == Reason.PROVIDER_DOWN
    assert raised.value.detail == "ConnectTimeoutError"
    assert raised.value.certain


@pytest.mark.parametrize("name", MADE)
def test_closed_port_is_certain(monkeypatch, text, name):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(SendError, match="EndpointConnectionError") as raised:
        MADE[name]().send(text)
    assert (raised.value.reason, raised.value.certain) == (Reason.PROVIDER_DOWN, True)


def test_longest_attempt_covers_the_limits():
    limits = aws._CONFIG.connect_timeout + aws._CONFIG.read_timeout
    assert limits <= aws.LONGEST_ATTEMPT <= 2.5


def test_wrong_types_are_our_fault_and_quote_nothing(sender, service):
    with pytest.raises(SendError) as raised:
        sender.send(Message(replies.PHONE, {"text": replies.BODY}, lifetime=300, country="US"))
    assert (raised.value.reason, raised.value.certain) == (Reason.MISCONFIGURED, True)
    assert raised.value.detail == "ParamValidationError"
    assert service.requests == []


@pytest.mark.parametrize("name", MADE)
def test_no_credentials_are_our_fault(service, monkeypatch, text, name):
    def nobody(self, *args, **kwargs):
        return None

    monkeypatch.setattr("botocore.session.Session.get_credentials", nobody)
    with pytest.raises(SendError, match="NoCredentialsError") as raised:
        MADE[name]().send(text)
    assert (raised.value.reason, raised.value.certain) == (Reason.MISCONFIGURED, True)
    assert service.requests == []


GARBAGE = [
    b"not it",
    b"",
    b"[]",
    b"null",
    b"{}",
    b"\xff\xfe",
    b"<html/>",
    b'"',
    b'{"MessageId": 5}',
]
GARBAGE += [b'{"MessageId": ""}', b"<PublishResponse></PublishResponse>"]
GARBAGE += [b"<PublishResponse><PublishResult></PublishResult></PublishResponse>"]
GARBAGE += [
    b'{"Result": []}',
    b'{"Result": {"+12015550123": 7}}',
    b'{"Result": {"+12015550123": {}}}',
]
GARBAGE += [b'{"Result": {"+12015550124": {"DeliveryStatus": "SUCCESSFUL", "MessageId": "1"}}}']


@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_for_a_success_leaves_it_open(refused, sender, body):
    error = refused(sender, Reply(body))
    assert (error.reason, error.certain) == (Reason.PROVIDER_DOWN, False)


@pytest.mark.parametrize("status", [301, 400, 503])
@pytest.mark.parametrize(
    "body", [b"not it", b"", b"[]", b"\xff", b"<html/>", b'{"__type": 5}', b'{"Fields": 1}']
)
def test_garbage_for_a_refusal_is_a_send_error(refused, sender, body, status):
    assert refused(sender, Reply(body, status)).reason in (
        Reason.PROVIDER_DOWN,
        Reason.MISCONFIGURED,
    )


_KEYS = ["__type", "code", "Message", "MessageId", "Reason", "Fields", "Name", "MessageResponse"]
_KEYS += ["Result", replies.PHONE, "DeliveryStatus", "StatusCode", "Error"]
_WORDS = ["SUCCESSFUL", "PERMANENT_FAILURE", "OPT_OUT", "ConflictException", replies.PHONE]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(_WORDS) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
)


@settings(max_examples=60)
@given(body=_JSON, status=st.sampled_from([200, 400, 403, 500]))
def test_no_reply_raises_anything_else(sender, service, text, body, status):
    service._replies.clear()
    service.will(Reply(body, status))
    try:
        outcome = sender.send(text)
    except SendError as error:
        outcome = str(error)
    assert isinstance(outcome, str)


REPLIES = {
    "refused": lambda name: replies.refusal(name, "Whatever"),
    "code that quotes": lambda name: replies.refusal(name, replies.PHONE),
    "reason that quotes": lambda name: replies.refusal(name, "Whatever", Reason=replies.BODY),
    "failing": lambda name: replies.refusal(name, "InternalFailure", 500),
    "status that quotes": lambda name: replies.pinpoint_result({"DeliveryStatus": replies.BODY}),
    "garbage that quotes": lambda name: Reply(replies.BODY.encode()),
    "lost": lambda name: Reply(drop=True),
}


@pytest.mark.parametrize("reply", REPLIES)
def test_nothing_is_quoted_anywhere(refused, caplog, sender, reply):
    caplog.set_level(logging.DEBUG)
    error = refused(sender, REPLIES[reply](sender.name))
    shown = [str(error), repr(error), error.detail, repr(vars(error)), caplog.text]
    shown += [repr(vars(record)) for record in caplog.records]
    shown += traceback.format_exception(error)
    assert not replies.secrets_in(" ".join(shown))
    # What botocore raises quotes everything; a formatter that follows the chain would show it.
    assert (error.__cause__, error.__context__) == (None, None)


def test_nothing_is_logged_of_a_text_that_left(caplog, sender, service, text):
    caplog.set_level(logging.DEBUG)
    service.will(replies.sent(sender.name))
    sender.send(text)
    shown = caplog.text + repr([vars(record) for record in caplog.records])
    assert not replies.secrets_in(shown)


def test_the_service_was_told_what_is_not_shown(sender, service, text):
    """Guards the tests above: they would pass with an empty text."""
    service.will(replies.sent(sender.name))
    sender.send(text)
    request = service.requests[0]
    asked = services.published(request) if sender.name == "sns" else request.json
    shown = json.dumps(asked)
    assert set(replies.secrets_in(shown)) == {replies.PHONE[1:], "sign-in", replies.CODE}


def test_no_sender_wants_feedback_unasked(sender):
    assert sender.wants_feedback is False


def test_every_sender_has_its_name(sender):
    assert sender.name in MADE
    assert senders._TEXTS[sender.name] is MADE[sender.name]

from collections.abc import Callable, Iterator

import pytest

from lambdas.triggers.senders import Message, Sender, SendError, end_user_messaging, pinpoint, sns
from tests.lambdas.senders import replies
from tests.wire import Reply, WireServer

VARIABLES = ["SMS_SENDERS", "SMS_REGION", "IN_ENTITY_ID", "IN_TEMPLATE_ID"]
VARIABLES += ["SNS_MAX_PRICE", "SNS_SENDER_ID", "SNS_ORIGINATION_NUMBER"]
VARIABLES += ["PINPOINT_ORIGINATION_NUMBER", "PINPOINT_KEYWORD", "PINPOINT_SENDER_ID"]
VARIABLES += ["EUM_ORIGINATION_IDENTITY", "EUM_CONFIGURATION_SET", "EUM_PROTECT_CONFIGURATION_ID"]
VARIABLES += ["EUM_MAX_PRICE", "EUM_MESSAGE_FEEDBACK"]
MADE = {
    "sns": sns.from_environment,
    "pinpoint": pinpoint.from_environment,
    "end_user_messaging": end_user_messaging.from_environment,
}
ENDPOINTS = ["AWS_ENDPOINT_URL_SNS", "AWS_ENDPOINT_URL_PINPOINT"]
ENDPOINTS += ["AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2"]

Given = Callable[..., None]
Refused = Callable[[Sender, Reply], SendError]


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*VARIABLES, *ENDPOINTS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PINPOINT_PROJECT_ID", replies.PROJECT_ID)
    end_user_messaging._feedback_client.cache_clear()
    yield
    end_user_messaging._feedback_client.cache_clear()


@pytest.fixture(scope="session")
def _server() -> Iterator[WireServer]:
    server = WireServer()
    yield server
    server.close()


@pytest.fixture
def service(_server: WireServer, monkeypatch: pytest.MonkeyPatch) -> WireServer:
    """Whatever service a client is made for, it is this one."""
    _server.requests.clear()
    _server._replies.clear()
    monkeypatch.setenv("AWS_ENDPOINT_URL", _server.url)
    return _server


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """``given(NAME="value")`` sets variables of the function."""

    def setenv(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return setenv


@pytest.fixture(params=list(MADE))
def sender(request: pytest.FixtureRequest, service: WireServer) -> Sender:
    """Each sender in turn, with what it cannot do without."""
    return MADE[request.param]()


@pytest.fixture
def text() -> Message:
    return Message(replies.PHONE, replies.BODY, lifetime=300, country="US")


@pytest.fixture
def indian_text() -> Message:
    return Message("+919812345678", replies.BODY, lifetime=300, country="IN")


@pytest.fixture
def refused(service: WireServer, text: Message) -> Refused:
    """``refused(sender, reply)``: the error that a reply becomes, after exactly one request."""

    def send(sender: Sender, reply: Reply) -> SendError:
        service.will(reply)
        with pytest.raises(SendError) as raised:
            sender.send(text)
        assert len(service.requests) == 1
        return raised.value

    return send

"""What AWS answers the functions, and what they asked it."""

import json
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlsplit

import time_machine
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localcloud.emulator import REGION, RootKey
from tests.wire import Reply, Request, WireServer, aws_error

CODE_KEY = "0123456789abcdef" * 4
SECRET_ID = "phone-login/tests/code-key"
CLIENT_ID = "exampleclientid"
CLIENT_IDS_PARAMETER = "/phone-login/tests/client-ids"
TABLE = "phone-login-ledger-local"
_SNS = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"'

KEY_READ = Reply({"Name": SECRET_ID, "SecretString": CODE_KEY})
TEXT_SENT = Reply(
    f"<PublishResponse {_SNS}><PublishResult><MessageId>message-1</MessageId></PublishResult>"
    "</PublishResponse>".encode()
)
SLOW_TEXT = Reply(TEXT_SENT.body, delay=0.1)
HANGING = Reply(delay=4, drop=True)
# How the table may fail.
DOWN = {
    "throttled": aws_error("ThrottlingException"),
    "denied": aws_error("AccessDeniedException"),
    "broken": aws_error("InternalServerError", status=500),
    "empty": Reply({}),
    "unreadable": Reply(b"<html></html>"),
    "hung up": Reply(drop=True),
    "hanging": HANGING,
}


def clients_read(*client_ids: str) -> Reply:
    return Reply({"Parameter": {"Name": CLIENT_IDS_PARAMETER, "Value": ",".join(client_ids)}})


def account_read(name: str, attributes: dict[str, str], *, is_enabled: bool = True) -> Reply:
    """Cognito's answer to AdminGetUser."""
    return Reply(
        {
            "Username": name,
            "Enabled": is_enabled,
            "UserStatus": "CONFIRMED",
            "UserAttributes": [{"Name": n, "Value": v} for n, v in attributes.items()],
        }
    )


def sns_error(code: str, message: str, status: int = 400) -> Reply:
    body = (
        f"<ErrorResponse {_SNS}><Error><Type>Sender</Type><Code>{code}</Code>"
        f"<Message>{message}</Message></Error></ErrorResponse>"
    )
    return Reply(body.encode(), status)


def published(request: Request) -> dict[str, str]:
    """The fields of an SNS call."""
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def texts(sns: WireServer) -> list[tuple[str, str]]:
    """Phone and message of every text that SNS was asked to send."""
    calls = [published(request) for request in sns.requests]
    return [(call["PhoneNumber"], call["Message"]) for call in calls]


@dataclass
class Call:
    """A call to the table: ``item`` is phone, block, pool …, times are monotonic."""

    item: str
    started: float
    ended: float


@dataclass
class _Fault:
    reply: Reply
    item: str
    first: int
    left: int = 10**6
    is_done: bool = False


class Table(WireServer):
    """Stands before the local AWS's table, passes calls on, and tells which there were.

    The clock of a test may be in another year than the emulator's, which refuses what was signed
    then: here every call is signed again, with the real time.
    """

    def __init__(self, upstream: str, key: RootKey) -> None:
        super().__init__()
        # More at once than the default of five may wait to be accepted.
        self._server.socket.listen(128)
        self.calls: list[Call] = []
        self.delay = 0.0
        self._address = urlsplit(upstream).netloc
        self._signer = _Signer(Credentials(key.id, key.secret), "dynamodb", REGION)
        self._faults: list[_Fault] = []
        self._calls_lock = threading.Lock()

    def fail(self, reply: Reply, *, item: str = "", after: int = 0) -> None:
        """Answer calls with ``reply``: to one item only, and only ``after`` so many more."""
        self._faults.append(_Fault(reply, item, len(self.calls) + after))

    def lose(self, *, item: str = "", after: int = 0, is_done: bool) -> None:
        """Hang up once, without an answer, before or after the call is done."""
        self._faults.append(
            _Fault(Reply(drop=True), item, len(self.calls) + after, left=1, is_done=is_done)
        )

    def recover(self) -> None:
        self._faults.clear()

    def renew(self, *replies: Reply) -> None:
        super().renew(*replies)
        self.delay = 0.0
        self.recover()
        self.forget()

    def forget(self) -> None:
        self.calls.clear()

    def round_trips(self) -> list[list[str]]:
        """The items asked for, those together that were asked for at the same time."""
        trips: list[list[str]] = []
        over = 0.0
        for call in sorted(self.calls, key=lambda call: call.started):
            if call.started >= over:
                trips.append([])
            trips[-1].append(call.item)
            over = max(over, call.ended)
        return [sorted(trip) for trip in trips]

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """What a test itself asks the table; it is not among the calls."""
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        }
        body = json.dumps({"TableName": TABLE, **arguments}).encode()
        reply = self._forward(Request("POST", "/", headers, body))
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def write(self, key: str, **numbers: int) -> None:
        """Set attributes of an item."""
        self.ask(
            "UpdateItem",
            Key={"pk": {"S": key}},
            UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in numbers),
            ExpressionAttributeValues={f":{name}": {"N": str(n)} for name, n in numbers.items()},
        )

    def answer(self, request: Request) -> Reply:
        started = time.monotonic()
        key = request.json.get("Key")
        # Many are read at once for the overview alone.
        item = key["pk"]["S"].partition("#")[0] if key else "many"
        with self._calls_lock:
            call = Call(item, started, started)
            fault = self._fault(item, len(self.calls))
            self.calls.append(call)
            self.requests.append(request)
        if fault and not fault.is_done:
            return fault.reply
        reply = self._forward(request)
        time.sleep(self.delay)
        call.ended = time.monotonic()
        return fault.reply if fault else reply

    def _fault(self, item: str, number: int) -> "_Fault | None":
        for fault in self._faults:
            if item.startswith(fault.item) and number >= fault.first and fault.left:
                fault.left -= 1
                return fault
        return None

    def _forward(self, request: Request) -> Reply:
        asked = AWSRequest(
            "POST",
            f"http://{self._address}/",
            headers={name: request.headers[name] for name in ("content-type", "x-amz-target")},
            data=request.body,
        )
        self._signer.add_auth(asked)
        connection = HTTPConnection(self._address, timeout=10)
        try:
            connection.request("POST", "/", asked.data, dict(asked.headers))
            response = connection.getresponse()
            return Reply(
                response.read(),
                response.status,
                {"content-type": response.headers["content-type"]},
            )
        finally:
            connection.close()


class _Signer(SigV4Auth):
    # botocore reads the clock here, and takes no time as an argument.
    def _modify_request_before_signing(self, request: Any) -> None:
        now = time_machine.escape_hatch.datetime.datetime.utcnow()
        request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
        super()._modify_request_before_signing(request)

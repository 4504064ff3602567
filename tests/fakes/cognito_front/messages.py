"""Requests and replies as they stand on the wire, and a server for them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TARGET = "AWSCognitoIdentityProviderService."


@dataclass(frozen=True)
class Message:
    """A request or a reply as it stands on the wire."""

    headers: list[tuple[str, str]]
    body: bytes
    method: str = ""
    path: str = ""
    status: int = 0

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    def without(self, name: str) -> list[tuple[str, str]]:
        return [(key, value) for key, value in self.headers if key.lower() != name]


def with_body(request: Message, data: dict[str, Any]) -> Message:
    """Return the request with another body, for the emulator.

    The signature covers the hash of the true one, which it takes from the header.
    """
    body = json.dumps(data).encode()
    headers = [
        *request.without("content-length"),
        ("Content-Length", str(len(body))),
        ("X-Amz-Content-Sha256", hashlib.sha256(request.body).hexdigest()),
    ]
    return replace(request, headers=headers, body=body)


def read_value(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def read_object(content: bytes) -> dict[str, Any]:
    value = read_value(content)
    return value if isinstance(value, dict) else {}


def json_reply(content: dict[str, Any], status: int = 200) -> Message:
    # Pages of any origin may read what Cognito says.
    headers = [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Access-Control-Allow-Origin", "*"),
    ]
    return Message(headers, json.dumps(content).encode(), status=status)


def make_server(answer: Callable[[Message], Message]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            # No caller of ours sends its body in chunks.
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            reply = answer(Message(self.headers.items(), body, self.command, self.path))
            self.send_response_only(reply.status)
            for name, value in reply.without("transfer-encoding"):
                self.send_header(name, value)
            if not reply.header("content-length"):
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    return Server(("127.0.0.1", 0), Handler)

"""Servers at the wire: an AWS or a JWKS endpoint that answers what a test tells it to."""

import contextlib
import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import requests


@dataclass
class Reply:
    """``body`` is JSON unless it is bytes. ``delay`` is in seconds. ``drop`` hangs up instead."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """The AWS operation, such as InitiateAuth."""
        return self.headers.get("x-amz-target", "").partition(".")[2]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class WireServer:
    """Serves queued replies in order, then the last one again, and records what it was asked.

    ``connections`` counts those that were opened.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._replies: deque[Reply] = deque()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with server._lock:
                    server.connections += 1

            def handle_any(self) -> None:
                length = int(self.headers.get("content-length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, self.rfile.read(length))
                reply = server.answer(request)
                time.sleep(reply.delay)
                if reply.drop:
                    self.close_connection = True
                    return
                content = (
                    reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                )
                # A client that gave up is not an error of the server.
                with contextlib.suppress(OSError):
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("content-length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            do_GET = do_POST = do_PUT = handle_any

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def will(self, *replies: Reply) -> None:
        with self._lock:
            self._replies.extend(replies)

    def renew(self, *replies: Reply) -> None:
        """Forget what was queued and asked, and serve these."""
        with self._lock:
            self.requests.clear()
            self._replies = deque(replies)

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            if len(self._replies) > 1:
                return self._replies.popleft()
            return self._replies[0] if self._replies else Reply({}, 500)

    def operations(self) -> list[str]:
        return [request.operation for request in self.requests]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Recorder(WireServer):
    """Stands before an AWS, passes everything on, and keeps what it was asked.

    ``delays`` are seconds by operation, spent before it is passed on; "" is any other operation.
    The operations in ``lost`` are neither passed on nor answered, but hung up on after a while.
    """

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self.delays: dict[str, float] = {}
        self.lost: set[str] = set()
        self._upstream = upstream

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
        if request.operation in self.lost:
            return Reply(delay=8, drop=True)
        time.sleep(self.delays.get(request.operation, self.delays.get("", 0)))
        reply = requests.post(
            self._upstream + request.path, data=request.body, headers=request.headers, timeout=20
        )
        return Reply(reply.content, reply.status_code, {"content-type": "application/json"})

    def times(self, operation: str) -> int:
        return self.operations().count(operation)


def aws_error(code: str, message: str = "", status: int = 400) -> Reply:
    return Reply({"__type": code, "message": message}, status)

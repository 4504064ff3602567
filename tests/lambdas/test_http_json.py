"""One call over HTTPS, with all that the other side can do wrong."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from lambdas.triggers import http_json
from tests.wire import Reply, WireServer


def call(wire: WireServer, *, within: float = 2.0, **more):
    return http_json.call(
        "POST", f"{wire.url}/a?b=c", more.pop("body", {"d": "é"}), headers={}, within=within, **more
    )


@pytest.fixture
def dripping() -> Iterator[str]:
    """The address of a host that sends one byte of its body each 0.1 s, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b" ")
                        time.sleep(0.1)
                except OSError:
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(5)


def test_call_sends_json_and_returns_status_and_json(wire):
    wire.will(Reply({"e": 1}, 418))
    reply = call(wire)
    assert (reply.status, reply.body) == (418, {"e": 1})
    [asked] = wire.requests
    assert (asked.method, asked.path, asked.json) == ("POST", "/a?b=c", {"d": "é"})
    assert asked.headers["content-type"] == "application/json"


def test_call_sends_a_form_as_it_is(wire):
    wire.will(Reply({}))
    call(wire, body=None, form="a=b")
    [asked] = wire.requests
    assert asked.body == b"a=b"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"


def test_call_follows_no_redirect(wire):
    wire.will(Reply({}, 302, {"location": wire.url}))
    assert call(wire).status == 302
    assert len(wire.requests) == 1


def test_call_asks_no_proxy_of_the_environment(wire, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    wire.will(Reply({}))
    assert call(wire).status == 200


def test_call_of_https_takes_nothing_that_is_not(wire):
    wire.will(Reply({}))
    with pytest.raises(http_json.NoReplyError):
        http_json.call("GET", wire.url.replace("http:", "https:"), headers={}, within=1)


def test_empty_body_is_none(wire):
    wire.will(Reply(b"", 204))
    assert call(wire).body is None


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>"),
        Reply(b"\xff"),
        Reply(b"[" * 50_000),
        Reply(b" " * 70_000),
        Reply(drop=True),
    ],
    ids=["no json", "no text", "deep", "long", "hung up"],
)
def test_reply_that_cannot_be_read_is_none(wire, reply):
    wire.will(reply)
    with pytest.raises(http_json.NoReplyError) as caught:
        call(wire, body={"secret": "words"})
    assert caught.value.__context__ is None
    assert "words" not in repr(caught.value)


def test_slow_reply_is_left_in_time(wire):
    wire.will(Reply({}, delay=3))
    started = time.monotonic()
    with pytest.raises(http_json.NoReplyError):
        call(wire, within=0.3)
    assert time.monotonic() - started < 1


def test_reply_that_drips_is_left_in_time(dripping):
    started = time.monotonic()
    with pytest.raises(http_json.NoReplyError):
        http_json.call("GET", dripping, headers={}, within=0.5)
    assert time.monotonic() - started < 2


def test_call_without_time_is_not_begun(wire):
    with pytest.raises(http_json.NoReplyError, match="no time left"):
        call(wire, within=0)
    assert not wire.requests

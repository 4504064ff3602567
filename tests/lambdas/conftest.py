import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambdas.triggers import keys, senders
from tests.lambdas import aws
from tests.wire import WireServer

Event = dict[str, Any]


@pytest.fixture
def event() -> Callable[[str], Event]:
    """``event(name)``: a fresh copy of a recorded trigger event."""
    folder = Path(__file__).parent / "events"
    return lambda name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def _session() -> boto3.Session:
    return boto3.Session("tests", "tests", region_name="eu-west-1")


@pytest.fixture(autouse=True)
def _cold_start(_session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test is a process of its own to the functions."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", _session)
    for cached in (keys.code_key, senders.configured):
        cached.cache_clear()
    yield
    for cached in (keys.code_key, senders.configured):
        cached.cache_clear()


@pytest.fixture
def secrets_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    server = WireServer()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url)
    monkeypatch.setenv("CODE_KEY_SECRET_ID", aws.SECRET_ID)
    yield server
    server.close()


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator[WireServer]:
    server = WireServer()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
    yield server
    server.close()


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a host that never completes a connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}"
        for one in waiting:
            one.close()

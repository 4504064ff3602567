import itertools
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import time_machine
from botocore.config import Config

from lambdas.triggers import clients, keys, ledger, limits, pool_accounts, senders
from lambdas.triggers.codes import pace
from lambdas.triggers.kinds import captcha
from localcloud.cloud import Cloud
from tests.lambdas import aws
from tests.lambdas.flow import Flow
from tests.wire import WireServer

Event = dict[str, Any]

DAY = 86_400
_PATIENT = Config(connect_timeout=20, read_timeout=20)
_days = itertools.count()


@pytest.fixture
def event() -> Callable[[str], Event]:
    """``event(name)``: a fresh copy of a recorded trigger event."""
    folder = Path(__file__).parent / "events"
    return lambda name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


class _Session(boto3.Session):
    """Keeps its clients: to make them would take half of a test's time.

    Those of the table wait longer than in a function, unless a test wants ``own_time_limits``: on a
    busy machine, the local AWS may take a second to answer.
    """

    is_patient = True
    _kept: dict[tuple[str, ...], Any] = {}

    def client(self, service_name: str, *args: Any, **options: Any) -> Any:
        # Senders put handlers of their own on theirs.
        if service_name not in ("dynamodb", "secretsmanager", "ssm"):
            return super().client(service_name, *args, **options)
        is_patient = service_name == "dynamodb" and self.is_patient
        if is_patient:
            options["config"] = options["config"].merge(_PATIENT)
        urls = {name: url for name, url in os.environ.items() if name.startswith("AWS_ENDPOINT")}
        key = (service_name, str(is_patient), *(f"{name}={urls[name]}" for name in sorted(urls)))
        if key not in self._kept:
            self._kept[key] = super().client(service_name, *args, **options)
        return self._kept[key]


@pytest.fixture(scope="session")
def _session() -> _Session:
    return _Session("tests", "tests", region_name="eu-west-1")


def _forget() -> None:
    caches = (
        keys._server_key,
        keys.site_key,
        captcha._secret,
        limits.configured,
        ledger.configured,
        ledger.for_known_browsers,
        senders.configured,
        pace.of,
        pool_accounts._client,
    )
    for cached in caches:
        cached.cache_clear()
    clients.allowed.forget()


@pytest.fixture(autouse=True)
def _cold_start(_session: _Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test is a process of its own to the functions."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", _session)
    # As after many texts that took no time; who asks for ``cold_pace`` has a process without any.
    _forget()
    for channel in senders.Channel:
        warm = pace.of(channel)._seen
        warm.append(0.0)
        warm.popleft()
    yield
    if ledger.configured.cache_info().currsize:
        # What it counts aside must not reach the next test.
        ledger.configured().answers._in_parallel.shutdown()
    _forget()


@pytest.fixture
def own_time_limits(_session: _Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls to the table end as soon as in a function: for tests in which it hangs."""
    monkeypatch.setattr(_session, "is_patient", False)


@pytest.fixture
def cold_pace(_cold_start: None) -> None:
    """A process that has not sent a text yet."""
    pace.of.cache_clear()


@pytest.fixture(scope="session")
def _servers() -> Iterator[dict[str, WireServer]]:
    servers = {name: WireServer() for name in ("secrets_manager", "parameters", "sns")}
    yield servers
    for server in servers.values():
        server.close()


@pytest.fixture
def secrets_manager(_servers: dict[str, WireServer], monkeypatch: pytest.MonkeyPatch) -> WireServer:
    server = _servers["secrets_manager"]
    server.renew()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url)
    monkeypatch.setenv("CODE_KEY_SECRET_ID", aws.SECRET_ID)
    return server


@pytest.fixture
def parameters(_servers: dict[str, WireServer], monkeypatch: pytest.MonkeyPatch) -> WireServer:
    """Systems Manager, where the stack keeps the list of app clients."""
    server = _servers["parameters"]
    server.renew()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", server.url)
    monkeypatch.setenv("CLIENT_IDS_PARAMETER", aws.CLIENT_IDS_PARAMETER)
    return server


@pytest.fixture
def sns(_servers: dict[str, WireServer], monkeypatch: pytest.MonkeyPatch) -> WireServer:
    server = _servers["sns"]
    server.renew()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
    return server


@pytest.fixture(scope="session")
def _table(cloud: Cloud) -> Iterator[aws.Table]:
    server = aws.Table(cloud.emulator.url, cloud.emulator.root_key)
    yield server
    server.close()


@pytest.fixture
def table(_table: aws.Table, monkeypatch: pytest.MonkeyPatch) -> aws.Table:
    """The ledger's table in the local AWS, where a test can watch and break it."""
    _table.renew()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", _table.url)
    monkeypatch.setenv("LEDGER_TABLE", aws.TABLE)
    return _table


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The clock, on a day that no other test uses: pool, blocks and countries start at nothing."""
    with time_machine.travel(2_000_000_000 + next(_days) * 3 * DAY, tick=True) as traveller:
        yield traveller


@pytest.fixture
def flow(
    secrets_manager: WireServer,
    parameters: WireServer,
    sns: WireServer,
    table: aws.Table,
    clock: time_machine.Traveller,
    phone: str,
    event: Callable[[str], Event],
    monkeypatch: pytest.MonkeyPatch,
) -> Flow:
    """Create and Verify with all that they need, and somebody who signs in with them."""
    secrets_manager.will(aws.KEY_READ)
    parameters.will(aws.clients_read(aws.CLIENT_ID))
    sns.will(aws.TEXT_SENT)
    for name, value in {
        "APP_NAME": "Example",
        "SITE_HOST": "example.com",
        "ALLOWED_COUNTRIES": "US,DE",
    }.items():
        monkeypatch.setenv(name, value)
    return Flow(sns, event, phone)


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


@pytest.fixture
def texted(flow: Flow, table: aws.Table) -> dict[str, Any]:
    """The response to somebody who was texted a code."""
    response = flow.start()
    table.forget()
    return response

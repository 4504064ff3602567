"""Alive, and ready or not, in one process."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection
from jwt.algorithms import RSAAlgorithm

from accounts.aws import tokens
from config import health
from tests.wire import Reply, WireServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(wire: WireServer, settings) -> WireServer:
    settings.COGNITO_JWKS_URL = f"{wire.url}/jwks.json"
    return wire


@pytest.fixture(scope="module")
def jwks() -> dict[str, list[dict[str, str]]]:
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return {"keys": [json.loads(RSAAlgorithm.to_jwk(public)) | {"kid": "one", "use": "sig"}]}


@pytest.fixture
def served(keys: WireServer, jwks) -> WireServer:
    keys.renew(Reply(jwks))
    return keys


@pytest.mark.parametrize("cookie", [None, "x" * 32])
def test_healthz_asks_no_database(client, django_assert_num_queries, cookie):
    if cookie:
        client.cookies["sessionid"] = cookie
    with django_assert_num_queries(0):
        page = client.get("/healthz")
    assert (page.status_code, page.content, page["Content-Type"]) == (200, b"ok", "text/plain")
    assert not page.cookies
    assert client.post("/healthz").status_code == 405


def test_ready_when_all_parts_answer(client, served):
    asked = client.get("/readyz")
    assert asked.status_code == 200
    assert asked.json() == {"database": "ok", "keys": "0 s old"}
    assert "no-store" in asked["Cache-Control"]


def test_not_ready_before_there_ever_were_keys(client, keys):
    keys.renew(Reply(status=500))
    asked = client.get("/readyz")
    assert asked.status_code == 503
    assert asked.json()["keys"] == "failed"


def test_ready_with_old_keys_while_new_ones_cannot_be_had(client, served):
    client.get("/readyz")
    served.renew(Reply(status=500))
    tokens._verifier().keys.jwk_set_cache.put(None)
    health.readiness.forget()
    assert client.get("/readyz").status_code == 200
    assert served.requests


def test_not_ready_without_a_database(client, served, monkeypatch, tmp_path):
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "none" / "hunter2"))
    asked = client.get("/readyz")
    assert (asked.status_code, asked.json()["database"]) == (503, "failed")
    assert "hunter2" not in asked.content.decode()


class Part:
    """One that a test lets hang, and that counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self) -> str:
        self.asked += 1
        self.answers.wait(timeout=20)
        return "ok"


def test_probes_of_a_part_that_hangs_are_answered_soon_by_one_thread():
    part = Part()
    part.answers.clear()
    readiness = health.Readiness({"part": part}, patience=0.2, fresh=0)
    before = set(threading.enumerate())
    started = time.monotonic()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: readiness.parts(), range(100)))
    took = time.monotonic() - started

    assert answers == [{"part": None}] * 100
    assert took < 2
    assert part.asked == 1
    # Threads of other tests may end meanwhile.
    assert len(set(threading.enumerate()) - before) == 1
    part.answers.set()


def test_part_that_hung_is_ready_again_when_it_answers():
    part = Part()
    readiness = health.Readiness({"part": part}, patience=0.1, fresh=0)
    assert readiness.parts() == {"part": "ok"}
    part.answers.clear()
    assert readiness.parts() == {"part": None}
    part.answers.set()

    deadline = time.monotonic() + 5
    while readiness.parts() != {"part": "ok"}:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_part_is_asked_once_a_second_however_many_probes_come():
    part = Part()
    readiness = health.Readiness({"part": part})

    assert [readiness.parts() for _ in range(50)] == [{"part": "ok"}] * 50
    assert part.asked == 1


@pytest.mark.parametrize("path", health.PATHS)
def test_health_is_asked_by_address_and_nothing_else_is(client, served, settings, path):
    settings.ALLOWED_HOSTS = [".example.com"]
    assert client.get(path, headers={"host": "10.0.0.7:8000"}).status_code == 200
    assert client.get("/accounts/login/", headers={"host": "10.0.0.7:8000"}).status_code == 400

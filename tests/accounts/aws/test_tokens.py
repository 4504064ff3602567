"""ID tokens signed here with real keys, and the pool's keys served at the wire."""

import base64
import gzip
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from accounts.aws import tokens
from tests.wire import Reply, WireServer

ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example01"
AUDIENCE = "exampleclientid"
SUB = "5f1d3f0c-6a9d-4b3e-9d0c-2f1f5a0f7c11"
PHONE = "+12015550123"
NOW = 1_790_000_000
DAY = 24 * 60 * 60


@pytest.fixture(scope="session")
def rsa_keys() -> dict[str, rsa.RSAPrivateKey]:
    """Two keys that the pool publishes in turn, and one of another pool."""
    return {
        name: rsa.generate_private_key(public_exponent=65537, key_size=2048)
        for name in ("old", "new", "foreign")
    }


@pytest.fixture
def jwk(rsa_keys):
    """``jwk("old")``: the key as the pool publishes it."""

    def publish(name: str, **changes: Any) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(rsa_keys[name].public_key(), as_dict=True)
        return public | {"kid": name, "use": "sig", "alg": "RS256"} | changes

    return publish


@pytest.fixture
def sign(rsa_keys):
    """``sign(exp=…)``: a token of now with changed claims; a claim that is None is left out."""

    def make(key: str = "old", *, alg: str = "RS256", header: Any = None, **changes: Any) -> str:
        return jwt.encode(
            claims(**changes),
            rsa_keys[key],
            algorithm=alg,
            headers={"kid": key} | (header or {}),
        )

    return make


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0
        self._monotonic = time.monotonic

    def forward(self, seconds: float) -> None:
        self.ahead += seconds

    def monotonic(self) -> float:
        return self._monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The clock by which keys are cached, which time_machine leaves alone."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


@pytest.fixture
def verifier(wire, jwk) -> tokens.Verifier:
    """Of a pool that publishes its old key."""
    wire.will(Reply({"keys": [jwk("old")]}))
    return verifier_at(wire.url)


@pytest.fixture
def frozen() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def verifier_at(url: str) -> tokens.Verifier:
    return tokens.Verifier(tokens.SigningKeys(url), issuer=ISSUER, audiences=[AUDIENCE])


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    given = {
        "sub": SUB,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "token_use": "id",
        "iat": now,
        "exp": now + 3600,
        "auth_time": now,
        "cognito:username": SUB,
        "phone_number": PHONE,
        "phone_number_verified": True,
    } | changes
    return {name: value for name, value in given.items() if value is not None}


@contextmanager
def another_server(body: Any) -> Iterator[WireServer]:
    server = WireServer()
    server.will(Reply(body))
    yield server
    server.close()


def encoded(value: Any) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


# Tokens


def test_good_token_gives_its_claims(verifier, sign):
    assert verifier.verify_id_token(sign(), sub=SUB) == tokens.Claims(
        sub=SUB, phone=PHONE, phone_verified=True
    )


@pytest.mark.parametrize(
    ("changes", "phone", "phone_verified"),
    [
        ({"phone_number": None}, None, True),
        ({"phone_number": 12015550123}, None, True),
        ({"phone_number_verified": None}, PHONE, False),
        ({"phone_number_verified": False}, PHONE, False),
        ({"phone_number_verified": "false"}, PHONE, False),
        ({"phone_number_verified": "true"}, PHONE, False),
        ({"phone_number_verified": 1}, PHONE, False),
    ],
    ids=str,
)
def test_claim_of_another_type_is_not_believed(verifier, sign, changes, phone, phone_verified):
    assert verifier.verify_id_token(sign(**changes), sub=SUB) == tokens.Claims(
        sub=SUB, phone=phone, phone_verified=phone_verified
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example02"},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"aud": "anotherclientid"},
        {"aud": None},
        {"aud": None, "client_id": AUDIENCE},
        {"aud": []},
        {"token_use": "access"},
        {"token_use": "ID"},
        {"token_use": ["id"]},
        {"token_use": None},
        {"iat": None},
        {"iat": "now"},
        {"exp": None},
        {"exp": "never"},
        {"exp": []},
        {"sub": None},
        {"sub": ""},
        {"sub": [SUB]},
        {"sub": "00000000-0000-0000-0000-000000000000"},
        {"nbf": 4_000_000_000},
    ],
    ids=str,
)
def test_token_with_a_claim_amiss_is_invalid(verifier, sign, changes):
    with pytest.raises(tokens.InvalidToken):
        verifier.verify_id_token(sign(**changes), sub=SUB)


def test_token_of_somebody_else_is_invalid(verifier, sign):
    with pytest.raises(tokens.InvalidToken, match="somebody else"):
        verifier.verify_id_token(sign(), sub="00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [
        ({"exp": NOW - 29}, True),
        ({"exp": NOW - 30}, False),
        ({"exp": NOW - 3600}, False),
        ({"iat": NOW + 25}, True),
        ({"iat": NOW + 30}, True),
        ({"iat": NOW + 31}, False),
        ({"iat": NOW + 60}, False),
    ],
    ids=str,
)
def test_clocks_may_differ_by_thirty_seconds(frozen, verifier, sign, changes, is_good):
    token = sign(**changes)

    if is_good:
        assert verifier.verify_id_token(token, sub=SUB).sub == SUB
    else:
        with pytest.raises(tokens.InvalidToken):
            verifier.verify_id_token(token, sub=SUB)


def test_token_without_a_signature_is_invalid(verifier):
    for alg in ("none", "None", "NONE", "RS256"):
        header = {"alg": alg, "typ": "JWT", "kid": "old"}
        with pytest.raises(tokens.InvalidToken):
            verifier.verify_id_token(f"{encoded(header)}.{encoded(claims())}.", sub=SUB)


def test_token_signed_with_the_public_key_as_a_secret_is_invalid(verifier, rsa_keys):
    signed = f"{encoded({'alg': 'HS256', 'kid': 'old'})}.{encoded(claims())}"
    public = rsa_keys["old"].public_key()
    for form in (serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1):
        secret = public.public_bytes(serialization.Encoding.PEM, form)
        signature = hmac.digest(secret, signed.encode(), hashlib.sha256)
        with pytest.raises(tokens.InvalidToken):
            verifier.verify_id_token(f"{signed}.{encoded(signature)}", sub=SUB)


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256"])
def test_token_of_another_algorithm_is_invalid_even_if_its_key_says_so(wire, jwk, sign, alg):
    wire.will(Reply({"keys": [jwk("old"), jwk("new", alg=alg)]}))
    verifier = verifier_at(wire.url)

    for key in ("old", "new"):
        with pytest.raises(tokens.InvalidToken):
            verifier.verify_id_token(sign(key, alg=alg), sub=SUB)


def test_token_of_a_key_of_another_kind_is_invalid(wire, jwk):
    key = ec.generate_private_key(ec.SECP256R1())
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "curve", "use": "sig"}
    wire.will(Reply({"keys": [jwk("old"), public]}))
    token = jwt.encode(claims(), key, algorithm="ES256", headers={"kid": "curve"})

    with pytest.raises(tokens.InvalidToken):
        verifier_at(wire.url).verify_id_token(token, sub=SUB)


def test_token_of_a_secret_that_was_published_as_a_key_is_invalid(wire, jwk):
    secret = b"s" * 32
    shared = {"kty": "oct", "alg": "HS256", "use": "sig", "kid": "shared", "k": encoded(secret)}
    wire.will(Reply({"keys": [jwk("old"), shared]}))
    token = jwt.encode(claims(), secret, algorithm="HS256", headers={"kid": "shared"})

    with pytest.raises(tokens.InvalidToken):
        verifier_at(wire.url).verify_id_token(token, sub=SUB)


@pytest.mark.parametrize("name", ["old", "foreign"])
def test_token_of_another_pools_key_is_invalid(verifier, sign, name):
    with pytest.raises(tokens.InvalidToken):
        verifier.verify_id_token(sign("foreign", header={"kid": name}), sub=SUB)


def test_token_that_was_changed_after_signing_is_invalid(verifier, sign):
    header, _, signature = sign().split(".")

    with pytest.raises(tokens.InvalidToken):
        verifier.verify_id_token(f"{header}.{encoded(claims(aud=AUDIENCE))}x.{signature}", sub=SUB)
    with pytest.raises(tokens.InvalidToken):
        verifier.verify_id_token(
            f"{header}.{encoded(claims(phone_number='+447400123456'))}.{signature}", sub=SUB
        )


def test_key_that_the_token_brings_along_is_not_used(verifier, rsa_keys, wire, jwk):
    with another_server({"keys": [jwk("foreign")]}) as theirs:
        header = {"kid": "foreign", "jku": theirs.url, "jwk": jwk("foreign"), "x5u": theirs.url}
        token = jwt.encode(claims(), rsa_keys["foreign"], algorithm="RS256", headers=header)

        with pytest.raises(tokens.InvalidToken):
            verifier.verify_id_token(token, sub=SUB)

        assert theirs.requests == []


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RS256"},
        {"alg": "RS256", "kid": ""},
        {"alg": "RS256", "kid": None},
        {"alg": "RS256", "kid": ["old"]},
        {"alg": "RS256", "kid": {"old": 1}},
        {"alg": "RS256", "kid": 7},
        {"alg": ["RS256"], "kid": "old"},
        {"kid": "old"},
        [],
        "RS256",
        7,
    ],
    ids=str,
)
def test_token_with_a_header_amiss_is_invalid(verifier, rsa_keys, header):
    signed = f"{encoded(header)}.{encoded(claims())}"
    key = RSAAlgorithm(RSAAlgorithm.SHA256)
    signature = key.sign(signed.encode(), rsa_keys["old"])

    with pytest.raises(tokens.InvalidToken):
        verifier.verify_id_token(f"{signed}.{encoded(signature)}", sub=SUB)


GARBAGE = {
    "empty": "",
    "a dot": ".",
    "two dots": "..",
    "four parts": "a.b.c.d",
    "five parts": "a.b.c.d.e",
    "no base64": "#.#.#",
    "a word": "token",
    "none": "null",
    "NUL": "\0",
    "a surrogate": "\ud800.e30.e30",
    "other digits": "٤.٤.٤",
    "long": "A" * 100_000,
    "long parts": ".".join(["A" * 100_000] * 3),
    "deep header": encoded(b"[" * 75_000) + ".e30.AA",
    "deep claims": encoded({"alg": "RS256", "kid": "old"}) + "." + encoded(b"[" * 75_000) + ".AA",
    "list for claims": encoded({"alg": "RS256", "kid": "old"}) + "." + encoded([]) + ".AA",
    "binary": encoded(b"\xff\xfe") + "." + encoded(b"\xff\xfe") + ".AA",
}


@pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_an_invalid_token(verifier, token):
    with pytest.raises(tokens.InvalidToken):
        verifier.verify_id_token(token, sub=SUB)


def test_error_holds_nothing_of_the_token(verifier, sign):
    for token in (
        sign(token_use="access"),
        sign(sub="another-sub"),
        sign("foreign"),
        "nonsense.nonsense.nonsense",
    ):
        with pytest.raises(tokens.InvalidToken) as caught:
            verifier.verify_id_token(token, sub=SUB)
        for part in (*token.split("."), SUB, "another-sub", PHONE):
            assert part not in repr(caught.value)


def test_configured_pool_is_the_one_that_is_trusted(settings, wire, jwk, sign):
    settings.COGNITO_JWKS_URL = f"{wire.url}/keys"
    wire.will(Reply({"keys": [jwk("old")]}))

    assert tokens.verify_id_token(sign(), sub=SUB).sub == SUB
    with pytest.raises(tokens.InvalidToken):
        tokens.verify_id_token(sign(iss=f"{ISSUER}2"), sub=SUB)
    with pytest.raises(tokens.InvalidToken):
        tokens.verify_id_token(sign(aud="anotherclientid"), sub=SUB)
    assert [request.path for request in wire.requests] == ["/keys"]


def test_issuer_that_was_set_takes_the_place_of_the_usual_one(settings, wire, jwk, sign):
    settings.COGNITO_ISSUER = wire.url
    wire.will(Reply({"keys": [jwk("old")]}))

    assert tokens.verify_id_token(sign(iss=wire.url), sub=SUB).sub == SUB
    with pytest.raises(tokens.InvalidToken):
        tokens.verify_id_token(sign(), sub=SUB)
    assert [request.path for request in wire.requests] == ["/.well-known/jwks.json"]


# Keys


def padded(body: dict[str, Any], size: int) -> bytes:
    content = json.dumps(body).encode()
    return content + b" " * (size - len(content))


BAD_REPLIES = {
    "500": lambda good: Reply(good, 500),
    "404": lambda good: Reply(good, 404),
    "203": lambda good: Reply(good, 203),
    "dropped": lambda good: Reply(drop=True),
    "no bytes": lambda good: Reply(b""),
    "binary": lambda good: Reply(b"\xff\xfe\x00"),
    "HTML": lambda good: Reply(b"<html>"),
    "cut off": lambda good: Reply(
        b"ffff\r\n" + json.dumps(good).encode(),
        headers={"transfer-encoding": "chunked", "connection": "close"},
    ),
    "broken compression": lambda good: Reply(b"\x1f\x8b", headers={"content-encoding": "gzip"}),
    "compressed into little": lambda good: Reply(
        gzip.compress(padded(good, 5_000_000)), headers={"content-encoding": "gzip"}
    ),
    "half": lambda good: Reply(json.dumps(good).encode()[:-20]),
    "a list": lambda good: Reply([good]),
    "null": lambda good: Reply(None),
    "no keys": lambda good: Reply({}),
    "empty keys": lambda good: Reply({"keys": []}),
    "keys of another shape": lambda good: Reply({"keys": {"old": good["keys"][0]}}),
    "words for keys": lambda good: Reply({"keys": ["old", 7, None]}),
    "broken keys": lambda good: Reply({"keys": [{"kty": "RSA", "kid": "old", "n": 7, "e": []}]}),
    "unknown keys": lambda good: Reply({"keys": [{"kty": "XYZ", "kid": "old"}]}),
    "too large": lambda good: Reply(padded(good, 64 * 1024 + 1)),
}
NO_SIGNING_KEY = {
    "for encryption": {"use": "enc"},
    "without a name": {"kid": None},
}


def test_keys_are_fetched_once_for_a_day(clock, verifier, wire, sign):
    token = sign()

    for _ in range(24):
        verifier.verify_id_token(token, sub=SUB)
        clock.forward(DAY / 24 - 1)
    assert len(wire.requests) == 1

    clock.forward(60)
    verifier.verify_id_token(token, sub=SUB)
    assert len(wire.requests) == 2


def test_keys_are_fetched_once_for_fifty_threads_at_once(wire, jwk, sign):
    wire.will(Reply({"keys": [jwk("old")]}, delay=0.1))
    verifier, token = verifier_at(wire.url), sign()

    with ThreadPoolExecutor(50) as pool:
        seen = list(pool.map(lambda _: verifier.verify_id_token(token, sub=SUB).sub, range(50)))

    assert seen == [SUB] * 50
    assert len(wire.requests) == 1


def test_failure_is_met_once_by_fifty_threads_at_once(wire, sign):
    wire.will(Reply({}, 500, delay=0.1))
    verifier, token = verifier_at(wire.url), sign()

    def fails(_: int) -> bool:
        with pytest.raises(tokens.KeysUnavailable):
            verifier.verify_id_token(token, sub=SUB)
        return True

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(fails, range(50)))

    assert len(wire.requests) == 1


def test_flood_of_unknown_keys_fetches_once_in_thirty_seconds(clock, verifier, wire, sign):
    verifier.verify_id_token(sign(), sub=SUB)
    token = sign()

    def flood(count: int) -> None:
        signature = token.rpartition(".")[2]
        for number in range(count):
            header = encoded({"alg": "RS256", "kid": f"unknown-{number}"})
            with pytest.raises(tokens.InvalidToken):
                verifier.verify_id_token(f"{header}.{encoded(claims())}.{signature}", sub=SUB)

    flood(200)
    clock.forward(25)
    flood(5)
    assert len(wire.requests) == 2

    clock.forward(6)
    flood(200)
    assert len(wire.requests) == 3


def test_rotated_key_is_found_after_thirty_seconds(clock, wire, jwk, sign):
    wire.will(
        Reply({"keys": [jwk("old")]}),
        Reply({"keys": [jwk("old")]}),
        Reply({"keys": [jwk("old"), jwk("new")]}),
    )
    verifier = verifier_at(wire.url)
    verifier.verify_id_token(sign("old"), sub=SUB)
    with pytest.raises(tokens.InvalidToken):
        verifier.verify_id_token(sign("foreign"), sub=SUB)

    with pytest.raises(tokens.InvalidToken):
        verifier.verify_id_token(sign("new"), sub=SUB)
    clock.forward(31)

    assert verifier.verify_id_token(sign("new"), sub=SUB).sub == SUB
    assert verifier.verify_id_token(sign("old"), sub=SUB).sub == SUB
    assert len(wire.requests) == 3


def test_key_that_was_withdrawn_is_refused_after_a_day(clock, wire, jwk, sign):
    wire.will(Reply({"keys": [jwk("old"), jwk("new")]}), Reply({"keys": [jwk("new")]}))
    verifier = verifier_at(wire.url)
    verifier.verify_id_token(sign("old"), sub=SUB)
    clock.forward(DAY + 1)

    with pytest.raises(tokens.InvalidToken):
        verifier.verify_id_token(sign("old"), sub=SUB)
    assert verifier.verify_id_token(sign("new"), sub=SUB).sub == SUB


@pytest.mark.parametrize("damaged", BAD_REPLIES.values(), ids=BAD_REPLIES)
def test_old_keys_stay_in_use_while_new_ones_cannot_be_had(clock, wire, jwk, sign, damaged):
    wire.will(Reply({"keys": [jwk("old")]}), damaged({"keys": [jwk("new")]}))
    verifier = verifier_at(wire.url)
    verifier.verify_id_token(sign("old"), sub=SUB)
    clock.forward(DAY + 1)

    for _ in range(3):
        assert verifier.verify_id_token(sign("old"), sub=SUB).sub == SUB
        with pytest.raises(tokens.InvalidToken):
            verifier.verify_id_token(sign("new"), sub=SUB)

    assert len(wire.requests) == 2


@pytest.mark.parametrize("damaged", BAD_REPLIES.values(), ids=BAD_REPLIES)
def test_keys_that_never_were_are_unavailable_and_asked_for_again_after_5_s(
    clock, wire, jwk, sign, damaged
):
    good = {"keys": [jwk("old")]}
    wire.will(damaged(good), Reply(good))
    verifier = verifier_at(wire.url)

    for _ in range(3):
        with pytest.raises(tokens.KeysUnavailable):
            verifier.verify_id_token(sign(), sub=SUB)
        clock.forward(1)
    assert len(wire.requests) == 1

    clock.forward(3)

    assert verifier.verify_id_token(sign(), sub=SUB).sub == SUB


@pytest.mark.parametrize("case", [*NO_SIGNING_KEY, "deep JSON"])
def test_set_without_a_signing_key_does_not_replace_a_good_one(clock, wire, jwk, sign, case):
    useless = (
        Reply(b"[" * 60_000)
        if case == "deep JSON"
        else Reply({"keys": [jwk("old", **NO_SIGNING_KEY[case])]})
    )
    wire.will(Reply({"keys": [jwk("old")]}), useless)
    verifier = verifier_at(wire.url)
    verifier.verify_id_token(sign(), sub=SUB)
    clock.forward(DAY + 1)

    assert verifier.verify_id_token(sign(), sub=SUB).sub == SUB


def test_withdrawn_key_is_refused_as_soon_as_the_endpoint_is_back(clock, wire, jwk, sign):
    wire.will(Reply({"keys": [jwk("old")]}), Reply(status=500), Reply({"keys": [jwk("new")]}))
    verifier = verifier_at(wire.url)
    verifier.verify_id_token(sign(), sub=SUB)
    clock.forward(DAY + 1)
    assert verifier.verify_id_token(sign(), sub=SUB).sub == SUB

    clock.forward(6)

    with pytest.raises(tokens.InvalidToken):
        verifier.verify_id_token(sign(), sub=SUB)


def test_unusable_key_beside_a_good_one_does_no_harm(wire, jwk, sign):
    wire.will(Reply({"keys": [{"kty": "XYZ", "kid": "old"}, None, jwk("old")]}))

    assert verifier_at(wire.url).verify_id_token(sign(), sub=SUB).sub == SUB


def test_keys_of_the_largest_size_are_read(wire, jwk, sign):
    wire.will(Reply(padded({"keys": [jwk("old")]}, 64 * 1024)))

    assert verifier_at(wire.url).verify_id_token(sign(), sub=SUB).sub == SUB


def test_compressed_keys_are_read(wire, jwk, sign):
    content = gzip.compress(json.dumps({"keys": [jwk("old")]}).encode())
    wire.will(Reply(content, headers={"content-encoding": "gzip"}))

    assert verifier_at(wire.url).verify_id_token(sign(), sub=SUB).sub == SUB


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(wire, jwk, sign, status):
    with another_server({"keys": [jwk("old")]}) as elsewhere:
        wire.will(Reply({}, status, headers={"location": elsewhere.url}))

        with pytest.raises(tokens.KeysUnavailable):
            verifier_at(wire.url).verify_id_token(sign(), sub=SUB)

        assert elsewhere.requests == []


def test_keys_are_not_fetched_through_a_proxy_of_the_environment(verifier, sign, monkeypatch):
    with another_server({"keys": []}) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)

        assert verifier.verify_id_token(sign(), sub=SUB).sub == SUB
        assert proxy.requests == []


def test_nobody_listening_is_unavailable(sign):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(tokens.KeysUnavailable):
        verifier_at(url).verify_id_token(sign(), sub=SUB)


def test_hanging_endpoint_holds_up_one_request_and_for_two_seconds(sign):
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        verifier = verifier_at(f"http://127.0.0.1:{hanging.getsockname()[1]}")
        took = []
        for _ in range(3):
            started = time.perf_counter()
            with pytest.raises(tokens.KeysUnavailable):
                verifier.verify_id_token(sign(), sub=SUB)
            took.append(time.perf_counter() - started)

    assert 1 < took[0] < 4
    assert max(took[1:]) < 1


class Dripping:
    """A server that sends a byte at a time, each a second of ``clock`` after the other."""

    def __init__(self, clock: Clock, *, chunked: bool) -> None:
        self._clock = clock
        self._chunked = chunked
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.sent = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with connection:
            connection.recv(10_000)
            length = "transfer-encoding: chunked" if self._chunked else "content-length: 9000"
            connection.sendall(f"HTTP/1.1 200 OK\r\n{length}\r\n\r\n".encode())
            try:
                while self.sent < 200:
                    connection.sendall(b"1\r\n \r\n" if self._chunked else b" ")
                    self.sent += 1
                    self._clock.forward(1)
                    time.sleep(0.01)
            except OSError:
                pass

    def close(self) -> None:
        self._listening.close()


@pytest.mark.parametrize(
    "chunked",
    [
        True,
        False,
    ],
    ids=["in chunks", "of known length"],
)
def test_dripping_endpoint_is_given_up_after_four_seconds(clock, sign, chunked):
    dripping = Dripping(clock, chunked=chunked)
    try:
        with pytest.raises(tokens.KeysUnavailable):
            verifier_at(dripping.url).verify_id_token(sign(), sub=SUB)
    finally:
        dripping.close()

    assert dripping.sent < 150

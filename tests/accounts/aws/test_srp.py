"""Proofs of a password, against those of amazon-cognito-identity-js."""

import base64
import hashlib
import json
import random
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from accounts.aws import srp
from localcloud import example
from tests import provision

HERE = Path(__file__).parent
# Of what the library answered to CHALLENGES: 6.3.21, as the other test asks it.
ANSWERS_OF_THE_LIBRARY = "87cde4f8087aa1c2d4ae02a0236046e778679b475fe961d81fc625bafddcc81b"


def challenge(seed: int, **changed: str) -> dict[str, str]:
    """Make up a challenge, the same one for a seed, and what the library is given besides."""
    bits = random.Random(seed).getrandbits
    return {
        "secret": f"{bits(1024):x}",
        "at": "2026-11-21T21:05:09Z",
        "user_id": f"{bits(32):08x}-0000-4000-8000-{bits(48):012x}",
        "salt": f"{bits(126) | 1 << 126:x}",
        "srp_b": f"{bits(3071):x}",
        "secret_block": base64.b64encode(bits(384).to_bytes(48)).decode(),
        "password": "Right-Horse-7",
        "pool_id": "eu-west-1_AbCdEf123",
    } | changed


CHALLENGES = [
    challenge(1),
    # A number whose first bit is set, zeros in front, an odd count of digits.
    challenge(2, salt="f1" * 16),
    challenge(3, salt="001f" * 8),
    challenge(4, srp_b="abc" * 211),
    challenge(5, secret="f" * 64),
    challenge(6, password="pässwörd 密码 🔑 " + "x" * 200, at="2026-02-03T00:00:00Z"),
]


def asked(given: dict[str, str], **changed: str) -> srp.Asked:
    names = ("user_id", "salt", "srp_b", "secret_block")
    return srp.Asked(**{name: given[name] for name in names} | changed)


def answers(given: dict[str, str]) -> dict[str, str]:
    proof = srp.Proof.of(int(given["secret"], 16))
    at = datetime.fromisoformat(given["at"])
    said = proof.answers(asked(given), given["password"], pool_id=given["pool_id"], at=at)
    return {"SRP_A": proof.srp_a, "USERNAME": given["user_id"], **said}


def test_answers_are_those_of_cognitos_own_client():
    said = json.dumps([answers(given) for given in CHALLENGES]).encode()
    assert hashlib.sha256(said).hexdigest() == ANSWERS_OF_THE_LIBRARY


@pytest.mark.programs
@pytest.mark.skipif(
    provision.example_libraries() is None,
    reason="the libraries of examples/spa are not installed: make test needs npm for them",
)
def test_answers_are_those_of_the_installed_client():
    done = subprocess.run(
        [
            shutil.which("node"),
            HERE / "srp_in_javascript.mjs",
            example.LIBRARIES.parent / "package.json",
        ],
        input=json.dumps(CHALLENGES),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [answers(given) for given in CHALLENGES]


def test_every_exchange_has_a_secret_of_its_own():
    first, second = srp.Proof.begin(), srp.Proof.begin()
    assert first.secret != second.secret
    assert min(first.secret, second.secret).bit_length() == 256


@pytest.mark.parametrize("multiple", [0, 1, 2])
def test_challenge_that_anybody_could_answer_is_refused(multiple):
    """RFC 5054, 2.5.4."""
    given = asked(CHALLENGES[0], srp_b=f"{multiple * srp._N:x}")
    with pytest.raises(ValueError, match="SRP_B"):
        srp.Proof.begin().answers(given, "password", pool_id="eu-west-1_AbCdEf123")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("srp_b", "xyz"),
        ("srp_b", "-5"),
        ("salt", ""),
        ("salt", "-1"),
        ("secret_block", "no base64!"),
    ],
)
def test_challenge_that_is_none_is_refused(name, value):
    given = asked(CHALLENGES[0], **{name: value})
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        srp.Proof.begin().answers(given, "password", pool_id="eu-west-1_AbCdEf123")


def test_time_is_written_in_english_whatever_the_locale():
    at = datetime.fromisoformat("2026-03-02T04:05:06Z")
    said = srp.Proof.begin().answers(
        asked(CHALLENGES[0]), "password", pool_id="eu-west-1_AbCdEf123", at=at
    )
    assert said["TIMESTAMP"] == "Mon Mar 2 04:05:06 UTC 2026"


def test_nothing_of_an_exchange_is_shown():
    proof = srp.Proof.begin()
    given = asked(CHALLENGES[0])
    assert str(proof.secret) not in repr(proof)
    assert repr(given) == "Asked()"

"""Cognito's side of a password that is proven by SRP, for a pool at the wire.

RFC 5054 from the server's side, so that it shares no line with what the site does.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

from accounts.aws.srp import _N

_G = 2


def _bytes(number: int) -> bytes:
    plain = f"{number:x}"
    plain = plain.zfill(len(plain) + len(plain) % 2)
    return bytes.fromhex(f"00{plain}" if plain[0] in "89abcdef" else plain)


def _number(*parts: bytes) -> int:
    return int(hashlib.sha256(b"".join(parts)).hexdigest(), 16)


@dataclass
class PasswordCheck:
    """One exchange about the password of ``user_id``; None is nobody's, which nothing proves."""

    pool: str
    user_id: str
    password: str | None
    srp_a: str
    salt: int = field(default_factory=lambda: secrets.randbits(128))
    secret: int = field(default_factory=lambda: secrets.randbits(256))
    block: bytes = field(default_factory=lambda: secrets.token_bytes(48))

    def __post_init__(self) -> None:
        typed = secrets.token_hex() if self.password is None else self.password
        inner = hashlib.sha256(f"{self.pool}{self.user_id}:{typed}".encode()).digest()
        self.verifier = pow(_G, _number(_bytes(self.salt), inner), _N)
        factor = _number(_bytes(_N), _bytes(_G))
        self.public = (factor * self.verifier + pow(_G, self.secret, _N)) % _N

    def parameters(self) -> dict[str, str]:
        """The public parameters of the challenge PASSWORD_VERIFIER."""
        return {
            "USERNAME": self.user_id,
            "USER_ID_FOR_SRP": self.user_id,
            "SALT": f"{self.salt:x}",
            "SRP_B": f"{self.public:x}",
            "SECRET_BLOCK": base64.b64encode(self.block).decode(),
        }

    def accepts(self, responses: dict[str, Any]) -> bool:
        """Tell whether the responses to it prove the password."""
        theirs = int(self.srp_a, 16)
        u = _number(_bytes(theirs), _bytes(self.public))
        shared = pow(theirs * pow(self.verifier, u, _N), self.secret, _N)
        key = hmac.digest(
            hmac.digest(_bytes(u), _bytes(shared), "sha256"), b"Caldera Derived Key\x01", "sha256"
        )[:16]
        signed = (
            f"{self.pool}{self.user_id}".encode() + self.block + responses["TIMESTAMP"].encode()
        )
        right = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        return (
            theirs % _N != 0
            and responses["PASSWORD_CLAIM_SECRET_BLOCK"] == self.parameters()["SECRET_BLOCK"]
            and responses["PASSWORD_CLAIM_SIGNATURE"] == right
        )

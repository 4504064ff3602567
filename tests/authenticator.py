"""A device that makes passkeys and answers for them, as WebAuthn has it, with every fault to try.

Its answers are what a browser's ``credential.toJSON()`` is, as text.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from accounts.login.ceremonies import decoded, encoded

ORIGIN = "http://localhost"
PRESENT, VERIFIED, SYNCED, BACKED_UP, HAS_KEY = 0x01, 0x04, 0x08, 0x10, 0x40
USUAL = PRESENT | VERIFIED | SYNCED | BACKED_UP


@dataclass
class Authenticator:
    """One passkey. ``count`` is that of a device that counts, 0 for one that does not.

    ``says`` changes what the browser says of the page; ``flags`` are those of the device.
    """

    flags: int = USUAL
    count: int = 0
    origin: str = ORIGIN
    says: dict[str, Any] = field(default_factory=dict)
    host: str = ""
    aaguid: bytes = bytes(16)
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: str = ""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: dict[str, Any]) -> str:
        """Make the passkey that a page asks for."""
        self.handle = options["user"]["id"]
        self.host = self.host or options["rp"]["id"]
        length = len(self.credential).to_bytes(2, "big")
        key = self.aaguid + length + self.credential + cbor2.dumps(self._public())
        data = self._data(HAS_KEY) + key
        attestation = {"fmt": "none", "attStmt": {}, "authData": data}
        return self._answer(
            clientDataJSON=self._client("webauthn.create", options["challenge"]),
            attestationObject=cbor2.dumps(attestation),
        )

    def get(self, options: dict[str, Any]) -> str:
        """Answer for the passkey."""
        if self.count:
            self.count += 1
        self.host = self.host or options["rpId"]
        data, client = self._data(), self._client("webauthn.get", options["challenge"])
        signed = data + hashlib.sha256(client).digest()
        return self._answer(
            clientDataJSON=client,
            authenticatorData=data,
            signature=self.key.sign(signed, ec.ECDSA(hashes.SHA256())),
            userHandle=decoded(self.handle),
        )

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | self.says).encode()

    def _data(self, further: int = 0) -> bytes:
        flags = bytes([self.flags | further])
        return hashlib.sha256(self.host.encode()).digest() + flags + self.count.to_bytes(4, "big")

    def _public(self) -> dict[int, Any]:
        point = self.key.public_key().public_numbers()
        return {
            1: 2,
            3: -7,
            -1: 1,
            -2: point.x.to_bytes(32, "big"),
            -3: point.y.to_bytes(32, "big"),
        }

    def _answer(self, **response: bytes) -> str:
        name = encoded(self.credential)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {part: encoded(value) for part, value in response.items()},
            }
        )

"""Prove a password to Cognito without sending it (SRP), the way Cognito's own clients do.

    proof = srp.Proof.begin()
    proof.srp_a                     # goes with InitiateAuth
    proof.answers(asked, …)         # go with RespondToAuthChallenge, within a few seconds

The group and the protocol are those of RFC 5054 with SHA-256. Cognito derives the key with HKDF
(RFC 5869), and lets it sign the name, its own secret block and the time. Cognito documents none of
that; its clients are the source, and the tests compare with what they compute.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from django.views.decorators.debug import sensitive_variables

# The prime of 3072 bits of RFC 3526, section 4.
_N: Final = int(
    """\
FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05\
98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB\
9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718\
3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33\
A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7\
ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864\
D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2\
08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF""",
    16,
)
_G: Final = 2
# RFC 5054, 2.6: at least 256 bits.
_SECRET_BITS: Final = 256
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


@dataclass(frozen=True)
class Asked:
    """Cognito's challenge PASSWORD_VERIFIER. ``user_id`` is the name inside the pool."""

    user_id: str = field(repr=False)
    salt: str = field(repr=False)
    srp_b: str = field(repr=False)
    secret_block: str = field(repr=False)


@dataclass(frozen=True)
class Proof:
    """One exchange. ``secret`` is a number that nobody else gets to know, ``public`` our other."""

    secret: int = field(repr=False)
    public: int

    @classmethod
    def begin(cls) -> Self:
        """Start an exchange, with a secret of its own."""
        return cls.of(secrets.randbits(_SECRET_BITS) | 1 << (_SECRET_BITS - 1))

    @classmethod
    def of(cls, secret: int) -> Self:
        """Return the exchange with a known secret."""
        return cls(secret, pow(_G, secret, _N))

    @property
    def srp_a(self) -> str:
        """The public number as Cognito takes it, in hex."""
        return f"{self.public:x}"

    @sensitive_variables()
    def answers(
        self, asked: Asked, password: str, *, pool_id: str, at: datetime | None = None
    ) -> dict[str, str]:
        """Return what proves ``password``, as the responses to the challenge.

        Raises ValueError where the challenge is none. ``at`` is the time in UTC, now by default.
        """
        pool = pool_id.partition("_")[2]
        block = base64.b64decode(asked.secret_block, validate=True)
        key = self._key(asked, f"{pool}{asked.user_id}:{password}".encode())
        timestamp = _written(at or datetime.now(UTC))
        signed = f"{pool}{asked.user_id}".encode() + block + timestamp.encode()
        return {
            "PASSWORD_CLAIM_SECRET_BLOCK": asked.secret_block,
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(
                hmac.digest(key, signed, "sha256")
            ).decode(),
            "TIMESTAMP": timestamp,
        }

    @sensitive_variables()
    def _key(self, asked: Asked, identity: bytes) -> bytes:
        theirs, salt = int(asked.srp_b, 16), int(asked.salt, 16)
        u = _hashed(_padded(self.public), _padded(theirs))
        if theirs % _N == 0 or u == 0:
            # RFC 5054, 2.5.4: from these anybody could answer.
            raise ValueError("SRP_B is none")
        x = _hashed(_padded(salt), hashlib.sha256(identity).digest())
        k = _hashed(_padded(_N), _padded(_G))
        shared = pow(theirs - k * pow(_G, x, _N), self.secret + u * x, _N)
        extracted = hmac.digest(_padded(u), _padded(shared), "sha256")
        return hmac.digest(extracted, b"Caldera Derived Key\x01", "sha256")[:16]


def _padded(number: int) -> bytes:
    """Return the bytes of a number, with a zero in front where it would look negative."""
    if number < 0:
        raise ValueError("A negative number")
    return number.to_bytes(number.bit_length() // 8 + 1)


def _hashed(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest())


def _written(at: datetime) -> str:
    """Return the time as Cognito reads it, in English whatever the locale of the process."""
    return f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day} {at:%H:%M:%S} UTC {at.year}"

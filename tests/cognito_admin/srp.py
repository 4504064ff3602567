"""Sign-in with a password the way mobile apps do it: the password itself is never sent.

https://datatracker.ietf.org/doc/html/rfc5054, with Cognito's key derivation.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Any

_N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7"
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
_G = 2


def sign_in(cognito: Any, pool_id: str, client_id: str, username: str, password: str) -> Any:
    """Return the AuthenticationResult. Raises what Cognito answers."""
    a = secrets.randbelow(_N - 2) + 1
    big_a = pow(_G, a, _N)
    asked = cognito.initiate_auth(
        ClientId=client_id,
        AuthFlow="USER_SRP_AUTH",
        AuthParameters={"USERNAME": username, "SRP_A": f"{big_a:x}"},
    )
    given = asked["ChallengeParameters"]
    user, pool = given["USER_ID_FOR_SRP"], pool_id.split("_", 1)[1]
    big_b = int(given["SRP_B"], 16)
    u = _hash(_padded(big_a), _padded(big_b))
    inner = hashlib.sha256(f"{pool}{user}:{password}".encode()).digest()
    x = _hash(_padded(int(given["SALT"], 16)), inner)
    k = _hash(_padded(_N), _padded(_G))
    shared = pow((big_b - k * pow(_G, x, _N)) % _N, a + u * x, _N)
    prk = hmac.digest(_padded(u), _padded(shared), "sha256")
    key = hmac.digest(prk, b"Caldera Derived Key\x01", "sha256")[:16]
    now = datetime.now(UTC)
    timestamp = f"{now:%a %b} {now.day} {now:%H:%M:%S} UTC {now.year}"
    block = base64.b64decode(given["SECRET_BLOCK"])
    signature = hmac.digest(key, f"{pool}{user}".encode() + block + timestamp.encode(), "sha256")
    return cognito.respond_to_auth_challenge(
        ClientId=client_id,
        ChallengeName="PASSWORD_VERIFIER",
        **({"Session": asked["Session"]} if "Session" in asked else {}),
        ChallengeResponses={
            "USERNAME": user,
            "PASSWORD_CLAIM_SECRET_BLOCK": given["SECRET_BLOCK"],
            "TIMESTAMP": timestamp,
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(signature).decode(),
        },
    )["AuthenticationResult"]


def _padded(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")

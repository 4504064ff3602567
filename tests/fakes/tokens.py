"""The tokens of a user pool, and the keys that sign them."""

import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "exampleclientid", "exampleclientsecret"
# Of people whom the site has proven.
SITE_CLIENT_ID, SITE_CLIENT_SECRET = "examplesiteclientid", "examplesiteclientsecret"
KNOWN_CLIENT_ID, KNOWN_CLIENT_SECRET = "exampleknownclientid", "exampleknownclientsecret"


POOL_ID = "eu-west-1_Example01"
ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL_ID}"


@cache
def signing_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_set(name: str = "pool") -> dict[str, Any]:
    """The pool's public keys, as its JWKS endpoint serves them."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(signing_key(name).public_key(), as_dict=True)
    return {"keys": [public | {"kid": name, "use": "sig", "alg": "RS256"}]}


def id_token(sub: str, *, signed_by: str = "pool", **claims: Any) -> str:
    """An ID token of the pool. A claim that is None is left out."""
    now = int(time.time())
    content = {
        "sub": sub,
        "iss": ISSUER,
        "aud": CLIENT_ID,
        "token_use": "id",
        "iat": now,
        "exp": now + 3600,
        **claims,
    }
    content = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(content, signing_key(signed_by), "RS256", headers={"kid": "pool"})

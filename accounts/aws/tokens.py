"""Verify ID tokens of our user pool, without a call for each: the pool's public keys are kept.

TokenError
├── InvalidToken         not ours, not for us, not now, or not of the person who asked
└── KeysUnavailable      the pool's keys could not be had: nothing can be said of the token
"""

import json
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
import requests
from jwt import PyJWKClient
from jwt.exceptions import PyJWKClientConnectionError, PyJWKSetError, PyJWTError
from urllib3.exceptions import HTTPError

from accounts.conf import conf

LEEWAY = 30  # seconds: clocks differ, and a token from "the future" would stop every sign-in
# Every way in which an endpoint can fail; JSON that is nested too deep is one of them.
_UNFIT = (requests.RequestException, HTTPError, PyJWTError, ValueError, RecursionError)
_MAX_KEYS_SIZE = 64 * 1024
_TIMEOUT = 2.0
_REMEMBER_FAILURE = 5.0


class TokenError(Exception):
    pass


class InvalidToken(TokenError):
    pass


class KeysUnavailable(TokenError):
    pass


@dataclass(frozen=True)
class Claims:
    """The claims of a token that the site believes.

    ``phone`` is in E.164, ``locale`` the language of the texts.
    ``groups`` are those of the user pool, which operators of the pool alone give and take.
    ``methods`` say how somebody signed in (RFC 8176), where the pool's tokens do.
    """

    sub: str
    phone: str | None
    phone_verified: bool
    locale: str | None = None
    groups: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()


class SigningKeys(PyJWKClient):
    """The pool's public keys, cached for a day.

    An unknown key id refetches them at most every 30 s. While they cannot be fetched, the old
    ones stay in use; where there are none, a failure is remembered for 5 s, so that a hanging
    endpoint does not hold up one request after the other.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, lifespan=24 * 60 * 60, cooldown_duration=30)
        self._http = requests.Session()
        self._http.trust_env = False
        self._last_good: dict[str, Any] | None = None
        self._last_good_at = 0.0
        self._failed_at: float | None = None

    def fetch_data(self) -> dict[str, Any]:
        """Return the key set, else the last good one. Raises PyJWKClientConnectionError."""
        if self._failed_at and time.monotonic() - self._failed_at < _REMEMBER_FAILURE:
            if self._last_good is None:
                raise PyJWKClientConnectionError("The keys could not be fetched a moment ago")
            return self._last_good
        try:
            payload = self._download()
            _require_signing_key(payload)
        except _UNFIT as error:
            self._failed_at = time.monotonic()
            if self._last_good is None:
                raise PyJWKClientConnectionError("The keys could not be fetched") from error
            return self._last_good
        self._failed_at = None
        self._last_good = payload
        self._last_good_at = time.monotonic()
        return payload

    def age(self) -> float:
        """Return the seconds since the keys were fetched, which is now where they were not yet.

        Raises KeysUnavailable where there are none.
        """
        try:
            self.get_jwk_set()
        except PyJWTError as error:
            raise KeysUnavailable(str(error)) from error
        return time.monotonic() - self._last_good_at

    def get_jwk_set(self, refresh: bool = False) -> jwt.PyJWKSet:
        """Return the keys, and cache none that a failed fetch left over. Raises PyJWTError."""
        keys = super().get_jwk_set(refresh)
        if self._failed_at is not None and self.jwk_set_cache is not None:
            # Old keys are for now, not for another day.
            self.jwk_set_cache.put(None)
        return keys

    def _download(self) -> dict[str, Any]:
        deadline = time.monotonic() + 2 * _TIMEOUT
        with self._http.get(
            self.uri, timeout=_TIMEOUT, allow_redirects=False, stream=True
        ) as response:
            if response.status_code != requests.codes.ok:
                raise requests.HTTPError(f"Status {response.status_code}")
            body = b""
            # Not iter_content, which waits for a whole chunk however slowly it drips.
            while chunk := response.raw.read1(8 * 1024, decode_content=True):
                body += chunk
                if len(body) > _MAX_KEYS_SIZE or time.monotonic() > deadline:
                    raise requests.RequestException("Too large or too slow")
        payload = json.loads(body)
        if not isinstance(payload, dict):
            raise requests.RequestException("Not a JSON object")
        return payload


def _require_signing_key(payload: dict[str, Any]) -> None:
    """Refuse a set without a usable key before it takes the place of a good one."""
    keys = jwt.PyJWKSet.from_dict(payload).keys
    if not any(key.key_id and key.public_key_use in ("sig", None) for key in keys):
        raise PyJWKSetError("No signing key")


class Verifier:
    """Checks that an ID token was issued by ``issuer`` to one of the clients ``audiences``."""

    def __init__(self, keys: SigningKeys, *, issuer: str, audiences: list[str]) -> None:
        self.keys = keys
        self._issuer = issuer
        self._audiences = audiences

    def verify_id_token(self, token: str, *, sub: str) -> Claims:
        """Return the claims of a token that belongs to ``sub``. Raises TokenError."""
        try:
            key = self.keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key,
                # Pinned: the header's "alg" is the attacker's to choose.
                algorithms=["RS256"],
                audience=self._audiences,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub", "token_use"],
                    "verify_signature": True,
                },
            )
        except PyJWKClientConnectionError as error:
            raise KeysUnavailable(str(error)) from error
        except (PyJWTError, ValueError) as error:
            raise InvalidToken(type(error).__name__) from error
        if claims["token_use"] != "id":  # noqa: S105
            raise InvalidToken("Not an ID token")
        if claims["sub"] != sub:
            raise InvalidToken("Of somebody else")
        phone, locale = claims.get("phone_number"), claims.get("locale")
        return Claims(
            sub=sub,
            phone=phone if isinstance(phone, str) else None,
            phone_verified=claims.get("phone_number_verified") is True,
            locale=locale if isinstance(locale, str) else None,
            groups=_names(claims.get("cognito:groups")),
            methods=_names(claims.get("amr")),
        )


def _names(claimed: Any) -> frozenset[str]:
    """Read the names in a claim; anything but a list of names says nothing."""
    if not isinstance(claimed, list):
        return frozenset()
    return frozenset(name for name in claimed if isinstance(name, str))


@cache
def _verifier() -> Verifier:
    clients = (conf.client_id, conf.known_client_id, conf.site_client_id)
    ours = [each for each in clients if each]
    return Verifier(SigningKeys(conf.jwks_url), issuer=conf.issuer, audiences=ours)


def verify_id_token(token: str, *, sub: str) -> Claims:
    """Verify a token of the configured pool. Raises TokenError."""
    return _verifier().verify_id_token(token, sub=sub)


def keys_age() -> float:
    """Return how old the configured pool's keys are, in seconds. Raises KeysUnavailable."""
    return _verifier().keys.age()

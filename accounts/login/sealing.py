"""Encrypt short-lived values in the database with which a reader of it could sign in.

The keys are derived from SECRET_KEY, one for each purpose; values sealed with one of
SECRET_KEY_FALLBACKS can still be read. A sealed value is text, a third longer than the value plus
forty characters.
"""

import base64
import os
from contextlib import suppress
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

# Bytes drawn at random, with which a key is good for 2**32 values: two billion sign-ins.
_NONCE = 12


def seal(value: str, *, purpose: str) -> str:
    """Return ``value`` encrypted, as ASCII text. Only the same ``purpose`` opens it."""
    nonce = os.urandom(_NONCE)
    sealed = _box(settings.SECRET_KEY, purpose).encrypt(nonce, value.encode(), None)
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def unseal(sealed: str, *, purpose: str) -> str | None:
    """Return the value, or None if this site did not seal it for this purpose."""
    try:
        raw = base64.urlsafe_b64decode(sealed)
    except ValueError:
        return None
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        # A value that is too short is a ValueError.
        with suppress(InvalidTag, ValueError):
            return _box(secret, purpose).decrypt(raw[:_NONCE], raw[_NONCE:], None).decode()
    return None


@cache
def _box(secret: str, purpose: str) -> AESGCM:
    derive = HKDF(SHA256(), length=32, salt=None, info=f"accounts.sealing {purpose}".encode())
    return AESGCM(derive.derive(secret.encode()))

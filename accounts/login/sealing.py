"""Encrypt short-lived values in the database with which a reader of it could sign in.

The keys are derived from SECRET_KEY, one for each purpose; values sealed with one of
SECRET_KEY_FALLBACKS can still be read. A sealed value is text, a third longer than the value plus a
hundred characters.
"""

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def seal(value: str, *, purpose: str) -> str:
    """Return ``value`` encrypted, as ASCII text. Only the same ``purpose`` opens it."""
    return _box(purpose).encrypt(value.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str | None:
    """Return the value, or None if this site did not seal it for this purpose."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def _box(purpose: str) -> MultiFernet:
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(_key(secret, purpose)) for secret in secrets])


@cache
def _key(secret: str, purpose: str) -> bytes:
    derive = HKDF(SHA256(), length=32, salt=None, info=f"accounts.sealing {purpose}".encode())
    return base64.urlsafe_b64encode(derive.derive(secret.encode()))

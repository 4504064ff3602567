"""Authenticator apps: the codes of RFC 6238, which change every 30 seconds.

The secret of an app is derived from the server key, the user and a salt, and stored nowhere. The
salt is an attribute of the user, so that Define sees who has an app. With another salt, the codes
of the app before are worth nothing.
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Any

from . import keys, ledger
from .plans import KINDS

# Every app reads these without being told: six digits, 30 seconds and SHA-1, which is safe in HMAC.
DIGITS = 6
_STEP_SECONDS = 30
# The clock of a phone may be wrong, and typing takes a while.
_STEPS_BESIDE = (0, -1, 1)
ATTRIBUTE = KINDS["authenticator"].attribute
SALT = re.compile(r"[A-Za-z0-9_-]{22}")


def draw_salt() -> str:
    """Return the salt of another app: 22 characters."""
    return secrets.token_urlsafe(16)


def is_salt(value: Any) -> bool:
    """Tell whether ``draw_salt`` can have returned it."""
    return isinstance(value, str) and SALT.fullmatch(value) is not None


def secret(user: str, salt: str) -> bytes:
    """Return the 20 bytes that the app of a user (sub) knows. Raises botocore's errors."""
    named = f"{user} {salt}".encode()
    return hmac.digest(keys.authenticator_key(), named, hashlib.sha256)[:20]


def in_base_32(key: bytes) -> str:
    """Return a secret as people type it into an app."""
    return base64.b32encode(key).decode()


def code(key: bytes, step: int) -> str:
    """Return the code of a secret in the step, which counts 30 seconds since the epoch."""
    digest = hmac.digest(key, step.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def accept(user: str, salt: str, answer: Any, *, now: float) -> bool:
    """Count an answer, compare it, and take it for good: no code is right a second time.

    Answers are counted under the user and the salt, as those to codes are under a number.
    Raises botocore's errors.
    """
    if not _is_code(answer):
        # It cannot be right, so it is neither counted nor compared.
        return False
    book = ledger.configured()
    name = keys.pseudonym("authenticator", f"{user} {salt}")
    if not book.guesses.count(name, now=now):
        return False
    key, current = secret(user, salt), int(now) // _STEP_SECONDS
    # Each of them, also after a match: how long that takes tells nothing.
    right = [
        current + by for by in _STEPS_BESIDE if hmac.compare_digest(code(key, current + by), answer)
    ]
    if not right:
        return False
    used = keys.pseudonym("authenticator code", f"{user} {salt} {right[0]}")
    if not book.guesses.take(used, now=now):
        return False
    book.guesses.clear(name)
    return True


def _is_code(answer: Any) -> bool:
    return (
        isinstance(answer, str)
        and len(answer) == DIGITS
        and answer.isascii()
        and answer.isdecimal()
    )

"""The word in the link of a mail, which is an answer to the challenge as its code is.

It is derived from the challenge as the code is, and stands in the mail alone. It has 160 bits, so
nobody guesses it, and the code does not follow from it. The browser that asked answers with it in
place of the code; another one can have the code shown for it, once (ADR 30).
"""

import base64
import hmac
import re
from typing import Any

from . import keys
from .challenge import Challenge

_BYTES = 20
_WORD = re.compile(r"[A-Za-z0-9_-]{27}")


def word_of(user: str, challenge: Challenge) -> str:
    """Return the word for a challenge of ``user`` (pool id and sub)."""
    named = f"{user} {challenge.id}".encode()
    digest = hmac.digest(keys.link_key(), named, "sha256")[:_BYTES]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def address(user: str, challenge: Challenge, *, site_host: str) -> str:
    """Return the address that the mail names, with the reference that pages show."""
    reference = challenge.reference.replace("-", "")
    return f"https://{site_host}/accounts/login/link/{reference}/{word_of(user, challenge)}/"


def is_word(answer: Any) -> bool:
    """Tell whether an answer can be such a word, and no code. Never raises."""
    return isinstance(answer, str) and _WORD.fullmatch(answer) is not None


def fits(answer: Any, user: str, challenge: Challenge, *, now: float) -> bool:
    """Tell whether an answer is the word of a challenge, and in time. Never raises for junk."""
    typed = answer if is_word(answer) else ""
    is_in_time = now < challenge.expires_at
    return hmac.compare_digest(typed, word_of(user, challenge)) and is_in_time

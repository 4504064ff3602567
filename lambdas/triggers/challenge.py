"""A challenge: an id from which its code can be derived, and the moment it ends.

Cognito carries both between the triggers of one flow: in the private parameters for Verify, in
the metadata for later rounds of Create. The code itself is never carried nor stored.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any

CODE_LENGTH = 6
_MAX_ANSWER_LENGTH = 64
_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_EPOCH = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True)
class Challenge:
    """``expires_at`` is in whole seconds since the epoch."""

    id: str
    expires_at: int

    @classmethod
    def draw(cls, *, now: float, lifetime: int) -> "Challenge":
        return cls(id=secrets.token_urlsafe(16), expires_at=int(now) + lifetime)

    @classmethod
    def from_private_parameters(cls, parameters: Any) -> "Challenge | None":
        if not isinstance(parameters, dict):
            return None
        return _parse(parameters.get("challengeId"), parameters.get("expiresAt"))

    @classmethod
    def from_metadata(cls, metadata: Any) -> "Challenge | None":
        if not isinstance(metadata, str):
            return None
        challenge_id, _, expires_at = metadata.partition(" ")
        return _parse(challenge_id, expires_at)

    def private_parameters(self) -> dict[str, str]:
        return {"challengeId": self.id, "expiresAt": str(self.expires_at)}

    def metadata(self) -> str:
        return f"{self.id} {self.expires_at}"

    def code(self, key: bytes, *, user: str) -> str:
        """Derive the code that was texted for this challenge to ``user`` (pool id and sub).

        256 bits are reduced to 20, so no code is more likely than another by more than 2**-236.
        """
        digest = hmac.digest(key, f"{user} {self.id}".encode(), hashlib.sha256)
        return f"{int.from_bytes(digest) % 10**CODE_LENGTH:0{CODE_LENGTH}d}"

    def accepts(self, answer: Any, key: bytes, *, user: str, now: float) -> bool:
        """Tell whether ``answer``, as typed, is the code, and in time. Never raises."""
        digits = read_digits(answer)
        if len(digits) != CODE_LENGTH or now >= self.expires_at:
            return False
        return hmac.compare_digest(digits, self.code(key, user=user))


def read_digits(answer: Any) -> str:
    """Return the ASCII digits of a typed code, or "" where it holds anything else.

    Spaces, hyphens and invisible marks are dropped, digits of any script are read.
    """
    if not isinstance(answer, str) or len(answer) > _MAX_ANSWER_LENGTH:
        return ""
    digits = []
    for character in answer:
        if character.isdecimal():
            digits.append(str(unicodedata.decimal(character)))
        elif not (character.isspace() or unicodedata.category(character) in ("Pd", "Cf")):
            return ""
    return "".join(digits)


def _parse(challenge_id: Any, expires_at: Any) -> Challenge | None:
    if not (isinstance(challenge_id, str) and _ID.fullmatch(challenge_id)):
        return None
    if not (isinstance(expires_at, str) and _EPOCH.fullmatch(expires_at)):
        return None
    return Challenge(challenge_id, int(expires_at))

"""A challenge: an id from which its code can be derived, and the moment it ends.

Cognito carries both between the triggers of one flow: in the private parameters for Verify, in
the metadata for later rounds of Create. The code itself is neither carried nor stored: it can be
texted again with the id and the server key together, and with nothing less.
"""

import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any

USUAL_LENGTH, LENGTH_UNDER_ATTACK = 6, 8
_MAX_ANSWER_LENGTH = 64
# The first character is the number of digits of the code.
_ID = re.compile(r"[68][A-Za-z0-9_-]{22}")
_EPOCH = re.compile(r"[0-9]{1,12}")
_MARK = re.compile(r"[0-9a-f]{8}")
# Without characters that look alike. The site uses the same.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


@dataclass(frozen=True)
class Challenge:
    """A challenge. ``expires_at`` is in whole seconds since the epoch.

    ``mark`` is that of the sign-in for which its code was texted, once for each text: it has tries
    of its own there. "" in all other sign-ins that the code is good for.
    """

    id: str
    expires_at: int
    mark: str = field(default="", compare=False)

    @classmethod
    def draw(cls, *, now: float, lifetime: int, code_length: int = USUAL_LENGTH) -> "Challenge":
        """Make a new challenge that lives for ``lifetime`` seconds from ``now``."""
        return cls(id=f"{code_length}{secrets.token_urlsafe(16)}", expires_at=int(now) + lifetime)

    @classmethod
    def parse(cls, challenge_id: Any, expires_at: Any, mark: Any = "") -> "Challenge | None":
        """Return the challenge of its strings, or None where they are malformed. Never raises.

        A ``mark`` that is none counts as "".
        """
        if not (isinstance(challenge_id, str) and _ID.fullmatch(challenge_id)):
            return None
        if not (isinstance(expires_at, str) and _EPOCH.fullmatch(expires_at)):
            return None
        is_mark = isinstance(mark, str) and _MARK.fullmatch(mark)
        return cls(challenge_id, int(expires_at), mark if is_mark else "")

    @classmethod
    def from_private_parameters(cls, parameters: Any) -> "Challenge | None":
        """Return the challenge that Create left for Verify, or None. Never raises."""
        if not isinstance(parameters, dict):
            return None
        return cls.parse(
            parameters.get("challengeId"), parameters.get("expiresAt"), parameters.get("mark")
        )

    def private_parameters(self) -> dict[str, str]:
        """Return the challenge as Cognito carries it from Create to Verify."""
        marked = {"mark": self.mark} if self.mark else {}
        return {"challengeId": self.id, "expiresAt": str(self.expires_at), **marked}

    def marked(self) -> "Challenge":
        """Return it as it is for the sign-in that asked for a text of it just now."""
        return replace(self, mark=secrets.token_hex(4))

    @property
    def code_length(self) -> int:
        """Return the number of digits of the code."""
        return int(self.id[0])

    @property
    def reference(self) -> str:
        """Return a name to read out to support, such as K7F-2Q, which finds the lines in the logs.

        It may be shown to anybody: neither the id nor the code follows from it.
        """
        digest = hashlib.sha256(f"phone-login reference {self.id}".encode()).digest()
        letters = in_letters(digest)
        return f"{letters[:3]}-{letters[3:]}"

    def code(self, key: bytes, *, user: str) -> str:
        """Derive the code that was texted for this challenge to ``user`` (pool id and sub).

        256 bits are reduced to at most 27, so no code is likelier than another by over 2**-229.
        """
        digest = hmac.digest(key, f"{user} {self.id}".encode(), hashlib.sha256)
        length = self.code_length
        return f"{int.from_bytes(digest) % 10**length:0{length}d}"

    def fits(self, answer: Any) -> bool:
        """Tell whether ``answer``, as typed, can be the code at all. Never raises."""
        return len(read_digits(answer)) == self.code_length

    def accepts(self, answer: Any, key: bytes, *, user: str, now: float) -> bool:
        """Tell whether ``answer``, as typed, is the code, and in time. Never raises."""
        digits = read_digits(answer)
        if len(digits) != self.code_length or now >= self.expires_at:
            return False
        return hmac.compare_digest(digits, self.code(key, user=user))


def in_letters(digest: bytes) -> str:
    """Return five letters and digits that a digest leads to, of 28 million."""
    number, letters = int.from_bytes(digest), ""
    for _ in range(5):
        number, position = divmod(number, len(_ALPHABET))
        letters += _ALPHABET[position]
    return letters


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

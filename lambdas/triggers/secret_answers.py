"""Answers to secret questions: which question is whose, and how an answer is read and hashed.

Such an answer is easy to guess or to find out, so it never signs in by itself, its guesses are
counted like those of a code, and what is kept of it is of no use without the server key.
"""

import hashlib
import hmac
import secrets
import unicodedata

from . import keys
from .codes.recipients import Recipient
from .ledger.kept_answers import KeptAnswer

# The site has their words. One that is added at the end changes whose question is which, and a
# person's answer stays: so the list is for good.
QUESTIONS = ("school", "street", "friend")
SHORTEST, _LONGEST = 2, 100
# 16 MB, and 40 to 100 ms of a function's processor.
_COST = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}
_NOBODYS_SALT = "00" * 16


def name_of(sub: str) -> str:
    """Return the name in the ledger of a user's (sub) answer and of the guesses at it."""
    return keys.pseudonym("secret answer", sub)


def name_of_recipient(recipient: Recipient) -> str:
    """Return the same for somebody who signs in, with or without an account."""
    return name_of(sub_of(recipient) or recipient.name)


def sub_of(recipient: Recipient) -> str:
    """Return whose account it is, "" where there is none."""
    return recipient.user.rpartition(" ")[2]


def question_of(name: str) -> str:
    """Return the question of a ``name_of``: the same at each time, for a stranger as well."""
    return QUESTIONS[int(name[:8], 16) % len(QUESTIONS)]


def read(answer: object) -> str:
    """Return an answer as it is compared, "" for one that cannot be any.

    Capitals, punctuation, further spaces and ways to write a letter make no difference.
    """
    if not isinstance(answer, str) or len(answer) > 4 * _LONGEST:
        return ""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", answer).casefold())
    # Letters, digits and the marks of letters, such as the vowels of Hindi.
    kept = "".join(one if unicodedata.category(one)[0] in "LMN" else " " for one in folded)
    words = " ".join(kept.split())
    return words if SHORTEST <= len(words) <= _LONGEST else ""


def kept(answer: str) -> KeptAnswer:
    """Return what is kept of an answer, which ``read`` has returned."""
    salt = secrets.token_hex(16)
    return KeptAnswer(salt, _digest(answer, salt))


def fits(answer: str, kept: KeptAnswer | None) -> bool:
    """Tell whether it is the answer that is kept. It takes as long where none is."""
    digest = _digest(answer, kept.salt if kept else _NOBODYS_SALT)
    return kept is not None and hmac.compare_digest(digest, kept.digest)


def _digest(answer: str, salt: str) -> str:
    # With the server key: a copy of the table alone gives nothing to try answers on.
    keyed = hmac.digest(keys.answer_key(), answer.encode(), hashlib.sha256)
    return hashlib.scrypt(keyed, salt=bytes.fromhex(salt), **_COST).hex()

"""Backup codes: ten for a person, each good once, for whoever has lost their phone or app.

They are drawn here and shown once. The ledger keeps keyed digests: a code has 39 random bits, and
without the server key nobody can try them on a copy of the table. Answers are counted and held as
those to other codes are.
"""

import re
import secrets
from enum import StrEnum
from typing import Any

from . import keys, ledger

COUNT = 10
_LENGTH = 8
# Without characters that look alike.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE = re.compile(f"[{_ALPHABET}]{{{_LENGTH}}}")
_LONGEST_TYPED = 40


class Lane(StrEnum):
    """The callers whose answers count together, so that strangers hold nobody else's."""

    STRANGER = "stranger"  # anybody who knows the number
    KNOWN = "known"  # a browser in which the person signed in before
    APP = "app"  # whoever has just given the right code by text


def draw(user: str, *, now: float) -> list[str]:
    """Return ten codes of a user (sub), such as K7F2-9QXM, in place of all earlier ones."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(COUNT)]
    digests = [_digest(user, code) for code in codes]
    ledger.configured().backup_codes.keep(_name(user), digests, now=now)
    return [f"{code[:4]}-{code[4:]}" for code in codes]


def left(user: str, *, now: float) -> int:
    """Return how many codes of the user are left."""
    return ledger.configured().backup_codes.left(_name(user), now=now)


def read(answer: Any) -> str:
    """Return a typed answer as a code without its hyphen, or "" where it can be none."""
    if not isinstance(answer, str) or len(answer) > _LONGEST_TYPED:
        return ""
    bare = re.sub(r"[\s\-\u2010-\u2015]", "", answer).upper()
    return bare if _CODE.fullmatch(bare) else ""


def accept(user: str, answer: Any, *, lane: Lane, now: float) -> bool:
    """Count an answer, compare it, and take the code for good: of many right ones, one is.

    Answers of each lane are counted and held apart. One that can be no code is not counted. Raises
    botocore's errors.
    """
    code = read(answer)
    if not code:
        return False
    book, counted = ledger.configured(), _counted(user, lane)
    if not book.guesses.count(counted, now=now):
        return False
    if not book.backup_codes.take(_name(user), _digest(user, code)):
        return False
    book.guesses.clear(counted)
    return True


def unlock(user: str) -> None:
    """Forget the wrong answers of a user."""
    for lane in Lane:
        ledger.configured().unlock(_counted(user, lane))


def forget(user: str) -> None:
    """Forget all codes of the user, and the wrong answers."""
    ledger.configured().backup_codes.forget(_name(user))
    unlock(user)


def _name(user: str) -> str:
    return keys.pseudonym("backup codes", user)


def _counted(user: str, lane: Lane) -> str:
    return keys.pseudonym("answers by backup code", f"{lane} {user}")


def _digest(user: str, code: str) -> str:
    return keys.pseudonym("backup code", f"{user} {code}")

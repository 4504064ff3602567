"""The word in a text by which its owner says "not me": it stops further texts to the number.

It stands in the text alone, so nobody stops the texts of a number that is not theirs. It is derived
from the challenge as the code is, and is neither the code nor the reference that pages show.
"""

import hmac

from . import keys
from .challenge import Challenge, in_letters


def word_of(name: str, challenge: Challenge) -> str:
    """Return the word, such as K7F2Q, in the text of a challenge to the number named ``name``."""
    return in_letters(hmac.digest(keys.stop_key(), f"{name} {challenge.id}".encode(), "sha256"))


def fits(word: object, name: str, challenge: Challenge) -> bool:
    """Tell whether ``word``, as typed, is that of the challenge. Never raises for what it is."""
    typed = word.upper() if isinstance(word, str) and word.isascii() else ""
    return hmac.compare_digest(typed, word_of(name, challenge))

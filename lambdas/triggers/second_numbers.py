"""Second numbers: to one, a code may go in place of the account's own number.

The ledger keeps a keyed digest of each, once its owner has typed the code that was texted to it. So
the site can have no code sent to a number that was not proven for the account, and nobody reads
numbers in the table.
"""

import time

from . import keys, ledger


def keep(user: str, phone: str) -> None:
    """Keep the number (E.164) that was proven, as the only one of a user (sub)."""
    book = ledger.configured().second_numbers
    book.keep(_name(user), _digest(user, phone), now=time.time())


def is_kept(user: str, phone: str) -> bool:
    """Tell whether the number is the user's. It costs the same for everybody."""
    book = ledger.configured().second_numbers
    return book.is_kept(_name(user), _digest(user, phone), now=time.time())


def forget(user: str) -> None:
    """Forget the number of a user: no code goes to it any more."""
    ledger.configured().second_numbers.forget(_name(user))


def _name(user: str) -> str:
    return keys.pseudonym("second number of", user)


def _digest(user: str, phone: str) -> str:
    return keys.pseudonym("second number", f"{user} {phone}")

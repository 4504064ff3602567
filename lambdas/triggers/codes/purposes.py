"""Purposes of a code: it is good for one of them alone."""

from collections.abc import Callable
from dataclasses import dataclass

from .. import keys, ledger


@dataclass(frozen=True)
class Purpose:
    """A purpose, as requests and logs name it.

    Codes of one purpose are derived with a ``key`` of their own: they are worth nothing elsewhere.
    ``wording`` names the pattern of the text in the catalogues. ``ledger_name`` makes the name
    under which texts and answers are counted, of a phone (E.164) and a user; ``book`` counts them.
    ``is_for_anybody``: strangers can ask for it as well, since they need no more than the number.
    ``mail`` is the pattern of a mail; with ``has_link`` it has a link, whose word is an answer too.
    ``is_of_address``: the user is followed by the address that the code proves, so that it proves
    no other.
    """

    name: str
    wording: str
    key: Callable[[], bytes]
    ledger_name: Callable[[str, str], str]
    is_for_anybody: bool = True
    book: Callable[[], ledger.Ledger] = ledger.configured
    mail: str = "mail"
    is_of_address: bool = False
    has_link: bool = False


def _name_of_phone(phone: str, user: str) -> str:
    return ledger.phone_name(phone)


def _name_of_known(phone: str, user: str) -> str:
    # Pool and sub; the other names have the sub alone.
    return ledger.known_name(phone, user.rpartition(" ")[2])


SIGN_IN = Purpose("sign_in", "sign_in", keys.code_key, _name_of_phone, has_link=True)
# A sign-in as well, of a browser that is known: its codes have a lane of their own.
KNOWN_SIGN_IN = Purpose(
    "known_sign_in",
    "sign_in",
    keys.code_key,
    _name_of_known,
    is_for_anybody=False,
    book=ledger.for_known_browsers,
    has_link=True,
)
CHANGE_NUMBER = Purpose("change_number", "change_number", keys.proof_key, _name_of_phone)
# In the words of a sign-in: operators in India let no others through.
CONFIRM = Purpose(
    "confirm", "sign_in", keys.confirm_key, ledger.confirmation_name, is_for_anybody=False
)
ADDRESS = Purpose(
    "address",
    "sign_in",
    keys.address_key,
    ledger.address_proofs_name,
    is_for_anybody=False,
    mail="mail_address",
    is_of_address=True,
)

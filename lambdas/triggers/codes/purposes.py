"""Purposes of a code: it is good for one of them alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

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
    no other. ``way``: the code signs in without the account's own number, by mail or by a second
    number, which follows the user.
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
    way: Literal["", "mail", "second"] = ""

    @property
    def hides_refusals(self) -> bool:
        """Whether callers read "sent" where a sender refused.

        Strangers type numbers, and a refusal would say that the account has such an address.
        """
        return bool(self.way) and self.is_for_anybody


def _name_of_phone(phone: str, user: str) -> str:
    return ledger.phone_name(phone)


def _name_of_known(phone: str, user: str) -> str:
    # Pool and sub; the other names have the sub alone.
    return ledger.known_name(phone, user.rpartition(" ")[2])


def _name_of_mailed(phone: str, user: str) -> str:
    # Pool and sub.
    return ledger.other_way_name(phone, user.rpartition(" ")[2], "mail")


def _name_of_known_mailed(phone: str, user: str) -> str:
    return ledger.other_way_name(phone, user.rpartition(" ")[2], "mail known")


def _name_of_second(phone: str, user: str) -> str:
    # The sub and the second number: all of an account share the counts.
    return ledger.other_way_name(phone, user.partition(" ")[0], "second")


def _name_of_known_second(phone: str, user: str) -> str:
    return ledger.other_way_name(phone, user.partition(" ")[0], "second known")


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
# As a proof of a number, with the counts of that number; it makes the number a second one.
SECOND_NUMBER = Purpose("second_number", "second_number", keys.second_number_key, _name_of_phone)
# Sign-ins whose code goes elsewhere than to the number that was typed, with counts of their own.
BY_MAIL = Purpose("by_mail", "sign_in", keys.mailed_key, _name_of_mailed, has_link=True, way="mail")
BY_SECOND = Purpose("by_second", "sign_in", keys.by_second_key, _name_of_second, way="second")
# Of browsers that are known, which strangers cannot have held.
KNOWN_BY_MAIL = replace(
    BY_MAIL,
    name="known_by_mail",
    ledger_name=_name_of_known_mailed,
    is_for_anybody=False,
    book=ledger.for_known_browsers,
)
KNOWN_BY_SECOND = replace(
    BY_SECOND,
    name="known_by_second",
    ledger_name=_name_of_known_second,
    is_for_anybody=False,
    book=ledger.for_known_browsers,
)
OTHER_WAYS = (BY_MAIL, KNOWN_BY_MAIL, BY_SECOND, KNOWN_BY_SECOND)
# All that the site may ask for, and the same of known browsers.
OF_SITE = {each.name: each for each in (CHANGE_NUMBER, CONFIRM, ADDRESS, SECOND_NUMBER)} | {
    BY_MAIL.name: BY_MAIL,
    BY_SECOND.name: BY_SECOND,
}
OF_KNOWN = OF_SITE | {BY_MAIL.name: KNOWN_BY_MAIL, BY_SECOND.name: KNOWN_BY_SECOND}

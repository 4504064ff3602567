"""What SiteTexts does for a sign-in whose code goes elsewhere than to the number that was typed.

``site_texts`` says what each action takes and returns. Strangers type numbers: whoever has no such
address gets an answer like everybody's, and no answer to it is ever right.
"""

from dataclasses import replace
from typing import Any

from . import pool_accounts, second_numbers, telemetry
from .codes import recipients
from .codes.purposes import BY_SECOND, Purpose
from .codes.recipients import Recipient
from .codes.unsent import NoRecipient
from .site_events import PHONE, language_of, matching, user_of

_MOST_ACCOUNTS = 3


def recipient_of(event: dict[str, Any], purpose: Purpose, phone: str) -> Recipient:
    """Return who gets the code: the account with the number ``phone``, at another address of its.

    A mail goes where Cognito says. A text goes to a second number that was proven for the account.
    Counts are those of account and number, so that they tell nothing of the address.
    """
    user, made_for = user_of(event), code_user(event, purpose)
    if purpose.way == "mail":
        attributes = pool_accounts.attributes_of(user)
        # The number may be another account's by now.
        is_theirs = attributes.get("phone_number") == phone
        found = recipients.from_account(
            pool_accounts.pool(), user, attributes if is_theirs else {}, purpose
        )
    else:
        second = matching(event, "second", PHONE)
        found = recipients.from_phone(
            second if second_numbers.is_kept(user, second) else None,
            purpose,
            otherwise=phone,
            locale=language_of(event),
            user=made_for,
        )
        if found.why_not is NoRecipient.UNKNOWN:
            found = replace(found, why_not=NoRecipient.NO_SECOND_NUMBER)
    return replace(found, name=purpose.ledger_name(phone, made_for), user=made_for)


def code_user(event: dict[str, Any], purpose: Purpose) -> str:
    """Return for whom a code is made: by mail the account, else with its second number."""
    user = user_of(event)
    if purpose.way == "mail":
        # As the links of mails name it.
        return f"{pool_accounts.pool()} {user}"
    return f"{user} {matching(event, 'second', PHONE)}"


def texted(event: dict[str, Any], purpose: Purpose, phone: str) -> str:
    """Return the number to which a code went, for the budgets that its use speaks for."""
    return matching(event, "second", PHONE) if purpose.way == "second" else phone


def names_of_second(event: dict[str, Any]) -> list[str]:
    """Return the names in the ledger of those accounts whose second number may have got a text."""
    accounts = event.get("second_of") or []
    if not (isinstance(accounts, list) and len(accounts) <= _MOST_ACCOUNTS):
        raise ValueError(f"Wanted: second_of, a list of {_MOST_ACCOUNTS} accounts at most")
    return [
        BY_SECOND.ledger_name(matching(each, "phone", PHONE), user_of(each)) for each in accounts
    ]


def _forget_second_number(event: dict[str, Any]) -> dict[str, Any]:
    second_numbers.forget(user_of(event))
    telemetry.record("second_number_forgotten", metrics={})
    return {}


ACTIONS = {"forget_second_number": _forget_second_number}

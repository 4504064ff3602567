"""Recipients of codes: people who ask for one, and whether a text may go to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import countries, environment, keys, messages
from ..plans import Role
from .purposes import KNOWN_SIGN_IN, SIGN_IN, Purpose
from .unsent import NoRecipient

# The beginning of the user names that the site makes (accounts/aws/holders.py).
_MADE_BY_SITE = "phone-login-"


@dataclass(frozen=True)
class Recipient:
    """Somebody who asks for a code.

    ``phone`` (E.164) is None for somebody who gets no text, and ``why_not`` says why. ``name`` is
    the pseudonym in the ledger, ``country`` an ISO 3166 code or "", ``language`` one of
    ``messages.LANGUAGES``. The code is made for ``user``. ``is_known``: who asks is known to
    have the account, by a session or by the browser. ``address`` is that of an e-mail which
    Cognito has verified, "" where there is none.
    """

    name: str
    phone: str | None
    why_not: NoRecipient | None
    country: str
    language: str
    user: str
    purpose: Purpose = SIGN_IN
    is_known: bool = False
    address: str = ""


def from_phone(
    phone: str | None,
    purpose: Purpose,
    *,
    otherwise: str,
    locale: str | None,
    user: str,
    is_unproven: bool = False,
    address: str = "",
) -> Recipient:
    """Return the recipient; without a ``phone`` that may be texted, named by ``otherwise``.

    ``is_unproven``: the number leads to nobody, whoever owns it.
    """
    country = countries.country_of(phone or "") or ""
    language = messages.language_for(locale, country)
    why_not: NoRecipient | None = None
    if not phone:
        why_not = NoRecipient.UNKNOWN
    elif is_unproven:
        why_not = NoRecipient.NUMBER_UNPROVEN
    elif country not in environment.words("ALLOWED_COUNTRIES"):
        why_not = NoRecipient.COUNTRY_NOT_ALLOWED
    elif not countries.is_mobile(phone):
        why_not = NoRecipient.NOT_MOBILE
    if why_not or phone is None:
        # A name that belongs to no number, so that no answer is ever right.
        name = keys.pseudonym("nobody", otherwise)
        return Recipient(name, None, why_not, country, language, user)
    name, is_known = purpose.ledger_name(phone, user), not purpose.is_for_anybody
    return Recipient(
        name, phone, None, country, language, user, purpose, is_known=is_known, address=address
    )


def from_event(event: Mapping[str, Any], role: Role) -> Recipient:
    """Return the recipient that an event of Create or Verify is about, the same in both.

    ``role`` is that of the client, whose flows all begin with a proof where it is KNOWN.
    """
    request = event["request"]
    attributes = request.get("userAttributes") or {}
    return from_account(
        event["userPoolId"],
        event["userName"],
        {} if request.get("userNotFound") is True else attributes,
        KNOWN_SIGN_IN if role is Role.KNOWN else SIGN_IN,
    )


def from_account(
    pool: str, user_name: str, attributes: Mapping[str, str], purpose: Purpose
) -> Recipient:
    """Return an account of Cognito as a recipient; without ``attributes`` one who gets nothing."""
    sub = attributes.get("sub", "")
    is_proven = attributes.get("email_verified", "").lower() == "true"
    return from_phone(
        attributes.get("phone_number") if sub else None,
        purpose,
        otherwise=user_name,
        locale=attributes.get("locale"),
        user=f"{pool} {sub}",
        is_unproven=not _counts(user_name, attributes),
        address=attributes.get("email", "") if is_proven else "",
    )


def _counts(user_name: str, attributes: Mapping[str, str]) -> bool:
    """Tell whether the number of an account leads to it, as ``holders.counts`` of the site does.

    Where user names are phones, the number is the name, and the first code proves it. Elsewhere an
    account is somebody's by another proof, and anybody may have written a number on it.
    """
    if environment.text("COGNITO_USERNAME", "phone") == "phone":
        return True
    if attributes.get("phone_number_verified", "").lower() == "true":
        return True
    is_new = attributes.get("cognito:user_status") == "FORCE_CHANGE_PASSWORD"
    return is_new and user_name.startswith(_MADE_BY_SITE)

"""Accounts that are made for numbers without one, where sign-up is open.

The calls that make an account are made for such numbers alone. Everybody else waits as long, so
that nobody is told by the clock who has an account (docs/adr/0035).
"""

import logging
import time

from accounts import phones
from accounts.aws import cognito
from accounts.aws.cognito_by_attribute import GatewayByAttribute
from accounts.aws.cognito_values import CognitoUser
from accounts.login import decoys, locale, throttle
from accounts.sync import unproven_accounts

log = logging.getLogger(__name__)


def count(phone: str) -> bool:
    """Count an account that is to be made, and tell whether the limits allow it.

    Where they do not, no text leaves, and all else is the same.
    """
    try:
        throttle.sign_up(phone=phone, country=phones.country_of(phone))
    except throttle.LimitReached:
        log.warning("No account for %s: too many new ones", phones.mask(phone))
        return False
    return True


def wait_as_strangers(*, is_made: bool = False, is_looked_at: bool = False) -> None:
    """Wait as long as the calls take that are made for a number without an account.

    It is made, and looked at where it was there: one that is typed again has an account.
    """
    if not is_made:
        decoys.current.creations.wait(time.monotonic())
    if not is_looked_at:
        decoys.current.adoptions.wait(time.monotonic())


def create(gateway: cognito.Gateway, phone: str, since: float) -> str | None:
    """Make an account, and return its sub; None where there is one. Raises CognitoError.

    The step began ``since``, by the monotonic clock.
    """
    created = gateway.create_user(phone, locale=locale.page_locale())
    decoys.current.creations.note(since)
    if not created:
        return None
    _note_new(created.sub, phone)
    decoys.current.adoptions.wait(time.monotonic())
    return created.sub


def create_holder(
    gateway: GatewayByAttribute, phone: str, since: float
) -> tuple[CognitoUser | None, str]:
    """Return an account that is made for the number, or None and why there is none.

    The step began ``since``, by the monotonic clock. Raises CognitoError.
    """
    try:
        holder, is_new = gateway.make_holder(phone, locale=locale.page_locale())
    except cognito.Misconfigured as error:
        # Known numbers are texted all the same, so this must look no different.
        log.error("The pool lets nobody be signed up by phone: %r", error)  # noqa: TRY400
        decoys.current.creations.note(since)
        why_no_text = "no_sign_up"
        return None, why_no_text
    if is_new:
        decoys.current.creations.note(since)
        _note_new(holder.sub, phone)
    return holder, ""


def adopt(gateway: cognito.Gateway, phone: str) -> str | None:
    """Return the sub of an account that never signed in here, with its texts in our language.

    Somebody else may have typed the number first, in another language. An account that was proven
    elsewhere keeps its own.
    """
    since = time.monotonic()
    try:
        user = gateway.read_user(phone)
    except cognito.CognitoError as error:
        # The text leaves all the same, and the account is found again after the code.
        log.warning("Could not look at an account that was there already: %r", error)
        return None
    decoys.current.adoptions.note(since)
    if not user.phone_verified:
        let_texts_be_in_our_language(gateway, user)
    return user.sub


def let_texts_be_in_our_language(gateway: cognito.Gateway, user: CognitoUser) -> None:
    """Let an account that nobody has proven be texted in the language of the page."""
    if locale.is_of_page(user.locale):
        return
    try:
        gateway.set_locale(user.sub, locale.page_locale())
    except cognito.CognitoError as error:
        log.warning("Could not set the language of the texts of %s: %r", user.sub, error)
        return
    unproven_accounts.note_change(user.sub)


def _note_new(sub: str, phone: str) -> None:
    unproven_accounts.note(sub)
    log.info("Created a user for %s", phones.mask(phone))

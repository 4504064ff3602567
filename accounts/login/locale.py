"""The language of a person's texts: the ``locale`` of the account in Cognito, as of the page."""

import logging

from django.utils.translation import get_language, to_locale

from accounts.aws import cognito
from accounts.models import User

log = logging.getLogger(__name__)


def page_locale() -> str:
    """Return the language of the page as Cognito has it, such as pt-BR."""
    return to_locale(get_language() or "en").replace("_", "-")


def is_of_page(locale: str | None) -> bool:
    """Tell whether texts in ``locale`` are in the language of the page; de-AT is de."""
    return _language_of(locale) == _language_of(page_locale())


def sync_locale(user: User) -> None:
    """Let the person's texts be in the language of this request from now on, if that can be."""
    try:
        cognito.gateway().set_locale(user.sub, page_locale())
    except cognito.CognitoError as error:
        # Of no consequence for the sign-in; the next one tries again.
        log.warning("Could not set the language of %s: %r", user.sub, error)


def _language_of(locale: str | None) -> str:
    return (locale or "").replace("_", "-").partition("-")[0].lower()

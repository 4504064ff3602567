"""Readings of what the site asks SiteTexts for."""

import re
from typing import Any

PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
USER = re.compile(r"[A-Za-z0-9_:-]{1,64}")
# As wide as Cognito's own pattern for it.
USER_NAME = re.compile(r"\S{1,128}")
# Of the page that stops what a notice tells.
WORD = re.compile("[A-Z0-9]{8}")
# Nothing that a service of mail could read as another address, or as more than one.
ADDRESS = re.compile(
    r"(?=.{6,254}\Z)(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


def matching(event: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    """Return the text of this name. Raises ValueError for another form."""
    value = event.get(name)
    if not (isinstance(value, str) and pattern.fullmatch(value)):
        raise ValueError(f"Wanted: {name}, in the form {pattern.pattern}")
    return value


def user_of(event: dict[str, Any]) -> str:
    """Return the user (sub). Raises ValueError."""
    return matching(event, "user", USER)


def language_of(event: dict[str, Any]) -> str | None:
    """Return the language of the page, None where the event names none."""
    language = event.get("language")
    return language if isinstance(language, str) else None

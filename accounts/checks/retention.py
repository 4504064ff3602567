"""Checks of how long data is kept."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from accounts.conf import conf


@register()
def check_retention(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require events to stay for as long as the admin looks back: E012."""
    if 31 <= conf.events_kept_days <= 3650:
        return []
    return [
        Error(
            "ACCOUNTS_EVENTS_KEPT_DAYS must be between 31 and 3650.",
            hint="The admin's front page looks back thirty days.",
            id="accounts.E012",
        )
    ]


@register()
def check_unproven(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require a week to a year for accounts with an unproven number, or 0: E015."""
    # The ledger of the triggers, which proves that they are unused, forgets after 400 days.
    if conf.unproven_kept_days == 0 or 7 <= conf.unproven_kept_days <= 365:
        return []
    return [
        Error(
            "ACCOUNTS_UNPROVEN_KEPT_DAYS must be between 7 and 365, or 0.",
            hint="0 keeps accounts for ever whose number nobody proved.",
            id="accounts.E015",
        )
    ]

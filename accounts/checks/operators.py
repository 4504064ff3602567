"""Checks of what opens the admin, and of what operators write down."""

from typing import Any

from django.core.checks import (
    CheckMessage,
    Error,
    Tags,
    Warning,  # noqa: A004
    register,
)

from accounts.conf import conf
from accounts.login import second_factor


@register(Tags.security, deploy=True)
def check_second_factor(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn where a code alone opens the admin, or where nothing does: W008, W009."""
    if not conf.staff_second_factor:
        return [
            Warning(
                "ACCOUNTS_STAFF_SECOND_FACTOR is off: whoever takes over the number of an operator"
                " gets into the admin.",
                hint="Leave it on, and give operators set-up codes (docs/admin.md).",
                id="accounts.W008",
            )
        ]
    if second_factor.is_possible():
        return []
    return [
        Warning(
            "Nobody can open the admin: it asks for a passkey or an authenticator app, and sign-ins"
            " here have neither.",
            hint="Set COGNITO_SITE_CLIENT_ID, its secret and SITE_KEY, the outputs of the stack"
            " (docs/deploy.md), or put authenticator into the plan.",
            id="accounts.W009",
        )
    ]


@register()
def check_reasons(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require ``optional`` or ``required``: E030."""
    if conf.reasons in ("optional", "required"):
        return []
    return [Error('ACCOUNTS_REASONS must be "optional" or "required".', id="accounts.E030")]

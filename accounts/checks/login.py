"""Checks of sign-in: the countries, open or closed sign-up, and limits per network."""

import re
from typing import Any

import limits
import phonenumbers
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

from accounts.conf import conf

_LONGEST_RECOVERY_HOURS = 14 * 24
_ORIGIN = re.compile(r"https://[a-z0-9.-]+(:[0-9]+)?")


@register(Tags.security)
def check_countries(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require countries, with the one of numbers without + among them: E001, E002."""
    unknown = sorted(conf.countries - phonenumbers.SUPPORTED_REGIONS)
    if unknown or not conf.countries:
        what = f"names no country: {', '.join(unknown)}" if unknown else "is empty"
        return [
            Error(
                f"ACCOUNTS_COUNTRIES {what}.",
                hint="List the countries whose phones are texted, such as US,CA. Texts cost money.",
                id="accounts.E001",
            )
        ]
    if conf.default_region not in conf.countries:
        return [
            Error(
                "ACCOUNTS_DEFAULT_REGION is not one of ACCOUNTS_COUNTRIES.",
                hint="Numbers typed without + are read in this country.",
                id="accounts.E002",
            )
        ]
    return []


@register(Tags.security)
def check_sign_up(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require ``open`` or ``closed``: E003."""
    if conf.sign_up in ("open", "closed"):
        return []
    return [Error('ACCOUNTS_SIGN_UP must be "open" or "closed".', id="accounts.E003")]


@register(Tags.security)
def check_sign_in_plan(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require steps, TEXTS_FUNCTION where there are others than the code: E016, W005."""
    found: list[CheckMessage] = []
    if not conf.sign_in_plan or (conf.sign_in_plan != ("code",) and not conf.texts_function):
        found.append(
            Error(
                "ACCOUNTS_SIGN_IN_PLAN needs TEXTS_FUNCTION where a sign-in is more than a code.",
                hint="People who are signed in confirm with a code: see docs/configuration.md.",
                id="accounts.E016",
            )
        )
    if conf.asks_password and conf.sign_up == "open":
        found.append(
            Warning(
                "ACCOUNTS_SIGN_UP is open, and a sign-in begins with a password.",
                hint="An account that the site opened would have none, so it opens none: close it.",
                id="accounts.W005",
            )
        )
    return found


@register(Tags.security)
def check_provider(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require an origin for the provider's page, and a whole browser client: E018."""
    if "provider" not in conf.sign_in_plan:
        return []
    is_whole = not conf.provider_script or (
        conf.provider_script.startswith("https://")
        and conf.provider_script_integrity
        and conf.provider_tenant
    )
    if is_whole and _ORIGIN.fullmatch(conf.provider_page):
        return []
    return [
        Error(
            "PROVIDER_PAGE must be an origin such as https://mfa.example.com, and PROVIDER_SCRIPT"
            " needs PROVIDER_SCRIPT_INTEGRITY and PROVIDER_TENANT.",
            hint="See docs/providers.md.",
            id="accounts.E018",
        )
    ]


@register(Tags.security)
def check_other_ways(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require what sign-ins by mail alone and by second numbers need: E029."""
    needed = {
        "TEXTS_FUNCTION": conf.texts_function,
        "COGNITO_SITE_CLIENT_ID": conf.site_client_id,
        "SITE_KEY": conf.site_key,
        "the plan: code": conf.sign_in_plan == ("code",),
    }
    asked = {
        "ACCOUNTS_EMAIL_LOGIN": (conf.email_login, {"ACCOUNTS_EMAIL": conf.email} | needed),
        "ACCOUNTS_SECOND_NUMBER": (conf.second_number, needed),
    }
    return [
        Error(
            f"{name} lacks: {', '.join(part for part, is_there in parts.items() if not is_there)}.",
            hint="See docs/configuration.md. Where a sign-in is more than a code, leave it off.",
            id="accounts.E029",
        )
        for name, (is_on, parts) in asked.items()
        if is_on and not all(parts.values())
    ]


@register(Tags.security)
def check_recovery(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require time in which a recovery can be stopped, or 0 for no recoveries: E028."""
    if 0 <= conf.recovery_hours <= _LONGEST_RECOVERY_HOURS:
        return []
    return [
        Error(
            f"ACCOUNTS_RECOVERY_HOURS is {conf.recovery_hours}.",
            hint=f"From 1 to {_LONGEST_RECOVERY_HOURS}; or 0, which switches recoveries off.",
            id="accounts.E028",
        )
    ]


@register(Tags.security)
def check_rates(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require rates that the limits library reads, all above zero: E006."""
    found: list[CheckMessage] = []
    for kind, spelled in conf.throttle_rates.items():
        try:
            is_sane = all(rate.amount > 0 for rate in limits.parse_many(spelled))
        except ValueError:
            is_sane = False
        if not is_sane:
            found.append(
                Error(
                    f"ACCOUNTS_{kind.upper()} cannot be read: {spelled!r}.",
                    hint='Write it like "10/10 minutes;30/hour".',
                    id="accounts.E006",
                )
            )
    return found


@register(Tags.security, deploy=True)
def check_throttle_storage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn if each process counts on its own: W001."""
    if not conf.throttle_url.startswith("memory:"):
        return []
    return [
        Warning(
            "The throttle counts in the memory of one process.",
            hint="Set CACHE_URL to redis://…, which all processes share.",
            id="accounts.W001",
        )
    ]

"""System checks: a site that would not work, or not safely, says so before it starts.

accounts.E001  ACCOUNTS_COUNTRIES is empty or names no country
accounts.E002  ACCOUNTS_DEFAULT_REGION is not one of ACCOUNTS_COUNTRIES
accounts.E003  ACCOUNTS_SIGN_UP is neither open nor closed
accounts.E004  a setting of the user pool is missing
accounts.E005  COGNITO_API is neither public nor admin
accounts.E006  a rate limit cannot be read
accounts.E020  a colour of the brand cannot be read
accounts.E021  a colour of the brand is too faint to be read by everybody
accounts.E022  the logo is no static file
accounts.W001  counts of the throttle are kept in one process only (deploy)
"""

from typing import Any

import limits
import phonenumbers
from django.contrib.staticfiles import finders
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from accounts import brand
from accounts.conf import conf


@register(Tags.security)
def check_countries(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
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
    if conf.sign_up in ("open", "closed"):
        return []
    return [Error('ACCOUNTS_SIGN_UP must be "open" or "closed".', id="accounts.E003")]


@register()
def check_pool(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Error(
            f"{name} is not set.",
            hint="It is an output of the stack of lambdas/template.yaml.",
            id="accounts.E004",
        )
        for name, value in {
            "AWS_REGION": conf.region,
            "COGNITO_USER_POOL_ID": conf.user_pool_id,
            "COGNITO_CLIENT_ID": conf.client_id,
            "COGNITO_CLIENT_SECRET": conf.client_secret,
        }.items()
        if not value
    ]
    if conf.cognito_api not in ("public", "admin"):
        found.append(Error('COGNITO_API must be "public" or "admin".', id="accounts.E005"))
    return found


@register(Tags.security)
def check_rates(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
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
    if not conf.throttle_url.startswith("memory:"):
        return []
    return [
        checks.Warning(
            "The throttle counts in the memory of one process.",
            hint="Set ACCOUNTS_THROTTLE_URL to redis://…, which all processes share.",
            id="accounts.W001",
        )
    ]


@register()
def check_colors(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.site_color_dark and not conf.site_color:
        return [Error("SITE_COLOR_DARK needs a SITE_COLOR.", id="accounts.E020")]
    found: list[CheckMessage] = []
    for name, colour, surfaces in (
        ("SITE_COLOR", conf.site_color, brand.LIGHT_SURFACES),
        ("SITE_COLOR_DARK", conf.site_color_dark, brand.DARK_SURFACES),
    ):
        if not colour:
            continue
        try:
            ratio = brand.worst_contrast(colour, surfaces)
        except ValueError:
            found.append(
                Error(
                    f"{name} is no colour: {colour!r}.",
                    hint="Write it like #0b57d0.",
                    id="accounts.E020",
                )
            )
            continue
        if ratio < brand.ENOUGH:
            found.append(
                Error(
                    f"{name} is too faint for links: {colour} has a contrast of {ratio:.1f}:1, "
                    f"and {brand.ENOUGH}:1 is needed.",
                    hint=f"The nearest colour that can be read is "
                    f"{brand.readable(colour, surfaces)}.",
                    id="accounts.E021",
                )
            )
    return found


@register()
def check_logo(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not conf.site_logo or finders.find(conf.site_logo):
        return []
    return [
        Error(
            f"SITE_LOGO is no static file: {conf.site_logo!r}.",
            hint="Put it into static/ and give its path from there, such as brand/logo.svg.",
            id="accounts.E022",
        )
    ]

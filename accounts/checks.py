"""System checks: a site that would not work, or not safely, says so before it starts.

accounts.E001  ACCOUNTS_COUNTRIES is empty or names no country
accounts.E002  ACCOUNTS_DEFAULT_REGION is not one of ACCOUNTS_COUNTRIES
accounts.E003  ACCOUNTS_SIGN_UP is neither open nor closed
accounts.E004  a setting of the user pool is missing
accounts.E005  COGNITO_API is neither public nor admin
accounts.E006  a rate limit cannot be read
accounts.E007  a sharing policy is none of off, notify, ask, strict
accounts.E008  a limit of sessions makes no sense
accounts.E009  ACCOUNTS_CONFIRM_SECONDS makes no sense
accounts.E012  ACCOUNTS_EVENTS_KEPT_DAYS is out of range
accounts.E013  ACCOUNTS_GROUPS or ACCOUNTS_STAFF_GROUP cannot be read
accounts.E014  ACCOUNTS_REVALIDATE_SECONDS is out of range
accounts.E015  ACCOUNTS_UNPROVEN_KEPT_DAYS is out of range
accounts.E020  a colour of the brand cannot be read
accounts.E021  a colour of the brand is too faint to be read by everybody
accounts.E022  the logo is no static file
accounts.E023  SITE_CONTACT is neither an e-mail address nor a page
accounts.W001  counts of the throttle are kept in one process only (deploy)
accounts.W002  nobody can change a number: TEXTS_FUNCTION is missing (deploy)
accounts.W003  the site has no name of its own (deploy)
accounts.W004  nobody can reach those who run the site: SITE_CONTACT is missing (deploy)
"""

import re
from contextlib import suppress
from typing import Any

import limits
import phonenumbers
from django.contrib.staticfiles import finders
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email

from accounts import brand
from accounts.conf import SHARING_POLICIES, conf

# A session's last use is written down once a minute.
_SHORTEST_IDLE_SECONDS = 120
# How long a session may rest, and last: browsers keep no cookie much longer than a year, and for
# operators NIST SP 800-63B allows an hour and a day.
_LONGEST_SECONDS = {
    "SESSION": (365 * 24 * 60 * 60, 365 * 24 * 60 * 60),
    "STAFF": (60 * 60, 24 * 60 * 60),
}
# A code must have time to arrive.
_CONFIRM_SECONDS = (60, 60 * 60)


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


# A group's name as Cognito takes it.
_POOL_GROUP = re.compile(r"\S{1,128}")
_MAX_DJANGO_GROUP = 150
_REVALIDATE = range(60, 24 * 60 * 60 + 1)


@register(Tags.security)
def check_groups(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not all(
        _POOL_GROUP.fullmatch(theirs) and 0 < len(ours) <= _MAX_DJANGO_GROUP
        for theirs, ours in conf.groups.items()
    ):
        found.append(
            Error(
                "ACCOUNTS_GROUPS cannot be read.",
                hint="Write it like pool-group=Django group,other-group=Other group.",
                id="accounts.E013",
            )
        )
    if conf.staff_group and not _POOL_GROUP.fullmatch(conf.staff_group):
        found.append(
            Error(
                "ACCOUNTS_STAFF_GROUP is no name of a group of the user pool.",
                hint="Name one group, without spaces, or none.",
                id="accounts.E013",
            )
        )
    return found


@register(Tags.security)
def check_sharing_policies(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    policies = {"ACCOUNTS_SHARING_POLICY": conf.sharing_policy}
    for group, policy in conf.sharing_policy_by_group.items():
        policies[f"ACCOUNTS_SHARING_POLICY_BY_GROUP for {group!r}"] = policy
    return [
        Error(
            f"{name} is no policy: {policy!r}.",
            hint=f"One of {', '.join(SHARING_POLICIES)}; by group: Contractors=strict,Family=off.",
            id="accounts.E007",
        )
        for name, policy in policies.items()
        if policy not in SHARING_POLICIES
    ]


@register(Tags.security)
def check_sessions(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    limits_of = {
        "SESSION": (conf.session_idle_seconds, conf.session_seconds),
        "STAFF": (conf.staff_idle_seconds, conf.staff_seconds),
    }
    longest_of = _LONGEST_SECONDS
    found: list[CheckMessage] = [
        Error(
            f"ACCOUNTS_{who}_IDLE_SECONDS is {idle}, and ACCOUNTS_{who}_SECONDS is {age}.",
            hint=f"The first is from {_SHORTEST_IDLE_SECONDS} to {longest_of[who][0]}, the second "
            f"no less than that and at most {longest_of[who][1]}.",
            id="accounts.E008",
        )
        for who, (idle, age) in limits_of.items()
        if not (_SHORTEST_IDLE_SECONDS <= idle <= longest_of[who][0])
        or not (idle <= age <= longest_of[who][1])
    ]
    shortest, longest = _CONFIRM_SECONDS
    if not shortest <= conf.confirm_seconds <= longest:
        found.append(
            Error(
                f"ACCOUNTS_CONFIRM_SECONDS is {conf.confirm_seconds}.",
                hint=f"It is between {shortest} and {longest}.",
                id="accounts.E009",
            )
        )
    return found


@register(Tags.security)
def check_revalidation(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.revalidate_seconds in _REVALIDATE:
        return []
    return [
        Error(
            f"ACCOUNTS_REVALIDATE_SECONDS is not from {_REVALIDATE[0]} to {_REVALIDATE[-1]}.",
            hint="It is how long a person who was disabled in Cognito may stay signed in here.",
            id="accounts.E014",
        )
    ]


@register()
def check_retention(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
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
    # The ledger of the triggers, which vouches for them, forgets a number after 400 days.
    if conf.unproven_kept_days == 0 or 7 <= conf.unproven_kept_days <= 365:
        return []
    return [
        Error(
            "ACCOUNTS_UNPROVEN_KEPT_DAYS must be between 7 and 365, or 0.",
            hint="0 keeps accounts for ever whose number nobody proved.",
            id="accounts.E015",
        )
    ]


@register(Tags.security, deploy=True)
def check_throttle_storage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not conf.throttle_url.startswith("memory:"):
        return []
    return [
        checks.Warning(
            "The throttle counts in the memory of one process.",
            hint="Set CACHE_URL to redis://…, which all processes share.",
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


@register(deploy=True)
def check_texts(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if conf.texts_function:
        return []
    return [
        checks.Warning(
            "TEXTS_FUNCTION is not set: nobody can change their number, or be invited by text.",
            hint="It is the output TextsFunction of the stack of lambdas/template.yaml.",
            id="accounts.W002",
        )
    ]


@register()
def check_contact(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not conf.site_contact or _is_contact(conf.site_contact):
        return []
    return [
        Error(
            f"SITE_CONTACT is no e-mail address and no page: {conf.site_contact!r}.",
            hint="Write it like help@example.com or https://www.example.com/help.",
            id="accounts.E023",
        )
    ]


def _is_contact(value: str) -> bool:
    for validate in (validate_email, URLValidator(schemes=["https"])):
        with suppress(ValidationError):
            validate(value)
            return True
    return False


@register(deploy=True)
def check_names(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if conf.site_name in ("", "Phone login"):
        found.append(
            checks.Warning(
                "SITE_NAME is not set: pages would not call the site what texts call it.",
                hint="It is the output SiteName of the stack, the AppName of deploy.toml.",
                id="accounts.W003",
            )
        )
    if not conf.site_contact:
        found.append(
            checks.Warning(
                "SITE_CONTACT is not set: people whose number was taken cannot reach you.",
                hint="An e-mail address or a page, such as help@example.com.",
                id="accounts.W004",
            )
        )
    return found

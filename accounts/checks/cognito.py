"""Checks of the settings of the user pool, its groups, and the time between look-ups."""

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

from accounts.conf import conf

# The names that Cognito accepts for a group.
_POOL_GROUP = re.compile(r"\S{1,128}")
_MAX_DJANGO_GROUP = 150
_SHORTEST_KEY = 32
_REVALIDATE = range(60, 24 * 60 * 60 + 1)


@register()
def check_pool(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require the settings of the user pool: E004, E005, E017."""
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
    if conf.username not in ("phone", "attribute"):
        found.append(
            Error(
                'COGNITO_USERNAME must be "phone" or "attribute".',
                hint="It is the output CognitoUsername of the stack of lambdas/template.yaml.",
                id="accounts.E017",
            )
        )
    return found


@register(Tags.security)
def check_other_clients(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require all settings of a client for which the site signs, or none: E019, E025."""
    others = {
        ("E019", "KNOWN"): (conf.known_client_id, conf.known_client_secret),
        ("E025", "SITE"): (conf.site_client_id, conf.site_client_secret),
    }
    return [
        Error(
            f"COGNITO_{which}_CLIENT_ID, COGNITO_{which}_CLIENT_SECRET and SITE_KEY belong"
            " together.",
            hint="All come from the stack of lambdas/template.yaml: see docs/deploy.md.",
            id=f"accounts.{number}",
        )
        for (number, which), (identifier, secret) in others.items()
        if (identifier or secret) and not _is_whole(identifier, secret)
    ]


def _is_whole(identifier: str, secret: str) -> bool:
    is_apart = identifier and identifier != conf.client_id
    return bool(is_apart and secret and len(conf.site_key) >= _SHORTEST_KEY)


@register(deploy=True)
def check_passkeys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn if nobody can have a passkey, although they are not switched off: W007."""
    if conf.site_client_id or not settings.ACCOUNTS_PASSKEYS:
        return []
    return [
        Warning(
            "COGNITO_SITE_CLIENT_ID is not set: nobody can sign in with a passkey.",
            hint="It is the output CognitoSiteClientId of the stack of lambdas/template.yaml. To do"
            " without passkeys, set ACCOUNTS_PASSKEYS=false.",
            id="accounts.W007",
        )
    ]


@register(Tags.security, deploy=True)
def check_lane(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn if browsers have no lane of their own: W006."""
    if conf.known_client_id:
        return []
    return [
        Warning(
            "COGNITO_KNOWN_CLIENT_ID is not set: a stranger's wrong codes shut people out of"
            " their accounts.",
            hint="It is the output CognitoKnownClientId of the stack; docs/attach.md says which"
            " pools can have none.",
            id="accounts.W006",
        )
    ]


@register(deploy=True)
def check_texts(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn if TEXTS_FUNCTION is missing, without which nobody changes a number: W002."""
    if conf.texts_function:
        return []
    return [
        Warning(
            "TEXTS_FUNCTION is not set: nobody can change their number, or be invited by text.",
            hint="It is the output TextsFunction of the stack of lambdas/template.yaml.",
            id="accounts.W002",
        )
    ]


@register(Tags.security)
def check_groups(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require names of groups that Cognito and Django can have: E013."""
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
                "ACCOUNTS_STAFF_GROUP is not the name of a group.",
                hint="Name one group, without spaces, or none.",
                id="accounts.E013",
            )
        )
    return found


@register(Tags.security)
def check_revalidation(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require that people are looked up in Cognito once a minute to once a day: E014."""
    if conf.revalidate_seconds in _REVALIDATE:
        return []
    return [
        Error(
            f"ACCOUNTS_REVALIDATE_SECONDS is not from {_REVALIDATE[0]} to {_REVALIDATE[-1]}.",
            hint="It is how long a person who was disabled in Cognito may stay signed in here.",
            id="accounts.E014",
        )
    ]

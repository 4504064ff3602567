"""Deployment checks of the addresses that the site trusts: AWS, the pool's keys, Redis.

site.E007  AWS or the pool's keys are reached over plain http
site.E008  the issuer or the pool is not that of the region, or keys come from elsewhere
site.E009  CACHE_URL or ACCOUNTS_THROTTLE_URL cannot be used
site.W003  AWS is reached over plain http, on this machine
"""

import ipaddress
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from limits.errors import ConfigurationError
from limits.storage import storage_from_string

from accounts.conf import conf


@register(Tags.security, deploy=True)
def check_transport(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require https to AWS and to the keys: E007, W003.

    Somebody in between could read codes, or sign in as anybody.
    """
    found: list[CheckMessage] = []
    for name, address in _addresses():
        if urlsplit(address).scheme == "https":
            continue
        if urlsplit(address).scheme == "http" and _is_this_machine(address):
            found.append(
                Warning(
                    f"{name} is plain http: {address}",
                    hint="Right for a local AWS, or a proxy on this machine that speaks https.",
                    id="site.W003",
                )
            )
        else:
            found.append(
                Error(
                    f"{name} is not https: {address}",
                    hint="Leave it empty for AWS itself, or give an address with https://.",
                    id="site.E007",
                )
            )
    return found


@register(Tags.security, deploy=True)
def check_identity(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require issuer and keys of the pool, in its region: E008.

    With other keys somebody else could sign in as anybody.
    """
    wrong: dict[str, bool] = {
        f"COGNITO_USER_POOL_ID is not of AWS_REGION {conf.region}: {conf.user_pool_id}": not (
            conf.user_pool_id.startswith(f"{conf.region}_")
        ),
        f"COGNITO_ISSUER is not this pool: {conf.issuer}": not _is_of_pool(conf.issuer),
        f"COGNITO_JWKS_URL is not of this pool: {conf.jwks_url}": not (
            # Empty: it follows from the issuer.
            not settings.COGNITO_JWKS_URL
            or _is_of_pool(conf.jwks_url.removesuffix("/.well-known/jwks.json"))
            or _is_this_machine(conf.jwks_url)
        ),
    }
    return [
        Error(
            text,
            hint="Leave COGNITO_ISSUER and COGNITO_JWKS_URL empty: both follow from the pool.",
            id="site.E008",
        )
        for text, is_wrong in wrong.items()
        if is_wrong
    ]


@register(Tags.security)
def check_storages(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require addresses that Django and the limits library can use: E009."""
    found: list[CheckMessage] = []
    if urlsplit(settings.CACHE_URL).scheme not in ("redis", "rediss", "locmemcache"):
        found.append(
            Error(
                "CACHE_URL is not the address of a cache.",
                hint="CACHE_URL=redis://host:6379/0, or rediss:// with TLS; for Valkey, too.",
                id="site.E009",
            )
        )
    try:
        # Does not connect yet.
        storage_from_string(conf.throttle_url)
    except (ConfigurationError, ValueError):
        # The message leaves the address out: it may hold a password.
        found.append(
            Error(
                "ACCOUNTS_THROTTLE_URL is not the address of a storage.",
                hint="ACCOUNTS_THROTTLE_URL=redis://host:6379/0, or none: it is CACHE_URL then.",
                id="site.E009",
            )
        )
    return found


def _addresses() -> Iterator[tuple[str, str]]:
    """Yield variables with their addresses, also those that only boto3 reads."""
    given = {
        "AWS_ENDPOINT_URL": conf.endpoint_url or "",
        "COGNITO_ISSUER": conf.issuer,
        "COGNITO_JWKS_URL": conf.jwks_url,
    }
    given |= {name: url for name, url in os.environ.items() if name.startswith("AWS_ENDPOINT_URL_")}
    yield from ((name, address) for name, address in sorted(given.items()) if address)


def _is_of_pool(address: str) -> bool:
    region, pool = re.escape(conf.region), re.escape(conf.user_pool_id)
    host = rf"(issuer-)?cognito-idp(-fips)?\.{region}\.amazonaws\.com(\.cn)?"
    return bool(re.fullmatch(rf"https://{host}/{pool}", address))


def _is_this_machine(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Deployment checks of the site. gunicorn does not start while one finds an error.

site.E001  DEBUG shows people our settings and code
site.E002  the inbox of the local AWS is served
site.E003  sessions travel in clear
site.E004  DJANGO_SECRET_KEY can be guessed
site.E005  any host name is taken for ours
site.E006  the site's files were not collected
site.E010  a number is out of its range
site.W001  SQLite: one machine, and one writer at a time
site.W002  each process has a cache of its own
site.W004  browsers keep to https for a short time, or preloading cannot work
site.W005  no proxy stands before the site
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

_SHORTEST_KEY = 40
_MONTH, _YEAR = 30 * 24 * 60 * 60, 365 * 24 * 60 * 60
# By variable, the least and the most of each.
_RANGES = {
    "COGNITO_THREADS": (1, 1000),
    "DATABASE_STATEMENT_SECONDS": (1, 60),
    "DJANGO_SECURE_HSTS_SECONDS": (0, 2 * _YEAR),
    "DJANGO_TRUSTED_PROXIES": (0, 10),
}


@register(Tags.security, deploy=True)
def check_production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse settings that are for development, or not safe: E001 to E006."""
    key = settings.SECRET_KEY
    unsafe = {
        "E001": (settings.DEBUG, "DJANGO_DEBUG is on.", "Set DJANGO_DEBUG=false."),
        "E002": (
            settings.LOCAL_CLOUD,
            "These are the settings of make run.",
            "Set DJANGO_SETTINGS_MODULE=config.settings.",
        ),
        "E003": (not settings.HTTPS, "DJANGO_HTTPS is off.", "Set DJANGO_HTTPS=true."),
        "E004": (
            len(key) < _SHORTEST_KEY or len(set(key)) < 10,
            "DJANGO_SECRET_KEY is too short or too plain.",
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'",
        ),
        "E005": (
            not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS,
            "DJANGO_ALLOWED_HOSTS names no hosts, or all.",
            "Name the hosts of the site: DJANGO_ALLOWED_HOSTS=www.example.com.",
        ),
        "E006": (
            not settings.DEBUG and not (Path(settings.STATIC_ROOT) / "staticfiles.json").exists(),
            f"There are no files of the site in {settings.STATIC_ROOT}.",
            "python manage.py collectstatic --noinput",
        ),
    }
    return [
        Error(text, hint=hint, id=f"site.{name}")
        for name, (is_unsafe, text, hint) in unsafe.items()
        if is_unsafe
    ]


@register(Tags.database, deploy=True)
def check_scaling(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn where a second machine or process would not share: W001, W002."""
    found: list[CheckMessage] = []
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        found.append(
            checks.Warning(
                "The database is SQLite.",
                hint="DATABASE_URL=postgres://… for more than one machine.",
                id="site.W001",
            )
        )
    if settings.CACHES["default"]["BACKEND"].endswith("LocMemCache"):
        found.append(
            checks.Warning(
                "Each process has a cache of its own.",
                hint="CACHE_URL=redis://… for more than one process.",
                id="site.W002",
            )
        )
    return found


@register(Tags.security)
def check_numbers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require numbers within their ranges: E010."""
    return [
        Error(
            f"{variable} is {value}.",
            hint=f"It is from {least} to {most}.",
            id="site.E010",
        )
        for variable, (least, most) in _RANGES.items()
        if not least <= (value := getattr(settings, variable.removeprefix("DJANGO_"))) <= most
    ]


@register(Tags.security, deploy=True)
def check_hsts(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn where HSTS is short, or preloading has no effect: W004."""
    if not settings.HTTPS:
        return []
    seconds = settings.SECURE_HSTS_SECONDS
    found: list[CheckMessage] = []
    if seconds < _MONTH:
        found.append(
            checks.Warning(
                f"Browsers keep to https for {seconds} seconds after a visit, and may be led to "
                "http after that.",
                hint="Raise DJANGO_SECURE_HSTS_SECONDS step by step to 31536000 (docs/deploy.md).",
                id="site.W004",
            )
        )
    if settings.SECURE_HSTS_PRELOAD and not (
        settings.SECURE_HSTS_INCLUDE_SUBDOMAINS and seconds >= _YEAR
    ):
        found.append(
            checks.Warning(
                "DJANGO_SECURE_HSTS_PRELOAD has no effect: browsers' makers take no such site.",
                hint="It needs DJANGO_SECURE_HSTS_INCLUDE_SUBDOMAINS=true and "
                "DJANGO_SECURE_HSTS_SECONDS=31536000.",
                id="site.W004",
            )
        )
    return found


@register(Tags.security, deploy=True)
def check_proxy(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn where no proxy ends TLS: W005."""
    if settings.TRUSTED_PROXIES or not settings.HTTPS:
        return []
    return [
        checks.Warning(
            "DJANGO_TRUSTED_PROXIES is 0: gunicorn speaks http, so every page leads to itself.",
            hint="Put a proxy with TLS before the site, and count it (docs/deploy.md).",
            id="site.W005",
        )
    ]

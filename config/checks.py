"""Deployment checks: with what these find in it, gunicorn does not start.

site.E001  DEBUG shows people our settings and code
site.E002  the inbox of the local AWS is served
site.E003  sessions travel in clear
site.E004  DJANGO_SECRET_KEY can be guessed
site.E005  any host name is taken for ours
site.E006  the site's files were not collected
site.W001  SQLite: one machine, and one writer at a time
site.W002  each process has a cache of its own
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

_SHORTEST_KEY = 40


@register(Tags.security, deploy=True)
def check_production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    key = settings.SECRET_KEY
    unsafe = {
        "E001": (settings.DEBUG, "DJANGO_DEBUG is on.", "Set DJANGO_DEBUG=false."),
        "E002": (settings.LOCAL_CLOUD, "LOCAL_CLOUD is on.", "Set LOCAL_CLOUD=false."),
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

"""The services of the site: database, cache, threads, and the host of the texts."""

from collections.abc import Iterator
from typing import cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache as shared
from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.http.request import validate_host
from limits.storage import Storage, storage_from_string

from accounts.conf import conf
from cognito_admin.doctor.context import Context, Finding, danger, ok, warning

# As in config/gunicorn.conf.py.
_KEY = "cognito_doctor"


def database(context: Context) -> Iterator[Finding]:
    """The database answers, and no migration waits."""
    yield asked(connection)


def asked(connection: BaseDatabaseWrapper) -> Finding:
    """Return the finding about a database: it answers, and no migration waits."""
    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        where = connection.settings_dict
        return danger(
            "database",
            f"it cannot be asked: {type(error).__name__}",
            f"DATABASE_URL in the site's environment; it names {where['HOST'] or where['NAME']}",
        )
    if waiting:
        first = waiting[0][0]
        return danger(
            "database",
            f"{len(waiting)} migrations wait, the first is {first.app_label} {first.name}",
            "python manage.py migrate",
        )
    return ok("database", "it answers, and all migrations are done")


def cache(context: Context) -> Iterator[Finding]:
    """The cache keeps what it is given."""
    try:
        shared.set(_KEY, "ok", timeout=60)
        answered = shared.get(_KEY) == "ok"
    except Exception as error:
        # Any error means that the cache keeps nothing.
        yield danger("cache", f"it cannot be asked: {type(error).__name__}", _CACHE_URL)
    else:
        if answered:
            yield ok("cache", "it keeps what it is given")
        else:
            yield danger("cache", "it forgets at once what it is given", _CACHE_URL)


def limits_per_network(context: Context) -> Iterator[Finding]:
    """The storage of the limits per network answers."""
    url = conf.throttle_url
    remote = urlsplit(url).scheme.startswith(("redis", "valkey"))
    options = {"socket_connect_timeout": 2, "socket_timeout": 2} if remote else {}
    storage = cast(Storage, storage_from_string(url, **options))
    try:
        is_well = storage.check()
    except storage.base_exceptions:
        is_well = False
    if is_well:
        yield ok("limits per network", "they are counted")
    else:
        yield danger(
            "limits per network",
            "they are not counted: their storage cannot be asked",
            "ACCOUNTS_THROTTLE_URL (or CACHE_URL) in the site's environment",
        )


def threads(context: Context) -> Iterator[Finding]:
    """Every thread of gunicorn can have a connection to Cognito."""
    serving = conf.web_threads
    if conf.cognito_threads >= serving:
        yield ok("threads", "each can talk to Cognito")
    else:
        yield warning(
            "threads",
            f"of {serving} threads (WEB_THREADS), {conf.cognito_threads} can talk to Cognito at "
            "once; the others wait",
            f"COGNITO_THREADS={serving} in the site's environment",
        )


def host(context: Context) -> Iterator[Finding]:
    """The site answers to the host for which phones fill codes in."""
    in_texts = context.parameter("SiteHost")
    if validate_host(in_texts, settings.ALLOWED_HOSTS):
        yield ok("host", f"phones fill codes in at {in_texts}, and the site answers to it")
    else:
        named = ", ".join(settings.ALLOWED_HOSTS) or "none"
        yield danger(
            "host",
            f"phones fill codes in at {in_texts} alone, and the site answers to {named}",
            context.deploy_with('SiteHost = "the host that people see"'),
        )


_CACHE_URL = "CACHE_URL in the site's environment"
CHECKS = (database, cache, limits_per_network, threads, host)

import shutil
from pathlib import Path

import pytest

from tests.site import PRODUCTION, manage


@pytest.fixture(scope="session")
def static_root(tmp_path_factory) -> str:
    """The folder of the collected files, which sites only read."""
    folder = str(tmp_path_factory.mktemp("static") / "root")
    manage(PRODUCTION | {"DJANGO_STATIC_ROOT": folder}, "collectstatic", "--noinput")
    return folder


@pytest.fixture(scope="session")
def environment(cloud, postgres, redis_url, static_root) -> dict[str, str]:
    """What a deployed site is told, with its files collected and its tables made."""
    given = {
        **PRODUCTION,
        **cloud.environment,
        "DJANGO_DEBUG": "false",
        "DJANGO_HTTPS": "true",
        "DJANGO_ALLOWED_HOSTS": "localhost",
        "DJANGO_STATIC_ROOT": static_root,
        "DATABASE_URL": postgres,
        "CACHE_URL": redis_url,
    }
    manage(given, "migrate", "--verbosity", "0")
    return given


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("database") / "db.sqlite3"
    manage(PRODUCTION | {"DATABASE_URL": f"sqlite:///{path}"}, "migrate", "--verbosity", "0")
    return path


@pytest.fixture(scope="module")
def sqlite_url(_empty_database, tmp_path_factory) -> str:
    """The address of a database of the module's own, with its tables made."""
    path = tmp_path_factory.mktemp("database") / "db.sqlite3"
    shutil.copyfile(_empty_database, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def without_aws(sqlite_url, static_root) -> dict[str, str]:
    """What a site is told whose test needs nothing but gunicorn."""
    return PRODUCTION | {"DATABASE_URL": sqlite_url, "DJANGO_STATIC_ROOT": static_root}

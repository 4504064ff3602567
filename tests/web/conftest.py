import pytest

from tests.site import PRODUCTION, manage


@pytest.fixture(scope="module")
def environment(cloud, postgres, redis_url, tmp_path_factory) -> dict[str, str]:
    """What a deployed site is told, with its files collected and its tables made."""
    directory = tmp_path_factory.mktemp("static")
    given = {
        **PRODUCTION,
        **cloud.environment,
        "DJANGO_DEBUG": "false",
        "DJANGO_HTTPS": "true",
        "DJANGO_ALLOWED_HOSTS": "localhost",
        "DJANGO_STATIC_ROOT": str(directory / "root"),
        "DATABASE_URL": postgres,
        "CACHE_URL": redis_url,
    }
    manage(given, "migrate", "--verbosity", "0")
    manage(given, "collectstatic", "--noinput")
    return given

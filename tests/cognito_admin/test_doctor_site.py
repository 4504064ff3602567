"""What a site stands on: each part is taken away, and the doctor says which."""

import socket

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

from cognito_admin.aws_account import Account
from cognito_admin.doctor import services
from cognito_admin.doctor.context import Context
from cognito_admin.stack import Stack
from localcloud.emulator import free_port


@pytest.fixture
def context():
    made = Context(Account("us-east-1"), "local")
    made.stack = Stack("local", {}, {"SiteHost": "www.example.com"}, {}, [])
    return made


def the_one(found):
    (finding,) = found
    return finding


@pytest.fixture
def hanging():
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.django_db
def test_database_that_answers_is_well(context):
    assert the_one(services.database(context)).level == "ok"


@pytest.mark.django_db
def test_migration_that_waits_is_a_danger(context):
    last = MigrationRecorder.Migration.objects.filter(app="accounts").order_by("name").last()
    last.delete()
    found = the_one(services.database(context))
    assert found.level == "danger"
    assert found.text == f"1 migrations wait, the first is accounts {last.name}"
    assert found.repair == "python manage.py migrate"


@pytest.mark.django_db
def test_database_that_is_away_is_a_danger():
    away = {
        **connection.settings_dict,
        "NAME": "site",
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "USER": "site",
        "PASSWORD": "not to be told",
        "OPTIONS": {},
    }
    found = services.asked(DatabaseWrapper(away, "away"))
    assert found.level == "danger"
    assert "cannot be asked" in found.text
    assert "127.0.0.1" in found.repair
    assert "not to be told" not in f"{found}"


def test_cache_that_is_away_is_a_danger(context, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{free_port()}/0",
        }
    }
    found = the_one(services.cache(context))
    assert found.level == "danger"
    assert "CACHE_URL" in found.repair


def test_cache_that_forgets_is_a_danger(context, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    assert the_one(services.cache(context)).text == "it forgets at once what it is given"


def test_cache_that_keeps_is_well(context):
    assert the_one(services.cache(context)).level == "ok"


def test_limits_whose_storage_is_away_are_a_danger(context, settings):
    settings.ACCOUNTS_THROTTLE_URL = f"redis://127.0.0.1:{free_port()}/0"
    found = the_one(services.limits_per_network(context))
    assert found.level == "danger"
    assert "not counted" in found.text


def test_limits_whose_storage_hangs_are_a_danger_within_seconds(context, settings, hanging):
    settings.ACCOUNTS_THROTTLE_URL = f"redis://127.0.0.1:{hanging}/0"
    assert the_one(services.limits_per_network(context)).level == "danger"


def test_limits_that_are_counted_are_well(context):
    assert the_one(services.limits_per_network(context)).level == "ok"


@pytest.mark.parametrize(("serving", "level"), [(32, "ok"), (64, "warning")])
def test_threads_without_a_connection_to_cognito_are_a_warning(context, settings, serving, level):
    settings.COGNITO_THREADS = 32
    settings.WEB_THREADS = serving
    found = the_one(services.threads(context))
    assert found.level == level
    assert level == "ok" or found.repair == "COGNITO_THREADS=64 in the site's environment"


@pytest.mark.parametrize(
    ("hosts", "level"),
    [
        (["www.example.com"], "ok"),
        ([".example.com"], "ok"),
        (["example.com", "www.example.org"], "danger"),
        ([], "danger"),
    ],
)
def test_host_of_the_texts_must_be_the_sites(context, settings, hosts, level):
    settings.ALLOWED_HOSTS = hosts
    assert the_one(services.host(context)).level == level

from collections.abc import Iterator
from contextlib import contextmanager

import environ
import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, connections

from accounts.models import User
from tests.accounts.operators import make_operator
from tests.fakes.sign_in_pool import SignInPool


@contextmanager
def _database_at(url: str) -> Iterator[None]:
    """Let the site use the database at ``url``, in every thread."""
    memory = connections["default"]
    # The very dictionary that other threads make their connections from.
    settings = memory.settings_dict
    kept = dict(settings)
    settings.update({"OPTIONS": {}, **environ.Env.db_url_config(url)})
    connections["default"] = connections.create_connection("default")
    # It remembers the numbers of another database's rows.
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connections["default"].close()
        settings.clear()
        settings.update(kept)
        connections["default"] = memory
        ContentType.objects.clear_cache()


@pytest.fixture(scope="session")
def migrated_postgres(postgres, django_db_setup, django_db_blocker) -> str:
    with django_db_blocker.unblock(), _database_at(postgres):
        call_command("migrate", verbosity=0)
    return postgres


@pytest.fixture
def on_postgres(migrated_postgres, transactional_db) -> Iterator[None]:
    """Let the site of this process use an empty PostgreSQL, in every thread."""
    with _database_at(migrated_postgres):
        # Threads of a test before this one may have written after its end.
        _empty()
        yield
        _empty()


def _empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE accounts_signinevent, accounts_user, accounts_session,"
            " accounts_loginlock, accounts_rolledhour, accounts_eventcount, accounts_operation,"
            " auditlog_logentry CASCADE"
        )


@pytest.fixture
def pool(settings) -> Iterator[SignInPool]:
    """The user pool of this site, with nobody in it."""
    with SignInPool() as server:
        server.connect(settings)
        yield server


@pytest.fixture
def known(pool: SignInPool, phone: str) -> User:
    """Somebody who signed in here before, with a verified phone."""
    return User.objects.for_identity(pool.register(phone), phone, phone_verified=True)


@pytest.fixture
def person(db, phone: str) -> User:
    """Somebody with whom operators have to do."""
    return User.objects.for_identity("sub-of-a-person", phone)


@pytest.fixture
def boss(db) -> User:
    return make_operator(1, is_superuser=True)

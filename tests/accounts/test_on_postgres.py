"""What a real PostgreSQL keeps that SQLite cannot: events are never changed, and only purged."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import environ
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from accounts import figures, retention
from accounts.models import RolledHour, SignInEvent, User
from tests.accounts.test_turns import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def database_at(url: str) -> Iterator[None]:
    """Let the site use the database at ``url``, in every thread."""
    memory = connections["default"]
    # The very dictionary that other threads make their connections from.
    settings = memory.settings_dict
    kept = dict(settings)
    settings.update({"OPTIONS": {}, **environ.Env.db_url_config(url)})
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        settings.clear()
        settings.update(kept)
        connections["default"] = memory


@pytest.fixture(scope="module")
def migrated(postgres, django_db_blocker) -> str:
    with django_db_blocker.unblock(), database_at(postgres):
        call_command("migrate", verbosity=0)
    return postgres


@pytest.fixture
def on_postgres(migrated, settings) -> Iterator[None]:
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 31
    with database_at(migrated):
        yield
        with connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE accounts_signinevent, accounts_user, accounts_rolledhour,"
                " accounts_eventcount CASCADE"
            )


@pytest.fixture
def old_events(on_postgres) -> None:
    at = datetime.now(UTC) - timedelta(days=40)
    SignInEvent.objects.bulk_create(SignInEvent(kind="sent", at=at) for _ in range(12))
    SignInEvent.objects.create(kind="sent", at=datetime.now(UTC) - timedelta(days=1))


def test_database_refuses_to_change_or_delete_events(old_events):
    for statement in (
        "UPDATE accounts_signinevent SET kind = 'failed'",
        "DELETE FROM accounts_signinevent",
    ):
        with (
            pytest.raises(DatabaseError, match="never changed, and only purged"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    for change in (
        lambda: SignInEvent.objects.update(kind="failed"),
        lambda: SignInEvent.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert SignInEvent.objects.filter(kind="sent").count() == 13


def test_purge_alone_deletes_and_leaves_the_door_shut(old_events, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 5)
    assert retention.purge(timezone.now()).events == 12
    with pytest.raises(DatabaseError), transaction.atomic():
        SignInEvent.objects.all().delete()
    assert SignInEvent.objects.count() == 1


def test_hours_summed_up_by_several_at_once_count_once(old_events):
    before = figures.read(timezone.now())
    done = at_once(*[lambda: figures.roll_up(timezone.now())] * 4)
    assert sum(done) == RolledHour.objects.count() > 900
    assert figures.read(timezone.now()) == before


def test_user_may_go_while_events_stay(old_events, phone):
    user = User.objects.for_identity("sub-1", phone)
    SignInEvent.objects.create(kind="succeeded", user=user)
    user.delete()
    assert SignInEvent.objects.get(kind="succeeded").user_id is not None

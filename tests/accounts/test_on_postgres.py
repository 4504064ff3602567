"""What a real PostgreSQL keeps that SQLite cannot: events are never changed, and only purged.

And what its locks are for: orders on accounts are done once, and do not wait for each other.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import environ
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from accounts import figures, operations, retention
from accounts.models import Operation, RolledHour, SignInEvent, User
from accounts.operations import Kind, Remark, State
from tests.accounts.test_operations import Pool, make_operator
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
                " accounts_eventcount, accounts_operation, auditlog_logentry CASCADE"
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


@pytest.fixture
def pool(on_postgres, settings) -> Iterator[Pool]:
    with_faults = Pool()
    settings.AWS_ENDPOINT_URL = with_faults.url
    yield with_faults
    with_faults.close()


def test_order_run_by_many_at_once_is_done_once(pool, phone):
    person = User.objects.for_identity("sub-1", phone)
    order = operations.order(Kind.DISABLE, person, by=make_operator(is_superuser=True))
    at_once(*[partial(operations.run, Operation.objects.get(pk=order.pk))] * 4)
    order.refresh_from_db()
    assert (order.state, order.tries) == (State.DONE, 1)
    assert pool.operations() == ["AdminDisableUser"]


def test_two_superusers_who_disable_each_other_leave_one(pool):
    one, other = (make_operator(number, is_superuser=True) for number in (1, 2))
    done = at_once(
        partial(operations.perform, Kind.DISABLE, one, by=other),
        partial(operations.perform, Kind.DISABLE, other, by=one),
    )
    assert sorted(order.remark for order in done) == ["", Remark.LAST_SUPERUSER]


def test_orders_of_one_operator_on_many_accounts_do_not_block_each_other(pool):
    boss = make_operator(is_superuser=True)
    people = [User.objects.for_identity(f"sub-{n}", None) for n in range(6)]
    for person in [*people, *(make_operator(n, is_superuser=True) for n in range(2, 5))]:
        for kind in (Kind.DISABLE, Kind.SIGN_OUT):
            operations.order(kind, person, by=boss)
    at_once(*[partial(operations.run_due, seconds=20)] * 4)
    Operation.objects.update(next_try_at=timezone.now())
    operations.run_due()
    assert set(Operation.objects.values_list("state", flat=True)) == {State.DONE}

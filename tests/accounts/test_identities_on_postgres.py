"""Sign-ins at once on PostgreSQL, where writers do not wait for each other from the start."""

import contextlib
from collections.abc import Iterator
from functools import partial

import environ
import pytest
from django.core.management import call_command
from django.db import connections

from accounts.models import User
from tests import postgres
from tests.accounts.test_turns import at_once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(postgres.programs() is None, reason="PostgreSQL is not installed"),
]


@contextlib.contextmanager
def default_database(url: str) -> Iterator[None]:
    """Let this process use another database, in all its threads."""
    earlier = connections["default"]
    settings = earlier.settings_dict
    kept = dict(settings)
    settings.update(environ.Env.db_url_config(url), OPTIONS={})
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections.close_all()
        settings.clear()
        settings.update(kept)
        connections["default"] = earlier


@pytest.fixture(scope="module")
def database(tmp_path_factory, django_db_setup, django_db_blocker) -> Iterator[str]:
    with postgres.Postgres(tmp_path_factory.mktemp("postgres")) as url:
        with django_db_blocker.unblock(), default_database(url):
            call_command("migrate", verbosity=0)
        yield url


@pytest.fixture
def on_postgres(database) -> Iterator[None]:
    with default_database(database):
        assert connections["default"].vendor == "postgresql"
        User.objects.all().delete()
        yield


def test_first_logins_at_once_make_one_row(on_postgres, phone):
    found = at_once(*[lambda: User.objects.for_identity("sub-1", phone)] * 8)
    assert {user.pk for user in found} == {User.objects.get().pk}


def test_two_identities_with_one_phone_at_once_make_two_rows(on_postgres, phone):
    at_once(
        *[lambda: User.objects.for_identity("sub-1", phone)] * 4,
        *[lambda: User.objects.for_identity("sub-2", phone)] * 4,
    )
    assert User.objects.count() == 2
    assert User.objects.filter(phone=phone).count() == 1


def test_numbers_that_are_exchanged_at_once_lock_nobody_up(on_postgres, phone):
    first, second = phone, phone[:-4] + "7777"
    for round_ in range(10):
        User.objects.for_identity("sub-1", first)
        User.objects.for_identity("sub-2", second)
        at_once(
            partial(User.objects.for_identity, "sub-1", second),
            partial(User.objects.for_identity, "sub-2", first),
        )
        held = set(User.objects.values_list("sub", "phone"))
        assert {phone for _, phone in held} == {first, second}, round_
        first, second = second, first


def test_rows_of_another_pool_are_left_alone(on_postgres, phone):
    elsewhere = User.objects.for_identity("sub-1", phone, pool="eu-west-1_Elsewhere")
    here = User.objects.for_identity("sub-1", phone)
    elsewhere.refresh_from_db()
    assert (elsewhere.phone, here.phone, elsewhere.pk != here.pk) == (phone, phone, True)

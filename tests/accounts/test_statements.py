"""Rows read and written by hand are those that Django would read and write, on both databases."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.db.models.expressions import RawSQL
from django.utils import timezone

from accounts.models import LoginLock, Session, User
from accounts.models.statements import insert, names, select, update

NOW = timezone.now()

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(
    autouse=True,
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.programs)],
)
def database(request) -> None:
    if request.param == "postgresql":
        request.getfixturevalue("on_postgres")


def make_lock(browser: str, **values) -> LoginLock:
    return LoginLock(browser=browser, taken_at=NOW, **values)


def test_selected_row_is_the_one_that_django_reads(phone):
    made = User.objects.for_identity("sub-1", phone, phone_verified=True)
    update(User, {"id": made.pk}, {"last_login": NOW, "is_active": False, "sharing": 2})
    (found,) = select(User, {"sub": "sub-1"})
    read = User.objects.get()
    assert found == read
    assert {name: getattr(found, name) for name in names(User)} == {
        name: getattr(read, name) for name in names(User)
    }
    assert (found.last_login, found.is_active, found.sharing) == (NOW, False, 2)
    found.save()


def test_rows_of_each_alternative_are_selected_once(phone):
    for n in range(3):
        User.objects.create(pool="a", sub=f"sub-{n}", phone=phone if n == 0 else None)
    found = select(User, {"pool": "a", "sub": "sub-0"}, {"pool": "a", "phone": phone})
    assert [user.sub for user in found] == ["sub-0"]
    found = select(User, {"pool": "a", "sub": "sub-1"}, {"pool": "a", "phone": phone})
    assert {user.sub for user in found} == {"sub-0", "sub-1"}
    assert select(User, {"pool": "b", "sub": "sub-1"}) == []


def test_none_is_null(phone):
    User.objects.create(sub="with", phone=phone)
    User.objects.create(sub="without", phone=None)
    assert [user.sub for user in select(User, {"phone": None})] == ["without"]
    assert update(User, {"phone": None}, {"name": "changed"}) == 1
    assert update(User, {"name": "changed"}, {"name": "", "last_login": None}) == 1


def test_update_writes_the_rows_that_match_and_counts_them():
    insert([make_lock("one", holder="a"), make_lock("two", holder="b")])
    assert update(LoginLock, {"browser": "one", "holder": "b"}, {"answer": "x"}) == 0
    assert update(LoginLock, {"browser": "one", "holder": "a"}, {"answer": "x"}) == 1
    answers = LoginLock.objects.order_by("browser").values_list("answer", flat=True)
    assert list(answers) == ["x", ""]


def test_foreign_key_is_found_and_written_by_its_column():
    user = User.objects.create(sub="sub-1")
    insert([Session(session_key="key", session_data="", expire_date=NOW + timedelta(days=1))])
    assert update(Session, {"session_key": "key"}, {"user_id": user.pk}) == 1
    (found,) = select(Session, {"user_id": user.pk, "ended_at": None})
    assert found.user == user


def test_insert_leaves_out_what_a_constraint_refuses_and_counts_the_rest():
    assert insert([make_lock("one")]) == 1
    assert insert([make_lock("one"), make_lock("two")], ignore_conflicts=True) == 1
    assert insert([]) == 0
    assert LoginLock.objects.filter(browser__in=("one", "two")).count() == 2


def test_insert_takes_sql_for_a_value_next_to_plain_ones():
    insert(
        [
            make_lock("one", holder=RawSQL("UPPER(%s)", ["a"]), answer="x"),
            make_lock("two", holder="b", answer="y"),
        ]
    )
    found = LoginLock.objects.order_by("browser").values_list("holder", "answer")
    assert list(found) == [("A", "x"), ("b", "y")]


def test_nothing_is_written_where_no_row_is_named():
    insert([make_lock("one")])
    with pytest.raises(DatabaseError):
        update(LoginLock, {}, {"answer": "x"})

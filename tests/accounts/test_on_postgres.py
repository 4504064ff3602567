"""What a real PostgreSQL keeps that SQLite cannot: events are never changed, and only removed.

And what its locks are for: orders on accounts are done once, and do not wait for each other.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import operations
from accounts.admin import user_search
from accounts.events import retention, sharing, sign_ins, stats
from accounts.models import Operation, RolledHour, SignInEvent, User
from accounts.operations.queue import Kind, Remark, State
from tests.accounts.operators import make_operator
from tests.accounts.races import race
from tests.concurrency import at_once
from tests.fakes.sign_in_pool import SignInPool

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site_is_on_postgres(on_postgres, settings) -> None:
    settings.ACCOUNTS_EVENTS_KEPT_DAYS = 31


@pytest.fixture
def old_events() -> None:
    at = datetime.now(UTC) - timedelta(days=40)
    SignInEvent.objects.bulk_create(SignInEvent(kind="sent", at=at) for _ in range(12))
    SignInEvent.objects.create(kind="sent", at=datetime.now(UTC) - timedelta(days=1))


def test_database_refuses_to_change_or_delete_events(old_events):
    for statement in (
        "UPDATE accounts_signinevent SET kind = 'failed'",
        "DELETE FROM accounts_signinevent",
    ):
        with (
            pytest.raises(DatabaseError, match="never changed, and only removed"),
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


def test_week_of_a_user_is_summed_up():
    user = User.objects.for_identity("one", "+12015550123")
    for n in range(6):
        SignInEvent.objects.create(
            kind="succeeded", user=user, browser=f"{n}", overlaps=n, crossed=n == 5
        )
    sharing.measure(user)
    user.refresh_from_db()
    assert user.sharing == User.Sharing.LIKELY
    counted = (user.devices_in_week, user.overlaps_in_week, user.crossed_in_week)
    assert counted == (6, 5, 1)


def test_text_of_a_reference_is_found_without_reading_what_else_the_hour_brought(rf):
    """Else a login would cost the more, the more people sign in."""
    SignInEvent.objects.bulk_create(
        SignInEvent(kind="sent", reference=f"K7F-{n % 50:02}") for n in range(5_000)
    )
    request = rf.get("/")
    request.COOKIES["device"] = "one-browser"
    with CaptureQueriesContext(connection) as captured:
        crossed = sign_ins.asked_elsewhere(request, "K7F-21")
        sign_ins.record("succeeded", request, crossed=crossed)
    (written,) = captured.captured_queries
    assert SignInEvent.objects.latest("pk").crossed is False
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_signinevent")
        cursor.execute(f"EXPLAIN (COSTS OFF) {written['sql']}")
        plan = " ".join(line.strip() for (line,) in cursor.fetchall())
    assert re.search(r"->  Index Scan using \S+ on .* Index Cond: .*reference.* AND .*at > ", plan)


def test_purge_alone_deletes_and_leaves_the_door_shut(old_events, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 5)
    assert retention.purge(timezone.now()).events == 12
    with pytest.raises(DatabaseError), transaction.atomic():
        SignInEvent.objects.all().delete()
    assert SignInEvent.objects.count() == 1


def test_hours_summed_up_by_several_at_once_count_once(old_events):
    before = stats.read(timezone.now(), 30)
    done = at_once(*[lambda: stats.roll_up(timezone.now())] * 4)
    assert sum(done) == RolledHour.objects.count() > 900
    assert stats.read(timezone.now(), 30) == before


def test_user_may_go_while_events_stay(old_events, phone):
    user = User.objects.for_identity("sub-1", phone)
    event = SignInEvent.objects.create(kind="succeeded", user=user)
    user.delete()
    assert SignInEvent.objects.get(pk=event.pk).user_id is not None


@pytest.fixture
def pool(pool: SignInPool) -> SignInPool:
    """One that has whatever user somebody acts on."""
    pool.everybody = True
    return pool


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
    assert sorted(order.remark for order in done) == ["", Remark.ORDERER_GONE]


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


def test_two_presses_of_a_button_at_once_order_once(pool):
    boss = make_operator(is_superuser=True)
    browsers = [Client() for _ in range(4)]
    for browser in browsers:
        browser.force_login(boss)
    people = "\n".join(f"+120155501{n}" for n in range(50, 70))
    sent = {"people": people, "go": "1", "batch": "elevensigns"}
    at_once(*[partial(each.post, "/admin/accounts/user/invite/", sent) for each in browsers])
    assert Operation.objects.count() == 20


def test_first_logins_at_once_make_one_row(phone):
    found = at_once(*[lambda: User.objects.for_identity("sub-1", phone)] * 8)
    assert {user.pk for user in found} == {User.objects.get().pk}


def test_two_identities_with_one_phone_at_once_make_two_rows(phone):
    at_once(
        *[lambda: User.objects.for_identity("sub-1", phone)] * 4,
        *[lambda: User.objects.for_identity("sub-2", phone)] * 4,
    )
    assert User.objects.count() == 2
    assert User.objects.filter(phone=phone).count() == 1


def test_numbers_that_are_exchanged_at_once_lock_nobody_up(phone):
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


def test_rows_of_another_pool_are_left_alone(phone):
    elsewhere = User.objects.for_identity("sub-1", phone, pool="eu-west-1_Elsewhere")
    here = User.objects.for_identity("sub-1", phone)
    elsewhere.refresh_from_db()
    assert (elsewhere.phone, here.phone, elsewhere.pk != here.pk) == (phone, phone, True)


def test_sign_ins_at_once_leave_exactly_one_under_strict(phone, settings):
    settings.ACCOUNTS_SHARING_POLICY = "strict"
    user = User.objects.for_identity("sub-1", phone)
    for _ in range(5):
        race(user, at=8)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("accounts/signinevent/?kind=%00", 200),
        ("accounts/user/?q=%00", 200),
        ("accounts/operation/batch/%00/", 200),
        ("auth/group/?name=%00", 200),
        ("auth/group/?q=%00", 200),
    ],
)
def test_address_with_a_nul_is_no_failure(address, status):
    operator = Client()
    operator.force_login(make_operator(is_superuser=True))
    assert operator.get(f"/admin/{address}", follow=True).status_code == status


FORMS_WITH_A_NUL = {
    "act": ("user/act/disable/", {"ids": "{ids}", "batch": "\0"}),
    "invitation": (
        "user/invite/",
        {"people": "+12025550101\n+12025550102", "go": "1", "batch": "\0"},
    ),
    "action of the list of people": ("user/", {"action": "disable", "_selected_action": "\0"}),
    "action of a list that is none": ("user/", {"action": "\0", "_selected_action": "1"}),
    "action on no row": ("user/", {"action": "disable", "_selected_action": "abc"}),
    "action on too high a row": ("user/", {"action": "disable", "_selected_action": "9" * 30}),
    "action of the list of differences": (
        "difference/",
        {"action": "repair_chosen", "_selected_action": "\0"},
    ),
}


@pytest.mark.parametrize(
    ("address", "fields"), FORMS_WITH_A_NUL.values(), ids=FORMS_WITH_A_NUL.keys()
)
def test_form_with_a_nul_is_no_failure(pool, address, fields):
    operator = Client()
    operator.force_login(make_operator(is_superuser=True))
    people = [User.objects.create(sub=f"sub-of-person-{n}", pool="p") for n in range(2)]
    ids = ",".join(str(person.pk) for person in people)
    sent = {name: value.format(ids=ids) for name, value in fields.items()}

    assert operator.post(f"/admin/accounts/{address}", sent, follow=True).status_code == 200


def test_device_that_no_name_can_be_of_is_signed_out_already():
    person = Client()
    person.force_login(User.objects.create(sub="sub-of-a-person"))
    page = person.post("/accounts/devices/end/", {"handle": "\0"}, follow=True)
    assert "That device was signed out already." in page.content.decode()


@pytest.mark.parametrize(
    ("term", "index"), [("opper", "users_by_part_of_name"), ("4567", "users_by_last_digits")]
)
def test_search_of_people_has_an_index(term, index, rf):
    User.objects.for_identity("sub-1", "+12015554567")
    User.objects.update(name="Grace Hopper")
    request = rf.get("/")
    request.user = make_operator(1, is_superuser=True)
    found = User.objects.filter(user_search.matching(request, term))
    assert found.count() == 1
    with transaction.atomic(), connection.cursor() as cursor:
        # The table is too small for an index to be worth it.
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert index in found.explain()

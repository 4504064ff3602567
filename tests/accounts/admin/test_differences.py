"""The admin's pages on differences, over a user pool at the wire."""

import re
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Difference, Session, SyncRun, User
from accounts.sync import repair, runs
from accounts.sync.compare import MEANS, Kind
from tests.accounts.differences import compare, number, people, person
from tests.accounts.operators import again
from tests.fakes.user_pool import OUTAGE, UserPool
from tests.pages import signed_in, text

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

LIST = "/admin/accounts/difference/"
REPAIR, UNDO, COMPARE = f"{LIST}repair/", f"{LIST}undo/", f"{LIST}compare/"


@pytest.fixture
def operator() -> User:
    # Of another pool, so that no run meets the row.
    user = User.objects.for_identity("sub-of-an-operator", None, pool="eu-west-1_Operators")
    user.is_staff = True
    user.name = "Ana"
    user.save()
    return user


@pytest.fixture
def admin(operator) -> Client:
    rights = ["view_difference", "repair_difference", "view_user"]
    operator.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return signed_in(operator)


@pytest.fixture
def changed(pool: UserPool) -> User:
    """Somebody who has another number in Cognito, and the difference of it."""
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    compare()
    return user


def told(page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def ids(*kinds: str) -> str:
    found = Difference.objects.filter(kind__in=kinds) if kinds else Difference.objects.all()
    return ",".join(str(pk) for pk in found.values_list("pk", flat=True))


# Who may


@pytest.mark.parametrize("right", ["", "repair_difference"])
def test_operator_who_may_not_look_sees_and_does_nothing(admin, operator, changed, right):
    operator.user_permissions.set(Permission.objects.filter(codename=right))
    for address in (LIST, f"{REPAIR}?ids={ids()}", f"{UNDO}?ids={ids()}"):
        assert admin.get(address).status_code == 403
    for address in (REPAIR, UNDO, COMPARE):
        assert admin.post(address, {"ids": ids()}).status_code == 403
    assert again(changed).phone == number(1)


def test_operator_who_may_only_look_does_nothing(admin, operator, changed):
    operator.user_permissions.set(Permission.objects.filter(codename="view_difference"))
    page = text(admin.get(LIST))
    assert "Compare now" not in page
    assert "repair_chosen" not in page
    assert "Repair" not in text(admin.get(f"{LIST}{ids()}/change/"))
    for address in (REPAIR, UNDO, COMPARE):
        assert admin.post(address, {"ids": ids()}).status_code == 403


@pytest.mark.parametrize("method", ["get", "post"])
def test_repairing_and_undoing_need_a_recent_code(admin, changed, method):
    Session.objects.update(confirmed_at=timezone.now() - timedelta(minutes=6))
    for address in (REPAIR, UNDO):
        page = getattr(admin, method)(address, {"ids": ids()})
        assert page.status_code == 302
        assert page.url.startswith("/accounts/confirm/?next=")
    assert again(changed).phone == number(1)


def test_differences_are_not_typed_changed_or_removed(admin, changed):
    assert admin.get(f"{LIST}add/").status_code == 403
    address = f"{LIST}{ids()}/"
    assert admin.post(f"{address}change/", {"state": "repaired"}).status_code == 403
    assert admin.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    assert admin.get(COMPARE).url == LIST
    assert Difference.objects.get().state == Difference.State.OPEN


# What is seen


def test_phones_are_masked_unless_the_operator_may_see_them(admin, operator, changed):
    addresses = (LIST, f"{LIST}{ids()}/change/", f"{REPAIR}?ids={ids()}")
    for address in addresses:
        page = text(admin.get(address))
        assert "+1••••••••01" in page
        assert "+1••••••••77" in page
        assert number(1) not in page
        assert number(7777) not in page
    operator.user_permissions.add(Permission.objects.get(codename="view_phone"))
    for address in addresses:
        page = text(admin.get(address))
        assert number(1) in page
        assert number(7777) in page


def test_list_shows_what_is_open_and_on_demand_the_rest(admin, changed, pool):
    pool.add("sub-only-there", number(2))
    compare()
    repair.repair(Difference.objects.get(kind="phone"), by="")
    page = text(admin.get(LIST))
    assert "sub-only-there" in page
    assert f"/user/{changed.pk}/change/" not in page
    page = text(admin.get(LIST, {"state": "repaired"}))
    assert f"/user/{changed.pk}/change/" in page
    assert "sub-only-there" not in page
    page = text(admin.get(LIST, {"state": "all"}))
    assert "sub-only-there" in page
    assert f"/user/{changed.pk}/change/" in page
    assert "sub-only-there" not in text(admin.get(LIST, {"kind__exact": "unconfirmed"}))


@pytest.mark.parametrize("typed", ["sub-1", "(201) 555-0001", "+12015550001"])
def test_differences_of_somebody_are_found(admin, changed, pool, typed):
    pool.add("sub-only-there", number(2))
    compare()
    page = text(admin.get(LIST, {"q": typed}))
    assert f"/user/{changed.pk}/change/" in page
    assert "sub-only-there" not in page


def test_list_takes_the_same_queries_at_any_length(admin, pool):
    taken = []
    for length in (2, 40):
        for n in range(length):
            pool.add(f"sub-{n}", number(n))
        compare()
        admin.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            assert admin.get(LIST).status_code == 200
        taken.append(len(queries))
    assert taken[0] == taken[1] <= 12


def test_page_of_each_kind_says_what_repairing_means(admin, pool):
    one, two, three = people(pool, range(3))
    del pool.users[one.sub]
    pool.change(two.sub, phone_number=number(7777))
    pool.change(three.sub, Enabled=False)
    pool.add("unconfirmed", number(4), status="UNCONFIRMED", verified=False)
    pool.add("double-1", number(5))
    pool.add("double-2", number(5))
    compare()
    assert set(Difference.objects.values_list("kind", flat=True)) == set(Difference.Kind.values)
    for difference in Difference.objects.all():
        page = text(admin.get(f"{LIST}{difference.pk}/change/"))
        assert str(MEANS[Kind(difference.kind)]) in page
        assert (f"{REPAIR}?ids={difference.pk}" in page) is (difference.kind != "duplicate")
        assert ("double-" in page) is difference.sub.startswith("double-")


def test_pages_obey_the_policy(admin, changed):
    for address in (LIST, f"{LIST}{ids()}/change/", f"{REPAIR}?ids={ids()}"):
        page = admin.get(address)
        assert page["Content-Security-Policy"]
        assert "no-store" in page["Cache-Control"]
        assert not re.search(r"<script(?![^>]*(\ssrc=|type=\"application/json\"))", text(page))
        assert not re.search(r"<style|\sstyle=|\son\w+=", text(page))


# What is done


def test_chosen_differences_are_shown_then_repaired_then_undone(admin, changed):
    chosen = {"action": "repair_chosen", "_selected_action": [ids()]}
    page = admin.post(LIST, chosen)
    assert page.url == f"{REPAIR}?ids={ids()}"
    page = admin.get(page.url)
    assert again(changed).phone == number(1)
    assert "Repair (1)" in text(page)
    page = admin.post(REPAIR, {"ids": ids()}, follow=True)
    assert told(page) == ["1 difference is repaired."]
    assert again(changed).phone == number(7777)
    difference = Difference.objects.get()
    assert (difference.state, difference.repaired_by) == (Difference.State.REPAIRED, "Ana")
    assert f"{UNDO}?ids={ids()}" in text(admin.get(f"{LIST}{difference.pk}/change/"))
    page = admin.post(
        f"{LIST}?state=repaired", {"action": "undo_chosen", "_selected_action": [ids()]}
    )
    assert "Undo (1)" in text(admin.get(page.url))
    page = admin.post(UNDO, {"ids": ids()}, follow=True)
    assert told(page) == ["1 difference is undone."]
    assert again(changed).phone == number(1)


def test_what_was_repaired_stands_in_the_audit_log_under_the_operator(admin, changed, operator):
    LogEntry.objects.all().delete()
    admin.post(REPAIR, {"ids": ids()})
    [entry] = LogEntry.objects.get_for_object(changed)
    assert (entry.actor, set(entry.changes)) == (operator, {"phone"})


def test_outage_while_repairing_is_told_and_leaves_the_rest(admin, changed, pool):
    pool.faults["AdminGetUser"] = OUTAGE
    page = admin.post(REPAIR, {"ids": ids()}, follow=True)
    assert "Cognito was not reached" in told(page)[0]
    assert Difference.objects.get().state == Difference.State.OPEN
    pool.faults.clear()
    admin.post(REPAIR, {"ids": ids()})
    assert Difference.objects.get().state == Difference.State.REPAIRED


def test_reason_why_something_was_not_repaired_is_told(admin, changed, pool):
    pool.users.clear()
    page = admin.post(REPAIR, {"ids": ids()}, follow=True)
    assert "Cognito has no such user any more" in told(page)[0]


@pytest.mark.parametrize("sent", ["", "x", "x,²,", "999999", "9" * 400, ",".join("1" * 2000)])
def test_choice_that_makes_no_sense_is_told(admin, changed, sent):
    page = admin.post(REPAIR, {"ids": sent}, follow=True)
    assert page.status_code == 200
    assert len(told(page)) == 1
    assert again(changed).phone == number(1)


def test_what_was_repaired_already_is_not_repaired_again(admin, changed):
    admin.post(REPAIR, {"ids": ids()})
    page = admin.post(REPAIR, {"ids": ids()}, follow=True)
    assert "Nothing to do" in told(page)[-1]


def test_more_than_fifty_at_once_are_too_many(admin, pool):
    for n in range(51):
        pool.add(f"sub-{n}", number(n))
    compare()
    chosen = {"action": "repair_chosen", "_selected_action": "1", "select_across": "1"}
    assert "At most 50" in told(admin.post(LIST, chosen, follow=True))[0]
    assert "At most 50" in told(admin.post(REPAIR, {"ids": ids()}, follow=True))[0]
    assert not Difference.objects.exclude(state=Difference.State.OPEN).exists()


def test_way_back_leads_to_the_page_or_the_list_that_asked(admin, changed, pool):
    page = text(admin.get(f"{REPAIR}?ids={ids()}"))
    assert f'class="closelink" href="{LIST}{ids()}/change/"' in page
    pool.add("sub-only-there", number(2))
    compare()
    page = text(admin.get(f"{REPAIR}?ids={ids()}"))
    assert f'class="closelink" href="{LIST}"' in page


# Comparing


def test_comparison_is_begun_and_done_after_the_answer(admin, pool):
    assert "never compared" in text(admin.get(LIST))
    pool.add("sub-only-there", number(2))
    page = admin.post(COMPARE, follow=True)
    assert told(page) == ["The comparison has begun."]
    run = SyncRun.objects.get()
    assert (run.state, run.started_by, run.repair) == (SyncRun.State.DONE, "Ana", [])
    page = text(admin.get(LIST))
    assert "1 users listed" in page
    assert "Only in Cognito: 1." in page
    assert "sub-only-there" in page


def test_comparison_that_was_cut_off_goes_on(admin, pool):
    pool.faults["ListUsers"] = OUTAGE
    admin.post(COMPARE)
    pool.faults.clear()
    assert "Go on" in text(admin.get(LIST))
    page = admin.post(COMPARE, follow=True)
    assert "goes on by itself" in told(page)[0]
    SyncRun.objects.update(touched_at=timezone.now() - timedelta(minutes=1))
    page = admin.post(COMPARE, follow=True)
    assert told(page) == ["The comparison goes on."]
    assert SyncRun.objects.get().state == SyncRun.State.DONE


def test_comparison_under_way_shows_how_far_it_got(admin, pool):
    people(pool, range(3))
    run = runs.start()
    cache.clear()
    SyncRun.objects.update(listed=2)
    page = text(admin.get(LIST))
    assert '<progress id="progress" max="4" value="2"></progress>' in page
    assert "2 users listed so far" in page
    # More than are known here, so nobody knows how many are left.
    SyncRun.objects.update(listed=7)
    assert '<progress id="progress"></progress>' in text(admin.get(LIST))
    SyncRun.objects.update(phase=SyncRun.Phase.DUPLICATES)
    assert '<progress id="progress"></progress>' in text(admin.get(LIST))
    for n in range(3):
        Difference.objects.create(run=run, kind="phone", pool=run.pool, sub=f"sub-{n}")
    first = Difference.objects.earliest("pk")
    SyncRun.objects.update(
        phase=SyncRun.Phase.REPAIRING, repair=["phone"], cursor=str(first.pk), listed=0
    )
    assert '<progress id="progress" max="3" value="1"></progress>' in text(admin.get(LIST))
    SyncRun.objects.update(state=SyncRun.State.DONE)
    assert "<progress" not in text(admin.get(LIST))

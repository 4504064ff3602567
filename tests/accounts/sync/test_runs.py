"""Comparing with a user pool at the wire, repairing and undoing."""

import gc
import tracemalloc
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Claim, Difference, Session, SyncRun, User
from accounts.models.users import DELETED
from accounts.sync import errors, repair, runs
from accounts.sync.compare import REPAIRABLE
from tests.accounts.differences import compare, mixed, no_pace, number, people, person
from tests.accounts.operators import again
from tests.concurrency import at_once, database_in_a_file
from tests.fakes.user_pool import OUTAGE, UserPool
from tests.wire import aws_error

pytestmark = pytest.mark.django_db

Kind, State = Difference.Kind, Difference.State
ALL = [kind.value for kind in REPAIRABLE]


def found(run: SyncRun) -> set[tuple[str, str]]:
    return {
        (difference.kind, difference.sub) for difference in run.differences.filter(state=State.OPEN)
    }


def values(user: User) -> dict:
    return User.objects.filter(pk=user.pk).values(
        "phone", "phone_verified", "cognito_status", "cognito_enabled", "is_active"
    )[0]


# What is found


def test_people_who_stand_here_as_there_are_no_differences(pool):
    people(pool, range(130))
    run = compare()
    assert (found(run), run.listed) == (set(), 130)
    assert pool.operations() == ["ListUsers"] * 3


def test_user_of_the_pool_alone_is_found(pool):
    pool.add("proven", number(1), verified=True)
    pool.add("confirmed", number(2), verified=False, status="CONFIRMED")
    run = compare()
    assert found(run) == {(Kind.ONLY_IN_COGNITO, "proven"), (Kind.ONLY_IN_COGNITO, "confirmed")}


def test_sign_up_under_way_is_no_difference_and_is_unconfirmed_after_a_day(pool):
    pool.add("young", number(1), verified=False, days_old=0.9)
    pool.add("young-unconfirmed", number(2), verified=False, status="UNCONFIRMED", days_old=0.9)
    pool.add("old", number(3), verified=False, days_old=1.1)
    pool.add("old-unconfirmed", number(4), verified=True, status="UNCONFIRMED", days_old=1.1)
    pool.add("reset", number(5), status="RESET_REQUIRED", days_old=0)
    run = compare()
    assert found(run) == {
        (Kind.UNCONFIRMED, "old"),
        (Kind.UNCONFIRMED, "old-unconfirmed"),
        (Kind.UNCONFIRMED, "reset"),
        (Kind.ONLY_IN_COGNITO, "reset"),
    }
    run = compare(unconfirmed_after=timedelta())
    assert {(Kind.UNCONFIRMED, "young"), (Kind.UNCONFIRMED, "young-unconfirmed")} <= found(run)


def test_account_without_a_number_is_no_unconfirmed(pool):
    """It signs in by name or e-mail, as long as nobody takes those away."""
    pool.add("unconfirmed", None, verified=False, status="UNCONFIRMED", days_old=9)
    pool.add("invited", None, verified=False, days_old=9)
    pool.add("reset", None, status="RESET_REQUIRED")
    assert found(compare()) == {(Kind.ONLY_IN_COGNITO, "reset")}
    compare(repair=ALL)
    assert not [each for each in pool.operations() if each not in ("ListUsers", "AdminGetUser")]


def test_usual_state_of_our_users_is_no_unconfirmed(pool):
    """FORCE_CHANGE_PASSWORD, proven; or unproven in Cognito, of somebody who signed in here."""
    person(pool, 1)
    signed_in = person(pool, 2, last_login=timezone.now(), phone_verified=False)
    pool.change(signed_in.sub, phone_number_verified="false")
    assert found(compare()) == set()


def test_row_whose_user_is_gone_is_found_when_cognito_says_so_itself(pool):
    gone, hidden = person(pool, 1), person(pool, 2)
    del pool.users[gone.sub]
    pool.unlisted.add(hidden.sub)
    run = compare()
    assert found(run) == {(Kind.ONLY_HERE, gone.sub)}
    assert pool.asked_about() == [gone.sub, hidden.sub]


def test_row_that_is_known_to_be_gone_is_not_asked_about_again(pool):
    gone = person(pool, 1, cognito_status=DELETED, cognito_enabled=False)
    del pool.users[gone.sub]
    assert found(compare()) == set()
    assert pool.asked_about() == []


def test_rows_of_another_pool_are_no_business_of_a_run(pool):
    User.objects.for_identity("sub-1", number(1), pool="eu-west-1_Elsewhere")
    User.objects.update(date_joined=timezone.now() - timedelta(days=2))
    pool.add("sub-1", number(1))
    run = compare(repair=ALL)
    assert pool.asked_about() == []
    assert {difference.kind for difference in run.differences.all()} == {Kind.ONLY_IN_COGNITO}
    assert User.objects.filter(pool="eu-west-1_Elsewhere", phone=number(1)).exists()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"phone_number": "+12015559999"}, Kind.PHONE),
        ({"phone_number_verified": "false"}, Kind.PHONE),
        ({"Enabled": False}, Kind.STATUS),
        ({"UserStatus": "CONFIRMED"}, Kind.STATUS),
    ],
    ids=str,
)
def test_difference_is_found(pool, change, kind):
    user = person(pool, 1)
    User.objects.update(last_login=timezone.now())
    pool.change(user.sub, **change)
    run = compare()
    assert found(run) == {(kind, user.sub)}
    difference = run.differences.get()
    assert (difference.user, difference.ours["phone"]) == (user, user.phone)
    assert difference.theirs != difference.ours


def test_status_that_was_never_asked_for_is_written_down_and_no_difference(pool):
    user = person(pool, 1, cognito_status="")
    assert found(compare(dry_run=True)) == set()
    assert again(user).cognito_status == ""
    assert found(compare()) == set()
    assert again(user).cognito_status == "FORCE_CHANGE_PASSWORD"


def test_person_whom_this_site_alone_shuts_out_is_no_difference(pool):
    person(pool, 1, is_active=False)
    assert found(compare()) == set()


@pytest.mark.parametrize("who_has_a_row", ["nobody", "one", "both"])
def test_two_users_with_one_number_in_two_spellings_are_found(pool, who_has_a_row):
    pool.add("sub-1", "+447400123456")
    pool.add("sub-2", "+4407400123456")
    if who_has_a_row != "nobody":
        User.objects.for_identity("sub-1", "+447400123456", phone_verified=True)
    if who_has_a_row == "both":
        User.objects.for_identity("sub-2", "+4407400123456", phone_verified=True)
    run = compare()
    doubles = run.differences.filter(kind=Kind.DUPLICATE)
    assert {(each.sub, *each.theirs["others"]) for each in doubles} == {
        ("sub-1", "sub-2"),
        ("sub-2", "sub-1"),
    }


def test_two_users_with_the_very_same_number_are_found(pool):
    """As pools with aliases have them."""
    for n in range(3):
        pool.add(f"sub-{n}", number(1))
    run = compare()
    assert {sub for kind, sub in found(run) if kind == Kind.DUPLICATE} == set(pool.users)


def test_number_that_changed_hands_during_the_run_is_no_duplicate(pool):
    one, two = person(pool, 1), person(pool, 2)
    run = runs.start()
    runs.step(run, no_pace)
    Claim.objects.create(run=run, sub=two.sub, phone=one.phone)
    while runs.step(run, no_pace):
        pass
    assert found(run) == set()
    assert sorted(pool.asked_about()) == sorted([one.sub, two.sub])


def test_number_that_is_none_is_no_duplicate(pool):
    for n in range(2):
        pool.add(f"short-{n}", "+1")
        pool.add(f"impossible-{n}", "+1201555")
        pool.add(f"none-{n}", None)
    assert not compare().differences.filter(kind=Kind.DUPLICATE).exists()


def test_second_run_finds_the_same_differences_once(pool):
    pool.add("sub-1", number(1))
    first = compare()
    second = compare()
    assert found(second) == {(Kind.ONLY_IN_COGNITO, "sub-1")}
    assert Difference.objects.get().found_at < second.started_at
    assert not first.differences.exists()


def test_difference_that_is_not_met_again_is_gone(pool):
    pool.add("sub-1", number(1))
    compare()
    person(pool, 1)
    compare()
    difference = Difference.objects.get()
    assert (difference.state, difference.open_key) == (State.GONE, None)


# How it goes on


def in_steps(run: SyncRun, steps: int) -> SyncRun:
    """Do so many steps and forget all that a process remembers."""
    for _ in range(steps):
        runs.step(run, no_pace)
    return SyncRun.objects.get(pk=run.pk)


def outcome() -> set[tuple]:
    return set(Difference.objects.values_list("kind", "sub", "state"))


def test_run_that_is_cut_off_anywhere_comes_to_the_same_end(pool):
    mixed(pool)
    run = compare(dry_run=True)
    straight, steps = outcome(), run.steps
    assert steps > 6
    for cut_after in range(1, steps):
        Difference.objects.all().delete()
        run = in_steps(runs.start(dry_run=True), cut_after)
        resumed = runs.unfinished()
        assert resumed == run
        while runs.step(resumed, no_pace):
            pass
        assert outcome() == straight


def test_step_that_fails_writes_nothing(pool):
    pool.add("sub-1", number(1))
    run = runs.start()
    pool.faults["ListUsers"] = OUTAGE
    with pytest.raises(errors.Unreachable):
        runs.step(run, no_pace)
    assert not Difference.objects.exists()
    assert SyncRun.objects.get().steps == run.steps == 0
    pool.faults.clear()
    while runs.step(run, no_pace):
        pass
    assert found(run) == {(Kind.ONLY_IN_COGNITO, "sub-1")}


def test_list_begins_again_when_its_token_is_too_old(pool):
    mixed(pool)
    straight = (compare(dry_run=True), outcome())[1]
    Difference.objects.all().delete()
    run = in_steps(runs.start(dry_run=True), 2)
    pool.generation += 1
    assert Difference.objects.exists()
    while runs.step(run, no_pace):
        pass
    assert (run.restarts, outcome()) == (1, straight)


def test_missing_permission_is_no_old_token(pool):
    pool.faults["ListUsers"] = aws_error("AccessDeniedException", "no")
    with pytest.raises(errors.Misconfigured):
        runs.step(runs.start(), no_pace)


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_go_on_with_one_run_do_not_both(pool, tmp_path):
    with database_in_a_file(tmp_path):
        for n in range(200):
            pool.add(f"sub-{n}", number(n))
        run = runs.start()

        def go_on() -> bool:
            mine = SyncRun.objects.get(pk=run.pk)
            try:
                while runs.step(mine, no_pace):
                    pass
            except errors.Overtaken:
                return False
            return True

        assert sorted(at_once(go_on, go_on)) == [False, True]
        assert Difference.objects.filter(kind=Kind.ONLY_IN_COGNITO).count() == 200


def test_process_that_was_overtaken_by_a_step_stops(pool):
    people(pool, range(200))
    one = runs.start()
    other = SyncRun.objects.get(pk=one.pk)
    runs.step(one, no_pace)
    with pytest.raises(errors.Overtaken):
        runs.step(other, no_pace)
    assert SyncRun.objects.get().listed == 60


def test_new_run_overtakes_an_old_one(pool):
    old = runs.start()
    runs.start()
    with pytest.raises(errors.Overtaken):
        runs.step(old, no_pace)
    assert SyncRun.objects.get(pk=old.pk).state == SyncRun.State.STOPPED


@pytest.mark.parametrize("differ", [False, True])
def test_page_takes_a_fixed_number_of_queries(pool, differ):
    people(pool, range(1000))
    if differ:
        User.objects.all().delete()
    run = runs.start()
    taken = []
    while run.phase == SyncRun.Phase.LISTING:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            runs.step(run, no_pace)
        taken.append(len(queries))
    *full, last = taken
    assert len(full) == 16
    # SQLite takes sixty differences in two parts.
    assert set(full) == {7 if differ else 5}
    assert last <= full[0]


def test_memory_does_not_grow_with_the_pool(pool):
    people(pool, range(600))
    for n in range(0, 600, 3):
        pool.change(f"sub-{n}", phone_number=number(5000 + n))
    run = runs.start()
    for _ in range(3):
        runs.step(run, no_pace)
    tracemalloc.start()
    try:
        kept, most = [], []
        for _ in range(6):
            pool.requests.clear()
            tracemalloc.reset_peak()
            runs.step(run, no_pace)
            gc.collect()
            now, peak = tracemalloc.get_traced_memory()
            kept.append(now)
            most.append(peak)
    finally:
        tracemalloc.stop()
    assert run.listed >= 500
    assert kept[-1] - kept[1] < 50_000
    assert most[-1] < 1.5 * most[1]


# Repairing and undoing


def test_each_kind_is_repaired_and_undone(pool):
    mixed(pool)
    before = {user.pk: values(user) for user in User.objects.all()}
    run = compare(repair=ALL)
    assert {kind: set(states) for kind, states in runs.counts(run).items()} == {
        Kind.ONLY_IN_COGNITO: {State.REPAIRED},
        Kind.ONLY_HERE: {State.REPAIRED},
        Kind.PHONE: {State.REPAIRED},
        Kind.STATUS: {State.REPAIRED},
        Kind.UNCONFIRMED: {State.REPAIRED},
        Kind.DUPLICATE: {State.OPEN},
    } | {Kind.ONLY_IN_COGNITO: {State.REPAIRED, State.OPEN}}
    assert User.objects.filter(sub__startswith="only-there-").count() == 20
    assert User.objects.get(sub="sub-4").phone == number(5004)
    assert User.objects.get(sub="sub-5").cognito_enabled is False
    assert User.objects.get(sub="sub-3").cognito_status == DELETED
    after = compare()
    assert {kind for kind, _ in found(after)} == {Kind.DUPLICATE, Kind.ONLY_IN_COGNITO}
    assert all(not why for _, why in repair.undo_run(run, by="tests"))
    assert {user.pk: values(user) for user in User.objects.all()} == before


def test_dry_run_changes_nobody_here_nor_there(pool):
    mixed(pool)
    before = {user.pk: values(user) for user in User.objects.all()}
    run = compare(dry_run=True, repair=ALL)
    assert {user.pk: values(user) for user in User.objects.all()} == before
    assert set(pool.operations()) == {"ListUsers", "AdminGetUser"}
    assert not run.differences.exclude(state=State.OPEN).exists()


def only_difference(pool: UserPool, kind: Kind) -> Difference:
    return compare().differences.get(kind=kind)


def test_row_that_is_made_is_that_of_cognito(pool):
    pool.add("sub-1", number(1), status="CONFIRMED")
    difference = only_difference(pool, Kind.ONLY_IN_COGNITO)
    repair.repair(difference, by="ana")
    row = User.objects.get()
    assert (row.sub, row.phone, row.phone_verified) == ("sub-1", number(1), True)
    assert (row.cognito_status, row.cognito_enabled) == ("CONFIRMED", True)
    assert (row.is_staff, row.is_superuser, row.has_usable_password()) == (False, False, False)
    assert (difference.state, difference.repaired_by, difference.user) == (
        State.REPAIRED,
        "ana",
        row,
    )
    repair.undo(difference, by="bo")
    assert not User.objects.exists()
    assert (difference.state, difference.undone_by) == (State.UNDONE, "bo")


def test_row_that_is_made_for_somebody_disabled_lets_nobody_in(pool):
    pool.add("sub-1", number(1), enabled=False)
    compare(repair=[Kind.ONLY_IN_COGNITO])
    assert User.objects.get().cognito_enabled is False


@pytest.mark.parametrize("use", ["signed in", "operator", "in a group"])
def test_row_that_was_used_since_is_not_undone(pool, use):
    pool.add("sub-1", number(1))
    difference = only_difference(pool, Kind.ONLY_IN_COGNITO)
    repair.repair(difference, by="")
    if use == "signed in":
        User.objects.update(last_login=timezone.now())
    elif use == "operator":
        User.objects.update(is_staff=True)
    else:
        User.objects.get().groups.add(Group.objects.create(name="Helpers"))
    with pytest.raises(errors.NotDone, match="in use"):
        repair.undo(difference, by="")
    assert User.objects.exists()
    assert Difference.objects.get().state == State.REPAIRED


def test_person_who_is_only_here_is_shut_out_and_brought_back(pool):
    user = person(pool, 1)
    session = Session.objects.create(session_key="k", user=user, expire_date=timezone.now())
    del pool.users[user.sub]
    before = values(user)
    difference = only_difference(pool, Kind.ONLY_HERE)
    repair.repair(difference, by="")
    assert (again(user).cognito_enabled, again(user).cognito_status) == (False, DELETED)
    session.refresh_from_db()
    assert session.ended_why == Session.Ended.SHUT_OUT
    repair.undo(difference, by="")
    assert values(user) == before
    session.refresh_from_db()
    assert session.ended_at is not None


def test_person_who_is_in_cognito_again_is_not_shut_out(pool):
    user = person(pool, 1)
    there = pool.users.pop(user.sub)
    difference = only_difference(pool, Kind.ONLY_HERE)
    pool.users[user.sub] = there
    repair.repair(difference, by="")
    assert difference.state == State.GONE
    assert again(user).cognito_enabled is True


def test_too_many_who_are_only_here_are_not_shut_out_by_a_run(pool):
    four = people(pool, range(4))
    pool.users.clear()
    run = compare(repair=ALL, shut_out_most=3)
    assert "4 people are only here" in run.problem
    assert all(again(user).cognito_enabled for user in four)
    assert not run.differences.exclude(state=State.OPEN).exists()
    run = compare(repair=ALL, shut_out_most=4)
    assert not any(again(user).cognito_enabled for user in four)
    assert run.problem == ""


def test_number_is_taken_from_another_row_and_given_back(pool):
    one, two = person(pool, 1), person(pool, 2)
    pool.change(one.sub, phone_number=two.phone)
    pool.change(two.sub, phone_number=number(7777))
    run = compare()
    difference = run.differences.get(kind=Kind.PHONE, sub=one.sub)
    repair.repair(difference, by="")
    assert (again(one).phone, again(two).phone) == (number(2), None)
    repair.undo(difference, by="")
    assert (again(one).phone, again(two).phone) == (number(1), number(2))


def test_two_who_exchanged_numbers_are_repaired_and_undone(pool):
    one, two = person(pool, 1), person(pool, 2)
    pool.change(one.sub, phone_number=number(2))
    pool.change(two.sub, phone_number=number(1))
    run = compare(repair=ALL)
    assert (again(one).phone, again(two).phone) == (number(2), number(1))
    assert all(not why for _, why in repair.undo_run(run, by=""))
    assert (again(one).phone, again(two).phone) == (number(1), number(2))


def test_row_that_changed_since_is_not_undone(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    difference = only_difference(pool, Kind.PHONE)
    repair.repair(difference, by="")
    User.objects.filter(pk=user.pk).update(phone=number(8888))
    with pytest.raises(errors.NotDone, match="changed since"):
        repair.undo(difference, by="")
    assert again(user).phone == number(8888)


def test_number_that_somebody_else_has_since_is_not_given_back(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    difference = only_difference(pool, Kind.PHONE)
    repair.repair(difference, by="")
    User.objects.for_identity("sub-2", number(1))
    with pytest.raises(errors.NotDone, match="another owner"):
        repair.undo(difference, by="")
    assert again(user).phone == number(7777)
    assert Difference.objects.get(kind=Kind.PHONE).state == State.REPAIRED


def test_repairing_takes_what_cognito_says_now(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    difference = only_difference(pool, Kind.PHONE)
    pool.change(user.sub, phone_number=number(8888))
    repair.repair(difference, by="")
    assert again(user).phone == number(8888)


def test_person_whom_cognito_disabled_loses_their_sessions(pool):
    user = person(pool, 1)
    session = Session.objects.create(session_key="k", user=user, expire_date=timezone.now())
    pool.change(user.sub, Enabled=False)
    repair.repair(only_difference(pool, Kind.STATUS), by="")
    session.refresh_from_db()
    assert session.ended_why == Session.Ended.SHUT_OUT


def test_status_never_makes_anybody_active_whom_the_site_shuts_out(pool):
    user = person(pool, 1, is_active=False, cognito_enabled=False)
    repair.repair(only_difference(pool, Kind.STATUS), by="")
    assert (again(user).cognito_enabled, again(user).is_active) == (True, False)


def test_unconfirmed_is_made_safe(pool):
    pool.add("sub-1", number(1), status="UNCONFIRMED", verified=False)
    repair.repair(only_difference(pool, Kind.UNCONFIRMED), by="")
    assert pool.users["sub-1"]["UserStatus"] == "CONFIRMED"
    deeds = [each for each in pool.requests if each.operation.startswith("AdminSet")]
    [password] = [each.json["Password"] for each in deeds]
    assert len(password) > 60
    assert deeds[0].json["Permanent"] is True
    assert "AdminUserGlobalSignOut" in pool.operations()
    assert not User.objects.exists()
    pool.change("sub-1", UserStatus="UNCONFIRMED")
    repair.repair(only_difference(pool, Kind.UNCONFIRMED), by="")
    passwords = {each.json["Password"] for each in pool.requests if "Password" in each.json}
    assert len(passwords) == 2


def test_unconfirmed_keeps_nothing_that_somebody_signed_up_with_but_the_number(pool):
    pool.add("sub-1", number(1), status="UNCONFIRMED", verified=True)
    pool.users["sub-1"]["attributes"] |= {
        "email": "stranger@example.com",
        "email_verified": "true",
        "custom:plan": "gold",
    }
    repair.repair(only_difference(pool, Kind.UNCONFIRMED), by="")
    left = pool.users["sub-1"]["attributes"]
    assert "email" not in left
    assert "custom:plan" not in left
    assert left["phone_number"] == number(1)
    assert left["phone_number_verified"] == "false"
    # The account opens last, when nothing of the stranger's is left.
    done = [each for each in pool.operations() if each.startswith("Admin")]
    assert done.index("AdminUpdateUserAttributes") < done.index("AdminSetUserPassword")
    assert Difference.objects.get().problem == ""


def test_attribute_that_the_pool_does_not_let_go_of_is_named(pool):
    pool.add("sub-1", number(1), status="UNCONFIRMED", verified=False)
    pool.users["sub-1"]["attributes"]["family_name"] = "Whoever"
    difference = only_difference(pool, Kind.UNCONFIRMED)
    required = aws_error("InvalidParameterException", "family_name is required")
    pool.faults["AdminUpdateUserAttributes"] = [required]
    repair.repair(difference, by="")
    difference.refresh_from_db()
    assert difference.state == State.REPAIRED
    assert difference.problem == "The pool keeps family_name, which nobody has proven."


@pytest.mark.parametrize("status", ["FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"])
def test_unconfirmed_that_operators_made_keeps_what_they_gave_it(pool, status):
    pool.add("sub-1", number(1), status=status, verified=False)
    pool.users["sub-1"]["attributes"]["email"] = "member@example.com"
    repair.repair(only_difference(pool, Kind.UNCONFIRMED), by="")
    assert pool.users["sub-1"]["attributes"]["email"] == "member@example.com"
    assert pool.users["sub-1"]["UserStatus"] == "CONFIRMED"
    assert "AdminUserGlobalSignOut" in pool.operations()


def test_unconfirmed_whose_owner_has_signed_in_meanwhile_is_left_alone(pool):
    pool.add("sub-1", number(1), status="UNCONFIRMED", verified=False)
    difference = only_difference(pool, Kind.UNCONFIRMED)
    pool.change("sub-1", UserStatus="CONFIRMED")
    repair.repair(difference, by="")
    assert "AdminSetUserPassword" not in pool.operations()


def test_unconfirmed_that_cognito_did_not_repair_stays_open(pool):
    pool.add("sub-1", number(1), status="UNCONFIRMED", verified=False)
    difference = only_difference(pool, Kind.UNCONFIRMED)
    pool.faults["AdminUserGlobalSignOut"] = OUTAGE
    with pytest.raises(errors.Unreachable):
        repair.repair(difference, by="")
    assert Difference.objects.get().state == State.OPEN
    pool.faults.clear()
    repair.repair(difference, by="")
    assert Difference.objects.get().state == State.REPAIRED


def test_duplicate_is_never_repaired_nor_its_number_moved(pool):
    pool.add("sub-1", number(1))
    pool.add("sub-2", number(1))
    run = compare(repair=ALL)
    assert not User.objects.exists()
    assert set(run.differences.values_list("state", flat=True)) == {State.OPEN}
    assert "Decide on that first" in run.differences.filter(kind=Kind.ONLY_IN_COGNITO)[0].problem
    with pytest.raises(errors.NotDone):
        repair.repair(run.differences.filter(kind=Kind.DUPLICATE)[0], by="")


def test_user_who_left_cognito_since_is_not_made_here(pool):
    pool.add("sub-1", number(1))
    difference = only_difference(pool, Kind.ONLY_IN_COGNITO)
    pool.users.clear()
    with pytest.raises(errors.NotDone, match="no such user"):
        repair.repair(difference, by="")
    assert not User.objects.exists()
    assert Difference.objects.get().state == State.OPEN


def test_person_who_signed_in_since_keeps_their_row(pool):
    pool.add("sub-1", number(1))
    difference = only_difference(pool, Kind.ONLY_IN_COGNITO)
    row = User.objects.for_identity("sub-1", number(1))
    repair.repair(difference, by="")
    assert (difference.state, User.objects.get()) == (State.GONE, row)


def test_difference_is_repaired_and_undone_once(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    difference = only_difference(pool, Kind.PHONE)
    repair.repair(difference, by="ana")
    repair.repair(difference, by="bo")
    assert Difference.objects.get().repaired_by == "ana"
    repair.undo(difference, by="")
    with pytest.raises(errors.NotDone):
        repair.undo(difference, by="")


def test_repairing_during_an_outage_changes_nothing(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    difference = only_difference(pool, Kind.PHONE)
    pool.faults["AdminGetUser"] = OUTAGE
    with pytest.raises(errors.Unreachable):
        repair.repair(difference, by="")
    assert (again(user).phone, Difference.objects.get().state) == (number(1), State.OPEN)


def test_run_that_fails_while_repairing_goes_on_with_the_rest(pool):
    three = people(pool, range(3))
    for n, user in enumerate(three):
        pool.change(user.sub, phone_number=number(7000 + n))
    run = runs.start(repair=[Kind.PHONE])
    while run.phase != SyncRun.Phase.REPAIRING:
        runs.step(run, no_pace)
    failing = iter([False, True])

    def pace() -> None:
        pool.faults = {"AdminGetUser": OUTAGE} if next(failing, False) else {}

    with pytest.raises(errors.Unreachable):
        runs.step(run, pace)
    assert [again(user).phone for user in three] == [number(7000), number(1), number(2)]
    resumed = runs.unfinished()
    while runs.step(resumed, pace):
        pass
    assert [again(user).phone for user in three] == [number(7000 + n) for n in range(3)]


def test_difference_of_another_pool_is_not_repaired(pool, settings):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    difference = only_difference(pool, Kind.PHONE)
    settings.COGNITO_USER_POOL_ID = "eu-west-1_Elsewhere"
    with pytest.raises(errors.NotDone, match="another user pool"):
        repair.repair(difference, by="")


def test_what_repairing_changed_is_in_the_audit_log_without_the_number(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    difference = only_difference(pool, Kind.PHONE)
    LogEntry.objects.all().delete()
    repair.repair(difference, by="")
    repair.undo(difference, by="")
    changes = [entry.changes for entry in LogEntry.objects.get_for_object(user)]
    assert [set(change) for change in changes] == [{"phone"}, {"phone"}]
    assert "2015557777" not in str(changes)


def test_log_of_repairing_holds_no_phone(pool, caplog):
    mixed(pool)
    with caplog.at_level("INFO"):
        run = compare(repair=ALL)
        list(repair.undo_run(run, by=""))
    assert "Repaired by tests: phone of sub-4" in caplog.text
    assert "+1201" not in caplog.text

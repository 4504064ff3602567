"""Comparing with a user pool at the wire, mending and undoing."""

import gc
import tracemalloc
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.aws import cognito
from accounts.models import Claim, Finding, Session, SyncRun, User
from accounts.models.users import DELETED
from accounts.sync import drift
from tests.accounts.differences import compare, mixed, no_pace, number, people, person
from tests.concurrency import at_once, database_in_a_file
from tests.fakes.user_pool import OUTAGE, UserPool
from tests.wire import aws_error

pytestmark = pytest.mark.django_db

Kind, State = Finding.Kind, Finding.State
ALL = [kind.value for kind in drift.MENDABLE]


def again(user: User) -> User:
    return User.objects.get(pk=user.pk)


def found(run: SyncRun) -> set[tuple[str, str]]:
    return {(finding.kind, finding.sub) for finding in run.findings.filter(state=State.OPEN)}


def values(user: User) -> dict:
    return User.objects.filter(pk=user.pk).values(
        "phone", "phone_verified", "cognito_status", "cognito_enabled", "is_active"
    )[0]


# What is found


def test_people_who_stand_here_as_there_are_no_findings(pool):
    people(pool, range(130))
    run = compare()
    assert (found(run), run.listed) == (set(), 130)
    assert pool.operations() == ["ListUsers"] * 3


def test_user_of_the_pool_alone_is_found(pool):
    pool.add("proven", number(1), verified=True)
    pool.add("confirmed", number(2), verified=False, status="CONFIRMED")
    run = compare()
    assert found(run) == {(Kind.ONLY_IN_COGNITO, "proven"), (Kind.ONLY_IN_COGNITO, "confirmed")}


def test_sign_up_under_way_is_no_finding_and_is_limbo_after_a_day(pool):
    pool.add("young", number(1), verified=False, days_old=0.9)
    pool.add("young-unconfirmed", number(2), verified=False, status="UNCONFIRMED", days_old=0.9)
    pool.add("old", number(3), verified=False, days_old=1.1)
    pool.add("old-unconfirmed", number(4), verified=True, status="UNCONFIRMED", days_old=1.1)
    pool.add("reset", number(5), status="RESET_REQUIRED", days_old=0)
    run = compare()
    assert found(run) == {
        (Kind.LIMBO, "old"),
        (Kind.LIMBO, "old-unconfirmed"),
        (Kind.LIMBO, "reset"),
        (Kind.ONLY_IN_COGNITO, "reset"),
    }
    run = compare(limbo_after=timedelta())
    assert {(Kind.LIMBO, "young"), (Kind.LIMBO, "young-unconfirmed")} <= found(run)


def test_account_without_a_number_is_no_limbo(pool):
    """It signs in by name or e-mail, as long as nobody takes those away."""
    pool.add("unconfirmed", None, verified=False, status="UNCONFIRMED", days_old=9)
    pool.add("invited", None, verified=False, days_old=9)
    pool.add("reset", None, status="RESET_REQUIRED")
    assert found(compare()) == {(Kind.ONLY_IN_COGNITO, "reset")}
    compare(mend=ALL)
    assert not [each for each in pool.operations() if each not in ("ListUsers", "AdminGetUser")]


def test_usual_state_of_our_users_is_no_limbo(pool):
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
    run = compare(mend=ALL)
    assert pool.asked_about() == []
    assert {finding.kind for finding in run.findings.all()} == {Kind.ONLY_IN_COGNITO}
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
    finding = run.findings.get()
    assert (finding.user, finding.ours["phone"]) == (user, user.phone)
    assert finding.theirs != finding.ours


def test_status_that_was_never_asked_for_is_written_down_and_no_finding(pool):
    user = person(pool, 1, cognito_status="")
    assert found(compare(dry_run=True)) == set()
    assert again(user).cognito_status == ""
    assert found(compare()) == set()
    assert again(user).cognito_status == "FORCE_CHANGE_PASSWORD"


def test_person_whom_this_site_alone_shuts_out_is_no_finding(pool):
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
    doubles = run.findings.filter(kind=Kind.DUPLICATE)
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
    run = drift.start()
    drift.step(run, no_pace)
    Claim.objects.create(run=run, sub=two.sub, phone=one.phone)
    while drift.step(run, no_pace):
        pass
    assert found(run) == set()
    assert sorted(pool.asked_about()) == sorted([one.sub, two.sub])


def test_number_that_is_none_is_no_duplicate(pool):
    for n in range(2):
        pool.add(f"short-{n}", "+1")
        pool.add(f"impossible-{n}", "+1201555")
        pool.add(f"none-{n}", None)
    assert not compare().findings.filter(kind=Kind.DUPLICATE).exists()


def test_second_run_finds_the_same_findings_once(pool):
    pool.add("sub-1", number(1))
    first = compare()
    second = compare()
    assert found(second) == {(Kind.ONLY_IN_COGNITO, "sub-1")}
    assert Finding.objects.get().found_at < second.started_at
    assert not first.findings.exists()


def test_finding_that_is_not_met_again_is_gone(pool):
    pool.add("sub-1", number(1))
    compare()
    person(pool, 1)
    compare()
    finding = Finding.objects.get()
    assert (finding.state, finding.open_key) == (State.GONE, None)


# How it goes on


def in_steps(run: SyncRun, steps: int) -> SyncRun:
    """Do so many steps and forget all that a process remembers."""
    for _ in range(steps):
        drift.step(run, no_pace)
    return SyncRun.objects.get(pk=run.pk)


def outcome() -> set[tuple]:
    return set(Finding.objects.values_list("kind", "sub", "state"))


def test_run_that_is_cut_off_anywhere_comes_to_the_same_end(pool):
    mixed(pool)
    run = compare(dry_run=True)
    straight, steps = outcome(), run.steps
    assert steps > 6
    for cut_after in range(1, steps):
        Finding.objects.all().delete()
        run = in_steps(drift.start(dry_run=True), cut_after)
        resumed = drift.unfinished()
        assert resumed == run
        while drift.step(resumed, no_pace):
            pass
        assert outcome() == straight


def test_step_that_fails_writes_nothing(pool):
    pool.add("sub-1", number(1))
    run = drift.start()
    pool.faults["ListUsers"] = OUTAGE
    with pytest.raises(cognito.Unavailable):
        drift.step(run, no_pace)
    assert not Finding.objects.exists()
    assert SyncRun.objects.get().steps == run.steps == 0
    pool.faults.clear()
    while drift.step(run, no_pace):
        pass
    assert found(run) == {(Kind.ONLY_IN_COGNITO, "sub-1")}


def test_list_begins_again_when_its_token_is_too_old(pool):
    mixed(pool)
    straight = (compare(dry_run=True), outcome())[1]
    Finding.objects.all().delete()
    run = in_steps(drift.start(dry_run=True), 2)
    pool.generation += 1
    assert Finding.objects.exists()
    while drift.step(run, no_pace):
        pass
    assert (run.restarts, outcome()) == (1, straight)


def test_missing_permission_is_no_old_token(pool):
    pool.faults["ListUsers"] = aws_error("AccessDeniedException", "no")
    with pytest.raises(cognito.Misconfigured):
        drift.step(drift.start(), no_pace)


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_go_on_with_one_run_do_not_both(pool, tmp_path):
    with database_in_a_file(tmp_path):
        for n in range(200):
            pool.add(f"sub-{n}", number(n))
        run = drift.start()

        def go_on() -> bool:
            mine = SyncRun.objects.get(pk=run.pk)
            try:
                while drift.step(mine, no_pace):
                    pass
            except drift.Overtaken:
                return False
            return True

        assert sorted(at_once(go_on, go_on)) == [False, True]
        assert Finding.objects.filter(kind=Kind.ONLY_IN_COGNITO).count() == 200


def test_process_that_was_overtaken_by_a_step_stops(pool):
    people(pool, range(200))
    one = drift.start()
    other = SyncRun.objects.get(pk=one.pk)
    drift.step(one, no_pace)
    with pytest.raises(drift.Overtaken):
        drift.step(other, no_pace)
    assert SyncRun.objects.get().listed == 60


def test_new_run_overtakes_an_old_one(pool):
    old = drift.start()
    drift.start()
    with pytest.raises(drift.Overtaken):
        drift.step(old, no_pace)
    assert SyncRun.objects.get(pk=old.pk).state == SyncRun.State.STOPPED


@pytest.mark.parametrize("differ", [False, True])
def test_page_takes_a_fixed_number_of_queries(pool, differ):
    people(pool, range(1000))
    if differ:
        User.objects.all().delete()
    run = drift.start()
    taken = []
    while run.phase == SyncRun.Phase.LISTING:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            drift.step(run, no_pace)
        taken.append(len(queries))
    *full, last = taken
    assert len(full) == 16
    # SQLite takes sixty findings in two parts.
    assert set(full) == {7 if differ else 5}
    assert last <= full[0]


def test_memory_does_not_grow_with_the_pool(pool):
    people(pool, range(600))
    for n in range(0, 600, 3):
        pool.change(f"sub-{n}", phone_number=number(5000 + n))
    run = drift.start()
    for _ in range(3):
        drift.step(run, no_pace)
    tracemalloc.start()
    try:
        kept, most = [], []
        for _ in range(6):
            pool.requests.clear()
            tracemalloc.reset_peak()
            drift.step(run, no_pace)
            gc.collect()
            now, peak = tracemalloc.get_traced_memory()
            kept.append(now)
            most.append(peak)
    finally:
        tracemalloc.stop()
    assert run.listed >= 500
    assert kept[-1] - kept[1] < 50_000
    assert most[-1] < 1.5 * most[1]


# Mending and undoing


def test_each_kind_is_mended_and_undone(pool):
    mixed(pool)
    before = {user.pk: values(user) for user in User.objects.all()}
    run = compare(mend=ALL)
    assert {kind: set(states) for kind, states in drift.counts(run).items()} == {
        Kind.ONLY_IN_COGNITO: {State.MENDED},
        Kind.ONLY_HERE: {State.MENDED},
        Kind.PHONE: {State.MENDED},
        Kind.STATUS: {State.MENDED},
        Kind.LIMBO: {State.MENDED},
        Kind.DUPLICATE: {State.OPEN},
    } | {Kind.ONLY_IN_COGNITO: {State.MENDED, State.OPEN}}
    assert User.objects.filter(sub__startswith="only-there-").count() == 20
    assert User.objects.get(sub="sub-4").phone == number(5004)
    assert User.objects.get(sub="sub-5").cognito_enabled is False
    assert User.objects.get(sub="sub-3").cognito_status == DELETED
    after = compare()
    assert {kind for kind, _ in found(after)} == {Kind.DUPLICATE, Kind.ONLY_IN_COGNITO}
    assert all(not why for _, why in drift.undo_run(run, by="tests"))
    assert {user.pk: values(user) for user in User.objects.all()} == before


def test_dry_run_changes_nobody_here_nor_there(pool):
    mixed(pool)
    before = {user.pk: values(user) for user in User.objects.all()}
    run = compare(dry_run=True, mend=ALL)
    assert {user.pk: values(user) for user in User.objects.all()} == before
    assert set(pool.operations()) == {"ListUsers", "AdminGetUser"}
    assert not run.findings.exclude(state=State.OPEN).exists()


def only_finding(pool: UserPool, kind: Kind) -> Finding:
    return compare().findings.get(kind=kind)


def test_row_that_is_made_is_that_of_cognito(pool):
    pool.add("sub-1", number(1), status="CONFIRMED")
    finding = only_finding(pool, Kind.ONLY_IN_COGNITO)
    drift.mend(finding, by="ana")
    row = User.objects.get()
    assert (row.sub, row.phone, row.phone_verified) == ("sub-1", number(1), True)
    assert (row.cognito_status, row.cognito_enabled) == ("CONFIRMED", True)
    assert (row.is_staff, row.is_superuser, row.has_usable_password()) == (False, False, False)
    assert (finding.state, finding.mended_by, finding.user) == (State.MENDED, "ana", row)
    drift.undo(finding, by="bo")
    assert not User.objects.exists()
    assert (finding.state, finding.undone_by) == (State.UNDONE, "bo")


def test_row_that_is_made_for_somebody_disabled_lets_nobody_in(pool):
    pool.add("sub-1", number(1), enabled=False)
    compare(mend=[Kind.ONLY_IN_COGNITO])
    assert User.objects.get().cognito_enabled is False


@pytest.mark.parametrize("use", ["signed in", "operator", "in a group"])
def test_row_that_was_used_since_is_not_undone(pool, use):
    pool.add("sub-1", number(1))
    finding = only_finding(pool, Kind.ONLY_IN_COGNITO)
    drift.mend(finding, by="")
    if use == "signed in":
        User.objects.update(last_login=timezone.now())
    elif use == "operator":
        User.objects.update(is_staff=True)
    else:
        User.objects.get().groups.add(Group.objects.create(name="Helpers"))
    with pytest.raises(drift.NotDone, match="in use"):
        drift.undo(finding, by="")
    assert User.objects.exists()
    assert Finding.objects.get().state == State.MENDED


def test_person_who_is_only_here_is_shut_out_and_brought_back(pool):
    user = person(pool, 1)
    session = Session.objects.create(session_key="k", user=user, expire_date=timezone.now())
    del pool.users[user.sub]
    before = values(user)
    finding = only_finding(pool, Kind.ONLY_HERE)
    drift.mend(finding, by="")
    assert (again(user).cognito_enabled, again(user).cognito_status) == (False, DELETED)
    session.refresh_from_db()
    assert session.ended_why == Session.Ended.SHUT_OUT
    drift.undo(finding, by="")
    assert values(user) == before
    session.refresh_from_db()
    assert session.ended_at is not None


def test_person_who_is_in_cognito_again_is_not_shut_out(pool):
    user = person(pool, 1)
    there = pool.users.pop(user.sub)
    finding = only_finding(pool, Kind.ONLY_HERE)
    pool.users[user.sub] = there
    drift.mend(finding, by="")
    assert finding.state == State.GONE
    assert again(user).cognito_enabled is True


def test_too_many_who_are_only_here_are_not_shut_out_by_a_run(pool):
    four = people(pool, range(4))
    pool.users.clear()
    run = compare(mend=ALL, shut_out_most=3)
    assert "4 people are only here" in run.problem
    assert all(again(user).cognito_enabled for user in four)
    assert not run.findings.exclude(state=State.OPEN).exists()
    run = compare(mend=ALL, shut_out_most=4)
    assert not any(again(user).cognito_enabled for user in four)
    assert run.problem == ""


def test_number_is_taken_from_another_row_and_given_back(pool):
    one, two = person(pool, 1), person(pool, 2)
    pool.change(one.sub, phone_number=two.phone)
    pool.change(two.sub, phone_number=number(7777))
    run = compare()
    finding = run.findings.get(kind=Kind.PHONE, sub=one.sub)
    drift.mend(finding, by="")
    assert (again(one).phone, again(two).phone) == (number(2), None)
    drift.undo(finding, by="")
    assert (again(one).phone, again(two).phone) == (number(1), number(2))


def test_two_who_exchanged_numbers_are_mended_and_undone(pool):
    one, two = person(pool, 1), person(pool, 2)
    pool.change(one.sub, phone_number=number(2))
    pool.change(two.sub, phone_number=number(1))
    run = compare(mend=ALL)
    assert (again(one).phone, again(two).phone) == (number(2), number(1))
    assert all(not why for _, why in drift.undo_run(run, by=""))
    assert (again(one).phone, again(two).phone) == (number(1), number(2))


def test_row_that_changed_since_is_not_undone(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    finding = only_finding(pool, Kind.PHONE)
    drift.mend(finding, by="")
    User.objects.filter(pk=user.pk).update(phone=number(8888))
    with pytest.raises(drift.NotDone, match="changed since"):
        drift.undo(finding, by="")
    assert again(user).phone == number(8888)


def test_number_that_somebody_else_has_since_is_not_given_back(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    finding = only_finding(pool, Kind.PHONE)
    drift.mend(finding, by="")
    User.objects.for_identity("sub-2", number(1))
    with pytest.raises(drift.NotDone, match="another owner"):
        drift.undo(finding, by="")
    assert again(user).phone == number(7777)
    assert Finding.objects.get(kind=Kind.PHONE).state == State.MENDED


def test_mending_takes_what_cognito_says_now(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    finding = only_finding(pool, Kind.PHONE)
    pool.change(user.sub, phone_number=number(8888))
    drift.mend(finding, by="")
    assert again(user).phone == number(8888)


def test_person_whom_cognito_disabled_loses_their_sessions(pool):
    user = person(pool, 1)
    session = Session.objects.create(session_key="k", user=user, expire_date=timezone.now())
    pool.change(user.sub, Enabled=False)
    drift.mend(only_finding(pool, Kind.STATUS), by="")
    session.refresh_from_db()
    assert session.ended_why == Session.Ended.SHUT_OUT


def test_status_never_makes_anybody_active_whom_the_site_shuts_out(pool):
    user = person(pool, 1, is_active=False, cognito_enabled=False)
    drift.mend(only_finding(pool, Kind.STATUS), by="")
    assert (again(user).cognito_enabled, again(user).is_active) == (True, False)


def test_limbo_is_made_safe(pool):
    pool.add("sub-1", number(1), status="UNCONFIRMED", verified=False)
    drift.mend(only_finding(pool, Kind.LIMBO), by="")
    assert pool.users["sub-1"]["UserStatus"] == "CONFIRMED"
    deeds = [each for each in pool.requests if each.operation.startswith("AdminSet")]
    [password] = [each.json["Password"] for each in deeds]
    assert len(password) > 60
    assert deeds[0].json["Permanent"] is True
    assert "AdminUserGlobalSignOut" in pool.operations()
    assert not User.objects.exists()
    pool.change("sub-1", UserStatus="UNCONFIRMED")
    drift.mend(only_finding(pool, Kind.LIMBO), by="")
    passwords = {each.json["Password"] for each in pool.requests if "Password" in each.json}
    assert len(passwords) == 2


def test_limbo_keeps_nothing_that_somebody_signed_up_with_but_the_number(pool):
    pool.add("sub-1", number(1), status="UNCONFIRMED", verified=True)
    pool.users["sub-1"]["attributes"] |= {
        "email": "stranger@example.com",
        "email_verified": "true",
        "custom:plan": "gold",
    }
    drift.mend(only_finding(pool, Kind.LIMBO), by="")
    left = pool.users["sub-1"]["attributes"]
    assert "email" not in left
    assert "custom:plan" not in left
    assert left["phone_number"] == number(1)
    assert left["phone_number_verified"] == "false"
    # The account opens last, when nothing of the stranger's is left.
    done = [each for each in pool.operations() if each.startswith("Admin")]
    assert done.index("AdminUpdateUserAttributes") < done.index("AdminSetUserPassword")
    assert Finding.objects.get().problem == ""


def test_attribute_that_the_pool_does_not_let_go_of_is_named(pool):
    pool.add("sub-1", number(1), status="UNCONFIRMED", verified=False)
    pool.users["sub-1"]["attributes"]["family_name"] = "Whoever"
    finding = only_finding(pool, Kind.LIMBO)
    required = aws_error("InvalidParameterException", "family_name is required")
    pool.faults["AdminUpdateUserAttributes"] = [required]
    drift.mend(finding, by="")
    finding.refresh_from_db()
    assert finding.state == State.MENDED
    assert finding.problem == "The pool keeps family_name, which nobody has proven."


@pytest.mark.parametrize("status", ["FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"])
def test_limbo_that_operators_made_keeps_what_they_gave_it(pool, status):
    pool.add("sub-1", number(1), status=status, verified=False)
    pool.users["sub-1"]["attributes"]["email"] = "member@example.com"
    drift.mend(only_finding(pool, Kind.LIMBO), by="")
    assert pool.users["sub-1"]["attributes"]["email"] == "member@example.com"
    assert pool.users["sub-1"]["UserStatus"] == "CONFIRMED"
    assert "AdminUserGlobalSignOut" in pool.operations()


def test_limbo_whose_owner_has_signed_in_meanwhile_is_left_alone(pool):
    pool.add("sub-1", number(1), status="UNCONFIRMED", verified=False)
    finding = only_finding(pool, Kind.LIMBO)
    pool.change("sub-1", UserStatus="CONFIRMED")
    drift.mend(finding, by="")
    assert "AdminSetUserPassword" not in pool.operations()


def test_limbo_that_cognito_did_not_mend_stays_open(pool):
    pool.add("sub-1", number(1), status="UNCONFIRMED", verified=False)
    finding = only_finding(pool, Kind.LIMBO)
    pool.faults["AdminUserGlobalSignOut"] = OUTAGE
    with pytest.raises(cognito.Unavailable):
        drift.mend(finding, by="")
    assert Finding.objects.get().state == State.OPEN
    pool.faults.clear()
    drift.mend(finding, by="")
    assert Finding.objects.get().state == State.MENDED


def test_duplicate_is_never_mended_nor_its_number_moved(pool):
    pool.add("sub-1", number(1))
    pool.add("sub-2", number(1))
    run = compare(mend=ALL)
    assert not User.objects.exists()
    assert set(run.findings.values_list("state", flat=True)) == {State.OPEN}
    assert "Decide on that first" in run.findings.filter(kind=Kind.ONLY_IN_COGNITO)[0].problem
    with pytest.raises(drift.NotDone):
        drift.mend(run.findings.filter(kind=Kind.DUPLICATE)[0], by="")


def test_user_who_left_cognito_since_is_not_made_here(pool):
    pool.add("sub-1", number(1))
    finding = only_finding(pool, Kind.ONLY_IN_COGNITO)
    pool.users.clear()
    with pytest.raises(drift.NotDone, match="no such user"):
        drift.mend(finding, by="")
    assert not User.objects.exists()
    assert Finding.objects.get().state == State.OPEN


def test_person_who_signed_in_since_keeps_their_row(pool):
    pool.add("sub-1", number(1))
    finding = only_finding(pool, Kind.ONLY_IN_COGNITO)
    row = User.objects.for_identity("sub-1", number(1))
    drift.mend(finding, by="")
    assert (finding.state, User.objects.get()) == (State.GONE, row)


def test_finding_is_mended_and_undone_once(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    finding = only_finding(pool, Kind.PHONE)
    drift.mend(finding, by="ana")
    drift.mend(finding, by="bo")
    assert Finding.objects.get().mended_by == "ana"
    drift.undo(finding, by="")
    with pytest.raises(drift.NotDone):
        drift.undo(finding, by="")


def test_mending_during_an_outage_changes_nothing(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    finding = only_finding(pool, Kind.PHONE)
    pool.faults["AdminGetUser"] = OUTAGE
    with pytest.raises(cognito.Unavailable):
        drift.mend(finding, by="")
    assert (again(user).phone, Finding.objects.get().state) == (number(1), State.OPEN)


def test_run_that_fails_while_mending_goes_on_with_the_rest(pool):
    three = people(pool, range(3))
    for n, user in enumerate(three):
        pool.change(user.sub, phone_number=number(7000 + n))
    run = drift.start(mend=[Kind.PHONE])
    while run.phase != SyncRun.Phase.MENDING:
        drift.step(run, no_pace)
    failing = iter([False, True])

    def pace() -> None:
        pool.faults = {"AdminGetUser": OUTAGE} if next(failing, False) else {}

    with pytest.raises(cognito.Unavailable):
        drift.step(run, pace)
    assert [again(user).phone for user in three] == [number(7000), number(1), number(2)]
    resumed = drift.unfinished()
    while drift.step(resumed, pace):
        pass
    assert [again(user).phone for user in three] == [number(7000 + n) for n in range(3)]


def test_finding_of_another_pool_is_not_mended(pool, settings):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    finding = only_finding(pool, Kind.PHONE)
    settings.ACCOUNTS_USER_POOL_ID = "eu-west-1_Elsewhere"
    with pytest.raises(drift.NotDone, match="another user pool"):
        drift.mend(finding, by="")


def test_what_mending_changed_is_in_the_audit_log_without_the_number(pool):
    user = person(pool, 1)
    pool.change(user.sub, phone_number=number(7777))
    finding = only_finding(pool, Kind.PHONE)
    LogEntry.objects.all().delete()
    drift.mend(finding, by="")
    drift.undo(finding, by="")
    changes = [entry.changes for entry in LogEntry.objects.get_for_object(user)]
    assert [set(change) for change in changes] == [{"phone"}, {"phone"}]
    assert "2015557777" not in str(changes)


def test_log_of_mending_holds_no_phone(pool, caplog):
    mixed(pool)
    with caplog.at_level("INFO"):
        run = compare(mend=ALL)
        list(drift.undo_run(run, by=""))
    assert "Mended by tests: phone of sub-4" in caplog.text
    assert "+1201" not in caplog.text

"""What is ordered on accounts, against a Cognito at the wire that takes it, or does not."""

from datetime import timedelta
from functools import partial

import pytest
import time_machine
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from accounts import operations
from accounts.models import Operation, Session, SignInEvent, User
from accounts.operations import queue
from accounts.operations.queue import Kind, Remark, State
from tests.accounts.operators import again, make_operator, session_of
from tests.clock import seconds_later
from tests.concurrency import at_once, database_in_a_file
from tests.fakes.sign_in_pool import SignInPool
from tests.fakes.user_pool import OUTAGE
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(pool: SignInPool) -> SignInPool:
    """One that has whatever user somebody acts on."""
    pool.everybody = True
    return pool


@pytest.fixture
def operator() -> User:
    return make_operator(is_superuser=True)


# Done, here and there


def test_disabled_person_is_shut_out_here_and_in_cognito(pool, person, operator):
    session = session_of(person)
    operation = operations.perform(Kind.DISABLE, person, by=operator)
    assert (operation.state, operation.tries) == (State.DONE, 1)
    assert [request.json["Username"] for request in pool.requests] == [person.sub]
    assert pool.operations() == ["AdminDisableUser"]
    assert (again(person).is_active, again(person).cognito_enabled) == (False, False)
    session.refresh_from_db()
    assert session.ended_why == Session.Ended.SHUT_OUT


def test_enabled_person_may_come_in_again(pool, person, operator):
    User.objects.filter(pk=person.pk).update(is_active=False, cognito_enabled=False)
    operation = operations.perform(Kind.ENABLE, person, by=operator)
    assert operation.is_done
    assert pool.operations() == ["AdminEnableUser"]
    assert (again(person).is_active, again(person).cognito_enabled) == (True, True)


def test_signing_out_ends_what_began_before_the_order_alone(pool, person, operator):
    before = session_of(person)
    operation = operations.order(Kind.SIGN_OUT, person, by=operator)
    after = session_of(person, key="n" * 32, minutes_ago=-1)
    assert operations.run(operation).is_done
    assert pool.operations() == ["AdminUserGlobalSignOut"]
    before.refresh_from_db()
    after.refresh_from_db()
    assert before.ended_why == Session.Ended.ENDED_BY_OPERATOR
    assert after.ended_at is None


def test_unlocked_number_is_free_here_and_in_the_ledger(pool, person, operator, settings):
    settings.LEDGER_FUNCTION = "phone-login-ledger"
    User.objects.filter(pk=person.pk).update(held_until=timezone.now() + timedelta(days=1))
    state = {"failures": 0, "held_until": 0, "is_locked": False}
    pool.faults[""] = Reply(state | {"sends_last_hour": 0, "sends_last_day": 0})
    assert operations.perform(Kind.UNLOCK, person, by=operator).is_done
    unlocked = {"action": "unlock", "phone": person.phone, "user": person.sub}
    assert pool.requests[0].json == unlocked
    assert again(person).held_until is None


def test_deleted_person_is_gone_and_their_browser_can_be_told(pool, person, operator):
    session = session_of(person)
    operation = operations.perform(Kind.DELETE, person, by=operator)
    assert operation.is_done
    assert pool.operations() == ["AdminDeleteUser"]
    assert not User.objects.filter(pk=person.pk).exists()
    session.refresh_from_db()
    assert (session.user_id, session.ended_why) == (None, Session.Ended.SHUT_OUT)
    assert (operation.user_id, operation.sub) == (person.pk, person.sub)
    assert operation.who == f"+1••••••••{person.phone[-2:]}"


def test_invited_person_has_an_account_and_nothing_to_sign_in_with(pool, phone, operator):
    operation = operations.perform(Kind.INVITE, None, by=operator, phone=phone, name="Ada")
    assert (operation.state, operation.remark) == (State.DONE, "")
    assert pool.operations() == ["AdminCreateUser"]
    assert pool.requests[0].json["MessageAction"] == "SUPPRESS"
    invited = User.objects.get(sub=pool.sub_of(phone))
    assert (invited.phone, invited.name, invited.phone_verified) == (phone, "Ada", False)
    assert operation.user == invited


@pytest.mark.parametrize(
    ("reply", "remark"),
    [
        (Reply({"delivery": "sent"}), Remark.TEXT_SENT),
        (Reply({"delivery": "opted_out"}), Remark.TEXT_FAILED),
        (Reply({}, 500), Remark.TEXT_FAILED),
    ],
    ids=["sent", "refused", "away"],
)
def test_text_to_an_invited_person_is_tried_once(pool, phone, operator, settings, reply, remark):
    settings.TEXTS_FUNCTION = "phone-login-texts"
    pool.faults[""] = reply
    operation = operations.perform(Kind.INVITE, None, by=operator, phone=phone, tell=True)
    assert (operation.state, operation.remark) == (State.DONE, remark)
    assert pool.operations() == ["AdminCreateUser", ""]
    assert pool.requests[1].json["phone"] == phone
    assert operations.run(operation).is_done
    assert len(pool.requests) == 2


def test_old_number_is_told_of_the_new_one_if_wanted(pool, person, operator, settings):
    settings.TEXTS_FUNCTION = "phone-login-texts"
    pool.faults[""] = Reply({"delivery": "sent"})
    change = partial(operations.perform, Kind.CHANGE_NUMBER, person, by=operator, verified=False)
    assert change(phone=f"{person.phone[:-4]}0199", tell=True).remark == Remark.TEXT_SENT
    assert pool.requests[1].json["phone"] == person.phone


def test_invited_person_with_an_account_keeps_it(pool, phone, operator):
    known = User.objects.for_identity(pool.register(phone), phone, phone_verified=True)
    User.objects.filter(pk=known.pk).update(name="Grace")
    operation = operations.perform(Kind.INVITE, None, by=operator, phone=phone, name="Ada")
    assert (operation.state, operation.remark) == (State.DONE, Remark.HAD_ACCOUNT)
    assert (again(known).name, again(known).phone_verified) == ("Grace", True)
    assert User.objects.filter(pool=known.pool, phone=phone).count() == 1


@pytest.mark.parametrize("verified", [True, False])
def test_changed_number_is_the_same_on_both_sides(pool, person, operator, verified):
    other = f"{person.phone[:-4]}0199"
    session = session_of(person)
    operation = operations.perform(
        Kind.CHANGE_NUMBER, person, by=operator, phone=other, verified=verified
    )
    assert operation.is_done
    sent = {each["Name"]: each["Value"] for each in pool.requests[0].json["UserAttributes"]}
    assert sent == {"phone_number": other, "phone_number_verified": str(verified).lower()}
    assert (again(person).phone, again(person).phone_verified) == (other, verified)
    session.refresh_from_db()
    # Who proved the number decides about the other sessions on their own.
    assert bool(session.ended_at) is not verified
    ended = SignInEvent.objects.filter(user=person, kind=SignInEvent.Kind.SIGNED_OUT)
    assert [event.reason for event in ended] == ([] if verified else ["operator"])


def test_number_of_somebody_else_is_refused_for_good_and_changes_nothing(pool, person, operator):
    pool.faults["AdminUpdateUserAttributes"] = aws_error("AliasExistsException")
    other = f"{person.phone[:-4]}0199"
    operation = operations.perform(
        Kind.CHANGE_NUMBER, person, by=operator, phone=other, verified=False
    )
    assert (operation.state, operation.remark) == (State.REFUSED, Remark.PHONE_TAKEN)
    assert again(person).phone == person.phone
    with seconds_later(100_000):
        assert operations.run_due() == 0


def test_operator_is_made_and_unmade(pool, person, operator):
    assert operations.perform(Kind.MAKE_STAFF, person, by=operator).is_done
    assert again(person).is_staff
    assert operations.perform(Kind.UNMAKE_STAFF, person, by=operator).is_done
    assert not again(person).is_staff
    assert pool.operations() == []


def test_operators_and_groups_that_are_mapped_are_told_to_cognito(pool, person, operator, settings):
    settings.ACCOUNTS_STAFF_GROUP = "staff"
    settings.ACCOUNTS_GROUPS = {"edit": "Editors"}
    for name in ("Editors", "Readers"):
        Group.objects.create(name=name)
        assert operations.perform(Kind.ADD_TO_GROUP, person, by=operator, group=name).is_done
    assert operations.perform(Kind.MAKE_STAFF, person, by=operator).is_done
    assert {group.name for group in person.groups.all()} == {"Editors", "Readers"}
    for name in ("Editors", "Readers"):
        operations.perform(Kind.REMOVE_FROM_GROUP, person, by=operator, group=name)
    operations.perform(Kind.UNMAKE_STAFF, person, by=operator)
    assert not person.groups.exists()
    assert [(request.operation, request.json["GroupName"]) for request in pool.requests] == [
        ("AdminAddUserToGroup", "edit"),
        ("AdminAddUserToGroup", "staff"),
        ("AdminRemoveUserFromGroup", "edit"),
        ("AdminRemoveUserFromGroup", "staff"),
    ]


# Cognito is away


AWAY = [
    (Kind.DISABLE, "AdminDisableUser", {}),
    (Kind.ENABLE, "AdminEnableUser", {}),
    (Kind.SIGN_OUT, "AdminUserGlobalSignOut", {}),
    (Kind.DELETE, "AdminDeleteUser", {}),
    (Kind.CHANGE_NUMBER, "AdminUpdateUserAttributes", {"verified": True}),
    (Kind.MAKE_STAFF, "AdminAddUserToGroup", {}),
    (Kind.UNMAKE_STAFF, "AdminRemoveUserFromGroup", {}),
    (Kind.ADD_TO_GROUP, "AdminAddUserToGroup", {"group": "Editors"}),
    (Kind.REMOVE_FROM_GROUP, "AdminRemoveUserFromGroup", {"group": "Editors"}),
]


@pytest.fixture
def mapped(settings) -> Group:
    settings.ACCOUNTS_STAFF_GROUP = "staff"
    settings.ACCOUNTS_GROUPS = {"edit": "Editors"}
    return Group.objects.create(name="Editors")


@pytest.mark.parametrize(("kind", "asked", "params"), AWAY)
def test_order_that_cognito_did_not_take_waits_and_is_done_later(
    pool, person, operator, mapped, kind, asked, params
):
    if kind == Kind.CHANGE_NUMBER:
        params = params | {"phone": f"{person.phone[:-4]}0199"}
    session_of(person)
    User.objects.filter(pk=person.pk).update(is_active=kind != Kind.ENABLE)
    pool.faults[asked] = OUTAGE
    operation = operations.perform(kind, person, by=operator, **params)
    assert (operation.state, operation.error) == (
        State.WAITING,
        "NoAnswer: InternalErrorException",
    )
    # What shuts out is done at once, what lets in is not done before Cognito did it.
    shuts_out = kind in (Kind.DISABLE, Kind.DELETE)
    assert again(person).is_active is (kind != Kind.ENABLE and not shuts_out)
    ends = shuts_out or kind == Kind.SIGN_OUT
    assert Session.objects.filter(user=person, ended_at=None).exists() is not ends
    assert again(person).phone == person.phone
    assert not again(person).is_staff
    assert operations.run_due() == 0
    pool.faults.clear()
    with seconds_later(31):
        assert operations.run_due() == 1
    operation.refresh_from_db()
    assert (operation.state, operation.tries, operation.error) == (State.DONE, 2, "")
    assert pool.operations() == [asked] * 2


def test_tries_become_rarer_and_do_not_end(pool, person, operator):
    pool.faults["AdminDisableUser"] = OUTAGE
    operation = operations.perform(Kind.DISABLE, person, by=operator)
    waits = []
    for _ in range(6):
        waits.append(round((operation.next_try_at - timezone.now()).total_seconds(), -1))
        with time_machine.travel(operation.next_try_at + timedelta(seconds=1), tick=True):
            assert operations.run_due() == 1
            operation.refresh_from_db()
            waits[-1] = round((operation.next_try_at - timezone.now()).total_seconds(), -1)
    assert waits == [120, 600, 3600, 3600, 3600, 3600]
    assert operation.is_waiting


def test_answer_that_was_lost_is_harmless(pool, person, operator):
    pool.faults["AdminDeleteUser"] = Reply(drop=True)
    operation = operations.perform(Kind.DELETE, person, by=operator)
    assert operation.is_waiting
    pool.faults["AdminDeleteUser"] = aws_error("UserNotFoundException")
    assert operations.run(operation).state == State.DONE
    assert operation.remark == Remark.GONE
    assert not User.objects.filter(pk=person.pk).exists()


@pytest.mark.parametrize(
    ("kind", "asked", "state", "remark"),
    [
        (Kind.DISABLE, "AdminDisableUser", State.DONE, Remark.GONE),
        (Kind.SIGN_OUT, "AdminUserGlobalSignOut", State.DONE, Remark.GONE),
        (Kind.ENABLE, "AdminEnableUser", State.REFUSED, Remark.UNKNOWN_USER),
    ],
)
def test_person_whom_cognito_does_not_know(pool, person, operator, kind, asked, state, remark):
    User.objects.filter(pk=person.pk).update(is_active=False)
    pool.faults[asked] = aws_error("UserNotFoundException")
    operation = operations.perform(kind, person, by=operator)
    assert (operation.state, operation.remark) == (state, remark)
    assert not again(person).is_active


def test_fault_of_ours_is_reported_and_keeps_nobody_else_waiting(pool, person, operator, caplog):
    stuck = operations.order(Kind.CHANGE_NUMBER, person, by=operator)
    with caplog.at_level("CRITICAL"):
        operations.run(stuck)
    assert (stuck.state, stuck.error) == (State.WAITING, "KeyError")
    assert operations.perform(Kind.SIGN_OUT, person, by=operator).is_done


# One after the other, and once


def test_order_that_somebody_is_at_is_done_once(pool, person, operator):
    operation = operations.order(Kind.DISABLE, person, by=operator)
    second = []

    def meanwhile() -> None:
        second.append(queue._claim(operation.pk))

    claimed = queue._claim(operation.pk)
    meanwhile()
    queue._do_remote(claimed)
    assert second == [None]
    assert pool.operations() == ["AdminDisableUser"]


@pytest.mark.django_db(transaction=True)
def test_order_run_by_many_at_once_is_done_once(pool, person, operator, tmp_path):
    operation = operations.order(Kind.DISABLE, person, by=operator)
    with database_in_a_file(tmp_path):
        at_once(*[partial(operations.run, Operation.objects.get(pk=operation.pk))] * 4)
        operation.refresh_from_db()
    assert (operation.state, operation.tries) == (State.DONE, 1)
    assert pool.operations() == ["AdminDisableUser"]


@pytest.mark.django_db(transaction=True)
def test_two_superusers_who_disable_each_other_leave_one(pool, operator, tmp_path):
    other = make_operator(2, is_superuser=True)
    jobs = [
        partial(operations.perform, Kind.DISABLE, operator, by=other),
        partial(operations.perform, Kind.DISABLE, other, by=operator),
    ]
    with database_in_a_file(tmp_path):
        remarks = sorted(operation.remark for operation in at_once(*jobs))
        left = User.objects.filter(is_superuser=True, is_active=True).count()
    assert (remarks, left) == (["", Remark.ORDERER_GONE], 1)


def test_order_whose_process_died_is_taken_up_when_its_lease_is_over(pool, person, operator):
    operation = operations.order(Kind.DISABLE, person, by=operator)
    assert queue._claim(operation.pk)
    with seconds_later(45):
        assert operations.run_due() == 0
    with seconds_later(61):
        assert operations.run_due() == 1
    operation.refresh_from_db()
    assert operation.is_done


def test_process_that_was_thought_dead_does_nothing_twice(pool, phone, operator, settings):
    settings.TEXTS_FUNCTION = "phone-login-texts"
    pool.faults[""] = Reply({"delivery": "sent"})
    operation = operations.order(Kind.INVITE, None, by=operator, phone=phone, tell=True)
    slow = queue._claim(operation.pk)
    with seconds_later(61):
        assert operations.run(operation).is_done
    queue._do_remote(slow)
    # The second time the account is there already.
    assert pool.operations() == ["AdminCreateUser", "", "AdminCreateUser", "AdminGetUser"]


def test_orders_on_one_account_come_one_after_the_other(pool, person, operator):
    first = operations.order(Kind.DISABLE, person, by=operator)
    claimed = queue._claim(first.pk)
    second = operations.perform(Kind.ENABLE, person, by=operator)
    assert second.is_waiting
    assert pool.requests == []
    queue._do_remote(claimed)
    with seconds_later(6):
        operations.run_due()
    second.refresh_from_db()
    assert second.is_done
    assert pool.operations() == ["AdminDisableUser", "AdminEnableUser"]
    assert again(person).is_active


def test_later_order_overtakes_what_it_contradicts(pool, person, operator):
    pool.faults["AdminDisableUser"] = OUTAGE
    first = operations.perform(Kind.DISABLE, person, by=operator)
    assert operations.perform(Kind.ENABLE, person, by=operator).is_done
    pool.faults.clear()
    with seconds_later(31):
        operations.run_due()
    first.refresh_from_db()
    assert first.state == State.OVERTAKEN
    assert again(person).is_active
    assert pool.operations() == ["AdminDisableUser", "AdminEnableUser"]


def test_later_order_that_nobody_has_tried_does_not_overtake(pool, person, operator):
    """It may be refused, and then nothing would have been done."""
    first = operations.order(Kind.DISABLE, person, by=operator)
    operations.order(Kind.ENABLE, person, by=operator)
    assert operations.run(first).is_done
    operations.run_due()
    assert pool.operations() == ["AdminDisableUser", "AdminEnableUser"]


@pytest.mark.parametrize("phone", ["+9991234", "+1"])
def test_account_with_an_odd_number_is_shut_out_like_any_other(pool, operator, phone):
    odd = User.objects.for_identity("sub-odd", phone)
    session_of(odd)
    assert operations.perform(Kind.DISABLE, odd, by=operator).is_done
    assert SignInEvent.objects.get().reason == "operator"


def test_order_on_one_group_does_not_overtake_that_on_another(pool, person, operator, mapped):
    Group.objects.create(name="Readers")
    pool.faults["AdminAddUserToGroup"] = OUTAGE
    first = operations.perform(Kind.ADD_TO_GROUP, person, by=operator, group="Editors")
    operations.perform(Kind.REMOVE_FROM_GROUP, person, by=operator, group="Readers")
    pool.faults.clear()
    assert operations.run(first).is_done
    assert person.groups.filter(name="Editors").exists()


def test_account_that_is_being_deleted_takes_no_other_order(pool, person, operator):
    pool.faults["AdminDeleteUser"] = OUTAGE
    operations.perform(Kind.DELETE, person, by=operator)
    operation = operations.perform(Kind.ENABLE, person, by=operator)
    assert (operation.state, operation.remark) == (State.REFUSED, Remark.BEING_DELETED)
    assert not again(person).is_active


# What no permission allows


@pytest.mark.parametrize("kind", [Kind.DISABLE, Kind.DELETE, Kind.UNMAKE_STAFF])
def test_nobody_removes_themselves(pool, operator, kind):
    make_operator(2, is_superuser=True)
    operation = operations.perform(kind, operator, by=operator)
    assert (operation.state, operation.remark) == (State.REFUSED, Remark.YOURSELF)
    assert (again(operator).is_active, again(operator).is_staff) == (True, True)
    assert pool.requests == []


@pytest.mark.parametrize("kind", list(Kind))
def test_only_a_superuser_touches_a_superuser(pool, operator, kind):
    if kind == Kind.INVITE:
        return
    operation = operations.perform(kind, operator, by=make_operator(2), group="Editors")
    assert (operation.state, operation.remark) == (State.REFUSED, Remark.SUPERUSER)
    assert pool.requests == []


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind != Kind.INVITE])
def test_nobody_touches_who_has_rights_that_they_have_not(pool, person, kind):
    right = Permission.objects.get(codename="unlock_user")
    Group.objects.create(name="Helpers").permissions.add(right)
    person.groups.add(Group.objects.get())
    by = make_operator()
    operation = operations.perform(kind, person, by=by, group="Helpers", phone="+12015550199")
    assert (operation.state, operation.remark) == (State.REFUSED, Remark.STRONGER)
    assert pool.requests == []
    by.user_permissions.add(right)
    params = {"group": "Helpers", "phone": person.phone, "last_login": ""}
    refusal = operations.refusal(kind, person, again(by), params)
    of_ledger = (Kind.UNLOCK, Kind.FORGET_ANSWER)
    assert refusal == (Remark.NO_LEDGER if kind in of_ledger else "")


@pytest.mark.parametrize("kind", [Kind.DISABLE, Kind.DELETE, Kind.UNMAKE_STAFF])
def test_last_superuser_stays_even_from_the_shell(pool, operator, kind):
    operation = operations.perform(kind, operator, by=None)
    assert (operation.state, operation.remark) == (State.REFUSED, Remark.LAST_SUPERUSER)
    other = make_operator(2, is_superuser=True)
    assert operations.perform(kind, operator, by=other).is_done


def test_nobody_gives_away_rights_that_they_have_not(pool, person):
    group = Group.objects.create(name="Helpers")
    group.permissions.add(Permission.objects.get(codename="unlock_user"))
    by = make_operator()
    operation = operations.perform(Kind.ADD_TO_GROUP, person, by=by, group="Helpers")
    assert (operation.state, operation.remark) == (State.REFUSED, Remark.MORE_RIGHTS)
    by.user_permissions.add(Permission.objects.get(codename="unlock_user"))
    assert operations.perform(Kind.ADD_TO_GROUP, person, by=again(by), group="Helpers").is_done


def test_order_is_carried_on_when_its_operator_is_gone(pool, person, operator):
    by = make_operator(2)
    pool.faults["AdminDisableUser"] = OUTAGE
    operation = operations.perform(Kind.DISABLE, person, by=by)
    by.delete()
    pool.faults.clear()
    assert operations.run(operation).is_done
    assert operation.by_name == "sub-of-operator-2"


@pytest.mark.parametrize("fate", ["deleted", "disabled", "unmade"])
def test_order_that_was_not_begun_is_worth_nothing_when_its_operator_is_gone(pool, person, fate):
    by = make_operator(2, is_superuser=True)
    orders = [
        operations.order(Kind.DISABLE, person, by=by),
        operations.order(Kind.INVITE, None, by=by, phone="+12015550199"),
    ]
    if fate == "deleted":
        by.delete()
    else:
        User.objects.filter(pk=by.pk).update(
            is_active=fate != "disabled", is_staff=fate != "unmade"
        )
    operations.run_due()
    for order in orders:
        order.refresh_from_db()
        assert (order.state, order.remark) == (State.REFUSED, Remark.ORDERER_GONE)
    assert pool.requests == []


@pytest.mark.parametrize("change", ["operator gone", "person promoted"])
def test_order_that_lets_in_is_not_carried_on_when_it_would_not_be_taken_now(pool, person, change):
    by = make_operator(2)
    pool.faults["AdminUpdateUserAttributes"] = OUTAGE
    order = operations.perform(
        Kind.CHANGE_NUMBER, person, by=by, phone="+12015550199", verified=False
    )
    assert order.is_waiting
    if change == "operator gone":
        User.objects.filter(pk=by.pk).update(is_active=False)
    else:
        User.objects.filter(pk=person.pk).update(is_superuser=True)
    pool.faults.clear()
    asked = len(pool.requests)
    assert operations.run(order).state == State.REFUSED
    assert len(pool.requests) == asked
    assert again(person).phone == person.phone


def test_order_is_carried_on_though_it_would_not_be_taken_now(pool, person, operator):
    pool.faults["AdminDisableUser"] = OUTAGE
    operation = operations.perform(Kind.DISABLE, person, by=make_operator(2))
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    pool.faults.clear()
    assert operations.run(operation).is_done


def test_person_changes_their_own_number_whatever_they_are(pool, operator):
    change = partial(operations.perform, Kind.CHANGE_NUMBER, operator, by=operator)
    assert change(phone="+12015550199", verified=True).is_done


# What is written down


@pytest.mark.parametrize("outcome", ["done", "refused"])
def test_phone_of_an_order_is_masked_when_nothing_is_left_to_do(pool, person, operator, outcome):
    other = f"{person.phone[:-4]}0199"
    pool.faults["AdminUpdateUserAttributes"] = OUTAGE
    operation = operations.perform(
        Kind.CHANGE_NUMBER, person, by=operator, phone=other, verified=False
    )
    assert operation.params["phone"] == other
    pool.faults.clear()
    if outcome == "refused":
        pool.faults["AdminUpdateUserAttributes"] = aws_error("AliasExistsException")
    operations.run(operation)
    assert operation.state == outcome
    assert operation.params["phone"] == "+1••••••••99"


def test_audit_log_names_who_ordered_it_and_no_whole_phone(pool, person, operator):
    other = f"{person.phone[:-4]}0199"
    operations.perform(Kind.CHANGE_NUMBER, person, by=operator, phone=other, verified=False)
    entries = LogEntry.objects.filter(timestamp__gte=timezone.now() - timedelta(minutes=1))
    [entry] = [each for each in entries if "phone" in (each.changes or {}) and each.actor_id]
    assert entry.actor == operator
    assert entry.changes["phone"] == [f"+1••••••••{person.phone[-2:]}", "+1••••••••99"]
    everything = str(list(LogEntry.objects.values()))
    assert other not in everything
    assert person.phone not in everything


@pytest.mark.parametrize(
    ("kind", "params", "asked", "undone"),
    [
        (Kind.MAKE_STAFF, {}, "AdminAddUserToGroup", "AdminRemoveUserFromGroup"),
        (Kind.ENABLE, {}, "AdminEnableUser", "AdminDisableUser"),
        (
            Kind.ADD_TO_GROUP,
            {"group": "Helpers"},
            "AdminAddUserToGroup",
            "AdminRemoveUserFromGroup",
        ),
        (
            Kind.CHANGE_NUMBER,
            {"phone": "+12015550199", "verified": False},
            "AdminUpdateUserAttributes",
            "AdminUpdateUserAttributes",
        ),
    ],
)
def test_refused_order_that_cognito_may_have_taken_is_taken_back(
    pool, person, settings, kind, params, asked, undone
):
    settings.ACCOUNTS_STAFF_GROUP, settings.ACCOUNTS_GROUPS = "staff", {"helpers": "Helpers"}
    Group.objects.create(name="Helpers")
    if kind == Kind.ENABLE:
        User.objects.filter(pk=person.pk).update(is_active=False)
    by = make_operator(2, is_superuser=True)
    pool.faults[asked] = OUTAGE
    order = operations.perform(kind, again(person), by=by, **params)
    assert order.is_waiting
    User.objects.filter(pk=by.pk).update(is_active=False)
    pool.faults.clear()
    assert operations.run(order).state == State.REFUSED
    before = len(pool.requests)
    operations.run_due()
    assert undone in pool.operations()[before:]
    if kind == Kind.CHANGE_NUMBER:
        assert person.phone in pool.requests[before].body.decode()
    assert again(person).phone == person.phone

"""Actions on accounts, against a Cognito at the wire that takes them, or does not."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.utils import timezone

from accounts import operations
from accounts.models import Operation, Session, User
from accounts.operations.queue import Kind, State
from tests.accounts.admin.pages import INVITE, LIST, ORDERS, act_on, do, helper, page_of, right_to
from tests.accounts.operators import again, make_operator, session_of
from tests.clock import seconds_later
from tests.fakes.user_pool import OUTAGE
from tests.pages import said, text
from tests.wire import aws_error

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.pages,
    pytest.mark.usefixtures("everybody"),
]


DONE = [
    ("disable", "disable_user", {}, {"is_active": False}),
    ("enable", "disable_user", {}, {"is_active": True}),
    ("sign-out", "sign_out_user", {}, {}),
    ("change-number", "change_number", {"phone": "+12015550199"}, {"phone": "+12015550199"}),
    ("make-staff", "manage_staff", {}, {"is_staff": True}),
    ("unmake-staff", "manage_staff", {}, {"is_staff": False}),
]


@pytest.mark.parametrize(("name", "right", "params", "after"), DONE)
def test_act_asks_first_and_is_done_by_who_may(pool, person, name, right, params, after):
    client = helper(right)
    before = User.objects.filter(pk=person.pk).values()
    for address in (act_on(name, person), act_on(name, person)):
        page = client.get(address)
        assert page.status_code == 200
    assert list(User.objects.filter(pk=person.pk).values()) == list(before)
    assert pool.operations() == []
    page = do(client, name, person, **params)
    assert "Done." in said(page)
    again = User.objects.get(pk=person.pk)
    assert {field: getattr(again, field) for field in after} == after
    order = Operation.objects.latest("pk")
    assert (order.state, order.by.sub) == (State.DONE, "sub-of-operator-7")


@pytest.mark.parametrize(
    "name", [*(action[0] for action in DONE), "delete", "unlock", "add-to-group"]
)
def test_act_without_the_permission_is_refused(pool, person, name):
    client = helper()
    assert client.get(act_on(name, person)).status_code == 403
    assert do(client, name, person).status_code == 403
    assert not Operation.objects.exists()
    assert f"/act/{name}/" not in text(client.get(page_of(person)))
    assert f'value="{name}"' not in text(client.get(LIST))


def test_operator_who_may_not_see_people_learns_nobodys_name_by_an_act(pool, person):
    User.objects.filter(pk=person.pk).update(name="Ada Byron")
    order = operations.perform(Kind.DISABLE, again(person), by=None)
    client = helper("disable_user")
    User.objects.get(sub="sub-of-operator-7").user_permissions.remove(right_to("view_user"))
    assert client.get(act_on("disable", person)).status_code == 403
    assert client.post(f"{ORDERS}{order.pk}/retry/").status_code == 403
    assert "Ada" not in text(client.get("/admin/"))


def test_outcome_of_an_order_is_told_to_who_may_give_it(pool, person):
    order = operations.perform(Kind.DISABLE, person, by=None)
    client = helper("unlock_user")
    assert client.post(f"{ORDERS}{order.pk}/retry/").status_code == 403


def test_act_needs_a_code_that_was_typed_lately(admin, person):
    Session.objects.update(confirmed_at=timezone.now() - timedelta(seconds=301))
    for page in (admin.get(act_on("disable", person)), admin.get(INVITE)):
        assert page.url.startswith("/accounts/confirm/?next=%2Fadmin%2F")
    assert admin.post(f"{LIST}act/disable/", {"ids": person.pk}).status_code == 302
    assert not Operation.objects.exists()
    session = session_of(person)
    page = admin.post(f"{LIST}{person.pk}/sessions/{session.handle}/end/")
    assert page.url.startswith("/accounts/confirm/")
    assert Session.objects.filter(pk=session.pk, ended_at=None).exists()


def test_deleted_person_is_gone_from_the_list(admin, pool, person):
    page = do(admin, "delete", person)
    assert page.request["PATH_INFO"] == LIST
    assert "Done." in said(page)
    assert pool.operations() == ["AdminDeleteUser"]
    assert admin.get(page_of(person), follow=True).request["PATH_INFO"] == "/admin/"


def test_groups_are_given_and_taken(admin, person):
    Group.objects.create(name="Editors")
    group = str(Group.objects.get().pk)
    assert "Done." in said(do(admin, "add-to-group", person, group=group))
    assert person.groups.filter(name="Editors").exists()
    assert "Editors" in text(admin.get(page_of(person)))
    assert "Done." in said(do(admin, "remove-from-group", person, group=group))
    assert not person.groups.exists()


def test_group_with_more_rights_than_ones_own_is_not_offered(pool, person):
    group = Group.objects.create(name="Bosses")
    group.permissions.add(Permission.objects.get(codename="delete_user"))
    Group.objects.create(name="Readers")
    client = helper("manage_staff")
    page = text(client.get(act_on("add-to-group", person)))
    assert "Readers" in page
    assert "Bosses" not in page
    do(client, "add-to-group", person, group=str(group.pk))
    assert not person.groups.exists()


def test_number_that_cannot_be_one_changes_nothing(admin, pool, person):
    page = do(admin, "change-number", person, phone="12")
    assert "Enter a valid mobile number" in text(page)
    assert pool.operations() == []


def test_number_of_somebody_else_is_said_so(admin, pool, person):
    pool.faults["AdminUpdateUserAttributes"] = aws_error("AliasExistsException")
    page = do(admin, "change-number", person, phone="+12015550199")
    assert "belongs to another account" in said(page)
    assert User.objects.get(pk=person.pk).phone == person.phone


@pytest.mark.parametrize("name", ["disable", "delete", "unmake-staff"])
def test_nobody_is_asked_to_remove_themselves(admin, boss, name):
    make_operator(2, is_superuser=True)
    page = admin.get(act_on(name, boss))
    assert "Nobody may do this to their own account." in text(page)
    assert 'type="submit" class="default' not in text(page)
    do(admin, name, boss)
    assert User.objects.filter(pk=boss.pk, is_active=True, is_staff=True).exists()


def test_superuser_is_out_of_reach_for_other_operators(pool, boss):
    client = helper("disable_user", "sign_out_user", "change_user")
    assert "Only a superuser" in text(client.get(act_on("disable", boss)))
    assert "Only a superuser" in said(do(client, "disable", boss))
    assert client.post(page_of(boss), {"name": "x"}).status_code == 403
    handle = session_of(boss).handle
    assert client.post(f"{LIST}{boss.pk}/sessions/{handle}/end/").status_code == 403


def test_operator_with_more_rights_is_out_of_reach_for_others(pool, person):
    client = helper("change_number", "sign_out_user")
    session = session_of(person)
    person.user_permissions.add(right_to("manage_staff"))
    assert "rights that you do not have" in text(client.get(act_on("change-number", person)))
    said_so = said(do(client, "change-number", person, phone="+12015550177"))
    assert "rights that you do not have" in said_so
    end = client.post(f"{LIST}{person.pk}/sessions/{session.handle}/end/")
    assert end.status_code == 403
    assert User.objects.get(pk=person.pk).phone == person.phone


# Cognito is away


def test_act_that_cognito_did_not_take_is_reported_and_tried_again_by_hand(admin, pool, person):
    pool.faults["AdminDisableUser"] = OUTAGE
    page = do(admin, "disable", person)
    assert "will be tried again by itself" in said(page)
    assert "NoAnswer" in said(page)
    order = Operation.objects.get()
    retry = f"{ORDERS}{order.pk}/retry/"
    assert retry in text(page)
    assert helper().post(retry).status_code == 403
    pool.faults.clear()
    assert "Done." in said(admin.post(retry, follow=True))
    order.refresh_from_db()
    assert order.is_done


def test_page_of_any_operator_takes_up_what_is_due(admin, pool, person):
    pool.faults["AdminDisableUser"] = OUTAGE
    do(admin, "disable", person)
    pool.faults.clear()
    admin.get("/admin/")
    assert Operation.objects.get().is_waiting
    with seconds_later(31):
        admin.get("/admin/")
    assert Operation.objects.get().is_done


def test_command_takes_up_what_is_due(pool, person, boss, capsys):
    pool.faults["AdminDisableUser"] = OUTAGE
    operations.perform(Kind.DISABLE, person, by=boss)
    call_command("run_operations")
    pool.faults.clear()
    with seconds_later(31):
        call_command("run_operations")
    assert capsys.readouterr().out == "0 tried, 1 waiting.\n1 tried, 0 waiting.\n"

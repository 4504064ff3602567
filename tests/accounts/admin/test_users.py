"""What operators find, see and do of people, against a Cognito at the wire."""

import re
from datetime import timedelta
from functools import partial

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import operations
from accounts.admin import order_operations
from accounts.events import audit
from accounts.models import Operation, Session, SignInEvent, User
from accounts.models.users import LOCKED
from accounts.operations.queue import Kind, State
from tests.accounts.operators import again, make_operator, session_of
from tests.clock import seconds_later
from tests.fakes.sign_in_pool import SignInPool
from tests.fakes.user_pool import OUTAGE
from tests.wire import Reply, aws_error

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

LIST = "/admin/accounts/user/"
INVITE = f"{LIST}invite/"
ORDERS = "/admin/accounts/operation/"
ENTRIES = "/admin/auditlog/logentry/"
USER = {
    "UserStatus": "CONFIRMED",
    "Enabled": True,
    "UserCreateDate": 1_700_000_000,
    "UserLastModifiedDate": 1_700_000_100,
}


@pytest.fixture
def pool(pool: SignInPool) -> SignInPool:
    """One that has whatever user somebody acts on."""
    pool.everybody = True
    return pool


@pytest.fixture
def person(phone) -> User:
    return User.objects.for_identity("sub-of-a-person", phone)


@pytest.fixture
def boss() -> User:
    return make_operator(1, is_superuser=True)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin(boss, pool) -> Client:
    return signed_in(boss)


def helper(*rights: str, number: int = 7) -> Client:
    """An operator who may see users, and what is named."""
    user = make_operator(number)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", *rights]))
    return signed_in(user)


def right_to(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


def text(page) -> str:
    return page.content.decode()


def page_of(user: User) -> str:
    return f"{LIST}{user.pk}/change/"


def act_on(name: str, *users: User) -> str:
    return f"{LIST}act/{name}/?ids={','.join(str(user.pk) for user in users)}"


def do(client: Client, name: str, *users: User, **params):
    ids = ",".join(str(user.pk) for user in users)
    return client.post(f"{LIST}act/{name}/", {"ids": ids, **params}, follow=True)


def said(page) -> str:
    return " ".join(str(message) for message in page.context["messages"])


def found(client: Client, query: str) -> set[str]:
    return {user.sub for user in client.get(LIST, {"q": query}).context["cl"].result_list}


# Finding people


@pytest.mark.parametrize(
    "typed",
    [
        "+1 201 555 0123",
        "(201) 555-0123",
        "2015550123",
        "12015550123",
        "1 (201) 555",
        "+1201555",
        "201555",
        "ada by",
        "ADA",
        "sub-of-ada",
    ],
)
def test_person_is_found_by_phone_in_any_notation_by_name_and_by_sub(admin, typed):
    User.objects.for_identity("sub-of-ada", "+12015550123")
    User.objects.filter(sub="sub-of-ada").update(name="Ada Byron")
    User.objects.for_identity("sub-of-bob", "+12025550123")
    assert found(admin, typed) == {"sub-of-ada"}


@pytest.mark.parametrize("typed", ["07400 123456", "+44 74", "447400", "011 44 7400 1"])
def test_number_of_another_country_is_found(admin, typed):
    User.objects.for_identity("sub-of-ada", "+447400123456")
    User.objects.for_identity("sub-of-bob", "+12015550123")
    assert found(admin, typed) == {"sub-of-ada"}


@pytest.mark.parametrize("typed", ["%", "_", "'", "+", "9" * 1000, "0" * 30, "[", "٣"])
def test_odd_search_finds_nobody(admin, person, typed):
    assert found(admin, typed) == set()


def test_part_of_a_number_tells_nothing_to_who_may_not_see_it(pool, person):
    client = helper()
    assert found(client, person.phone) == {person.sub}
    assert found(client, person.phone[:-1]) == set()
    assert person.sub in found(helper("view_phone", number=8), person.phone[:-1])


@pytest.mark.parametrize(
    "query",
    [
        f"{LIST}?phone__startswith=%2B1",
        f"{ORDERS}?params__phone__startswith=%2B1",
        "/admin/accounts/difference/?ours__phone__startswith=%2B1",
        "/admin/accounts/signinevent/?phone_key__startswith=a",
        f"{ENTRIES}?object_repr__startswith=a",
    ],
)
def test_address_filters_by_nothing_but_what_the_list_offers(admin, query):
    assert admin.get(query).status_code == 400


FILTERS = [
    ("status", "active", {}),
    ("status", "disabled", {"is_active": False}),
    ("status", "disabled_there", {"cognito_enabled": False}),
    ("status", "unconfirmed", {"cognito_status": "UNCONFIRMED"}),
    ("status", "invited", {"cognito_status": "FORCE_CHANGE_PASSWORD"}),
    ("staff", "yes", {"is_staff": True}),
    ("staff", "no", {"is_staff": False}),
    ("sharing", "any", {"sharing": User.Sharing.SOME}),
    ("sharing", "likely", {"sharing": User.Sharing.LIKELY}),
    ("held", "held", {"held_until": LOCKED}),
    ("held", "locked", {"held_until": LOCKED}),
    ("held", "unverified", {"phone_verified": False}),
    ("signed_in", "day", {"last_login": timezone.now()}),
    ("signed_in", "never", {"last_login": None}),
]


@pytest.mark.parametrize(("name", "value", "state"), FILTERS)
def test_people_are_filtered(admin, person, name, value, state):
    usual = {
        "is_active": True,
        "cognito_enabled": True,
        "is_staff": False,
        "phone_verified": True,
        "last_login": timezone.now() - timedelta(days=400),
    }
    other = User.objects.for_identity("sub-of-another", None)
    User.objects.filter(pk=person.pk).update(**usual | state)
    User.objects.filter(pk=other.pk).update(**usual)
    shown = {user.sub for user in admin.get(LIST, {name: value}).context["cl"].result_list}
    assert person.sub in shown
    if value not in ("active", "no"):
        assert other.sub not in shown


def test_phones_are_masked_everywhere_for_who_may_not_see_them(pool, person):
    pool.faults["AdminGetUser"] = cognito_says(person)
    rights = ["disable_user", "view_operation", "view_logentry", "invite_user"]
    client = helper(*rights)
    do(client, "disable", person)
    operations.order(Kind.CHANGE_NUMBER, person, by=None, phone="+12015550199", verified=False)
    order = Operation.objects.latest("pk")
    Operation.objects.update(next_try_at=timezone.now() + timedelta(days=1))
    assert order.params["phone"] == "+12015550199"
    entry = LogEntry.objects.latest("pk")
    for address in (
        LIST,
        page_of(person),
        act_on("disable", person),
        act_on("enable", person, User.objects.latest("pk")),
        ORDERS,
        f"{ORDERS}{order.pk}/change/",
        ENTRIES,
        f"{ENTRIES}{entry.pk}/change/",
        f"{page_of(person)[:-7]}history/",
    ):
        page = client.get(address)
        assert page.status_code == 200, address
        assert person.phone[2:] not in text(page), address
        assert "2015550199" not in text(page), address
        assert "password" not in text(page).lower(), address
        assert not re.search(r"<style|\sstyle=|\son\w+=", text(page)), address
        assert not re.search(r"<script(?![^>]*(\ssrc=|type=\"application/json\"))", text(page))


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def test_list_takes_the_same_queries_at_any_length(admin, person):
    client = helper("disable_user")
    queries(client, LIST)
    before = queries(client, LIST), queries(client, f"{LIST}?q=%2B1&status=active")
    for number in range(60):
        User.objects.for_identity(f"sub-{number}", f"+1202200{number:04d}")
    assert (queries(client, LIST), queries(client, f"{LIST}?q=%2B1&status=active")) == before
    assert max(before) <= 8


def test_page_of_a_person_takes_the_same_queries_at_any_age(admin, boss, person):
    queries(admin, page_of(person))
    before = queries(admin, page_of(person))
    for number in range(30):
        SignInEvent.objects.create(kind="sent", user=person, reference="K7F-2Q")
        session_of(person, key=f"{number:032d}")
        operations.order(Kind.SIGN_OUT, person, by=boss)
        audit.note(person, {"name": ["a", "b"]})
    Operation.objects.update(next_try_at=timezone.now() + timedelta(days=1))
    assert queries(admin, page_of(person)) == before
    assert before <= 12


# The page of a person


def cognito_says(user: User, **changes) -> Reply:
    attributes = {
        "sub": user.sub,
        "phone_number": user.phone,
        "phone_number_verified": str(user.phone_verified).lower(),
    } | changes.pop("attributes", {})
    listed = [{"Name": name, "Value": value} for name, value in attributes.items()]
    return Reply({"UserAttributes": listed, **USER, **changes})


def test_page_says_where_the_two_sides_differ(admin, pool, person):
    pool.faults["AdminGetUser"] = cognito_says(person)
    assert "The two sides differ" not in text(admin.get(page_of(person)))
    other = {"phone_number": "+12015550199", "phone_number_verified": "true"}
    pool.faults["AdminGetUser"] = cognito_says(person, Enabled=False, attributes=other)
    page = admin.get(page_of(person))
    assert "The two sides differ" in text(page)
    differing = {line.label for line in page.context["compared"] if line.differs}
    assert differing == {"Phone", "Number verified", "May sign in"}


@pytest.mark.parametrize("fault", [OUTAGE, Reply(drop=True), Reply({}, delay=4)], ids=str)
def test_page_works_while_nobody_else_does(admin, pool, person, settings, fault):
    settings.LEDGER_FUNCTION = "phone-login-ledger"
    pool.faults |= {"AdminGetUser": fault, "": fault}
    started = timezone.now()
    page = admin.get(page_of(person))
    assert timezone.now() - started < timedelta(seconds=3.9)
    assert "Cognito could not be asked just now" in text(page)
    assert "could not be asked just now" in text(page).partition("The number")[2]
    assert person.phone in text(page)


def test_page_says_that_cognito_has_no_such_user(admin, pool, person):
    pool.faults["AdminGetUser"] = aws_error("UserNotFoundException")
    assert "Cognito has no such user." in text(admin.get(page_of(person)))


def test_page_shows_what_the_ledger_holds(admin, pool, person, settings):
    settings.LEDGER_FUNCTION = "phone-login-ledger"
    state = {"failures": 100, "held_until": 0, "is_locked": True}
    pool.faults[""] = Reply(state | {"sends_last_hour": 3, "sends_last_day": 4})
    assert "Locked until an operator unlocks it." in text(admin.get(page_of(person)))


def test_timeline_shows_sign_ins_with_their_reference(admin, person):
    SignInEvent.objects.create(
        kind="failed", reason="wrong_code", user=person, reference="K7F-2Q", device="iPhone"
    )
    page = text(admin.get(page_of(person)))
    assert "K7F-2Q" in page
    assert "the code was wrong" in page


def test_name_is_all_that_a_form_changes(admin, person):
    forged = {"name": "Ada", "is_staff": "on", "is_superuser": "on", "phone": "+12015550199"}
    assert admin.post(page_of(person), forged).status_code == 302
    again = User.objects.get(pk=person.pk)
    assert (again.name, again.is_staff, again.is_superuser) == ("Ada", False, False)
    assert again.phone == person.phone
    assert "Ada" in text(admin.get(page_of(person))).partition("Who changed what")[2]


def test_one_device_is_signed_out(admin, person):
    session, other = session_of(person), session_of(person, key="o" * 32)
    end = f"{LIST}{person.pk}/sessions/{session.handle}/end/"
    assert helper().post(end).status_code == 403
    assert "signed out" in said(admin.post(end, follow=True))
    session.refresh_from_db()
    other.refresh_from_db()
    assert session.ended_why == Session.Ended.ENDED_BY_OPERATOR
    assert other.ended_at is None
    assert LogEntry.objects.filter(actor__isnull=False, changes__has_key="session").exists()
    assert "an operator did it" in text(admin.get(page_of(person)))


def test_device_of_somebody_else_is_not_there(admin, person, boss):
    handle = session_of(boss).handle
    assert admin.post(f"{LIST}{person.pk}/sessions/{handle}/end/").status_code == 404


# Actions

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
    assert "not a phone number" in text(page)
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
    assert "Unavailable" in said(page)
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


# Many at once


def crowd(size: int) -> list[User]:
    return [User.objects.for_identity(f"sub-{n}", f"+1202200{n:04d}") for n in range(size)]


def test_chosen_of_the_list_are_asked_for_and_done_line_by_line(admin, pool, boss):
    people = [*crowd(12), boss]
    chosen = {"action": "disable", "_selected_action": [user.pk for user in people]}
    page = admin.post(LIST, chosen, follow=True)
    assert page.status_code == 200
    assert "Disable 13 accounts?" in text(page)
    assert "Left out: Nobody may do this to their own account." in text(page)
    page = do(admin, "disable", *people)
    assert "12 of 13 done" in text(page)
    assert "1 was refused." in text(page)
    assert pool.operations() == ["AdminDisableUser"] * 12
    assert User.objects.filter(is_active=True).count() == 1


def test_more_than_two_hundred_at_once_are_too_many(admin):
    people = crowd(201)
    chosen = {"action": "disable", "_selected_action": people[0].pk, "select_across": "1"}
    assert "At most 200" in said(admin.post(LIST, chosen, follow=True))
    assert "At most 200" in said(do(admin, "disable", *people))
    assert not Operation.objects.exists()


def test_what_was_not_done_in_time_is_done_after_the_answer(admin, pool, monkeypatch):
    monkeypatch.setattr(order_operations, "_INLINE_SECONDS", -1)
    people = crowd(3)
    ids = ",".join(str(user.pk) for user in people)
    assert admin.post(f"{LIST}act/disable/", {"ids": ids}).status_code == 302
    assert pool.operations() == ["AdminDisableUser"] * 3


def test_second_press_of_a_button_orders_nothing_again(admin, pool):
    people = crowd(2)
    page = admin.get(act_on("sign-out", *people))
    batch = page.context["form"]["batch"].value()
    assert f'name="batch" value="{batch}"' in text(page)
    for _ in range(2):
        page = do(admin, "sign-out", *people, batch=batch)
        assert "2 of 2 done" in text(page)
    assert Operation.objects.count() == 2


def test_page_of_a_batch_carries_it_on(admin, pool, boss):
    for user in crowd(3):
        operations.order(Kind.DISABLE, user, by=boss, batch="batch-1")
    assert operations.run_due(seconds=-1, batch="batch-1") == 0
    page = admin.get(f"{ORDERS}batch/batch-1/")
    assert "3 are being worked on." in text(page)
    assert "3 of 3 done" in text(admin.get(f"{ORDERS}batch/batch-1/"))
    assert helper().get(f"{ORDERS}batch/batch-1/").status_code == 403
    assert admin.get(f"{ORDERS}batch/nothing/").status_code == 404


@pytest.mark.parametrize("ids", ["", "x", "999999", "-1", "1e3", "9" * 30])
def test_nobody_chosen_is_said_so(admin, ids):
    page = admin.get(f"{LIST}act/disable/", {"ids": ids}, follow=True)
    assert "Choose somebody first" in said(page)
    assert admin.get(f"{LIST}act/nothing/").status_code == 404


# Invitations


def test_invitation_is_looked_through_first_and_done_line_by_line(admin, pool, person):
    people = f"(202) 555-0101, Grace  Hopper\n\n12\n+1 202 555 0101\n{person.phone}; Ada\n"
    page = admin.post(INVITE, {"people": people})
    assert "Invite 2 people" in text(page)
    assert "Left out: That is not a phone number" in text(page)
    assert "The number stands above already." in text(page)
    assert "Has an account already." in text(page)
    assert "Nobody gets a text" in text(page)
    assert pool.operations() == []
    page = admin.post(INVITE, {"people": people, "go": "1"}, follow=True)
    assert "2 of 2 done" in text(page)
    assert pool.operations() == ["AdminCreateUser"] * 2
    orders = Operation.objects.filter(kind=Kind.INVITE)
    assert {order.params["tell"] for order in orders} == {False}
    assert {order.who for order in orders} == {"Grace Hopper", "Ada"}


def test_invitation_texts_only_if_that_was_chosen(admin, pool, settings):
    settings.TEXTS_FUNCTION = "phone-login-texts"
    pool.faults[""] = Reply({"delivery": "sent"})
    sent = {"people": "+12025550101", "tell": "on", "go": "1"}
    assert "A text was sent." in text(admin.post(INVITE, sent, follow=True))


def test_second_press_of_a_button_invites_and_texts_nobody_again(admin, pool, settings):
    settings.TEXTS_FUNCTION = "phone-login-texts"
    pool.faults[""] = Reply({"delivery": "sent"})
    typed = {"people": "+12025550101\n+12025550102", "tell": "on"}
    batch = re.search(r'name="batch" value="([^"]+)"', text(admin.post(INVITE, typed)))[1]
    sent = {**typed, "go": "1", "batch": batch}
    first, second = admin.post(INVITE, sent), admin.post(INVITE, sent)
    assert first.url == second.url
    assert Operation.objects.count() == 2
    other = signed_in(make_operator(2, is_superuser=True)).post(INVITE, sent)
    assert other.url != first.url
    assert Operation.objects.filter(batch=batch).count() == 2


def test_list_can_be_repaired_and_is_bounded(admin, pool):
    page = admin.post(INVITE, {"people": "12", "back": "1"})
    assert "<textarea" in text(page)
    page = admin.post(INVITE, {"people": "\n".join(["+12025550101"] * 201), "go": "1"})
    assert "At most 200 lines" in text(page)
    assert "Invite 0" not in text(admin.post(INVITE, {"people": "12", "go": "1"}))
    assert pool.operations() == []


def test_invitation_without_the_permission_is_refused(pool):
    client = helper("disable_user")
    assert client.get(INVITE).status_code == 403
    assert INVITE not in text(client.get(LIST))


# Who changed what


def test_audit_log_is_only_read(admin, person):
    audit.note(person, {"name": ["a", "b"]})
    entry = LogEntry.objects.latest("pk")
    assert admin.get(ENTRIES).status_code == 200
    page = admin.get(f"{ENTRIES}{entry.pk}/change/")
    assert 'name="_save"' not in text(page)
    for address in (f"{ENTRIES}add/", f"{ENTRIES}{entry.pk}/delete/"):
        assert admin.post(address, {"post": "yes"}).status_code == 403
    assert admin.post(f"{ENTRIES}{entry.pk}/change/", {"object_repr": "x"}).status_code == 403
    assert LogEntry.objects.filter(pk=entry.pk).exists()


def test_name_of_an_operator_who_was_deleted_stays_in_the_audit_log(admin, pool, person):
    do(helper("disable_user"), "disable", person)
    User.objects.get(sub="sub-of-operator-7").delete()
    assert "sub-of-operator-7" in text(admin.get(page_of(person))).partition("Who changed")[2]


def test_groups_are_changed_by_superusers_alone(admin, pool):
    group = Group.objects.create(name="Editors")
    address = f"/admin/auth/group/{group.pk}/change/"
    other = helper("change_group", "add_group", "view_group", "delete_group")
    assert other.get(address).status_code == 200
    assert other.post(address, {"name": "x"}).status_code == 403
    assert other.get("/admin/auth/group/add/").status_code == 403
    right = Permission.objects.get(codename="unlock_user")
    admin.post(address, {"name": "Helpers", "permissions": [right.pk]})
    assert group.permissions.get() == right
    assert LogEntry.objects.filter(object_repr="Helpers", actor__isnull=False).count() == 2


def test_groups_need_a_code_that_was_typed_lately(admin):
    group = Group.objects.create(name="Editors")
    Session.objects.update(confirmed_at=timezone.now() - timedelta(seconds=301))
    for address in ("add/", f"{group.pk}/change/", f"{group.pk}/delete/"):
        page = admin.post(f"/admin/auth/group/{address}", {"name": "Helpers", "post": "yes"})
        assert page.url.startswith("/accounts/confirm/")
    chosen = {"action": "delete_selected", "_selected_action": group.pk, "post": "yes"}
    admin.post("/admin/auth/group/", chosen)
    assert Group.objects.get().name == "Editors"


def test_sign_in_leaves_no_trace_in_the_audit_log(person):
    before = LogEntry.objects.count()
    partial(Client().force_login, person)()
    assert LogEntry.objects.count() == before

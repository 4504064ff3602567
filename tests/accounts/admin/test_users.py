"""How operators find people, and the page of a person, against a Cognito at the wire."""

import re
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import operations
from accounts.events import audit
from accounts.models import Operation, Session, SignInEvent, User
from accounts.models.users import LOCKED
from accounts.operations.queue import Kind
from tests.accounts.admin.pages import ENTRIES, LIST, ORDERS, act_on, do, helper, page_of
from tests.accounts.operators import session_of
from tests.fakes.user_pool import OUTAGE
from tests.pages import said, text
from tests.wire import Reply, aws_error

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.pages,
    pytest.mark.usefixtures("everybody"),
]

USER = {
    "UserStatus": "CONFIRMED",
    "Enabled": True,
    "UserCreateDate": 1_700_000_000,
    "UserLastModifiedDate": 1_700_000_100,
}


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
    assert "could not be read just now" in text(page).partition("The number")[2]
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
    assert "Ada" in text(admin.get(page_of(person))).partition("Log of changes")[2]


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

"""Reasons of operators: kept with the operation and in the audit log, and told to nobody."""

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group

from accounts import operations
from accounts.models import Operation
from accounts.operations.queue import Kind
from tests.accounts.admin.pages import ENTRIES, ORDERS, act_on, do, page_of
from tests.accounts.operators import again, make_operator
from tests.login_steps import answer, ask
from tests.pages import said, text

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.pages,
    pytest.mark.usefixtures("everybody"),
]

WHY = "Called from the shop: the phone was stolen."


def kept() -> str:
    return Operation.objects.latest("pk").reason


def test_reason_is_shown_wherever_the_act_is(admin, pool, person):
    do(admin, "disable", person, reason=WHY)
    order = Operation.objects.get()
    assert order.reason == WHY
    # With the operation, and with what it changed.
    assert text(admin.get(page_of(person))).count(WHY) >= 2
    for address in (ORDERS, f"{ORDERS}{order.pk}/change/", ENTRIES):
        assert WHY in text(admin.get(address)), address
    entries = LogEntry.objects.get_for_object(person).filter(action=1, changes__has_key="is_active")
    assert entries.get().additional_data["reason"] == WHY
    assert WHY in text(admin.get(f"{ENTRIES}{entries.get().pk}/change/"))


def test_reason_of_many_is_that_of_each_and_stands_on_their_page(admin, pool, person):
    page = do(admin, "sign-out", person, make_operator(2), reason=WHY)
    assert "2 of 2 done" in text(page)
    assert f"Reason: {WHY}" in text(page)
    assert set(Operation.objects.values_list("reason", flat=True)) == {WHY}


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("enable", {}),
        ("unlock", {}),
        ("change-number", {"phone": "+12015550199"}),
        ("make-staff", {}),
        ("add-to-group", {"group": "1"}),
        ("delete", {}),
    ],
)
def test_every_act_takes_a_reason(admin, pool, person, name, params, settings):
    settings.LEDGER_FUNCTION = "phone-login-ledger-test"
    Group.objects.create(pk=1, name="Editors")
    assert 'name="reason"' in text(admin.get(act_on(name, person)))
    do(admin, name, person, reason=WHY, **params)
    assert kept() == WHY
    assert not any(WHY.encode() in request.body for request in pool.requests)


def test_without_a_reason_acts_are_done_unless_the_site_asks_for_one(admin, person, settings):
    assert "Done." in said(do(admin, "disable", person))
    settings.ACCOUNTS_REASONS = "required"
    for typed in ("", " \n\t "):
        page = do(admin, "enable", person, reason=typed)
        assert "This field is required." in text(page)
    assert not again(person).is_active
    assert "Done." in said(do(admin, "enable", person, reason=WHY))


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("  Stolen.\r\n\r\nCalled\ttwice. ", "Stolen. Called twice."),
        ("x" * 500, "x" * 500),
        ("<b>bold</b> & “quoted”", "<b>bold</b> & “quoted”"),
        ("Famille 👨‍👩‍👧 à Montréal", "Famille 👨‍👩‍👧 à Montréal"),
    ],
)
def test_reason_is_one_tidy_line(admin, person, typed, becomes):
    do(admin, "disable", person, reason=typed)
    assert kept() == becomes


@pytest.mark.parametrize(
    "typed",
    ["x" * 501, "bell \a", "nul \0", "escape \x1b[2J", "turned \u202e nelots"],
    ids=["long", "bell", "nul", "escape", "turned"],
)
def test_reason_that_is_too_long_or_hides_something_is_refused(admin, person, typed):
    page = do(admin, "disable", person, reason=typed)
    assert 'class="errorlist"' in text(page)
    assert not Operation.objects.exists()
    assert again(person).is_active


def test_phones_in_a_reason_are_masked(admin, person):
    do(admin, "disable", person, reason="Called from (201) 555-0177, not from +44 7400 123456.")
    assert kept() == "Called from +1••••••••77, not from +44••••••••56."


def test_reason_is_not_for_the_person(admin, client, pool, known):
    do(admin, "sign-out", known, reason=WHY)
    ask(client, known.phone)
    answer(client, pool.code())
    for address in ("/accounts/", "/accounts/data/", "/accounts/devices/"):
        page = client.get(address)
        assert page.status_code == 200
        assert WHY not in text(page)


def test_reason_of_an_act_that_waited_is_in_the_entry_of_what_came_later(admin, pool, person):
    """The entry is written by whoever tries it again."""
    other = make_operator(7)
    order = operations.order(Kind.DISABLE, person, by=other, reason=WHY)
    admin.post(f"{ORDERS}{order.pk}/retry/")
    changed = (
        LogEntry.objects.get_for_object(person).filter(action=1, changes__has_key="is_active").get()
    )
    assert (changed.actor, changed.additional_data["reason"]) == (other, WHY)

"""Recoveries on the pages of operators."""

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from accounts.models import Recovery, User
from accounts.operations import recoveries
from tests import recovery_steps as steps
from tests.accounts.admin.pages import helper, page_of
from tests.accounts.operators import again, make_operator
from tests.clock import seconds_later
from tests.pages import said, text

pytestmark = [pytest.mark.django_db, pytest.mark.pages, pytest.mark.usefixtures("everybody")]


@pytest.fixture(autouse=True)
def _texts(pool, settings) -> None:
    settings.TEXTS_FUNCTION = "phone-login-test"


@pytest.fixture
def row(person, boss) -> Recovery:
    return recoveries.start(person, by=boss, reason=steps.REASON)


def page_of_one(row: Recovery) -> str:
    return f"{steps.ADMIN}{row.pk}/change/"


def test_start_asks_for_a_reason_and_says_what_happens(admin, person):
    assert "Start a recovery" in text(admin.get(page_of(person)))
    asked = text(admin.get(f"{steps.ADMIN}start/?ids={person.pk}"))
    assert "ask for something that only the owner knows" in asked
    assert "It waits for 24 hours." in asked
    assert "This field is required" in text(steps.start(admin, person, reason=""))
    assert not Recovery.objects.exists()


def test_start_is_written_down_with_its_reason(admin, boss, person):
    page = steps.start(admin, person)
    assert "It waits until" in said(page)
    assert steps.REASON in text(page)
    row = Recovery.objects.get()
    assert (row.started_by, row.started_by_name, row.state) == (boss, str(boss), "waiting")
    entry = LogEntry.objects.get(changes__has_key="recovery")
    assert (entry.actor, entry.changes["recovery"][1]) == (boss, steps.REASON)
    assert "waiting time" in text(admin.get(page_of(person)))
    assert "Start a recovery" not in text(admin.get(page_of(person)))


def test_each_step_is_in_the_audit_log(admin, row):
    steps.wait(row)
    steps.press(admin, "code", row)
    steps.press(admin, "cancel", row)
    noted = LogEntry.objects.filter(changes__has_key="recovery").order_by("pk")
    assert [each.changes["recovery"][1] for each in noted] == [steps.REASON, "code", "cancelled"]


def test_code_is_shown_once_when_the_time_is_over(admin, row):
    assert "Get the code" not in text(admin.get(page_of_one(row)))
    assert "not yet possible" in said(steps.press(admin, "code", row))
    steps.wait(row)
    assert "Get the code" in text(admin.get(page_of_one(row)))
    page = steps.press(admin, "code", row)
    code = steps.code_on(page)
    assert page["Cache-Control"].count("no-store")
    assert code not in text(admin.get(page_of_one(row)))
    assert code not in str(list(LogEntry.objects.values_list("changes", flat=True)))


def test_cancelled_one_is_over(admin, row, person):
    assert "It is cancelled." in said(steps.press(admin, "cancel", row))
    assert Recovery.objects.get().state == "cancelled"
    assert again(person).recovery_until is None
    assert "not yet possible" in said(steps.press(admin, "cancel", row))


def test_second_operator_agrees_and_the_first_cannot(admin, boss, person, settings):
    settings.ACCOUNTS_RECOVERY_TWO_OPERATORS = ["*"]
    page = steps.start(admin, person)
    assert "A second operator must agree" in said(page)
    row = Recovery.objects.get()
    assert "Another operator than the one who started it" in said(steps.press(admin, "agree", row))
    assert Recovery.objects.get().state == "agreement"
    second = helper("view_recovery", "agree_recovery")
    assert "It waits until" in said(steps.press(second, "agree", row))
    assert Recovery.objects.get().agreed_by_name


def test_operator_whose_agreement_was_cut_off_agrees_again(admin, boss, person, settings):
    settings.ACCOUNTS_RECOVERY_TWO_OPERATORS = ["*"]
    steps.start(admin, person)
    row = Recovery.objects.get()
    second = helper("view_recovery", "agree_recovery")
    # As a process leaves it that ends before the person was told.
    Recovery.objects.update(agreed_by=User.objects.latest("pk"), agreed_by_name="them")
    assert "It waits until" in said(steps.press(second, "agree", row))
    assert Recovery.objects.get().state == "waiting"
    Recovery.objects.update(state="agreement", agreed_by=person)
    steps.press(second, "agree", row)
    assert Recovery.objects.get().state == "agreement"


@pytest.mark.parametrize("step", ["agree", "code", "cancel"])
def test_each_step_takes_its_right(row, step):
    assert steps.press(helper("view_recovery"), step, row).status_code == 403
    assert steps.press(helper("start_recovery", "agree_recovery"), step, row).status_code == 403


def test_who_may_agree_alone_does_not_start_or_see_codes(row, person):
    client = helper("view_recovery", "agree_recovery")
    assert steps.start(client, person).status_code == 403
    assert "Start a recovery" not in text(client.get(page_of(person)))
    steps.wait(row)
    assert steps.press(client, "code", row).status_code == 403


def test_start_asks_for_a_fresh_code(admin, person):
    with seconds_later(301):
        page = admin.post(f"{steps.ADMIN}start/", {"ids": person.pk, "reason": steps.REASON})
    assert page["Location"].startswith("/accounts/confirm/")
    assert not Recovery.objects.exists()


def test_nobody_recovers_themselves(admin, boss):
    assert "Nobody may do this to their own account" in said(steps.start(admin, boss))
    assert not Recovery.objects.exists()


def test_superusers_and_people_with_more_rights_are_left_to_their_equals(person):
    client = helper("start_recovery", "view_recovery")
    assert "Only a superuser" in said(steps.start(client, make_operator(3, is_superuser=True)))
    person.user_permissions.add(Permission.objects.get(codename="delete_user"))
    assert "rights that you do not have" in said(steps.start(client, person))
    assert not Recovery.objects.exists()


def test_rights_count_at_each_step(row, person):
    steps.wait(row)
    client = helper("start_recovery", "view_recovery")
    person.user_permissions.add(Permission.objects.get(codename="delete_user"))
    assert "rights that you do not have" in said(steps.press(client, "code", row))
    assert Recovery.objects.get().code_key == ""


@pytest.mark.parametrize("became", ["an operator", "one of the group"])
def test_one_operator_gives_no_code_for_somebody_who_takes_two_by_now(
    row, admin, person, settings, became
):
    """They were nobody in particular when the wait began, for which one was enough."""
    steps.wait(row)
    if became == "an operator":
        User.objects.filter(pk=person.pk).update(is_staff=True)
    else:
        settings.ACCOUNTS_RECOVERY_TWO_OPERATORS = ["Doctors"]
        person.groups.add(Group.objects.create(name="Doctors"))
    assert "to which two operators agree" in said(steps.press(admin, "code", row))
    assert Recovery.objects.get().code_key == ""
    # They begin again, with a second one.
    steps.press(admin, "cancel", row)
    assert "A second operator must agree" in said(steps.start(admin, person))


def test_disabled_person_is_enabled_first(admin, person):
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert "The account is disabled" in said(steps.start(admin, person))


def test_untold_number_says_so(admin, pool, person):
    pool.functions["tell"] = lambda _: {"delivery": "opted_out"}
    page = steps.start(admin, person)
    assert "The number could not be told" in said(page)
    assert "Text: the owner has told the sender to stop." in text(page)


def test_list_is_empty_in_words_and_shows_states(admin, row):
    assert "waiting time" in text(admin.get(steps.ADMIN))
    Recovery.objects.update(ready_at=timezone.now())
    assert "ready" in text(admin.get(steps.ADMIN))
    Recovery.objects.update(ends_at=timezone.now() - timedelta(minutes=1))
    assert "expired" in text(admin.get(steps.ADMIN))
    Recovery.objects.all().delete()
    assert "Nobody is being let back in" in text(admin.get(steps.ADMIN))


def test_list_and_page_take_the_right_to_see_them(row):
    assert helper().get(steps.ADMIN).status_code == 403
    assert helper("view_recovery").get(page_of_one(row)).status_code == 200


def test_no_button_where_the_setting_is_off(admin, person, settings):
    settings.ACCOUNTS_RECOVERY_HOURS = 0
    assert "Start a recovery" not in text(admin.get(page_of(person)))
    assert steps.start(admin, person).status_code == 403


def test_row_is_changed_by_nobody_by_hand(admin, row):
    assert admin.post(page_of_one(row), {"state": "done"}).status_code == 403

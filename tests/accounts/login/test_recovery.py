"""Back in without the number, by operators: the pages of the person, at the wire."""

import io
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts import operations
from accounts.events import retention
from accounts.models import Operation, Passkey, Recovery, Return, SignInEvent, User
from accounts.operations import recoveries, recovery_codes
from tests import recovery_steps as steps
from tests.accounts.operators import again, make_operator
from tests.authenticator import Authenticator
from tests.clock import seconds_later
from tests.concurrency import at_once, database_in_a_file
from tests.fakes.sign_in_pool import SignInPool
from tests.fakes.site_texts import sends_codes
from tests.fakes.user_pool import OUTAGE
from tests.login_steps import is_signed_in, who
from tests.passkey_steps import give
from tests.wire import aws_error

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

NEW, SECOND, RIGHT = "+12025550187", "+12025550144", "483920"
HOUR = 60 * 60


@pytest.fixture
def aws(pool, settings) -> SignInPool:
    sends_codes(pool, settings, RIGHT)
    settings.LEDGER_FUNCTION = settings.TEXTS_FUNCTION
    pool.proves_itself(settings)
    pool.functions["forget_backup_codes"] = lambda _: {}
    pool.functions["forget_second_number"] = lambda _: {}
    return pool


@pytest.fixture
def person(aws, known) -> User:
    return known


@pytest.fixture
def row(person, boss) -> Recovery:
    return recoveries.start(person, by=boss, reason=steps.REASON)


@pytest.fixture
def code(row) -> str:
    steps.wait(row)
    return recovery_codes.give(Recovery.objects.get())


def word_of(aws: SignInPool) -> str:
    return next(each["word"] for each in aws.calls("tell") if "phone" in each)


def prove(browser: Client, number: str = NEW, digits: str = RIGHT):
    browser.post(steps.NUMBER, {"phone": number})
    return browser.post(steps.CODE, {"code": digits})


def reasons() -> list[str]:
    return list(
        SignInEvent.objects.filter(kind="recovery").order_by("pk").values_list("reason", flat=True)
    )


# Telling and waiting


def test_number_address_and_signed_in_browsers_are_told_at_the_start(aws, person, boss):
    browser = Client()
    browser.force_login(person)
    recoveries.start(person, by=boss, reason=steps.REASON)
    text, mail = aws.calls("tell")
    assert (text["message"], text["phone"]) == ("recovery_started", person.phone)
    assert (mail["message"], mail["user_name"]) == ("recovery_started", person.sub)
    assert mail["word"] == text["word"]
    assert "want to set another one" in browser.get("/").content.decode()
    assert Recovery.objects.get().told == "sent sent 1"


def test_second_number_is_told_as_well_and_stops_it(aws, person, boss):
    User.objects.filter(pk=person.pk).update(second_phone=SECOND)
    recoveries.start(again(person), by=boss, reason=steps.REASON)
    first, _mail, second = aws.calls("tell")
    assert (second["message"], second["phone"]) == ("recovery_started", SECOND)
    assert second["word"] == first["word"]
    assert Recovery.objects.get().told == "sent sent 0"


def test_second_number_alone_lets_no_wait_begin(aws, person, boss):
    """Perhaps the same thief has it: the first number must be told."""
    User.objects.filter(pk=person.pk).update(second_phone=SECOND)
    is_second = {True: "sent", False: "phone_day"}
    aws.functions["tell"] = lambda asked: {"delivery": is_second[asked.get("phone") == SECOND]}
    row = recoveries.start(again(person), by=boss, reason=steps.REASON)
    assert (row.state, row.needs_second) == ("agreement", True)


def test_no_code_is_given_before_the_waiting_time_is_over(row):
    assert recovery_codes.give(row) == ""
    with seconds_later(24 * HOUR - 60):
        assert recovery_codes.give(row) == ""
    with seconds_later(24 * HOUR + 60):
        assert recovery_codes.give(row)


def test_it_waits_as_long_as_the_setting_says(person, boss, settings):
    settings.ACCOUNTS_RECOVERY_HOURS = 72
    row = recoveries.start(person, by=boss, reason=steps.REASON)
    with seconds_later(71 * HOUR):
        assert recovery_codes.give(row) == ""


def test_it_ends_three_days_after_it_was_ready(row, person):
    with seconds_later(97 * HOUR):
        assert recovery_codes.give(row) == ""
        assert row.shown_state(timezone.now()) == "expired"
        assert not again(person).is_being_recovered()


def test_number_that_could_not_be_told_needs_a_second_operator(aws, person, boss):
    aws.functions["tell"] = lambda _: {"delivery": "opted_out"}
    row = recoveries.start(person, by=boss, reason=steps.REASON)
    assert (row.state, row.needs_second) == ("agreement", True)
    assert "recovery_untold" in reasons()
    assert recoveries.agree(row, by=make_operator(2))
    assert Recovery.objects.get().state == "waiting"


def test_function_that_is_away_lets_no_wait_begin(aws, person, boss):
    aws.fails("tell", OUTAGE, OUTAGE)
    assert recoveries.start(person, by=boss, reason=steps.REASON).state == "agreement"


# Two operators


@pytest.fixture
def in_group(person, settings) -> User:
    settings.ACCOUNTS_RECOVERY_TWO_OPERATORS = ["Treasurers"]
    person.groups.add(Group.objects.create(name="Treasurers"))
    return person


def test_person_of_the_group_waits_for_a_second_operator_untold(aws, in_group, boss):
    row = recoveries.start(in_group, by=boss, reason=steps.REASON)
    assert (row.state, aws.calls("tell")) == ("agreement", [])
    with seconds_later(25 * HOUR):
        assert recovery_codes.give(row) == ""


def test_second_operator_is_another_one(in_group, boss):
    row = recoveries.start(in_group, by=boss, reason=steps.REASON)
    assert not recoveries.agree(row, by=boss)
    assert Recovery.objects.get().state == "agreement"
    assert recoveries.agree(row, by=make_operator(2))
    row.refresh_from_db()
    assert row.state == "waiting"
    assert row.ready_at > timezone.now() + timedelta(hours=23)


def test_operators_themselves_take_two(aws, boss):
    other = make_operator(5)
    assert recoveries.start(other, by=boss, reason=steps.REASON).state == "agreement"


def test_everybody_takes_two_where_the_setting_says_so(person, boss, settings):
    settings.ACCOUNTS_RECOVERY_TWO_OPERATORS = ["*"]
    assert recoveries.start(person, by=boss, reason=steps.REASON).state == "agreement"


def test_one_operator_does_not_change_that_number_another_way(in_group):
    helper = make_operator(2)
    kind = Operation.Kind.CHANGE_NUMBER
    assert operations.refusal(kind, in_group, helper) == Operation.Remark.TWO_OPERATORS
    in_group.groups.clear()
    assert operations.refusal(kind, in_group, helper) == ""


# Stopping


def test_press_stops_it_and_a_look_does_not(aws, row):
    page, owner = f"/stop/{word_of(aws)}", Client()
    assert owner.get(page).status_code == 200
    assert Recovery.objects.get().state == "waiting"
    assert "It is stopped" in owner.post(page).content.decode()
    assert Recovery.objects.get().state == "stopped"
    assert reasons()[-1] == "recovery_stopped"


def test_press_in_a_browser_that_is_signed_in_stops_it(row, person):
    browser = Client()
    browser.force_login(person)
    page = browser.post("/accounts/recover/stop/", follow=True).content.decode()
    assert "It is stopped" in page
    assert "want to set another one" not in page
    assert Recovery.objects.get().state == "stopped"
    assert (
        "stopped already" in browser.post("/accounts/recover/stop/", follow=True).content.decode()
    )


def test_others_who_are_signed_in_stop_nothing(row, aws):
    stranger = Client()
    stranger.force_login(User.objects.for_identity("somebody-else", None))
    stranger.post("/accounts/recover/stop/")
    Client().post("/accounts/recover/stop/")
    assert Recovery.objects.get().state == "waiting"


def test_it_is_stopped_until_the_new_number_is_proven(aws, row, code):
    browser = Client()
    steps.type_code(browser, code)
    browser.post(steps.NUMBER, {"phone": NEW})
    Client().post(f"/stop/{word_of(aws)}")
    assert browser.post(steps.CODE, {"code": RIGHT}).url == steps.RECOVER
    assert not aws.calls("AdminUpdateUserAttributes")
    assert User.objects.filter(phone=NEW).count() == 0


def test_word_of_one_stops_no_later_one(aws, row, person, boss):
    word = word_of(aws)
    Client().post(f"/stop/{word}")
    recoveries.start(person, by=boss, reason=steps.REASON)
    assert "nothing to stop" in Client().post(f"/stop/{word}").content.decode()
    assert recoveries.live(person)


def test_guesses_at_words_are_counted_by_network(row, settings):
    settings.ACCOUNTS_WRONG_CODES = "2/hour"
    assert [Client().post(f"/stop/AAAAAAA{n}").status_code for n in (2, 3, 4)] == [200, 200, 429]


def test_one_person_has_one_at_a_time(row, person, boss):
    assert recoveries.start(person, by=boss, reason=steps.REASON) is None
    assert Recovery.objects.count() == 1


def test_new_one_ends_an_expired_one(row, person, boss):
    Recovery.objects.update(ends_at=timezone.now())
    assert recoveries.start(person, by=boss, reason=steps.REASON)
    assert sorted(Recovery.objects.values_list("state", flat=True)) == ["expired", "waiting"]


# The code


def test_code_is_long_and_no_row_holds_it(code):
    assert re.fullmatch("[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}", code)
    kept = str(Recovery.objects.values().get())
    assert code[5:] not in kept
    assert code[5:].replace("-", "") not in kept


def test_wrong_code_is_counted_before_it_is_compared(code):
    wrong = code[:5] + "AAAA-AAAA"
    for _ in range(recovery_codes.TRIES):
        assert "does not work" in steps.type_code(Client(), wrong).content.decode()
    assert "does not work" in steps.type_code(Client(), code).content.decode()
    assert reasons().count("recovery_wrong_code") == recovery_codes.TRIES


def test_code_works_once_and_in_one_browser(code):
    browser = Client()
    assert steps.type_code(browser, code).url == steps.NUMBER
    assert "does not work" in steps.type_code(Client(), code).content.decode()
    assert Client().get(steps.NUMBER).url == steps.RECOVER


def test_code_is_good_for_an_hour_and_the_browser_for_half_of_one(code):
    browser = Client()
    with seconds_later(HOUR + 1):
        assert "does not work" in steps.type_code(Client(), code).content.decode()
    steps.type_code(browser, code)
    with seconds_later(HOUR / 2 + 1):
        assert browser.get(steps.NUMBER).url == steps.RECOVER
        assert browser.post(steps.NUMBER, {"phone": NEW}).url == steps.RECOVER


def test_later_code_ends_an_earlier_one_and_its_browser(row, code):
    browser = Client()
    steps.type_code(browser, code)
    later = recovery_codes.give(Recovery.objects.get())
    assert browser.get(steps.NUMBER).url == steps.RECOVER
    assert steps.type_code(Client(), later).url == steps.NUMBER


def test_code_of_somebody_who_was_disabled_does_not_work(code, person):
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert "does not work" in steps.type_code(Client(), code).content.decode()


@pytest.mark.parametrize("when", ["before the code", "before it is typed", "before the number"])
def test_whoever_becomes_an_operator_meanwhile_takes_two(aws, row, person, when):
    def promoted(then: str) -> None:
        if then == when:
            User.objects.filter(pk=person.pk).update(is_staff=True)

    steps.wait(row)
    promoted("before the code")
    code, browser = recovery_codes.give(Recovery.objects.get()), Client()
    assert bool(code) is (when != "before the code")
    promoted("before it is typed")
    steps.type_code(browser, code)
    browser.post(steps.NUMBER, {"phone": NEW})
    promoted("before the number")
    browser.post(steps.CODE, {"code": RIGHT})
    assert again(person).phone == person.phone
    assert not Operation.objects.filter(kind="recover").exists()
    assert not is_signed_in(browser)


def test_code_signs_nobody_in_and_opens_no_other_page(code, person):
    browser = Client()
    steps.type_code(browser, code)
    assert who(browser) is None
    assert not is_signed_in(browser)
    for page in ("/accounts/number/", "/accounts/devices/", "/accounts/backup-codes/", "/admin/"):
        assert browser.get(page).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_many_right_answers_at_once_one_opens_it(code, tmp_path):
    with database_in_a_file(tmp_path):
        pages = at_once(*[lambda: steps.type_code(Client(), code).status_code for _ in range(4)])
        assert sorted(pages) == [200, 200, 200, 302]


@pytest.mark.django_db(transaction=True)
def test_of_many_wrong_answers_at_once_five_are_compared(code, tmp_path):
    with database_in_a_file(tmp_path):
        wrong = code[:5] + "AAAA-AAAA"
        at_once(*[lambda: steps.type_code(Client(), wrong) for _ in range(8)])
        assert reasons().count("recovery_wrong_code") == recovery_codes.TRIES
        assert Recovery.objects.get().tries_left == 0


def test_code_that_cannot_be_one_says_so(aws):
    assert "12 letters and digits" in steps.type_code(Client(), "K7F2").content.decode()
    assert "Type the code" in steps.type_code(Client(), " ").content.decode()


def test_wrong_codes_are_those_of_their_network(aws, settings):
    settings.ACCOUNTS_WRONG_CODES = "2/hour"
    pages = [steps.type_code(Client(), "AAAA-BBBB-CCCC").status_code for _ in range(3)]
    assert pages == [200, 200, 429]


# The new number


def test_new_number_ends_every_other_way_in(aws, code, person, settings):
    settings.ACCOUNTS_EMAIL = True
    aws.change(person.sub, email="ada@example.org", email_verified="true")
    User.objects.filter(pk=person.pk).update(second_phone=SECOND)
    device = Client()
    device.force_login(person)
    give(person, Authenticator())
    browser = Client()
    steps.type_code(browser, code)
    assert prove(browser).url == "/"
    assert who(browser) == person
    found = again(person)
    assert (found.phone, found.phone_verified, found.recovery_until) == (NEW, True, None)
    assert not is_signed_in(device)
    assert not Passkey.objects.exists()
    assert found.browsers_forgotten_at
    assert aws.calls("AdminUserGlobalSignOut")
    assert aws.calls("forget_backup_codes")
    assert [each["user"] for each in aws.calls("forget_second_number")] == [person.sub]
    assert found.second_phone == ""
    assert "email_verified" not in aws.attributes(person.sub)
    ended = [(each["message"], each["phone"]) for each in aws.calls("tell")[-2:]]
    assert ended == [("second_number_changed", SECOND), ("number_changed", person.phone)]
    assert reasons()[-1] == "recovery_done"
    assert SignInEvent.objects.get(kind="succeeded").reason == "recovery"


def test_number_of_another_account_is_refused_and_another_one_taken(aws, code, person):
    aws.register(NEW)
    User.objects.for_identity(aws.sub_of(NEW), NEW)
    browser = Client()
    steps.type_code(browser, code)
    assert prove(browser).url == steps.NUMBER
    page = browser.get(steps.NUMBER).content.decode()
    assert "never merged" in page
    # The code was right.
    assert "tries of its own" not in page
    other = "+12025550188"
    assert prove(browser, other).url == "/"
    assert again(person).phone == other


def test_number_that_cognito_refuses_at_the_end_leaves_the_way_open(aws, code, person):
    browser = Client()
    steps.type_code(browser, code)
    aws.fails("AdminUpdateUserAttributes", aws_error("AliasExistsException", "taken"))
    assert prove(browser).url == steps.NUMBER
    assert prove(browser, "+12025550188").url == "/"
    assert again(person).phone == "+12025550188"


def test_own_number_is_no_new_one(code, person):
    browser = Client()
    steps.type_code(browser, code)
    page = browser.post(steps.NUMBER, {"phone": person.phone})
    assert "That is your number already" in page.content.decode()


def test_cognito_that_is_away_gets_it_later(aws, code, person):
    browser = Client()
    steps.type_code(browser, code)
    aws.faults["AdminUpdateUserAttributes"] = OUTAGE
    assert prove(browser).url == steps.DONE
    assert "We keep trying" in browser.get(steps.DONE).content.decode()
    assert who(browser) is None
    aws.faults.clear()
    Operation.objects.update(next_try_at=timezone.now(), lease_until=None)
    operations.run_due()
    assert again(person).phone == NEW
    assert "Sign in with your new number" in browser.get(steps.DONE).content.decode()


def test_number_that_cognito_refuses_later_leaves_the_way_open(aws, code, person):
    browser = Client()
    steps.type_code(browser, code)
    aws.faults["AdminUpdateUserAttributes"] = OUTAGE
    prove(browser)
    aws.faults["AdminUpdateUserAttributes"] = aws_error("AliasExistsException", "taken")
    Operation.objects.update(next_try_at=timezone.now(), lease_until=None)
    operations.run_due()
    aws.faults.clear()
    assert "never merged" in browser.get(steps.DONE, follow=True).content.decode()
    # The same digits would be a second press.
    aws.functions["check"] = lambda asked: {"is_correct": asked["code"] == "555555"}
    assert prove(browser, "+12025550188", "555555").url == "/"
    assert again(person).phone == "+12025550188"


@pytest.mark.parametrize("plan", ["code authenticator", "password code", "code question"])
def test_sign_in_with_more_steps_is_left_to_its_own_page(aws, code, person, settings, plan):
    settings.ACCOUNTS_SIGN_IN_PLAN = plan
    browser = Client()
    steps.type_code(browser, code)
    assert prove(browser).url == steps.DONE
    assert who(browser) is None


def test_account_that_slept_opens_to_the_new_number(aws, code, person):
    User.objects.update(last_login=timezone.now() - timedelta(days=500))
    browser = Client()
    steps.type_code(browser, code)
    assert prove(browser).url == "/"
    assert Return.objects.filter(user=person, kind="renumbered").count() == 1


def test_wrong_digits_change_nothing(aws, code, person):
    browser = Client()
    steps.type_code(browser, code)
    browser.post(steps.NUMBER, {"phone": NEW})
    page = browser.post(steps.CODE, {"code": "000000"})
    assert "That is not the code" in page.content.decode()
    assert again(person).phone != NEW


def test_three_wrong_codes_lead_back_to_the_number_and_are_said(aws, code):
    browser = Client()
    steps.type_code(browser, code)
    browser.post(steps.NUMBER, {"phone": NEW})
    for wrong in ("000001", "000002"):
        assert browser.post(steps.CODE, {"code": wrong}).status_code == 200
    page = browser.post(steps.CODE, {"code": "000003"}, follow=True)
    assert page.redirect_chain == [(steps.NUMBER, 302)]
    assert "comes with tries of its own" in page.content.decode()


def test_there_are_none_where_nobody_can_be_told_or_the_setting_is_off(aws, settings):
    assert Client().get(steps.RECOVER).status_code == 200
    settings.ACCOUNTS_RECOVERY_HOURS = 0
    assert Client().get(steps.RECOVER).status_code == 404
    settings.ACCOUNTS_RECOVERY_HOURS = 24
    settings.TEXTS_FUNCTION = ""
    assert Client().get(steps.RECOVER).status_code == 404


def test_purge_ends_what_nobody_finished(row, person):
    Recovery.objects.update(ends_at=timezone.now())
    call_command("purge", stdout=io.StringIO())
    assert Recovery.objects.get().state == "expired"
    assert again(person).recovery_until is None
    assert reasons()[-1] == "recovery_expired"


def test_old_ones_are_purged_with_events(row):
    Recovery.objects.update(started_at=timezone.now() - timedelta(days=181))
    retention.purge(timezone.now())
    assert not Recovery.objects.exists()

"""An account that nobody used for long does not open on a code alone."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts import operations
from accounts.models import Operation, Return, Session, SignInEvent, User
from accounts.operations import returns
from tests.accounts.operators import again, make_operator
from tests.clock import seconds_later
from tests.fakes.sign_in_pool import further_step
from tests.fakes.site_texts import proof
from tests.fakes.user_pool import OUTAGE
from tests.login_steps import (
    CODE,
    LOGIN,
    RESEND,
    TAKE_OVER,
    answer,
    ask,
    device,
    is_signed_in,
    who,
)
from tests.pages import spaced
from tests.wire import Reply

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

PAGE, ASK, NEW = (f"/accounts/login/dormant/{step}" for step in ("", "ask/", "new/"))
RESPOND, UPDATE = "RespondToAuthChallenge", "AdminUpdateUserAttributes"
DAY = 24 * 60 * 60
Kind = SignInEvent.Kind


def sleep(user: User, days: float = 500) -> User:
    User.objects.filter(pk=user.pk).update(last_login=timezone.now() - timedelta(days=days))
    return again(user)


def sign_in(client: Client, pool, phone: str):
    ask(client, phone)
    return answer(client, pool.code())


def attempt(client: Client) -> str:
    return re.search(r'name="attempt" value="([^"]+)"', spaced(client.get(PAGE))).group(1)


def press(client: Client, url: str, **typed: str):
    return client.post(url, {"attempt": attempt(client), **typed})


def reasons(user: User) -> list[tuple[str, str]]:
    events = SignInEvent.objects.filter(user=user).order_by("pk")
    return list(events.values_list("kind", "reason"))


@pytest.fixture
def sleeper(known, settings) -> User:
    """Somebody whose account has rights and a name, and who was last here 500 days ago."""
    settings.ACCOUNTS_SIGN_UP = "open"
    known.name = "Ada"
    known.save()
    known.groups.add(Group.objects.create(name="Money"))
    return sleep(known)


@pytest.fixture
def stranger(pool, sleeper) -> Client:
    """A browser that has just typed the right code of a number that slept."""
    client = device()
    assert sign_in(client, pool, sleeper.phone).url == PAGE
    return client


# The question


def test_recycled_number_does_not_open_the_account_of_its_earlier_owner(stranger, sleeper):
    assert not is_signed_in(stranger)
    assert not Session.objects.filter(user=sleeper).exists()
    assert again(sleeper).last_login == sleeper.last_login
    assert reasons(sleeper)[-1] == (Kind.FAILED, "dormant")
    page = spaced(stranger.get(PAGE))
    assert "The account is mine" in page
    assert "Ada" not in page
    assert sleeper.phone not in page


@pytest.mark.parametrize(("days", "url"), [(89, "/"), (91, PAGE)])
def test_account_sleeps_after_ninety_days(pool, known, days, url):
    sleep(known, days)
    assert sign_in(device(), pool, known.phone).url == url


def test_zero_days_is_off(pool, known, settings):
    settings.ACCOUNTS_DORMANT_DAYS = 0
    sleep(known, 4000)
    assert sign_in(device(), pool, known.phone).url == "/"


def test_invitation_that_nobody_took_sleeps_too(pool, known):
    User.objects.update(date_joined=timezone.now() - timedelta(days=100))
    assert known.last_login is None
    assert sign_in(device(), pool, known.phone).url == PAGE


def test_nobody_takes_over_or_goes_on_without_an_answer(stranger, sleeper):
    for url in (TAKE_OVER, "/accounts/login/challenge/", CODE):
        stranger.post(url, {"attempt": attempt(stranger), "code": "123456"})
        assert not is_signed_in(stranger)
    assert not Session.objects.filter(user=sleeper).exists()


def test_second_press_of_the_code_leads_to_the_same_question(pool, sleeper):
    client = device()
    ask(client, sleeper.phone)
    code = pool.code()
    assert [answer(client, code).url for _ in range(2)] == [PAGE, PAGE]


def test_key_of_the_session_is_a_new_one(pool, sleeper):
    client = device()
    ask(client, sleeper.phone)
    before = client.session.session_key
    answer(client, pool.code())
    assert client.session.session_key != before


def test_question_ends_when_the_account_is_shut_out(stranger, sleeper):
    User.objects.filter(pk=sleeper.pk).update(is_active=False)
    assert stranger.get(PAGE).url == LOGIN


def test_page_without_a_sign_in_leads_to_the_phone(client):
    assert client.get(PAGE).url == LOGIN
    for url in (ASK, NEW):
        assert client.get(url).url == PAGE
        assert client.post(url, {"attempt": "x"}).url == LOGIN


# Another proof


def test_browser_that_the_account_was_used_in_is_let_in(pool, known):
    client = device()
    assert sign_in(client, pool, known.phone).url == "/"
    client.post("/accounts/logout/")
    with seconds_later(170 * DAY):
        assert sign_in(client, pool, known.phone).url == "/"
        assert who(client) == known


def test_browser_that_was_forgotten_is_asked(pool, known):
    client = device()
    sign_in(client, pool, known.phone)
    client.post("/accounts/logout/")
    with seconds_later(100 * DAY):
        User.objects.update(browsers_forgotten_at=timezone.now())
        assert sign_in(client, pool, known.phone).url == PAGE


@pytest.mark.parametrize(
    ("challenge", "name", "url"),
    [
        ("SOFTWARE_TOKEN_MFA", "software_token_mfa", "/"),
        ("EMAIL_OTP", "email_otp", "/"),
        # It may go to the very same number.
        ("SMS_MFA", "sms_mfa", PAGE),
    ],
)
def test_step_that_takes_more_than_the_number_opens_the_account(
    pool, sleeper, challenge, name, url
):
    client = device()
    ask(client, sleeper.phone)
    pool.fails(RESPOND, further_step(challenge, CODE_DELIVERY_DESTINATION="a***"))
    assert answer(client, pool.code()).url == "/accounts/login/challenge/"
    pool.fails(RESPOND, Reply({"AuthenticationResult": pool._tokens(sleeper.sub)}))
    found = re.search(
        r'name="attempt" value="([^"]+)"', spaced(client.get("/accounts/login/challenge/"))
    )
    typed = {"attempt": found.group(1), "kind": name, "answer": "123456"}
    assert client.post("/accounts/login/challenge/", typed).url == url


def test_page_names_passkeys_where_the_site_has_them_whatever_the_account_has(
    pool, stranger, settings
):
    pool.proves_itself(settings)
    assert "Use a passkey" in spaced(stranger.get(PAGE, headers={"host": "localhost"}))
    settings.ACCOUNTS_PASSKEYS = False
    assert "Use a passkey" not in spaced(stranger.get(PAGE, headers={"host": "localhost"}))


# "The account is mine"


def test_request_waits_for_operators_once(stranger, sleeper):
    assert press(stranger, ASK).url == PAGE
    page = spaced(stranger.get(PAGE))
    row = Return.objects.get()
    assert (row.user, row.kind, row.state) == (sleeper, "owner", "waiting")
    assert row.reference in page
    assert sleeper.phone not in row.phone
    assert reasons(sleeper)[-1] == (Kind.DORMANT, "asked")
    assert not is_signed_in(stranger)


def test_who_asks_again_keeps_their_place_and_reference(pool, stranger, sleeper):
    press(stranger, ASK)
    with seconds_later(3600):
        sign_in(stranger, pool, sleeper.phone)
        press(stranger, ASK)
        assert Return.objects.get().reference in spaced(stranger.get(PAGE))


@pytest.mark.parametrize(("days", "url"), [(1, "/"), (6.9, "/"), (7.1, PAGE)])
def test_approval_opens_the_account_to_a_code_for_a_week(pool, stranger, sleeper, days, url):
    press(stranger, ASK)
    assert returns.decide(Return.objects.get(), Return.State.APPROVED, by=make_operator())
    with seconds_later(days * DAY):
        assert sign_in(stranger, pool, sleeper.phone).url == url


def test_approval_is_for_the_browser_that_asked(pool, stranger, sleeper):
    press(stranger, ASK)
    returns.decide(Return.objects.get(), Return.State.APPROVED, by=make_operator())
    assert sign_in(device("iPhone"), pool, sleeper.phone).url == PAGE
    assert sign_in(stranger, pool, sleeper.phone).url == "/"
    assert who(stranger).name == "Ada"


def test_refusal_leaves_it_closed_and_they_may_ask_again(pool, stranger, sleeper):
    press(stranger, ASK)
    boss = make_operator()
    assert returns.decide(Return.objects.get(), Return.State.REFUSED, by=boss)
    assert not returns.decide(Return.objects.get(), Return.State.APPROVED, by=boss)
    assert sign_in(stranger, pool, sleeper.phone).url == PAGE
    press(stranger, ASK)
    assert Return.objects.filter(state="waiting").count() == 1


def test_number_of_an_operator_opens_the_account_once_more(pool, sleeper):
    operations.perform(
        Operation.Kind.CHANGE_NUMBER, sleeper, by=None, phone="+12025550187", verified=False
    )
    client = device()
    assert sign_in(client, pool, "+12025550187").url == "/"
    assert who(client) == sleeper


def test_order_that_leaves_the_number_as_it_is_opens_nothing(pool, sleeper):
    operations.perform(
        Operation.Kind.CHANGE_NUMBER, sleeper, by=None, phone=sleeper.phone, verified=False
    )
    assert sign_in(device(), pool, sleeper.phone).url == PAGE


# "I am new here"


def test_newcomer_gets_an_account_with_nothing_of_the_old_one(pool, stranger, sleeper):
    phone = sleeper.phone
    assert press(stranger, NEW).url == "/"
    newcomer, old = who(stranger), again(sleeper)
    assert newcomer != old
    assert (newcomer.phone, newcomer.phone_verified) == (phone, True)
    assert newcomer.sub == pool.sub_of(phone) != old.sub
    assert (newcomer.name, newcomer.is_staff, newcomer.groups.count()) == ("", False, 0)
    assert not newcomer.user_permissions.exists()
    assert (newcomer.devices_in_week, newcomer.overlaps_in_week) == (1, 0)
    # All that the old account had is there, but for the number.
    assert (old.name, old.phone, old.is_active) == ("Ada", None, True)
    assert old.groups.count() == 1
    assert pool.attributes(old.sub)["phone_number"].startswith("+999")
    row = Return.objects.get()
    assert (row.user, row.other, row.state) == (old, newcomer, "kept")
    assert reasons(old)[-1] == (Kind.DORMANT, "new_account")
    assert reasons(newcomer)[-1] == (Kind.SUCCEEDED, "")


def test_newcomer_signs_in_to_their_own_account_from_then_on(pool, stranger, sleeper):
    phone = sleeper.phone
    press(stranger, NEW)
    newcomer = who(stranger)
    elsewhere = device("iPhone")
    assert sign_in(elsewhere, pool, phone).url == "/"
    assert who(elsewhere) == newcomer


def test_second_press_makes_no_second_account(pool, stranger):
    typed = {"attempt": attempt(stranger)}
    twin = Client()
    twin.cookies.load({name: morsel.value for name, morsel in stranger.cookies.items()})
    assert stranger.post(NEW, typed).url == "/"
    assert twin.post(NEW, typed).url == "/"
    assert who(stranger) == who(twin)
    assert len(pool.users) == 2


def test_owner_of_the_old_account_comes_back_with_another_number(pool, stranger, sleeper):
    press(stranger, NEW)
    operations.perform(
        Operation.Kind.CHANGE_NUMBER, again(sleeper), by=None, phone="+12025550187", verified=False
    )
    client = device("iPhone")
    assert sign_in(client, pool, "+12025550187").url == "/"
    assert who(client).name == "Ada"


def test_old_account_is_no_difference_from_cognito(stranger, sleeper):
    from accounts.sync import compare

    press(stranger, NEW)
    found = compare.ask(sleeper.sub)
    assert (found.phone, found.phone_verified) == ("", False)


def test_crash_before_cognito_leaves_the_account_as_closed_as_it_was(pool, stranger, sleeper):
    pool.fails(UPDATE, OUTAGE)
    page = press(stranger, NEW)
    assert page.status_code == 503
    assert not is_signed_in(stranger)
    assert again(sleeper).phone == sleeper.phone
    # It is pressed again, and overtakes the order that waits.
    assert press(stranger, NEW).url == "/"
    assert {each.state for each in Operation.objects.all()} <= {"done", "waiting"}
    with seconds_later(3600):
        operations.run_due()
    assert not Operation.objects.filter(state="waiting").exists()
    assert who(stranger).phone == sleeper.phone


def test_crash_after_cognito_ends_at_the_next_sign_in(pool, stranger, sleeper):
    pool.fails("AdminCreateUser", OUTAGE)
    page = stranger.post(NEW, {"attempt": attempt(stranger)}, follow=True)
    assert "The number is free now" in spaced(page)
    assert again(sleeper).phone is None
    assert stranger.post(NEW, {"attempt": "x"}).url == LOGIN
    assert sign_in(stranger, pool, sleeper.phone).url == "/"
    assert who(stranger).name == ""


def test_order_that_waits_takes_no_number_from_an_owner_who_came_back(pool, stranger, sleeper):
    pool.fails(UPDATE, OUTAGE)
    press(stranger, NEW)
    User.objects.filter(pk=sleeper.pk).update(last_login=timezone.now())
    with seconds_later(3600):
        operations.run_due()
    assert Operation.objects.filter(kind="free_number").get().remark == "in_use"
    assert pool.attributes(sleeper.sub)["phone_number"] == sleeper.phone


@pytest.mark.parametrize("why", ["closed", "staff", "password", "other_names"])
def test_only_operators_take_a_number_from_an_account_with_more(
    pool, stranger, sleeper, settings, why
):
    typed = {"attempt": attempt(stranger)}
    if why == "closed":
        settings.ACCOUNTS_SIGN_UP = "closed"
    elif why == "staff":
        User.objects.filter(pk=sleeper.pk).update(is_staff=True)
    elif why == "password":
        pool.change(sleeper.sub, UserStatus="CONFIRMED")
    else:
        settings.COGNITO_USERNAME = "attribute"
    if why != "password":
        assert NEW not in spaced(stranger.get(PAGE))
    assert stranger.post(NEW, typed).url == PAGE
    assert not is_signed_in(stranger)
    assert pool.attributes(sleeper.sub)["phone_number"] == sleeper.phone
    assert "Only those who run this site" in spaced(stranger.get(PAGE))


@pytest.mark.parametrize("typed", ["in that browser", "after another text", "in another browser"])
def test_code_that_was_mailed_takes_no_number(pool, sleeper, settings, typed):
    """Whoever reads the mails of an account may not have its number."""
    settings.TEXTS_FUNCTION = "texts"
    pool.says = {"reference": "K7F-2Q", "channels": "email"}
    pool.functions["send_by"] = lambda _: proof()
    pool.cooldown = 600
    browser = device()
    ask(browser, sleeper.phone)
    with seconds_later(31):
        browser.post(RESEND, {"channel": "email"})
    if typed == "in another browser":
        browser = device()
        ask(browser, sleeper.phone)
    elif typed == "after another text":
        with seconds_later(62):
            browser.post(RESEND)
    assert answer(browser, pool.code()).url == PAGE
    assert NEW not in spaced(browser.get(PAGE))
    press(browser, NEW)
    assert again(sleeper).phone == sleeper.phone
    assert not is_signed_in(browser)


def test_new_accounts_of_newcomers_count_as_sign_ups(stranger, settings):
    settings.ACCOUNTS_SIGN_UPS = "0/hour"
    assert press(stranger, NEW).status_code == 429

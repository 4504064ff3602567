"""Sign-in with a code that goes elsewhere than to the number: Cognito and SiteTexts at the wire."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.events import sign_ins
from accounts.login import methods
from accounts.models import SignInEvent, User
from accounts.models.statements import update
from tests.alike import told
from tests.clock import seconds_later
from tests.fakes.site_texts import sends_codes
from tests.fakes.user_pool import OUTAGE
from tests.login_steps import (
    CODE,
    LOGIN,
    RESEND,
    TAKE_OVER,
    answer,
    ask,
    form,
    is_signed_in,
    same_cookies,
    who,
)
from tests.pages import text
from tests.wire import Reply

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

BACKUP, NUMBER = "/accounts/login/backup/", "/accounts/number/"
# The same code twice in a moment would be a double press.
RIGHT, RIGHT_TOO, WRONG = "123456", "135790", "654321"
SECOND = "+12025550144"
DAY = 24 * 60 * 60
WAYS = ["email", "second_number"]
every_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(autouse=True)
def _site(pool, settings) -> None:
    pool.proves_itself(settings)
    sends_codes(pool, settings)
    settings.ACCOUNTS_EMAIL = settings.ACCOUNTS_EMAIL_LOGIN = True
    settings.ACCOUNTS_SECOND_NUMBER = True
    settings.ACCOUNTS_SIGN_UP = "closed"
    # Of an account, as the real one: to nobody's, no answer is right.
    pool.functions["check"] = lambda asked: {
        "is_correct": asked["code"] in (RIGHT, RIGHT_TOO) and asked["user"] in pool.users
    }


@pytest.fixture
def known(known) -> User:
    update(User, {"id": known.pk}, {"second_phone": SECOND})
    known.second_phone = SECOND
    return known


@pytest.fixture
def stranger(known) -> str:
    return known.phone[:-4] + "9876"


def begin(client: Client, phone: str, way: str):
    if way == "email":
        return ask(client, phone, way="email")
    return client.post(BACKUP, {"phone": phone, "way": way})


def test_code_by_mail_signs_in_without_a_text(client, pool, known):
    assert begin(client, known.phone, "email").url == CODE
    page = text(client.get(CODE))
    assert "We sent it to the e-mail address that your account has for" in page
    assert "E-mail me again" in page
    assert answer(client, RIGHT).url == "/"
    assert who(client) == known
    assert pool.texts == []
    [asked] = pool.calls("prove")
    assert asked == {
        "action": "prove",
        "phone": known.phone,
        "user": known.sub,
        "language": "en",
        "purpose": "by_mail",
        "channel": "email",
    }
    events = SignInEvent.objects.order_by("pk").values_list("kind", "reason")
    assert list(events) == [("started", ""), ("sent", "email"), ("succeeded", "email")]
    assert pool.calls("tell") == []


def test_code_to_the_second_number_signs_in_and_leads_to_a_new_number(client, pool, known):
    assert "Text my second number" in text(client.get(BACKUP))
    assert begin(client, known.phone, "second_number").url == CODE
    page = text(client.get(CODE))
    assert "We texted it to the second number that your account has for" in page
    assert SECOND not in page.replace(" ", "")
    assert answer(client, RIGHT).url == NUMBER
    assert who(client) == known
    # No code is asked for again, which would go to the number that is gone.
    assert client.get(NUMBER).status_code == 200
    [asked] = pool.calls("prove")
    assert (asked["purpose"], asked["second"], asked["channel"]) == ("by_second", SECOND, "text")
    done = SignInEvent.objects.latest("pk")
    assert (done.kind, done.reason) == ("succeeded", "second_number")
    assert done.seconds is not None


def test_first_number_is_told_of_a_sign_in_by_the_second(client, pool, known):
    begin(client, known.phone, "second_number")
    answer(client, WRONG)
    assert pool.calls("tell") == []
    answer(client, RIGHT)
    [told] = pool.calls("tell")
    assert (told["phone"], told["message"]) == (known.phone, "second_number_used")


@every_way
def test_wrong_codes_cost_the_tries_and_the_last_one_ends_it(client, pool, known, way):
    begin(client, known.phone, way)
    assert "You have 2 tries left." in text(answer(client, WRONG))
    # A second press of the same code costs none.
    assert "You have 2 tries left." in text(answer(client, WRONG))
    assert "You have 1 try left." in text(answer(client, "111111"))
    assert answer(client, "222222").url == LOGIN
    assert answer(client, RIGHT).url == LOGIN
    assert not is_signed_in(client)


@every_way
def test_double_press_of_the_right_code_is_one_sign_in(client, pool, known, way):
    begin(client, known.phone, way)
    twin = same_cookies(client)
    first, second = answer(client, RIGHT), answer(twin, RIGHT)
    assert (first.status_code, second.status_code) == (302, 302)
    assert who(client) == who(twin) == known
    assert len(pool.calls("check")) == 1
    assert SignInEvent.objects.filter(kind="succeeded").count() == 1


@every_way
def test_code_goes_again_the_same_way_after_the_wait(client, pool, known, way):
    begin(client, known.phone, way)
    early = client.post(RESEND)
    assert early.status_code == 429
    assert ("another e-mail" in text(early)) == (way == "email")
    with seconds_later(31):
        page = text(client.post(RESEND, follow=True))
    assert ("If your account has" in page) is True
    assert [each["purpose"] for each in pool.calls("prove")] == [f"by_{_word(way)}"] * 2


def _word(way: str) -> str:
    return "mail" if way == "email" else "second"


@every_way
def test_text_and_other_way_are_sign_ins_of_their_own(client, pool, known, way):
    ask(client, known.phone)
    texted = pool.code()
    begin(client, known.phone, way)
    assert len(pool.calls("prove")) == 1
    assert b"is not the code" in answer(client, texted).content
    ask(client, known.phone)
    assert len(pool.texts) == 2
    assert answer(client, pool.code()).status_code == 302
    assert len(pool.calls("check")) == 1


@every_way
def test_code_proves_no_number(client, pool, phone, way):
    sub = pool.register(phone, verified=False)
    user = User.objects.for_identity(sub, phone, phone_verified=False)
    update(User, {"id": user.pk}, {"second_phone": SECOND})
    begin(client, phone, way)
    answer(client, RIGHT)
    assert who(client) == user
    assert pool.attributes(sub)["phone_number_verified"] == "false"
    user.refresh_from_db()
    assert user.phone_verified is False


@every_way
@pytest.mark.parametrize("state", ["disabled", "shut out", "without", "unknown"])
def test_stranger_reads_and_takes_what_a_member_does(pool, known, stranger, settings, way, state):
    def walk(phone: str) -> list[object]:
        client, found = Client(), []
        steps = (
            lambda: begin(client, phone, way),
            lambda: client.get(CODE),
            lambda: answer(client, WRONG),
            lambda: answer(client, "111111"),
            lambda: answer(client, "222222"),
            lambda: client.get(LOGIN),
        )
        for step in steps:
            pool.forget_calls()
            with CaptureQueriesContext(connection) as statements:
                response = step()
            page = told(response.status_code, response.headers, [], text(response))
            calls = [
                {name: len(str(value)) for name, value in each.json.items()}
                for each in pool.requests
            ]
            found.append((response.status_code, page, calls, len(statements)))
        return found

    settings.ACCOUNTS_WRONG_CODES = "1000/minute"
    member = walk(known.phone)
    assert member[0][0] == 302
    if state == "unknown":
        other = stranger
    else:
        other = known.phone
        changes = {
            "disabled": {"cognito_enabled": False},
            "shut out": {"is_active": False},
            "without": {"second_phone": ""},
        }[state]
        User.objects.update(**changes)
    theirs = walk(other)
    # The sub of nobody and a number that nobody has are as long as others, but for the second one.
    for one, two in zip(member, theirs, strict=True):
        for calls in (one[2], two[2]):
            for call in calls:
                call.pop("second", None)
        assert one == two


@every_way
def test_nobody_is_signed_in_where_the_function_says_yes_to_all(client, pool, stranger, way):
    pool.functions["check"] = lambda _: {"is_correct": True}
    begin(client, stranger, way)
    answer(client, RIGHT)
    assert who(client) is None
    assert pool.calls("InitiateAuth") == []


@every_way
def test_person_whom_cognito_has_disabled_meanwhile_is_refused(client, pool, known, way):
    begin(client, known.phone, way)
    pool.change(known.sub, Enabled=False)
    assert answer(client, RIGHT).url == LOGIN
    assert who(client) is None


@every_way
def test_number_that_was_removed_meanwhile_signs_nobody_in(client, pool, known, way):
    begin(client, known.phone, "second_number")
    User.objects.update(second_phone="")
    answer(client, RIGHT)
    assert who(client) is None


@every_way
def test_function_that_is_away_is_said_and_nothing_is_lost(client, pool, known, way):
    pool.faults[""] = Reply(status=500)
    page = begin(client, known.phone, way)
    assert page.status_code == 503
    del pool.faults[""]
    begin(client, known.phone, way)
    pool.faults[""] = Reply(status=500)
    assert answer(client, RIGHT).status_code == 503
    del pool.faults[""]
    assert answer(client, RIGHT).status_code == 302
    assert who(client) == known


@every_way
def test_cognito_that_is_away_after_the_right_code_leads_to_the_start(client, pool, known, way):
    begin(client, known.phone, way)
    pool.faults["InitiateAuth"] = OUTAGE
    page = answer(client, RIGHT)
    assert page.status_code == 503
    assert "Text me a code" in text(page)
    del pool.faults["InitiateAuth"]
    # The code was used up, so another one is asked for at once.
    begin(client, known.phone, way)
    assert answer(client, RIGHT).status_code == 302


def test_mail_opens_an_account_that_slept_and_a_second_number_does_not(client, pool, known):
    User.objects.update(last_login=timezone.now() - timedelta(days=200))
    begin(client, known.phone, "second_number")
    assert answer(client, RIGHT).url == "/accounts/login/dormant/"
    assert who(client) is None
    begin(client, known.phone, "email")
    assert answer(client, RIGHT_TOO).status_code == 302
    assert who(client) == known


def test_second_number_frees_no_first_one(client, pool, known, settings):
    settings.ACCOUNTS_SIGN_UP = "open"
    User.objects.update(last_login=timezone.now() - timedelta(days=200))
    begin(client, known.phone, "second_number")
    answer(client, RIGHT)
    page = text(client.get("/accounts/login/dormant/"))
    assert "/accounts/login/dormant/new/" not in page
    attempt = client.session["accounts.pending"]["attempt"]
    client.post("/accounts/login/dormant/new/", {"attempt": attempt})
    assert who(client) is None
    assert User.objects.get().phone == known.phone


@every_way
def test_other_devices_are_asked_about_as_ever(client, pool, known, settings, way):
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    elsewhere = Client()
    elsewhere.force_login(known)
    begin(client, known.phone, way)
    assert answer(client, RIGHT).url == "/accounts/login/take-over/"
    assert who(client) is None


@every_way
@pytest.mark.parametrize("reason", ["removed", "set_up"])
def test_nobody_goes_on_by_an_address_that_is_changed_while_they_are_asked(
    client, pool, known, settings, way, reason
):
    settings.ACCOUNTS_SHARING_POLICY = "ask"
    elsewhere = Client()
    elsewhere.force_login(known)
    # An earlier change is of no account.
    kind = SignInEvent.Kind.EMAIL if way == "email" else SignInEvent.Kind.SECOND_NUMBER
    sign_ins.record(kind, None, phone=known.phone, user=known, reason=reason)
    begin(client, known.phone, way)
    answer(client, RIGHT)
    filled = form(client.get(TAKE_OVER))
    assert filled
    sign_ins.record(kind, None, phone=known.phone, user=known, reason=reason)
    assert client.post(TAKE_OVER, filled).url == LOGIN
    assert who(client) is None


@every_way
def test_code_of_another_way_opens_no_admin(client, pool, known, settings, way):
    settings.ACCOUNTS_STAFF_SECOND_FACTOR = True
    User.objects.update(is_staff=True, is_superuser=True, app_opens_admin=True)
    begin(client, known.phone, way)
    answer(client, RIGHT)
    request = client.get("/").wsgi_request
    assert methods.of(request) == {"otp" if way == "email" else "sms"}
    assert client.get("/admin/").status_code == 302


@every_way
def test_browser_that_is_known_is_named_so(client, pool, known, way):
    begin(client, known.phone, way)
    answer(client, RIGHT)
    client.post("/accounts/logout/")
    pool.forget_calls()
    begin(client, known.phone, way)
    answer(client, RIGHT_TOO)
    assert [each["is_known"] for each in pool.calls("prove") + pool.calls("check")] == [True] * 2


@every_way
def test_codes_count_for_the_network_as_texts_do(pool, known, settings, way):
    settings.ACCOUNTS_SENDS = "2/hour"
    pages = [begin(Client(), known.phone, way).status_code for _ in range(3)]
    assert pages == [302, 302, 429]
    assert len(pool.calls("prove")) == 2


@every_way
def test_network_that_only_asks_works_for_each_code(client, pool, known, settings, way):
    settings.ACCOUNTS_UNUSED_SENDS = "1/hour"
    begin(Client(), known.phone, way)
    assert begin(client, known.phone, way).url == "/accounts/login/challenge/"
    assert len(pool.calls("prove")) == 1


@every_way
def test_wrong_codes_are_those_of_their_network(pool, known, settings, way):
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    client = Client()
    begin(client, known.phone, way)
    answer(client, WRONG)
    assert answer(client, "111111").status_code == 429
    assert len(pool.calls("check")) == 1


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ACCOUNTS_SIGN_IN_PLAN", "code authenticator"),
        ("ACCOUNTS_SIGN_IN_PLAN", "captcha code"),
        ("ACCOUNTS_SIGN_IN_PLAN", "password code"),
        ("COGNITO_SITE_CLIENT_ID", ""),
        ("SITE_KEY", ""),
        ("TEXTS_FUNCTION", ""),
        ("ACCOUNTS_EMAIL_LOGIN", False),
        ("ACCOUNTS_EMAIL", False),
        ("ACCOUNTS_SECOND_NUMBER", False),
    ],
)
def test_there_is_no_such_way_where_it_would_be_weaker_or_cannot_be(
    client, pool, known, settings, setting, value
):
    mail, second = "Get the code by e-mail", "Text my second number"
    assert mail in text(client.get(LOGIN))
    assert second in text(client.get(BACKUP))
    setattr(settings, setting, value)
    has_mail, has_second = setting == "ACCOUNTS_SECOND_NUMBER", "EMAIL" in setting
    assert (mail in text(client.get(LOGIN))) is has_mail
    assert (second in text(client.get(BACKUP))) is has_second
    for way, is_there in zip(WAYS, (has_mail, has_second), strict=True):
        begin(Client(), known.phone, way)
        purposes = [each["purpose"] for each in pool.calls("prove")]
        assert (f"by_{_word(way)}" in purposes) is is_there


def test_mistyped_number_is_said_and_no_backup_code_is_asked_for(client, pool):
    page = text(client.post(BACKUP, {"phone": "12", "way": "second_number"}))
    assert 'id="error_phone"' in page
    assert 'id="error_code"' not in page
    assert pool.calls("prove") == []


def test_code_that_is_not_typed_is_asked_for_from_the_mail(client, pool, known):
    begin(client, known.phone, "email")
    assert "Type the code from the e-mail." in text(client.post(CODE, {"code": ""}))

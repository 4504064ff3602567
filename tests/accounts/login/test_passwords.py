"""The flow of the plan "password code", against a Cognito at the wire that checks passwords."""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.core import serializers
from django.test import Client
from django.views.debug import ExceptionReporter

from accounts.models import Session, SignInEvent, User
from tests.clock import seconds_later
from tests.fakes.attribute_pool import AttributePool
from tests.fakes.password_check import PasswordCheck
from tests.fakes.sign_in_pool import POOL_NAME, SignInPool, further_step
from tests.fakes.user_pool import OUTAGE
from tests.login_steps import CODE, LOGIN, RESEND, answer, ask, who
from tests.pages import text
from tests.wire import aws_error

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

# Spaces at an end are a part of it.
RIGHT, WRONG = " Right horse 7 ü ", "Wrong horse 7"
WORDS = "The number or the password is not right."
NEW_PASSWORD = "Your password was right. But it must be replaced"
# What is drawn for each page.
NOT_TOLD = [
    r'(?<=name="csrfmiddlewaretoken" value=")[^"]+',
    r"\b[2-9A-HJ-NP-Z]{3}-[2-9A-HJ-NP-Z]{2}\b",
    r'(?<=name="phone" )[^>]+value="[^"]*"',
]


@pytest.fixture(autouse=True)
def _plan(settings) -> None:
    settings.ACCOUNTS_SIGN_IN_PLAN = "password code"
    settings.ACCOUNTS_SIGN_UP = "open"


@pytest.fixture
def member(pool: SignInPool, known: User) -> User:
    """Somebody with a password who signed in here before."""
    give_password(pool, known.sub)
    return known


def give_password(pool: SignInPool, sub: str) -> None:
    pool.passwords[sub] = RIGHT
    pool.change(sub, UserStatus="CONFIRMED")


def events() -> list[tuple[str, str]]:
    return list(SignInEvent.objects.order_by("at", "pk").values_list("kind", "reason"))


# Right


def test_right_password_texts_a_code_that_signs_in(client, pool, member):
    page = ask(client, member.phone, password=RIGHT, next="/accounts/devices/")
    assert (page.status_code, page.url) == (302, CODE)
    assert [phone for phone, _ in pool.texts] == [member.phone]
    assert answer(client, pool.code()).url == "/accounts/devices/"
    assert who(client) == member
    assert pool.operations() == [
        "InitiateAuth",
        "RespondToAuthChallenge",
        "RespondToAuthChallenge",
    ]
    assert events() == [("started", ""), ("sent", ""), ("succeeded", "")]


def test_with_iam_the_same_steps_are_admin_calls(client, pool, member, settings):
    settings.COGNITO_API = "admin"
    ask(client, member.phone, password=RIGHT)
    answer(client, pool.code())
    assert who(client) == member
    assert pool.operations() == [
        "AdminInitiateAuth",
        "AdminRespondToAuthChallenge",
        "AdminRespondToAuthChallenge",
    ]


def test_name_inside_the_pool_answers_and_not_the_number(client, pool, member):
    ask(client, member.phone, password=RIGHT)
    [started], [proved] = pool.calls("InitiateAuth"), pool.calls("RespondToAuthChallenge")
    assert started["AuthParameters"]["USERNAME"] == member.phone
    assert started["AuthParameters"]["CHALLENGE_NAME"] == "SRP_A"
    assert proved["ChallengeName"] == "PASSWORD_VERIFIER"
    assert proved["ChallengeResponses"]["USERNAME"] == member.sub


def test_number_that_only_cognito_has_signs_in(client, pool, phone):
    sub = pool.register(phone)
    give_password(pool, sub)
    ask(client, phone, password=RIGHT)
    answer(client, pool.code())
    assert who(client).sub == sub


def test_wrong_code_after_the_password_asks_for_another_try(client, pool, member):
    ask(client, member.phone, password=RIGHT)
    assert "You have 2 tries left" in text(answer(client, pool.wrong_code()))
    answer(client, pool.code())
    assert who(client) == member


def test_last_wrong_code_leads_back_to_number_and_password(client, pool, member):
    ask(client, member.phone, password=RIGHT)
    for offset in (1, 2, 3):
        page = answer(client, pool.wrong_code(offset))
    assert page.url == LOGIN
    assert "That sign-in is over" in text(client.get(LOGIN))


# Wrong


def shut_out(pool: SignInPool, phone: str) -> None:
    sub = pool.register(phone)
    give_password(pool, sub)
    User.objects.for_identity(sub, phone, phone_verified=True)
    User.objects.update(is_active=False)


def disabled(pool: SignInPool, phone: str) -> None:
    sub = pool.register(phone)
    give_password(pool, sub)
    pool.change(sub, Enabled=False)


def without_password(pool: SignInPool, phone: str) -> None:
    pool.register(phone)


def nobody(pool: SignInPool, phone: str) -> None:
    pass


@pytest.mark.parametrize("prepare", [shut_out, disabled, without_password, nobody])
def test_everybody_who_may_not_sign_in_meets_the_page_of_a_wrong_password(
    client, pool, member, make_phone, prepare: Callable[[SignInPool, str], object]
):
    phone = make_phone()
    prepare(pool, phone)
    seen = []
    for number, typed in ((member.phone, WRONG), (phone, RIGHT)):
        page = Client().post(LOGIN, {"phone": number, "password": typed})
        told = text(page)
        assert WORDS in told
        for pattern in NOT_TOLD:
            told = re.sub(pattern, "…", told)
        told_by = page.headers.keys() - {"X-Request-ID", "Expires"}
        headers = {name: page[name] for name in told_by}
        seen.append((page.status_code, headers, sorted(page.cookies), told))
    assert seen[0] == seen[1]
    assert pool.texts == []
    # Nobody is made, though sign-up is open.
    assert pool.calls("AdminCreateUser") == []


def test_wrong_password_takes_the_calls_of_an_unknown_number(client, pool, member, make_phone):
    ask(client, member.phone, password=WRONG)
    of_member = pool.operations()
    pool.forget_calls()
    ask(client, make_phone(), password=WRONG)
    assert pool.operations() == of_member == ["InitiateAuth", "RespondToAuthChallenge"]


@pytest.mark.parametrize("prepare", [disabled, without_password])
def test_refusal_before_the_password_takes_as_many_calls_as_a_wrong_one(
    client, pool, phone, prepare: Callable[[SignInPool, str], object]
):
    prepare(pool, phone)
    ask(client, phone, password=RIGHT)
    assert len(pool.operations()) == 2


def test_person_who_is_shut_out_here_is_not_named_to_cognito(client, pool, phone):
    shut_out(pool, phone)
    ask(client, phone, password=RIGHT)
    assert pool.operations() == ["InitiateAuth", "RespondToAuthChallenge"]
    assert phone not in json.dumps(pool.calls("InitiateAuth"))
    assert events() == [("started", ""), ("failed", "shut_out")]


def test_wrong_password_is_an_event_and_leaves_nothing_pending(client, pool, member):
    page = ask(client, member.phone, password=WRONG)
    [reference] = re.findall(r"<strong>(\w{3}-\w{2})<", text(page))
    assert events() == [("started", ""), ("failed", "wrong_password")]
    assert set(SignInEvent.objects.values_list("reference", flat=True)) == {reference}
    assert client.get(CODE).url == LOGIN


def test_wrong_password_after_a_right_one_is_wrong(client, pool, member):
    ask(client, member.phone, password=RIGHT)
    page = ask(client, member.phone, password=WRONG)
    assert page.status_code == 200
    assert WORDS in text(page)
    # The code that was texted is still good.
    answer(client, pool.code())
    assert who(client) == member


@pytest.mark.parametrize("typed", ["", "x" * 257, "\x00"])
def test_what_is_no_password_asks_cognito_nothing(client, pool, member, typed):
    page = ask(client, member.phone, password=typed)
    assert page.status_code == 200
    assert 'id="error_password"' in text(page)
    assert pool.requests == []


def test_password_of_a_megabyte_is_too_large(client, pool, member):
    assert ask(client, member.phone, password="x" * 1_000_000).status_code == 413
    assert pool.requests == []


def test_number_alone_texts_nobody(client, pool, member):
    page = ask(client, member.phone)
    assert "Type your password." in text(page)
    assert pool.requests == []


def test_wrong_passwords_count_as_wrong_codes_of_the_network(client, pool, member, settings):
    settings.ACCOUNTS_WRONG_CODES = "2/5 minutes"
    # Early in a window: at its edge the counter may let one more through.
    with time_machine.travel(time.time() // 300 * 300 + 301, tick=True):
        for _ in range(3):
            # A right one costs nothing.
            assert ask(client, member.phone, password=RIGHT).status_code == 302
        for _ in range(2):
            assert ask(client, member.phone, password=WRONG).status_code == 200
        calls = len(pool.requests)
        assert ask(client, member.phone, password=RIGHT).status_code == 429
        assert len(pool.requests) == calls


# A password that must be replaced


def reset_at_the_proof(pool: SignInPool, sub: str) -> None:
    pool.change(sub, UserStatus="RESET_REQUIRED")


def temporary(pool: SignInPool, sub: str) -> None:
    pool.fails("RespondToAuthChallenge", further_step("NEW_PASSWORD_REQUIRED"))


@pytest.mark.parametrize("prepare", [reset_at_the_proof, temporary])
def test_password_that_must_be_replaced_is_said_after_a_right_one(
    client, pool, member, settings, prepare
):
    settings.SITE_CONTACT = "help@example.com"
    prepare(pool, member.sub)
    assert ask(client, member.phone, password=RIGHT).url == LOGIN
    page = text(client.get(LOGIN))
    assert NEW_PASSWORD in page
    assert "mailto:help@example.com" in page
    assert pool.texts == []
    assert events() == [("started", ""), ("failed", "further_step")]


def test_reset_is_not_said_to_those_who_do_not_know_the_password(client, pool, member):
    reset_at_the_proof(pool, member.sub)
    page = text(ask(client, member.phone, password=WRONG))
    assert WORDS in page
    assert NEW_PASSWORD not in page


def test_reset_that_cognito_says_before_the_proof_looks_like_a_wrong_password(client, pool, member):
    pool.fails("InitiateAuth", aws_error("PasswordResetRequiredException", "Password reset"))
    assert WORDS in text(ask(client, member.phone, password=RIGHT))
    assert pool.operations() == ["InitiateAuth", "InitiateAuth"]


# Once more


def test_another_text_costs_the_password_again(client, pool, member):
    ask(client, member.phone, password=RIGHT)
    assert "You will be asked for your password again" in text(client.get(CODE))
    assert client.post(RESEND).status_code == 429
    with seconds_later(31):
        page = client.post(RESEND)
        assert page.url == LOGIN
        page = text(client.get(LOGIN))
        assert "We keep no password" in page
        assert len(pool.texts) == 1
        ask(client, member.phone, password=RIGHT)
    assert len(pool.texts) == 2
    answer(client, pool.code())
    assert who(client) == member


def test_another_text_without_a_sign_in_leads_to_the_start(client, pool):
    assert client.post(RESEND).url == LOGIN
    assert pool.requests == []


# What goes wrong on the way


@pytest.mark.parametrize("operation", ["InitiateAuth", "RespondToAuthChallenge"])
def test_cognito_being_away_is_said_and_costs_no_guess(client, pool, member, settings, operation):
    settings.ACCOUNTS_WRONG_CODES = "1/5 minutes"
    pool.fails(operation, OUTAGE, OUTAGE)
    for _ in range(2):
        page = ask(client, member.phone, password=RIGHT)
        assert page.status_code == 503
        assert RIGHT not in text(page)
    assert ask(client, member.phone, password=RIGHT).url == CODE


@pytest.mark.parametrize(
    "changed", [{"SRP_B": "0"}, {"SRP_B": "x"}, {"SALT": ""}, {"SECRET_BLOCK": "?"}]
)
def test_challenge_that_makes_no_sense_is_an_outage(client, pool, member, changed):
    asked = PasswordCheck(POOL_NAME, member.sub, RIGHT, srp_a="2").parameters()
    pool.fails("InitiateAuth", further_step("PASSWORD_VERIFIER", **asked | changed))
    assert ask(client, member.phone, password=RIGHT).status_code == 503
    assert pool.operations() == ["InitiateAuth"]


def test_step_of_cognitos_own_is_an_outage(client, pool, member):
    pool.fails("RespondToAuthChallenge", further_step("DEVICE_SRP_AUTH"))
    assert ask(client, member.phone, password=RIGHT).status_code == 503


# What the password meets


def test_password_is_nowhere_but_in_the_form(client, pool, member, caplog):
    caplog.set_level(logging.DEBUG)
    pages = [
        ask(client, member.phone, password=WRONG),
        ask(client, member.phone, password=RIGHT),
        client.get(CODE),
        answer(client, pool.code()),
    ]
    kept = serializers.serialize("json", [*SignInEvent.objects.all(), *Session.objects.all()])
    sent = [request.body for request in pool.requests]
    for password in (RIGHT, WRONG):
        assert all(password not in text(page) for page in pages)
        assert password not in caplog.text
        assert password not in kept
        assert password not in json.dumps(dict(client.session))
        assert not any(password.encode() in body for body in sent)


def test_password_is_not_shown_again_in_another_language(client, pool, member):
    typed = {"phone": member.phone, "password": RIGHT, "language": "de", "refused": "1"}
    page = text(client.post(LOGIN, typed))
    assert "Handynummer" in page
    assert RIGHT not in page
    assert pool.requests == []


def test_password_is_not_shown_again_by_a_form_that_was_too_old(pool, member):
    client = Client(enforce_csrf_checks=True)
    client.get(LOGIN)
    page = client.post(LOGIN, {"phone": member.phone, "password": RIGHT})
    assert page.status_code == 403
    assert 'name="password"' in text(page)
    assert RIGHT not in text(page)


def test_password_is_in_no_error_report(client, pool, member, monkeypatch):
    pool.loses_the_answer_to("RespondToAuthChallenge")
    request = client.post(LOGIN, {"phone": member.phone, "password": RIGHT}).wsgi_request
    shown = ExceptionReporter(request, None, None, None).get_traceback_html()
    assert "password" in shown
    assert RIGHT not in shown


# Pages of the plan


def test_form_is_one_that_password_managers_fill(client, pool):
    page = text(client.get(LOGIN))
    [phone] = re.findall(r'<input id="id_phone"[^>]+>', page)
    [password] = re.findall(r'<input id="id_password"[^>]+>', page)
    assert 'autocomplete="username"' in phone
    assert 'autocomplete="current-password"' in password
    assert 'type="password"' in password
    assert page.index("<form") < page.index(phone) < page.index(password)
    assert "No password." not in page


@pytest.mark.parametrize(
    ("typed", "focused"),
    [
        ({}, "phone"),
        ({"phone": "+12015550123"}, "password"),
        ({"phone": "12", "password": WRONG}, "phone"),
    ],
)
def test_field_that_is_to_be_filled_is_focused(client, pool, typed, focused):
    page = text(client.post(LOGIN, typed) if typed else client.get(LOGIN))
    assert re.findall(r'<input id="id_(\w+)"[^>]+autofocus', page) == [focused]


def test_plan_without_a_password_has_no_field_for_it(client, pool, settings):
    settings.ACCOUNTS_SIGN_IN_PLAN = "code"
    page = text(client.get(LOGIN))
    assert "id_password" not in page
    assert 'autocomplete="tel"' in page
    assert "No password." in page


# A pool whose user names are not phones


@pytest.fixture
def attribute_pool(settings) -> Iterator[AttributePool]:
    with AttributePool() as server:
        server.connect(settings)
        yield server


def test_holder_of_the_number_proves_the_password_of_the_account(client, attribute_pool, phone):
    sub = attribute_pool.hold(phone, name="somebody")
    attribute_pool.passwords[sub] = RIGHT
    assert ask(client, phone, password=RIGHT).url == CODE
    answer(client, attribute_pool.code())
    assert who(client).sub == sub
    assert attribute_pool.operations() == [
        "ListUsers",
        "InitiateAuth",
        "RespondToAuthChallenge",
        "RespondToAuthChallenge",
    ]
    [started] = attribute_pool.calls("InitiateAuth")
    assert started["AuthParameters"]["USERNAME"] == "somebody"


@pytest.mark.parametrize("held", [{}, {"enabled": False}, {"verified": False}, None])
def test_number_that_leads_to_nobody_takes_the_calls_of_a_wrong_password(
    client, attribute_pool, phone, held
):
    if held is not None:
        attribute_pool.passwords[attribute_pool.hold(phone, **held)] = RIGHT
    page = ask(client, phone, password=RIGHT if held != {} else WRONG)
    assert WORDS in text(page)
    assert attribute_pool.operations() == ["ListUsers", "InitiateAuth", "RespondToAuthChallenge"]
    assert attribute_pool.texts == []

"""The flow against a Cognito that is as strict as the real one, where the local AWS is kinder."""

import json
import logging
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.core import serializers
from django.db import connection
from django.db.models.signals import pre_save
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.views.debug import ExceptionReporter

from accounts.aws import tokens
from accounts.login import lock
from accounts.models import LoginLock, Session, SignInEvent, UnprovenAccount, User
from accounts.sessions.store import SessionStore
from tests.clock import seconds_later
from tests.concurrency import at_once, database_in_a_file
from tests.fakes.sign_in_pool import SignInPool
from tests.fakes.tokens import CLIENT_SECRET, id_token, key_set
from tests.login_steps import CODE, LOGIN, LOGOUT, RESEND, answer, ask, same_cookies, who
from tests.wire import Reply, aws_error

pytestmark = [pytest.mark.django_db, pytest.mark.pages]


# Which calls are made


def test_new_number_takes_three_calls_and_one_to_mark_it(client, pool, phone):
    assert ask(client, phone).url == CODE
    assert pool.operations() == ["AdminCreateUser", "InitiateAuth"]
    assert answer(client, pool.code()).url == "/"
    assert pool.operations() == [
        "AdminCreateUser",
        "InitiateAuth",
        "RespondToAuthChallenge",
        "AdminUpdateUserAttributes",
    ]
    [marked] = pool.calls("AdminUpdateUserAttributes")
    assert marked["UserAttributes"] == [{"Name": "phone_number_verified", "Value": "true"}]
    user = who(client)
    assert (user.phone, user.sub, user.phone_verified) == (phone, pool.sub_of(phone), True)


def test_second_sign_in_takes_two_calls(client, pool, phone):
    ask(client, phone)
    answer(client, pool.code())
    client.post(LOGOUT)
    pool.forget_calls()
    ask(client, phone)
    answer(client, pool.code())
    assert who(client).phone == phone
    assert pool.operations() == ["InitiateAuth", "RespondToAuthChallenge"]


def test_signing_in_with_iam_makes_the_admin_calls(client, pool, known, settings):
    settings.COGNITO_API = "admin"
    ask(client, known.phone)
    answer(client, pool.code())
    assert who(client) == known
    assert pool.operations() == ["AdminInitiateAuth", "AdminRespondToAuthChallenge"]


def test_number_that_only_cognito_has_is_found_there(client, pool, phone):
    sub = pool.register(phone)
    ask(client, phone)
    answer(client, pool.code())
    assert who(client).sub == sub
    assert pool.operations() == [
        "AdminCreateUser",
        "AdminGetUser",
        "InitiateAuth",
        "RespondToAuthChallenge",
    ]


def test_number_that_a_stranger_typed_before_is_texted_in_the_language_of_its_owner(
    client, pool, phone
):
    stranger, operations = Client(headers={"Accept-Language": "ja"}), pool.operations
    ask(stranger, phone)
    sub = pool.sub_of(phone)
    assert pool.attributes(sub)["locale"] == "ja"
    pool.forget_calls()
    client.post(LOGIN, {"phone": phone}, headers={"Accept-Language": "pt-BR"})
    assert pool.attributes(sub)["locale"] == "pt-BR"
    assert operations()[-2:] == ["AdminUpdateUserAttributes", "InitiateAuth"]
    pool.forget_calls()
    client.post(RESEND)
    assert "AdminUpdateUserAttributes" not in operations()
    assert UnprovenAccount.objects.get().changed_at


def test_number_that_was_proven_elsewhere_keeps_its_language(client, pool, phone):
    sub = pool.register(phone)
    client.post(LOGIN, {"phone": phone}, headers={"Accept-Language": "ja"})
    assert pool.attributes(sub)["locale"] == "en"


def test_fault_at_the_language_of_a_number_typed_before_stops_nobody(client, pool, phone):
    ask(Client(headers={"Accept-Language": "ja"}), phone)
    pool.fails("AdminUpdateUserAttributes", Reply({}, 500))
    assert ask(client, phone).url == CODE
    assert answer(client, pool.code()).url == "/"


def test_account_made_by_somebody_else_a_moment_ago_is_no_obstacle(client, pool, phone):
    pool.register(phone)
    pool.fails("AdminCreateUser", aws_error("UsernameExistsException", "User account exists"))
    assert ask(client, phone).url == CODE
    assert answer(client, pool.code()).url == "/"
    assert who(client).phone == phone


def test_account_that_the_site_made_is_written_down_until_somebody_signs_in(client, pool, phone):
    ask(client, phone)
    assert UnprovenAccount.objects.get().sub == pool.sub_of(phone)
    ask(Client(), phone)
    assert UnprovenAccount.objects.count() == 1


def test_no_more_accounts_are_made_than_may_be(client, pool, phone, settings):
    settings.ACCOUNTS_SIGN_UPS_PER_BLOCK = "10/hour"
    for n in range(120):
        visitor = Client(REMOTE_ADDR=f"192.0.2.{n}")
        assert ask(visitor, f"{phone[:-4]}{n:04d}").url == CODE
    assert len(pool.users) == len(pool.calls("AdminCreateUser")) == 10
    assert UnprovenAccount.objects.count() == 10
    # Nobody is told, but operators are.
    assert "We sent it to" in visitor.get(CODE).content.decode()
    event = SignInEvent.objects.latest("pk")
    assert (event.kind, event.reason) == ("blocked", "sign_ups")


def test_members_sign_in_when_no_more_accounts_are_made(client, pool, known, settings):
    settings.ACCOUNTS_SIGN_UPS = "1/hour"
    ask(Client(REMOTE_ADDR="192.0.2.1"), "+12015550001")
    ask(client, known.phone)
    assert answer(client, pool.code()).url == "/"


def test_account_of_an_app_signs_in_when_no_more_accounts_are_made(client, pool, phone, settings):
    """It has no row here, so the site cannot know that there is one."""
    settings.ACCOUNTS_SIGN_UPS = "1/hour"
    ask(Client(REMOTE_ADDR="192.0.2.1"), "+12015550001")
    pool.register(phone)
    ask(client, phone)
    assert answer(client, pool.code()).url == "/"


@pytest.mark.django_db(transaction=True)
def test_thirty_wrong_codes_at_once_from_one_address_are_ten(pool, phone, settings, tmp_path):
    settings.ACCOUNTS_SENDS = settings.ACCOUNTS_UNUSED_SENDS = "1000/hour"
    settings.ACCOUNTS_WRONG_CODES = "10/5 minutes"
    with database_in_a_file(tmp_path):
        visitors = []
        for n in range(30):
            number = f"{phone[:-4]}{n:04d}"
            User.objects.for_identity(pool.register(number), number, phone_verified=True)
            visitors.append(Client())
            ask(visitors[-1], number)
        pool.delays["RespondToAuthChallenge"] = 0.3
        codes = {code for _, code in pool.texts}
        wrong = next(f"{n:06d}" for n in range(10**6) if f"{n:06d}" not in codes)
        answers = at_once(*[partial(answer, visitor, wrong) for visitor in visitors])
    assert len(pool.calls("RespondToAuthChallenge")) == 10
    assert sorted(page.status_code for page in answers) == [200] * 10 + [429] * 20


def test_right_codes_cost_their_network_nothing(pool, known, settings):
    settings.ACCOUNTS_SENDS = settings.ACCOUNTS_UNUSED_SENDS = "1000/hour"
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    for _ in range(4):
        visitor = Client()
        ask(visitor, known.phone)
        assert answer(visitor, pool.code()).url == "/"


def test_outage_costs_the_network_nothing(client, pool, known, settings):
    settings.ACCOUNTS_WRONG_CODES = "1/hour"
    ask(client, known.phone)
    pool.fails("RespondToAuthChallenge", *[Reply({}, 500)] * 3)
    assert [answer(client, pool.code()).status_code for _ in range(3)] == [503] * 3
    assert answer(client, pool.code()).url == "/"


def test_closed_sign_up_creates_nobody(client, pool, phone, settings):
    settings.ACCOUNTS_SIGN_UP = "closed"
    assert ask(client, phone).url == CODE
    with seconds_later(31):
        assert client.post(RESEND).url == CODE
    assert pool.operations() == ["InitiateAuth", "InitiateAuth"]


# Sessions


def test_newest_session_answers_every_challenge(client, pool, known):
    ask(client, known.phone)
    answer(client, pool.wrong_code(1))
    answer(client, pool.wrong_code(2))
    assert answer(client, pool.code()).url == "/"
    used = [asked["Session"] for asked in pool.calls("RespondToAuthChallenge")]
    assert used == pool.sessions
    assert len(set(used)) == 3
    assert who(client) == known


def test_answers_carry_the_name_that_cognito_gave(client, pool, known):
    ask(client, known.phone)
    answer(client, pool.code())
    [asked] = pool.calls("RespondToAuthChallenge")
    assert asked["ChallengeResponses"]["USERNAME"] == known.sub
    [asked] = pool.calls("InitiateAuth")
    assert asked["AuthParameters"]["USERNAME"] == known.phone


def test_resent_code_is_answered_in_its_own_session(client, pool, known):
    ask(client, known.phone)
    answer(client, pool.wrong_code())
    with seconds_later(31):
        assert client.post(RESEND).url == CODE
        assert answer(client, pool.code()).url == "/"
    assert pool.calls("RespondToAuthChallenge")[-1]["Session"] == pool.sessions[-1]
    assert len(pool.texts) == 2


def test_code_from_before_the_resend_costs_a_try(client, pool, known):
    ask(client, known.phone)
    old = pool.code()
    with seconds_later(31):
        client.post(RESEND)
        if pool.code() != old:
            assert "You have 2 tries left" in answer(client, old).content.decode()
        assert answer(client, pool.code()).url == "/"


def test_wrong_code_that_was_typed_before_the_resend_is_sent_again(client, pool, known):
    ask(client, known.phone)
    bad = pool.wrong_code()
    answer(client, bad)
    with seconds_later(31):
        client.post(RESEND)
        answer(client, bad)
    assert len(pool.calls("RespondToAuthChallenge")) == 2


def test_same_wrong_code_twice_reaches_cognito_once(client, pool, known):
    ask(client, known.phone)
    for _ in range(3):
        assert "You have 2 tries left" in answer(client, pool.wrong_code()).content.decode()
    assert len(pool.calls("RespondToAuthChallenge")) == 1


def test_third_wrong_code_ends_it_before_cognito_is_asked_again(client, pool, known):
    ask(client, known.phone)
    for offset in (1, 2):
        answer(client, pool.wrong_code(offset))
    assert answer(client, pool.wrong_code(3)).url == LOGIN
    assert answer(client, pool.code()).url == LOGIN
    assert len(pool.calls("RespondToAuthChallenge")) == 3
    assert who(client) is None


def test_spent_session_starts_over(client, pool, known):
    ask(client, known.phone)
    pool.loses_the_answer_to("RespondToAuthChallenge")
    lost = answer(client, pool.code())
    assert lost.status_code == 503
    assert lost["Retry-After"] == "60"
    assert "we do not know whether your code was used up" in lost.content.decode()
    assert "Nothing is lost" not in lost.content.decode()
    assert answer(client, pool.code()).url == LOGIN
    assert who(client) is None
    assert ask(client, known.phone).url == CODE
    assert answer(client, pool.code()).url == "/"


@pytest.mark.parametrize(
    "message",
    [
        "Invalid session for the user, session is expired.",
        "Invalid session for the user.",
        "User is disabled.",
        "Words that AWS has not found yet",
    ],
)
def test_refused_answer_starts_over_in_our_own_words(client, pool, known, message):
    ask(client, known.phone)
    pool.fails("RespondToAuthChallenge", aws_error("NotAuthorizedException", message))
    page = client.post(CODE, {"code": pool.code()}, follow=True)
    assert page.redirect_chain == [(LOGIN, 302)]
    assert message not in page.content.decode()
    assert "That sign-in is over" in page.content.decode()
    assert who(client) is None


def test_expired_code_is_not_sent_to_cognito(client, pool, known):
    ask(client, known.phone)
    with seconds_later(301):
        assert "too old" in answer(client, pool.code()).content.decode()
    assert pool.calls("RespondToAuthChallenge") == []


# Faults

FAULTS = {
    "throttled": aws_error("TooManyRequestsException", "Rate exceeded"),
    "text failed": aws_error(
        "UserLambdaValidationException", "CreateAuthChallenge failed with error Sandbox 555."
    ),
    "trigger failed": aws_error(
        "UnexpectedLambdaException", "CreateAuthChallenge invocation failed due to error Timeout."
    ),
    "trigger babbled": aws_error("InvalidLambdaResponseException", "Unrecognizable lambda output"),
    "their fault": aws_error("InternalErrorException", "Sandbox", 500),
    "html": Reply(b"<html>Sandbox</html>", 503),
    "not allowed": aws_error("AccessDeniedException", "Sandbox is not authorized to perform"),
    "bad hash": aws_error("NotAuthorizedException", "Unable to verify secret hash for client x"),
    "empty object": Reply({}),
    "list": Reply([]),
    "binary": Reply(b"\xff\xfe\x00"),
    "hang-up": Reply(drop=True),
}


@pytest.fixture(params=FAULTS.values(), ids=FAULTS.keys())
def fault(request) -> Reply:
    return request.param


@pytest.fixture(params=["throttled", "html", "hang-up", "not allowed"])
def common_fault(request) -> Reply:
    return FAULTS[request.param]


def test_fault_at_the_start_is_a_503_page_with_the_number(client, pool, known, fault):
    pool.fails("InitiateAuth", fault)
    page = ask(client, known.phone)
    assert page.status_code == 503
    assert known.phone in page.content.decode()
    assert "Sandbox" not in page.content.decode()
    assert pool.operations() == ["InitiateAuth"]
    assert ask(client, known.phone).url == CODE
    assert answer(client, pool.code()).url == "/"


def test_fault_at_the_answer_is_a_503_page_and_costs_nothing(client, pool, known, fault):
    ask(client, known.phone)
    pool.fails("RespondToAuthChallenge", fault)
    page = answer(client, pool.code())
    assert page.status_code == 503
    # What is not refused may have been done.
    is_refused = fault.status == 400
    assert ("Nothing is lost" in page.content.decode()) == is_refused
    assert ("whether your code was used up" in page.content.decode()) == (not is_refused)
    assert "Sandbox" not in page.content.decode()
    assert len(pool.calls("RespondToAuthChallenge")) == 1
    assert who(client) is None
    assert answer(client, pool.code()).url == "/"
    assert who(client) == known


def test_fault_at_making_the_account_sends_no_text(client, pool, phone, common_fault):
    pool.fails("AdminCreateUser", common_fault)
    assert ask(client, phone).status_code == 503
    assert pool.operations() == ["AdminCreateUser"]


def test_fault_at_finding_the_owner_signs_nobody_in(client, pool, phone, common_fault, settings):
    # An account of the pool that nobody was made for here, so its sub is not known before the code.
    settings.ACCOUNTS_SIGN_UP = "closed"
    pool.register(phone)
    ask(client, phone)
    pool.fails("AdminGetUser", common_fault)
    page = answer(client, pool.code())
    assert page.status_code == 503
    assert who(client) is None
    # The code was spent by it.
    assert client.get(CODE).url == LOGIN
    assert answer(client, pool.code()).url == LOGIN
    assert len(pool.calls("RespondToAuthChallenge")) == 1


def test_fault_at_the_resend_keeps_the_old_code(client, pool, known, common_fault):
    ask(client, known.phone)
    with seconds_later(31):
        pool.fails("AdminCreateUser", common_fault)
        page = client.post(RESEND)
        assert page.status_code == 503
        assert "Type your code" in page.content.decode()
        assert answer(client, pool.code()).url == "/"


def test_failing_mark_does_not_stop_the_sign_in_and_is_tried_again(
    client, pool, phone, common_fault
):
    pool.fails("AdminUpdateUserAttributes", common_fault)
    ask(client, phone)
    assert answer(client, pool.code()).url == "/"
    assert not who(client).phone_verified
    client.post(LOGOUT)
    pool.forget_calls()
    ask(client, phone)
    assert answer(client, pool.code()).url == "/"
    assert who(client).phone_verified
    assert pool.operations() == [
        "InitiateAuth",
        "RespondToAuthChallenge",
        "AdminUpdateUserAttributes",
    ]
    assert pool.attributes(pool.sub_of(phone))["phone_number_verified"] == "true"


def test_request_that_waits_too_long_for_another_is_a_503_page(client, pool, known, monkeypatch):
    ask(client, known.phone)
    monkeypatch.setattr(lock, "_PATIENCE", 0.1)
    request = client.get(CODE).wsgi_request
    with lock.hold(request):
        page = answer(client, pool.code())
    assert page.status_code == 503
    assert pool.calls("RespondToAuthChallenge") == []
    assert answer(client, pool.code()).url == "/"


# Who it is


def test_deleted_account_heals_when_another_code_is_asked_for(client, pool, known):
    del pool.users[pool.sub_of(known.phone)]
    assert ask(client, known.phone).url == CODE
    assert pool.texts == []
    with seconds_later(31):
        assert client.post(RESEND).url == CODE
        assert answer(client, pool.code()).url == "/"
    assert pool.operations() == [
        "InitiateAuth",
        "AdminCreateUser",
        "InitiateAuth",
        "RespondToAuthChallenge",
        "AdminUpdateUserAttributes",
    ]
    assert who(client).sub == pool.sub_of(known.phone) != known.sub
    known.refresh_from_db()
    assert known.phone is None


def test_resend_is_no_obstacle_to_an_account_that_is_there(client, pool, known):
    ask(client, known.phone)
    with seconds_later(31):
        client.post(RESEND)
        assert pool.operations() == ["InitiateAuth", "AdminCreateUser", "InitiateAuth"]
        assert answer(client, pool.code()).url == "/"
    assert who(client) == known
    assert "AdminGetUser" not in pool.operations()


def test_deleted_account_heals_at_once_where_the_pool_tells(client, pool, known):
    del pool.users[pool.sub_of(known.phone)]
    pool.fails("InitiateAuth", aws_error("UserNotFoundException", "User does not exist."))
    assert ask(client, known.phone).url == CODE
    assert answer(client, pool.code()).url == "/"
    assert who(client).sub == pool.sub_of(known.phone) != known.sub


def test_number_that_moved_to_another_account_signs_that_one_in(client, pool, known):
    new = pool.register(known.phone)
    ask(client, known.phone)
    assert answer(client, pool.code()).url == "/"
    assert who(client).sub == new
    assert pool.operations()[-1] == "AdminGetUser"
    known.refresh_from_db()
    assert known.phone is None


def test_token_of_somebody_else_signs_nobody_in(client, pool, known):
    pool.mint = lambda sub, **claims: id_token("somebody-else", **claims)
    ask(client, known.phone)
    assert answer(client, pool.code()).url == LOGIN
    assert who(client) is None
    assert not User.objects.filter(sub="somebody-else").exists()


def test_token_of_somebody_else_signs_nobody_in_as_a_new_number(client, pool, phone):
    pool.mint = lambda sub, **claims: id_token("somebody-else", **claims)
    ask(client, phone)
    assert answer(client, pool.code()).url == LOGIN
    assert who(client) is None
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "damage",
    [
        {"signed_by": "somebody"},
        {"token_use": "access"},
        {"aud": "another-client"},
        {"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Another01"},
        {"exp": 1},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_token_that_is_no_good_signs_nobody_in(client, pool, known, damage):
    pool.mint = lambda sub, **claims: id_token(sub, **{**claims, **damage})
    ask(client, known.phone)
    assert answer(client, pool.code()).url == LOGIN
    assert who(client) is None


def test_pool_without_keys_is_a_503_page_and_needs_a_fresh_code(client, pool, known):
    pool.serves_keys(Reply(b"", 500))
    ask(client, known.phone)
    page = answer(client, pool.code())
    assert page.status_code == 503
    assert "cannot reach the sign-in service" in page.content.decode()
    assert who(client) is None
    assert answer(client, pool.code()).url == LOGIN
    assert len(pool.calls("RespondToAuthChallenge")) == 1
    pool.serves_keys(Reply(key_set()))
    # Another process of the site: this one remembers the failure for some seconds.
    tokens._verifier.cache_clear()
    assert ask(client, known.phone).url == CODE
    assert answer(client, pool.code()).url == "/"
    assert who(client) == known


@pytest.mark.parametrize("where", ["here", "in Cognito"])
def test_who_is_shut_out_gets_the_challenge_of_somebody_unknown(pool, known, where):
    """Always of the same one: a decoy of ours would be another one in every browser."""
    if where == "here":
        User.objects.update(is_active=False)
    else:
        pool.change(known.sub, Enabled=False)
    for _ in range(2):
        client = Client()
        assert ask(client, known.phone).url == CODE
        assert "You have 2 tries left" in answer(client, "123456").content.decode()
    asked = [call["AuthParameters"]["USERNAME"] for call in pool.calls("InitiateAuth")]
    names = set(asked) - {known.phone}
    assert len(names) == 1
    assert known.phone[1:] not in names.pop()
    assert len(pool.calls("RespondToAuthChallenge")) == 2
    assert pool.texts == []


def test_user_shut_out_after_the_text_is_not_signed_in(client, pool, known):
    ask(client, known.phone)
    User.objects.update(is_active=False)
    assert answer(client, pool.code()).url == LOGIN
    assert who(client) is None


# Nobody learns whether a number has an account


def normal(body: bytes) -> str:
    """A page without what differs from one request to the next."""
    text = re.sub(r'name="(csrfmiddlewaretoken|attempt)" value="[^"]*"', "", body.decode())
    text = re.sub(r"<strong>\w{3}-\w{2}</strong>", "a reference", text)
    text = re.sub(r'data-seconds="\d+"', "", text)
    text = re.sub(r"in (\d+ seconds|<bdi>\d:\d\d</bdi>)", "in some seconds", text)
    return re.sub(r"\+1[ \d•-]+\d", "the number", text)


def pages(phone: str) -> list[tuple[int, str, str]]:
    """What somebody sees who never gets the code right."""
    client = Client()
    seen = [ask(client, phone), client.get(CODE)]
    seen += [answer(client, code) for code in ("000001", "000002", "000003")]
    seen += [client.get(CODE), client.post(RESEND), client.get(CODE)]
    return [
        (page.status_code, page.headers.get("Location", ""), normal(page.content)) for page in seen
    ]


@pytest.mark.parametrize("why", ["unknown", "revealed", "disabled", "shut out here"])
def test_number_without_an_account_sees_the_same_pages(pool, known, why, settings):
    settings.ACCOUNTS_SIGN_UP = "closed"
    # The one chance in 333,333 that a guess is right would be a different page.
    secret = {"000001", "000002", "000003"}
    expected = pages(known.phone)
    assert not secret & {code for _, code in pool.texts}
    texts = len(pool.texts)
    other = known.phone[:-4] + str(9999 - int(known.phone[-4:])).zfill(4)
    if why == "revealed":
        pool.fails("InitiateAuth", *[aws_error("UserNotFoundException", "No such user")] * 2)
    elif why == "disabled":
        pool.change(pool.register(other), Enabled=False)
    elif why == "shut out here":
        User.objects.for_identity("shut-out", other)
        User.objects.filter(sub="shut-out").update(is_active=False)
    assert pages(other) == expected
    assert len(pool.texts) == texts


# Two presses


def test_second_press_of_the_right_code_signs_in_without_another_call(client, pool, known):
    ask(client, known.phone)
    twin = same_cookies(client)
    assert answer(client, pool.code()).url == "/"
    assert answer(twin, pool.code()).url == "/"
    assert who(client) == who(twin) == known
    # The very same session: the browser keeps one of the two cookies, and nobody knows which.
    assert client.session.session_key == twin.session.session_key
    assert Session.objects.filter(user=known).count() == 1
    assert len(pool.calls("RespondToAuthChallenge")) == 1


def test_second_press_with_another_code_has_one_guess_only(client, pool, known):
    ask(client, known.phone)
    planted = same_cookies(client)
    again = same_cookies(client)
    answer(client, pool.code())
    assert answer(planted, pool.wrong_code()).url == LOGIN
    assert answer(again, pool.code()).url == LOGIN
    assert who(planted) is who(again) is None
    assert len(pool.calls("RespondToAuthChallenge")) == 1


def test_second_press_is_late_after_half_a_minute(client, pool, known):
    ask(client, known.phone)
    twin = same_cookies(client)
    answer(client, pool.code())
    with seconds_later(31):
        assert answer(twin, pool.code()).url == LOGIN
    assert who(twin) is None


def test_second_press_ends_where_the_first_one_did(client, pool, known):
    ask(client, known.phone, next="/admin/")
    twin = same_cookies(client)
    page = client.get(CODE).content.decode().partition("<footer>")[0]
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    typed = {**form, "code": pool.code()}
    assert client.post(CODE, typed).url == "/admin/"
    assert twin.post(CODE, typed).url == "/admin/"


# Secrets


@pytest.fixture
def all_logs(caplog) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that an operator could switch on for all of the site at once."""
    caplog.set_level(logging.DEBUG)
    apart = [
        logger
        for logger in map(logging.getLogger, list(logging.root.manager.loggerDict))
        if not logger.propagate
    ]
    levels = [logger.level for logger in apart]
    for logger in apart:
        logger.addHandler(caplog.handler)
        logger.setLevel(logging.DEBUG)
    yield caplog
    for logger, level in zip(apart, levels, strict=True):
        logger.removeHandler(caplog.handler)
        logger.setLevel(level)


def sign_in_the_long_way(client: Client, pool: SignInPool, phone: str) -> tuple[str, list[str]]:
    """Return all that a browser was told, and all that it must not be."""
    told = [ask(client, phone), client.get(LOGIN), client.get(CODE)]
    told.append(answer(client, pool.wrong_code()))
    with seconds_later(31):
        told += [client.post(RESEND), client.get(CODE)]
        told.append(answer(client, pool.wrong_code()))
        told += [answer(client, pool.code()), client.get("/"), client.get(LOGIN)]
    assert who(client) is not None
    bodies = "".join(f"{page.serialize_headers()}{page.content}" for page in told)
    codes = [
        asked["ChallengeResponses"]["ANSWER"] for asked in pool.calls("RespondToAuthChallenge")
    ]
    secret = [*pool.tokens, *pool.sessions, *(code for _, code in pool.texts), *codes]
    return bodies, [*secret, CLIENT_SECRET]


def test_secrets_are_in_no_response(client, pool, phone):
    bodies, secret = sign_in_the_long_way(client, pool, phone)
    assert [each for each in secret if each in bodies] == []


def test_secrets_are_in_no_log(client, pool, phone, all_logs):
    _, secret = sign_in_the_long_way(client, pool, phone)
    assert "Signed in" in all_logs.text
    assert [each for each in secret if each in all_logs.text] == []
    assert phone not in all_logs.text


def test_secrets_are_in_no_table_after_the_sign_in(client, pool, phone):
    _, secret = sign_in_the_long_way(client, pool, phone)
    rows = [*LoginLock.objects.all(), *User.objects.all(), *SignInEvent.objects.all()]
    stored = serializers.serialize("json", rows)
    data = [SessionStore().decode(row.session_data) for row in Session.objects.all()]
    assert any("_auth_user_id" in each for each in data)
    stored += json.dumps(data)
    assert [each for each in secret if each in stored] == []
    assert set(client.session.keys()) == {
        "_auth_user_id",
        "_auth_user_backend",
        "_auth_user_hash",
    }


def test_secrets_are_in_no_error_report(client, pool, phone):
    def broken(**kwargs: Any) -> None:
        raise RuntimeError("The database is away")

    ask(client, phone)
    pre_save.connect(broken, sender=User)
    try:
        with pytest.raises(RuntimeError) as caught:
            answer(client, pool.code())
    finally:
        pre_save.disconnect(broken, sender=User)
    request = client.get(CODE).wsgi_request
    report = ExceptionReporter(request, caught.type, caught.value, caught.tb)
    told = {
        f"{frame['function']}: {name}": value
        for frame in report.get_traceback_data()["frames"]
        if "/tests/" not in frame["filename"] and "/django/test/" not in frame["filename"]
        for name, value in frame["vars"]
    }
    assert "finish: waiting" in told
    secret = [*pool.tokens, *pool.sessions, pool.code()]
    assert [name for name, value in told.items() if any(each in value for each in secret)] == []


# By the clock


def test_second_try_of_somebody_disabled_in_cognito_takes_the_calls_of_a_stranger(
    client, pool, known
):
    pool.change(known.sub, Enabled=False)
    ask(client, known.phone)
    known.refresh_from_db()
    assert not known.cognito_enabled
    pool.forget_calls()
    assert ask(Client(), known.phone).url == CODE
    calls = pool.calls("InitiateAuth")
    assert len(calls) == 1
    assert known.phone not in json.dumps(calls)


def test_somebody_enabled_again_in_cognito_is_texted_at_the_second_try(client, pool, known):
    pool.change(known.sub, Enabled=False)
    ask(client, known.phone)
    pool.change(known.sub, Enabled=True)
    ask(Client(), known.phone)
    assert pool.texts == []
    again = Client()
    ask(again, known.phone)
    assert answer(again, pool.code()).url == "/"


def test_wrong_code_of_a_stranger_takes_the_statements_of_a_member(pool, known, settings):
    settings.ACCOUNTS_SIGN_UP = "closed"
    counted = []
    for phone in (known.phone, "+12015559876"):
        client = Client()
        ask(client, phone)
        with CaptureQueriesContext(connection) as statements:
            assert answer(client, "999999").status_code == 200
        counted.append(len(statements))
    assert counted[0] == counted[1]

"""A number takes the calls and statements of any other with the same past, whoever has it."""

import json
import re
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import after_response
from accounts.aws.challenges import CodeChallenge
from accounts.login import challenges, decoys
from accounts.models import User
from tests.accounts.login.paces import has_seen_a_call
from tests.clock import seconds_later
from tests.fakes.site_texts import proof
from tests.fakes.tokens import KNOWN_CLIENT_ID, KNOWN_CLIENT_SECRET
from tests.login_steps import CODE, RESEND, answer, ask
from tests.wire import aws_error

pytestmark = [pytest.mark.django_db, pytest.mark.pages]

NOT_SENT = {"delivery": "not_sent", "resendAt": str(int(time.time()) + 900), "textedAt": ""}
# What the triggers say of numbers with and without an account alike.
SAID = {
    "sent, or its country is not texted": {},
    "held, or its texts are used up": NOT_SENT,
    "locked": {**NOT_SENT, "delivery": "locked"},
    "the pool's budget is used up": {**NOT_SENT, "delivery": "over_budget"},
}


class Taken(NamedTuple):
    """A step: its status, and the calls and statements until the answer left."""

    step: str
    calls: list[str]
    statements: int


def noting(get_response):
    """Note how many statements there were when the answer was there, before the work after it."""

    def middleware(request):
        response = get_response(request)
        response.statements = len(connection.queries_log)
        response.calls = request.environ.get("tests.operations", list)()
        return response

    return middleware


@pytest.fixture(autouse=True)
def closed(settings) -> None:
    settings.ACCOUNTS_SIGN_UP = "closed"
    settings.LEDGER_FUNCTION = "ledger"
    settings.MIDDLEWARE = [f"{__name__}.noting", *settings.MIDDLEWARE]


@pytest.fixture
def taken(pool) -> Callable[[str], list[Taken]]:
    """``taken(phone)``: what each step takes of somebody who types the number, and a wrong code."""

    def all_of(phone: str) -> list[Taken]:
        client, found = Client(**{"tests.operations": pool.operations}), []
        steps = {
            "number": lambda: ask(client, phone),
            "page": lambda: client.get(CODE),
            "wrong code": lambda: answer(client, "000001"),
            "another text": lambda: client.post(RESEND),
        }
        for name, step in steps.items():
            pool.forget_calls()
            with CaptureQueriesContext(connection) as statements:
                response = step()
            number = response.statements - statements.initial_queries
            found.append(Taken(f"{name} {response.status_code}", response.calls, number))
        return found

    return all_of


@pytest.fixture
def clock(pool) -> None:
    """Let the pool say when it texts, as the triggers do, so that the site can learn from it."""
    now = str(int(time.time()))
    pool.says = {"now": now, "textedAt": now}


def references(client: Client) -> set[str]:
    page = client.get(CODE).content.decode()
    return set(re.findall(r"\b[A-Z0-9]{3}-[A-Z0-9]{2}\b", page))


@pytest.fixture
def stranger(known) -> str:
    return known.phone[:-4] + "9876"


@pytest.mark.parametrize("said", SAID)
def test_stranger_takes_what_a_member_takes(pool, known, stranger, taken, said):
    pool.says = SAID[said]
    member = taken(known.phone)
    assert [each.step for each in member][:3] == ["number 302", "page 200", "wrong code 200"]
    assert member[0].calls == ["InitiateAuth"]
    assert taken(stranger) == member


@pytest.mark.parametrize("said", SAID)
def test_somebody_disabled_takes_what_a_stranger_takes(pool, known, stranger, taken, said):
    pool.says = SAID[said]
    pool.change(known.sub, Enabled=False)
    User.objects.update(cognito_enabled=False)
    assert taken(known.phone) == taken(stranger)


def test_member_waits_as_long_as_an_account_takes_to_be_made_where_sign_up_is_open(known, settings):
    settings.ACCOUNTS_SIGN_UP = "open"
    # The first page of a process takes long in itself.
    ask(Client(), known.phone)
    decoys.current.creations.note(time.monotonic() - 0.3)
    began = time.perf_counter()
    ask(Client(), known.phone)
    assert time.perf_counter() - began >= 0.3


@pytest.mark.parametrize(
    ("whose", "pace", "waits"),
    [
        # The other calls are made, and take as long by themselves.
        ("a member", "creations", (True, False)),
        ("a member", "adoptions", (True, True)),
        ("a new one", "adoptions", (True, False)),
        ("shut out", "creations", (True, True)),
        ("shut out", "adoptions", (True, True)),
        ("disabled", "creations", (True, True)),
        ("disabled", "adoptions", (True, True)),
        ("no sign-ups", "creations", (True, True)),
        ("no sign-ups", "adoptions", (True, True)),
        ("a member, no sign-ups", "creations", (True, True)),
        ("a member, no sign-ups", "adoptions", (True, True)),
    ],
)
def test_everybody_takes_the_calls_of_a_number_typed_again_where_sign_up_is_open(
    pool, known, stranger, settings, whose, pace, waits
):
    """Its account is there already, so it is refused to be made, and looked at."""
    settings.ACCOUNTS_SIGN_UP = "open"
    changes = {"shut out": {"is_active": False}, "disabled": {"cognito_enabled": False}}
    User.objects.update(**changes.get(whose, {}))
    if whose == "disabled":
        pool.change(known.sub, Enabled=False)
    if "no sign-ups" in whose:
        settings.ACCOUNTS_SIGN_UPS = "0/hour"
    # The first page of a process takes long in itself.
    ask(Client(), known.phone)
    client, took = Client(), []
    phone = stranger if whose in ("a new one", "no sign-ups") else known.phone
    getattr(decoys.current, pace).note(time.monotonic() - 0.4)
    for later, step in ((0, lambda: ask(client, phone)), (31, lambda: client.post(RESEND))):
        with seconds_later(later):
            began = time.perf_counter()
            assert step().status_code == 302
            took.append(time.perf_counter() - began >= 0.4)
    assert [took[0] or not waits[0], took[1] or not waits[1]] == [True, True]


def test_looks_at_an_account_that_was_there_are_what_others_wait_for(stranger, settings):
    settings.ACCOUNTS_SIGN_UP = "open"
    ask(Client(), stranger)
    assert not has_seen_a_call(decoys.current.adoptions)
    ask(Client(), stranger)
    assert has_seen_a_call(decoys.current.adoptions)


def test_member_on_a_browser_that_is_known_does_not_wait(client, pool, known, settings):
    settings.ACCOUNTS_SIGN_UP = "open"
    settings.COGNITO_KNOWN_CLIENT_ID = KNOWN_CLIENT_ID
    settings.COGNITO_KNOWN_CLIENT_SECRET = KNOWN_CLIENT_SECRET
    settings.SITE_KEY = "s" * 64
    ask(client, known.phone)
    answer(client, pool.code())
    client.post("/accounts/logout/")
    decoys.current.creations.note(time.monotonic() - 20)
    began = time.perf_counter()
    assert ask(client, known.phone).status_code == 302
    assert time.perf_counter() - began < 10


def test_somebody_disabled_a_moment_ago_takes_the_calls_of_a_stranger(
    pool, clock, known, stranger, taken
):
    usual = taken(stranger)
    pool.change(known.sub, Enabled=False)
    number, page, wrong, *rest = taken(known.phone)
    # The answers of this one sign-in are judged here, and take as long as a call.
    assert [number, page, wrong, *rest] == [*usual[:2], usual[2]._replace(calls=[]), *usual[3:]]
    assert taken(known.phone) == usual


def test_somebody_disabled_takes_one_call_more_once_in_a_process_that_has_seen_no_sign_in(
    pool, known, stranger, taken
):
    pool.change(known.sub, Enabled=False)
    first, *rest = taken(known.phone)
    usual = taken(stranger)
    assert first == usual[0]._replace(calls=["InitiateAuth"] * 2)
    assert rest == usual[1:]
    assert taken(known.phone) == usual
    assert known.phone not in json.dumps(pool.calls("InitiateAuth"))


def test_another_browser_sees_of_somebody_disabled_a_moment_ago_that_a_text_left(
    pool, clock, known, stranger
):
    ask(Client(), stranger)
    pool.change(known.sub, Enabled=False)
    ask(Client(), known.phone)
    names = [call["AuthParameters"]["USERNAME"] for call in pool.calls("InitiateAuth")]
    assert names[-2:] == [known.phone, challenges.nobody(known.phone)]


def test_what_an_invented_challenge_stands_for_is_asked_for_apart_from_the_next_page(
    pool, clock, known, stranger
):
    ask(Client(), stranger)
    pool.change(known.sub, Enabled=False)
    pool.forget_calls()
    after_response.threads.use(2)
    try:
        ask(Client(), known.phone)
        # As long as the next page takes on a slow line.
        time.sleep(0.3)
        assert len(pool.calls("InitiateAuth")) == 1
    finally:
        after_response.threads._pool.shutdown()
        after_response.threads.use(0)
    names = [call["AuthParameters"]["USERNAME"] for call in pool.calls("InitiateAuth")]
    assert names == [known.phone, challenges.nobody(known.phone)]


def test_call_that_nobody_waited_for_is_none_that_an_invented_challenge_takes(pool, clock, known):
    # A real challenge was seen, and no time.
    now = int(time.time())
    code = {"tries_left": 3, "code_length": 6, "expires_at": now + 300, "resend_at": now + 30}
    real = CodeChallenge(session="s", username="u", texted_at=now, said_at=now, **code)
    decoys.current.learn(real)
    pool.change(known.sub, Enabled=False)
    pool.delays["InitiateAuth"] = 0.6
    ask(Client(), known.phone)
    assert len(pool.calls("InitiateAuth")) == 2
    began = time.perf_counter()
    decoys.current.draw(time.monotonic())
    assert time.perf_counter() - began < 0.5


def test_reference_of_an_invented_challenge_is_that_of_all_who_share_it(
    pool, clock, known, stranger
):
    ask(Client(), stranger)
    pool.says |= {"reference": "K7F-2Q"}
    pool.change(known.sub, Enabled=False)
    seen = []
    for _ in range(2):
        client = Client()
        ask(client, known.phone)
        page = client.get(CODE).content.decode()
        seen += re.findall(r"\b[A-Z0-9]{3}-[A-Z0-9]{2}\b", page)
    assert len(seen) >= 2
    assert len(set(seen)) == 1
    assert seen[0] != "K7F-2Q"


def test_browsers_that_both_meet_the_refusal_read_one_reference(pool, clock, known, stranger):
    ask(Client(), stranger)
    pool.change(known.sub, Enabled=False)
    seen = set()
    for _ in range(2):
        # The look-up after the first response has not ended.
        pool.fails("AdminGetUser", aws_error("TooManyRequestsException"))
        client = Client()
        ask(client, known.phone)
        page = client.get(CODE).content.decode()
        seen |= set(re.findall(r"\b[A-Z0-9]{3}-[A-Z0-9]{2}\b", page))
    assert len(pool.calls("InitiateAuth")) == 5
    assert len(seen) == 1


@pytest.mark.parametrize("is_known_of", [False, True])
def test_reference_of_an_invented_challenge_stays_after_a_call(
    pool, clock, known, stranger, settings, is_known_of
):
    """As that of everybody does, whose code is sent again."""
    settings.TEXTS_FUNCTION = "texts"
    pool.says |= {"reference": "K7F-2Q", "channels": "voice"}
    pool.functions["send_by"] = lambda _: proof()
    ask(Client(), stranger)
    pool.change(known.sub, Enabled=False)
    if is_known_of:
        ask(Client(), known.phone)
    for phone in (stranger, known.phone):
        client = Client()
        ask(client, phone)
        before = references(client)
        with seconds_later(31):
            client.post(RESEND, {"channel": "voice"})
            assert "We called" in client.get(CODE).content.decode()
            assert references(client) == before
        assert len(before) == 1


def test_somebody_disabled_a_moment_ago_is_asked_for_work_as_all_are(pool, clock, known, stranger):
    """Under pressure the triggers ask for it before any code."""
    ask(Client(), stranger)
    work = {"algorithm": "SHA-256", "challenge": "0" * 64, "salt": "2f", "maxnumber": "50000"}
    pool.says = {"kind": "proof", "triesLeft": "2", **work}
    pool.change(known.sub, Enabled=False)
    pages = [ask(Client(), phone).url for phone in (stranger, known.phone)]
    assert pages == ["/accounts/login/challenge/"] * 2


def test_calls_that_are_not_made_take_the_time_of_one(pool, clock, known, stranger):
    pool.change(known.sub, Enabled=False)
    ask(Client(), stranger)
    past = time.monotonic() - 0.3
    decoys.current.answers.note(past)
    client = Client()
    ask(client, known.phone)
    began = time.perf_counter()
    assert answer(client, "000001").status_code == 200
    assert time.perf_counter() - began >= 0.3

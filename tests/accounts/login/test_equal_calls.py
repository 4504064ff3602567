"""A number takes the calls and statements of any other with the same past, whoever has it."""

import json
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.login_steps import CODE, RESEND, answer, ask

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
        response.calls = request.environ["tests.operations"]()
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


def test_somebody_disabled_a_moment_ago_takes_one_refused_call_more_once(
    pool, known, stranger, taken
):
    pool.change(known.sub, Enabled=False)
    first, *rest = taken(known.phone)
    usual = taken(stranger)
    assert first == usual[0]._replace(calls=["InitiateAuth"] * 2)
    assert rest == usual[1:]
    assert taken(known.phone) == usual
    assert known.phone not in json.dumps(pool.calls("InitiateAuth"))

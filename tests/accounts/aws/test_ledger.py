"""What operators ask of the triggers' ledger, through its function and from the command line."""

import io
import json
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from accounts.aws import functions, ledger
from accounts.events import reasons
from tests.wire import Reply

PHONE = "+12015550123"
STATE = {
    "failures": 12,
    "held_until": 0,
    "is_locked": False,
    "sends_last_hour": 2,
    "sends_last_day": 7,
}


@pytest.fixture
def function(settings, wire):
    settings.AWS_ENDPOINT_URL = wire.url
    settings.LEDGER_FUNCTION = "phone-login-ledger-test"
    return wire


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("ledger", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("action", ["show", "unlock"])
def test_function_is_asked_once_for_the_number(function, action):
    function.will(Reply(STATE))
    assert getattr(ledger, action)(PHONE) == ledger.PhoneState(**STATE)
    [request] = function.requests
    assert request.path.endswith("/functions/phone-login-ledger-test/invocations")
    assert json.loads(request.body) == {"action": action, "phone": PHONE}


def test_overview_is_asked_once_and_read(function):
    function.will(
        Reply(
            {
                "sent": [{"day": "2026-11-20", "country": "US", "reason": "", "count": 7}],
                "blocked": [{"day": "2026-11-19", "country": "", "reason": "unknown", "count": 2}],
            }
        )
    )
    assert ledger.overview(7) == ledger.Overview(
        sent=[ledger.Sent(date(2026, 11, 20), "US", 7)],
        blocked=[ledger.Blocked(date(2026, 11, 19), "", "unknown", 2)],
    )
    [request] = function.requests
    assert json.loads(request.body) == {"action": "overview", "days": 7}


@pytest.mark.parametrize(
    "reply",
    [
        {},
        [],
        None,
        {"sent": []},
        {"sent": [], "blocked": [{}]},
        {"sent": [{"day": "soon", "country": "US", "count": 1}], "blocked": []},
    ],
    ids=str,
)
def test_overview_that_makes_no_sense_is_a_ledger_error(function, reply):
    function.will(Reply(reply))
    with pytest.raises(functions.FunctionError):
        ledger.overview(7)


def test_function_that_is_not_configured_is_said_so(settings):
    settings.LEDGER_FUNCTION = ""
    with pytest.raises(CommandError, match="LEDGER_FUNCTION is not set"):
        run("show", PHONE)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "not held"),
        ({"held_until": 4_000_000_000}, "held until 2096-10-02 07:06 UTC"),
        ({"is_locked": True, "failures": 100}, "locked until an operator unlocks it"),
    ],
)
def test_command_says_how_a_number_stands(function, state, words):
    function.will(Reply({**STATE, **state}))
    said = run("show", "(201) 555-0123")
    assert said.startswith(f"+1••••••••23: {words}\n")
    assert "2 in the last hour, 7 in the last 24 hours" in said
    assert PHONE not in said


def test_command_says_what_was_decided_about_the_last_texts(function):
    decisions = [
        {"at": 1_795_274_704, "reference": "K7F-2Q", "why": "pumping"},
        {"at": 1_795_274_000, "reference": "9YX-4B", "why": "send"},
    ]
    function.will(Reply({**STATE, "decisions": decisions}))
    assert run("show", PHONE).splitlines()[3:] == [
        f"  2026-11-21 15:25:04 UTC  K7F-2Q  {reasons.label('pumping')}",
        "  2026-11-21 15:13:20 UTC  9YX-4B  a code was texted",
    ]


def test_command_refuses_what_is_no_number(function):
    with pytest.raises(CommandError, match="not a mobile number") as caught:
        run("unlock", f"{PHONE}9")
    assert PHONE not in str(caught.value)
    assert function.requests == []

"""What operators see of a number, and how they clear it, on a real table."""

import json
import re
import time

import pytest
from botocore.exceptions import ClientError

from accounts.ledger import PhoneState
from lambdas.triggers import manage_ledger
from tests.lambdas import aws, emf
from tests.lambdas.flow import wrong
from tests.wire import aws_error

pytestmark = pytest.mark.cloud

NOTHING = {
    "failures": 0,
    "held_until": 0,
    "is_locked": False,
    "sends_last_hour": 0,
    "sends_last_day": 0,
}


def manage(action: object, phone: object) -> dict:
    return manage_ledger.handler({"action": action, "phone": phone}, None)


def test_show_of_a_number_never_seen_is_nothing(flow):
    assert manage("show", flow.phone) == NOTHING


def test_show_counts_texts_and_failures(flow, clock):
    flow.start()
    clock.shift(2 * 3600)
    response = flow.start()
    flow.answer(response, wrong(flow.code()))
    shown = manage("show", flow.phone)
    del shown["held_until"]
    assert shown == {
        "failures": 1,
        "is_locked": False,
        "sends_last_hour": 1,
        "sends_last_day": 2,
    }


def test_show_says_until_when_a_number_is_held(flow, table):
    now = int(time.time())
    table.write(f"phone#{flow.name}", failures=10, last_failure=now)
    shown = manage("show", flow.phone)
    assert (shown["failures"], shown["is_locked"]) == (10, False)
    assert shown["held_until"] == now + 15 * 60


def test_show_says_that_a_number_is_locked(flow, table):
    table.write(f"phone#{flow.name}", failures=100)
    assert manage("show", flow.phone)["is_locked"] is True


def test_show_changes_nothing(flow, table):
    response = flow.start()
    flow.answer(response, wrong(flow.code()))
    first = manage("show", flow.phone)
    assert manage("show", flow.phone) == first
    assert flow.answer(response, flow.code()) is True


def test_show_reads_what_was_just_written(flow, table):
    manage("show", flow.phone)
    assert table.requests[-1].operation == "GetItem"
    assert table.requests[-1].json["ConsistentRead"] is True


@pytest.mark.parametrize("failures", [10, 100])
def test_unlock_lets_a_held_or_locked_number_in_again(flow, table, failures):
    table.write(f"phone#{flow.name}", failures=failures, last_failure=int(time.time()))
    flow.start()
    assert flow.messages() == []
    assert manage("unlock", flow.phone) == NOTHING
    response = flow.start()
    assert flow.answer(response, flow.code()) is True


def test_unlock_forgets_the_texts_too(flow, monkeypatch):
    monkeypatch.setenv("SENDS_PER_PHONE_DAY", "1")
    flow.start()
    manage("unlock", flow.phone)
    flow.start()
    assert len(flow.messages()) == 2


def test_unlock_ends_the_code_on_its_way(flow):
    response = flow.start()
    manage("unlock", flow.phone)
    assert flow.answer(response, flow.code()) is False


def test_unlock_touches_no_other_number(flow, new_phone):
    other = flow.other(new_phone())
    other.start()
    manage("unlock", flow.phone)
    assert manage("show", other.phone)["sends_last_hour"] == 1


def test_unlock_of_a_number_never_seen_is_nothing(flow):
    assert manage("unlock", flow.phone) == NOTHING


def test_unlock_is_recorded_with_the_phone_masked(flow, capsys):
    manage("unlock", flow.phone)
    output = capsys.readouterr().out
    (line,) = emf.lines(output)
    assert line["event"] == "phone_unlocked"
    assert emf.metrics(line) == {"Unlocked": 1}
    assert line["phone"] == f"+•••••••••{flow.phone[-2:]}"
    assert flow.phone[2:] not in output


def test_reply_is_what_the_site_reads(flow):
    reply = json.loads(json.dumps(manage("show", flow.phone)))
    assert PhoneState(**reply) == PhoneState(**NOTHING)


@pytest.mark.parametrize("action", [None, "", "Show", "delete", "showunlock", True, 0])
def test_action_unknown_is_refused_and_the_table_not_asked(flow, table, action):
    with pytest.raises(ValueError, match="show, unlock"):
        manage(action, flow.phone)
    assert table.requests == []


@pytest.mark.parametrize("phone", [None, "", 0, 12015550123, ["+12015550123"], {}])
def test_phone_that_is_none_is_refused_and_the_table_not_asked(flow, table, phone):
    with pytest.raises(ValueError, match="phone"):
        manage("unlock", phone)
    assert table.requests == []


@pytest.mark.parametrize("event", [{}, {"action": "show"}, {"phone": "+12015550123"}])
def test_event_that_lacks_a_part_is_refused(flow, table, event):
    with pytest.raises(ValueError, match="Wanted"):
        manage_ledger.handler(event, None)
    assert table.requests == []


def test_refusal_shows_no_phone(flow):
    with pytest.raises(ValueError, match="Wanted") as raised:
        manage("erase", flow.phone)
    assert flow.phone[2:] not in str(raised.value)


@pytest.mark.parametrize("action", ["show", "unlock"])
def test_table_failing_raises_and_records_no_unlocking(flow, table, capsys, action):
    table.fail(aws_error("AccessDeniedException"))
    with pytest.raises(ClientError, match="AccessDenied"):
        manage(action, flow.phone)
    assert capsys.readouterr().out == ""


def test_key_unreadable_raises_and_asks_the_table_for_nothing(flow, table, secrets_manager):
    secrets_manager.renew(aws_error("InternalServiceError", status=500))
    with pytest.raises(ClientError):
        manage("show", flow.phone)
    assert table.requests == []


def test_table_is_never_told_the_phone(flow, table):
    manage("show", flow.phone)
    manage("unlock", flow.phone)
    keys = [request.json["Key"]["pk"]["S"] for request in table.requests]
    assert all(re.fullmatch(r"phone#[0-9a-f]{64}", key) for key in keys)
    assert len(set(keys)) == 1
    assert {request.json["TableName"] for request in table.requests} == {aws.TABLE}

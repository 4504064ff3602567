"""What operators see of a number, and how they clear it, on a real table."""

import json
import re
import time
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from accounts.aws.ledger import PhoneState
from lambdas.triggers import ledger, manage_ledger
from tests.codes import wrong
from tests.lambdas import aws, emf
from tests.lambdas.flow import drawn
from tests.wire import Reply, Request, aws_error

pytestmark = pytest.mark.cloud

NOTHING = {
    "failures": 0,
    "held_until": 0,
    "is_locked": False,
    "sends_last_hour": 0,
    "sends_last_day": 0,
    "known_since": 0,
    "used_at": 0,
    "stopped_until": 0,
    "decisions": (),
}


def manage(action: object, phone: object, **more: object) -> dict:
    return manage_ledger.handler({"action": action, "phone": phone, **more}, None)


def test_show_of_a_number_never_seen_is_nothing(flow):
    assert manage("show", flow.phone) == NOTHING


def test_show_counts_texts_and_failures(flow, clock):
    began = int(time.time())
    flow.start()
    clock.shift(2 * 3600)
    response = flow.start()
    flow.answer(response, wrong(flow.code()))
    shown = manage("show", flow.phone)
    del shown["held_until"]
    assert len(shown.pop("decisions")) == 2
    assert began <= shown.pop("known_since") <= began + 60
    assert shown == {
        "failures": 1,
        "is_locked": False,
        "sends_last_hour": 1,
        "sends_last_day": 2,
        "used_at": 0,
        "stopped_until": 0,
    }


def test_show_says_what_was_decided_about_the_last_texts(flow, clock, sns):
    first = drawn(flow.start()).reference
    clock.shift(2 * 3600)
    sns.renew(aws.sns_error("OptedOut", "opted out"))
    second = drawn(flow.start()).reference
    shown = manage("show", flow.phone)["decisions"]
    assert [(each["reference"], each["why"]) for each in shown] == [
        (second, "opted_out"),
        (first, "send"),
    ]
    assert shown[0]["at"] == pytest.approx(time.time(), abs=5)
    assert flow.phone[2:] not in json.dumps(shown)


def test_show_says_when_a_code_was_right_however_long_ago(flow, clock):
    response = flow.start()
    right_at = int(time.time())
    assert flow.answer(response, flow.code()) is True
    for _ in range(12):
        clock.shift(100 * 60)
        flow.start()
    shown = manage("show", flow.phone)
    assert right_at <= shown["used_at"] <= right_at + 60
    assert shown["known_since"] <= right_at


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


def test_unlock_of_a_user_frees_their_confirmations_too(flow, table):
    name = ledger.confirmation_name(flow.phone, flow.sub)
    for each in (flow.name, name):
        table.write(f"phone#{each}", failures=100, last_failure=int(time.time()))
    manage("unlock", flow.phone)
    assert ledger.configured().show(name, now=time.time()).is_locked
    manage("unlock", flow.phone, user=flow.sub)
    assert not ledger.configured().show(name, now=time.time()).is_locked


def test_unlock_touches_no_other_number(flow, make_phone):
    other = flow.other(make_phone())
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
    assert PhoneState(**reply | {"decisions": ()}) == PhoneState(**NOTHING)


# Overview


def overview(days: int) -> dict:
    return manage_ledger.handler({"action": "overview", "days": days}, None)


def day(seconds: float = 0) -> str:
    return f"{datetime.fromtimestamp(time.time() + seconds, UTC):%Y-%m-%d}"


def test_overview_of_a_quiet_day_is_empty(flow):
    assert overview(1) == {"sent": [], "blocked": []}


def test_overview_counts_texts_by_day_and_country(flow, make_phone, clock):
    first = day()
    flow.start()
    flow.other(make_phone()).start()
    clock.shift(25 * 3600)
    flow.other("+4915112370123").start()
    flow.other(make_phone()).start()
    assert overview(2)["sent"] == [
        {"day": day(), "country": "DE", "reason": "", "count": 1},
        {"day": day(), "country": "US", "reason": "", "count": 1},
        {"day": first, "country": "US", "reason": "", "count": 2},
    ]
    assert [each["day"] for each in overview(1)["sent"]] == [day(), day()]


def test_overview_counts_what_was_blocked_by_day_country_and_reason(flow, make_phone, table):
    table.write(f"phone#{flow.name}", failures=10, last_failure=int(time.time()))
    for _ in range(2):
        flow.start()
    unknown = flow.start_event()
    unknown["request"] |= {"userNotFound": True, "userAttributes": {}}
    flow.start(unknown)
    assert overview(1) == {
        "sent": [],
        "blocked": [
            {"day": day(), "country": "", "reason": "unknown", "count": 1},
            {"day": day(), "country": "US", "reason": "held", "count": 2},
        ],
    }


def test_overview_takes_what_a_sender_refused_off_the_texts_sent(flow, sns, make_phone):
    sns.renew(aws.sns_error("OptedOut", "opted out"), aws.TEXT_SENT)
    flow.start()
    flow.other(make_phone()).start()
    got = overview(1)
    assert [(each["country"], each["count"]) for each in got["sent"]] == [("US", 1)]
    assert [(each["reason"], each["count"]) for each in got["blocked"]] == [("opted_out", 1)]


def test_overview_leaves_second_presses_out(flow):
    flow.start()
    flow.start()
    assert overview(1)["blocked"] == []


def test_overview_looks_back_a_month_and_is_kept_as_long(flow, clock, table):
    first = day()
    flow.start()
    clock.shift(30 * 86_400)
    # Other tests have had days of this month.
    assert first in [each["day"] for each in overview(31)["sent"]]
    assert first not in [each["day"] for each in overview(30)["sent"]]
    items = table.ask("Scan")["Items"]
    name = f"pool#{first.replace('-', '')}"
    [kept] = [int(item["ttl"]["N"]) for item in items if item["pk"]["S"] == name]
    assert kept > time.time()


def test_overview_takes_one_call(flow, table):
    overview(31)
    assert [request.operation for request in table.requests] == ["BatchGetItem"]


def test_overview_that_the_table_gives_in_parts_is_whole(flow, table, monkeypatch):
    flow.start()
    real = table._forward

    def in_parts(request):
        wanted = request.json["RequestItems"][aws.TABLE]["Keys"]
        if len(wanted) == 1:
            return real(request)
        left = {aws.TABLE: {"Keys": wanted[:1]}}
        body = json.dumps({"RequestItems": {aws.TABLE: {"Keys": wanted[1:]}}}).encode()
        reply = real(Request(request.method, request.path, request.headers, body))
        return Reply(json.loads(reply.body) | {"UnprocessedKeys": left})

    monkeypatch.setattr(table, "_forward", in_parts)
    assert len(overview(1)["sent"]) == 1


def test_overview_that_the_table_holds_back_raises_and_is_not_taken_for_the_whole(flow, table):
    left = {aws.TABLE: {"Keys": [{"pk": {"S": "pool#x"}}]}}
    table.fail(Reply({"Responses": {}, "UnprocessedKeys": left}))
    with pytest.raises(ledger.TooBusy):
        overview(1)


@pytest.mark.parametrize("days", [None, 0, 32, -1, "7", 1.0, True])
def test_overview_of_days_out_of_range_is_refused(flow, table, days):
    with pytest.raises(ValueError, match="1 to 31"):
        overview(days)
    assert table.requests == []


# What is refused


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

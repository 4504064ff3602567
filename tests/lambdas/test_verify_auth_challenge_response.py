"""Verify after Create, with a real table behind both."""

import logging
import re
import time

import pytest

from lambdas.triggers import clients, environment, errors, keys, ledger
from tests.codes import wrong
from tests.lambdas import aws, emf
from tests.lambdas.flow import failures, in_parallel, is_correct
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.cloud

TABLE_FAILURES = (errors.TryAgainLater, KeyError)


# App clients


@pytest.mark.parametrize("client_id", ["anotherclientid", "CLIENT_ID_NOT_APPLICABLE", "", None])
def test_another_client_gets_no_comparison(flow, texted, table, client_id):
    asked = flow.answer_event(texted, flow.code())
    asked["callerContext"]["clientId"] = client_id
    with pytest.raises(clients.ClientNotAllowed):
        is_correct(asked)
    assert asked["response"] == {"answerCorrect": None}
    assert table.calls == []


def test_list_of_clients_unreadable_compares_nothing(flow, texted, table, monkeypatch):
    clients.allowed.forget()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$"):
        flow.answer(texted, flow.code())
    assert table.calls == []


def test_list_of_clients_unreadable_again_serves_on(flow, texted, monkeypatch):
    clients.allowed._read_at -= 61
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    assert flow.answer(texted, flow.code()) is True


# What breaks


@pytest.mark.usefixtures("own_time_limits")
@pytest.mark.parametrize("down", aws.DOWN)
def test_table_failing_accepts_nothing_and_raises(flow, texted, table, down):
    table.fail(aws.DOWN[down], item="phone")
    asked = flow.answer_event(texted, flow.code())
    started = time.monotonic()
    with pytest.raises(TABLE_FAILURES):
        is_correct(asked)
    assert time.monotonic() - started < 2
    assert asked["response"] == {"answerCorrect": None}


@pytest.mark.usefixtures("own_time_limits")
@pytest.mark.parametrize("down", ["throttled", "denied", "empty", "hung up", "hanging"])
def test_table_failing_before_the_code_is_taken_accepts_nothing_and_raises(
    flow, texted, table, down
):
    table.fail(aws.DOWN[down], item="phone", after=2)
    asked = flow.answer_event(texted, flow.code())
    with pytest.raises(TABLE_FAILURES):
        is_correct(asked)
    assert asked["response"] == {"answerCorrect": None}
    # A connection that was closed is opened once more.
    wanted = 3 if down == "hung up" else 2
    assert [call.item for call in table.calls].count("phone") == wanted


@pytest.mark.parametrize(("after", "is_done"), [(0, False), (2, False), (2, True)])
def test_table_losing_one_connection_accepts_the_code_once(flow, texted, table, after, is_done):
    """It may have died while the process was frozen, or with the answer on its way."""
    table.lose(item="phone", after=after, is_done=is_done)
    assert flow.answer(texted, flow.code()) is True
    assert flow.answer(texted, flow.code()) is False


def test_table_losing_one_connection_of_many_right_answers_accepts_one(flow, texted, table):
    table.lose(item="phone", after=2, is_done=True)
    assert in_parallel(6, lambda _: flow.answer(texted, flow.code())).count(True) <= 1


def test_table_losing_the_answer_to_a_try_costs_one_more(flow, texted, table):
    table.lose(item="phone", is_done=True)
    assert flow.answer(texted, wrong(flow.code())) is False
    assert failures(flow) == 2
    assert flow.answer(texted, flow.code()) is True


def test_table_unreachable_accepts_nothing_and_raises(flow, texted, monkeypatch):
    ledger.configured.cache_clear()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$"):
        flow.answer(texted, flow.code())


@pytest.mark.usefixtures("own_time_limits")
@pytest.mark.parametrize("down", ["throttled", "hung up", "hanging"])
def test_counters_of_pool_and_block_failing_shut_nobody_out(flow, texted, table, down, caplog):
    for item in ("pool", "block"):
        table.fail(aws.DOWN[down], item=item)
    assert flow.answer(texted, flow.code()) is True
    assert flow.phone[2:] not in caplog.text


@pytest.mark.parametrize(("item", "is_right"), [("pool", False), ("block", True)])
def test_counters_of_pool_and_block_are_waited_for(flow, texted, table, item, is_right):
    """The process freezes with the answer, and what is under way then may never end."""
    table.fail(Reply({"__type": "ThrottlingException"}, 400, delay=0.3), item=item)
    started = time.monotonic()
    flow.answer(texted, flow.code() if is_right else wrong(flow.code()))
    assert time.monotonic() - started >= 0.3


def test_key_unreadable_accepts_nothing_and_raises(flow, texted, table, secrets_manager):
    keys._server_key.cache_clear()
    secrets_manager.renew(aws_error("InternalServiceError", status=500))
    asked = flow.answer_event(texted, flow.code())
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$"):
        is_correct(asked)
    assert asked["response"] == {"answerCorrect": None}
    assert table.calls == []


def test_another_key_ends_the_codes_on_their_way(flow, texted, secrets_manager):
    code = flow.code()
    keys._server_key.cache_clear()
    secrets_manager.renew(Reply({"SecretString": "k" * 64}))
    assert flow.answer(texted, code) is False


@pytest.mark.parametrize(
    "name", ["ALLOWED_COUNTRIES", "LEDGER_TABLE", "CODE_KEY_SECRET_ID", "CLIENT_IDS_PARAMETER"]
)
def test_variable_missing_is_named_and_nothing_accepted(flow, texted, monkeypatch, name):
    keys._server_key.cache_clear()
    ledger.configured.cache_clear()
    clients.allowed.forget()
    monkeypatch.delenv(name)
    with pytest.raises(environment.WrongEnvironment, match=name):
        is_correct(flow.answer_event(texted, "123456"))


# Logs


@pytest.mark.parametrize("is_right", [True, False])
def test_answer_is_logged_as_a_metric_without_it(flow, texted, capsys, is_right):
    code = flow.code()
    capsys.readouterr()
    flow.answer(texted, code if is_right else wrong(code))
    (line,) = emf.lines(capsys.readouterr().out)
    assert line["event"] == ("code_verified" if is_right else "code_refused")
    assert emf.metrics(line) == {"Verified": int(is_right), "Failed": int(not is_right)}
    assert line["phone"] == f"+•••••••••{flow.phone[-2:]}"
    assert line["challenge_id"] == texted["privateChallengeParameters"]["challengeId"]


@pytest.mark.parametrize("answer", ["314159", "31415926", "3141 59 26 5", "letmein"])
def test_answer_is_shown_nowhere_at_debug(flow, texted, table, caplog, capfd, answer):
    caplog.set_level(logging.DEBUG)
    flow.answer(texted, answer)
    output = capfd.readouterr()
    seen = caplog.text + repr([vars(record) for record in caplog.records])
    seen += output.out + output.err + repr([request.body for request in table.requests])
    assert re.search(rf"(?<!\d){answer}(?!\d)", seen) is None
    assert aws.CODE_KEY not in seen

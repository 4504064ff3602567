"""Create with a real table behind it; the other services are servers of the test's own."""

import json
import logging
import os
import re
import subprocess
import sys
import time

import pytest

from lambdas.triggers import clients, create_auth_challenge, environment, errors
from tests.codes import wrong
from tests.lambdas import aws, emf
from tests.lambdas.flow import (
    METADATA,
    PRIVATE,
    PUBLIC,
    SHAPE,
    drawn,
    in_parallel,
    shape,
    state,
)
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.cloud

VARIABLES = [
    "ALLOWED_COUNTRIES",
    "APP_NAME",
    "CLIENT_IDS_PARAMETER",
    "CODE_KEY_SECRET_ID",
    "LEDGER_TABLE",
    "SITE_HOST",
]
DOWN = aws.DOWN | {
    "over its throughput": aws_error("ProvisionedThroughputExceededException"),
    "gone": aws_error("ResourceNotFoundException"),
}
TABLE_FAILURES = (errors.TryAgainLater, KeyError)
REFERENCE = "[2-9A-HJKMNP-Z]{3}-[2-9A-HJKMNP-Z]{2}"


def logged(caplog) -> str:
    """All that any formatter could write of what was logged."""
    return caplog.text + repr([vars(record) for record in caplog.records])


def holds_code(code: str, where: str) -> bool:
    """Whether the digits stand anywhere for themselves; longer numbers hold them by chance."""
    return re.search(rf"(?<!\d){code}(?!\d)", where) is not None


# The response


def test_response_public_parameters_say_what_the_site_needs(flow):
    before = int(time.time())
    public = flow.start()[PUBLIC]
    assert before + 300 <= int(public["expiresAt"]) <= time.time() + 300
    assert before + 30 <= int(public["resendAt"]) <= time.time() + 31
    assert before <= int(public["textedAt"]) <= time.time()
    assert before <= int(public["now"]) <= time.time()
    for name in ("expiresAt", "resendAt", "textedAt", "now"):
        del public[name]
    assert re.fullmatch(REFERENCE, public.pop("reference"))
    assert public == {
        "phone": "+•••••••••••",
        "triesLeft": "3",
        "codeLength": "6",
        "delivery": "sent",
        "channels": "",
        "openAt": "",
        "kind": "code",
    }


def test_reference_is_the_same_wherever_the_challenge_is(flow, clock, capsys):
    """The page, Create's log lines and Verify's say the same word of one attempt."""
    first = flow.start()
    clock.shift(31)
    again = flow.start()
    flow.answer(again, wrong(flow.code()))
    flow.answer(again, flow.code())
    reference = drawn(first).reference
    assert first[PUBLIC]["reference"] == again[PUBLIC]["reference"] == reference
    lines = emf.lines(capsys.readouterr().out)
    assert [line["event"] for line in lines] == [
        "text_sent",
        "text_sent",
        "code_refused",
        "code_verified",
    ]
    assert {line["reference"] for line in lines} == {reference}
    assert all(line["message_id"] for line in lines[:2])


def test_response_of_a_text_has_the_shape_of_all(flow):
    assert shape(flow.start()) == SHAPE


def test_response_private_parameters_are_id_end_and_mark_only(flow):
    response = flow.start()
    assert response[PRIVATE] == drawn(response).private_parameters() | {"kind": "code"}
    assert set(response[PRIVATE]) == {"challengeId", "expiresAt", "mark", "kind"}


def test_sign_in_that_nothing_was_texted_for_has_no_mark(flow):
    marks = [flow.start()[PRIVATE].get("mark") for _ in range(2)]
    assert re.fullmatch("[0-9a-f]{8}", marks[0])
    assert marks[1] is None


def test_response_metadata_is_id_mark_and_what_is_public_anyway(flow):
    response = flow.start()
    challenge, public = drawn(response), response[PUBLIC]
    assert response["challengeMetadata"].split() == [
        "code",
        challenge.id,
        str(challenge.expires_at),
        public["resendAt"],
        public["textedAt"],
        "sent",
        "of",
        challenge.mark,
    ]


def test_response_keeps_the_rest_of_the_event(flow):
    asked = flow.start_event()
    answered = create_auth_challenge.handler(flow.start_event(), None)
    assert answered | {"response": None} == asked | {"response": None}
    assert set(answered["response"]) == set(asked["response"])


def test_response_holds_strings_only(flow):
    response = flow.start()
    assert isinstance(response["challengeMetadata"], str)
    for part in (PUBLIC, PRIVATE):
        assert all(isinstance(one, str) for pair in response[part].items() for one in pair)


# Later rounds


@pytest.mark.parametrize("history", [[], None])
def test_history_empty_or_null_is_a_start(flow, sns, history):
    asked = flow.start_event()
    asked["request"]["session"] = history
    flow.start(asked)
    assert len(sns.requests) == 1


def test_history_missing_is_a_start(flow, sns):
    asked = flow.start_event()
    del asked["request"]["session"]
    flow.start(asked)
    assert len(sns.requests) == 1


@pytest.mark.parametrize("wrong_answers", [1, 2])
def test_later_round_keeps_the_challenge_and_texts_nobody(flow, event, table, sns, wrong_answers):
    asked = event("create_second_round")
    asked["request"]["session"] *= wrong_answers
    response = flow.start(asked)
    assert response[PRIVATE] == {
        "challengeId": "6Zk3vQ1rT8yLw0XnB5mJ2dA",
        "expiresAt": "1700000300",
        "wrongAnswers": str(wrong_answers),
        "kind": "code",
    }
    assert response["challengeMetadata"] == METADATA
    assert int(response[PUBLIC].pop("now")) == pytest.approx(time.time(), abs=2)
    assert response[PUBLIC] == {
        "phone": "+•••••••••••",
        "expiresAt": "1700000300",
        "resendAt": "1700000030",
        "textedAt": "1700000000",
        # The number has no such challenge any more.
        "triesLeft": "0",
        "codeLength": "6",
        "delivery": "sent",
        "openAt": "",
        "reference": "QKU-JF",
        "channels": "",
        "kind": "code",
    }
    assert (sns.requests, [call.item for call in table.calls]) == ([], ["phone"])


@pytest.mark.usefixtures("own_time_limits")
def test_later_round_goes_on_where_the_table_does_not_answer(flow, event, table):
    first = flow.start()
    table.fail(aws.HANGING)
    assert flow.next_round(first)[PUBLIC]["triesLeft"] == "2"


def test_later_round_is_logged_by_its_challenge_only(flow, event, capsys):
    flow.start(event("create_second_round"))
    (line,) = emf.lines(capsys.readouterr().out)
    assert (line["event"], line["challenge_id"]) == ("asked_again", "6Zk3vQ1rT8yLw0XnB5mJ2dA")
    assert emf.metrics(line) == {}


def test_later_round_continues_what_the_first_returned(flow, sns):
    first = flow.start()
    second = flow.next_round(first)
    changed = {"triesLeft": "2", "now": second[PUBLIC]["now"]}
    assert second == first | {
        PUBLIC: first[PUBLIC] | changed,
        PRIVATE: first[PRIVATE] | {"wrongAnswers": "1"},
    }
    assert len(sns.requests) == 1


def test_later_round_of_a_challenge_without_a_text_still_says_so(flow, event, table):
    table.write(f"phone#{flow.name}", failures=10, last_failure=int(time.time()))
    first = flow.start()
    asked = event("create_second_round")
    asked["request"]["session"][0]["challengeMetadata"] = first["challengeMetadata"]
    second = flow.start(asked)[PUBLIC]
    assert (second["delivery"], second["textedAt"]) == ("not_sent", "")


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "",
        "PROVIDE_AUTH_PARAMETERS",
        "code 123456",
        "code 6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300",
        "code 6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030",
        "code 6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 x 1700000000 sent",
        "code 6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030  sent",
        "code 6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030 1700000000 sent ",
        "code 6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030 1700000000 sent of x",
        "7Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030 1700000000 sent",
    ],
)
def test_later_round_without_a_challenge_of_ours_raises(flow, event, sns, table, metadata):
    asked = event("create_second_round")
    asked["request"]["session"][0]["challengeMetadata"] = metadata
    with pytest.raises(ValueError, match="no challenge of ours"):
        flow.start(asked)
    assert (sns.requests, table.requests) == ([], [])


# App clients


@pytest.mark.parametrize("client_id", ["anotherclientid", "CLIENT_ID_NOT_APPLICABLE", "", None])
def test_another_client_gets_no_challenge_and_costs_nothing(flow, sns, table, client_id):
    asked = flow.start_event()
    asked["callerContext"]["clientId"] = client_id
    with pytest.raises(clients.ClientNotAllowed):
        flow.start(asked)
    assert asked["response"] == flow.start_event()["response"]
    assert (sns.requests, table.requests) == ([], [])


def test_no_client_gets_no_challenge(flow, sns, table):
    asked = flow.start_event()
    del asked["callerContext"]["clientId"]
    with pytest.raises(clients.ClientNotAllowed):
        flow.start(asked)
    assert (sns.requests, table.requests) == ([], [])


def test_another_client_gets_no_later_round(flow, event):
    asked = event("create_second_round")
    asked["callerContext"]["clientId"] = "anotherclientid"
    with pytest.raises(clients.ClientNotAllowed):
        flow.start(asked)


def test_list_of_clients_unreadable_texts_nothing(flow, sns, table, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$"):
        flow.start()
    assert (sns.requests, table.requests) == ([], [])


# What breaks


@pytest.mark.usefixtures("own_time_limits")
@pytest.mark.parametrize("down", DOWN)
def test_table_failing_texts_nothing_and_raises(flow, sns, table, down):
    table.fail(DOWN[down])
    started = time.monotonic()
    with pytest.raises(TABLE_FAILURES):
        flow.start()
    assert time.monotonic() - started < 2
    assert sns.requests == []


@pytest.mark.usefixtures("own_time_limits")
@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize("down", ["throttled", "denied", "empty", "hung up", "hanging"])
def test_table_failing_half_way_texts_nothing_and_raises(flow, sns, table, down, after):
    table.fail(DOWN[down], after=after)
    with pytest.raises(TABLE_FAILURES):
        flow.start()
    assert sns.requests == []
    # A connection that was closed is opened once more.
    assert len(table.calls) == after + (2 if down == "hung up" else 1)


def test_table_unreachable_texts_nothing_and_raises(flow, sns, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$"):
        flow.start()
    assert sns.requests == []


def test_table_failing_is_asked_once(flow, table):
    table.fail(DOWN["broken"])
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$"):
        flow.start()
    assert len(table.calls) == 1


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_table_losing_one_connection_texts_once_and_the_code_works(
    flow, sns, table, after, is_done
):
    """It may have died while the process was frozen, or with the answer on its way."""
    table.lose(after=after, is_done=is_done)
    response = flow.start()
    assert len(sns.requests) == 1
    assert state(flow).sends_last_hour == 1
    assert flow.answer(response, flow.code()) is True


@pytest.mark.parametrize("is_done", [False, True])
def test_table_losing_one_connection_of_many_starts_texts_once(flow, sns, table, is_done):
    table.lose(is_done=is_done)
    responses = in_parallel(10, lambda _: flow.start())
    assert len(sns.requests) == 1
    assert len({drawn(response) for response in responses}) == 1


@pytest.mark.parametrize(
    "is_done",
    [False, True],
)
def test_table_losing_one_connection_texts_a_living_code_again(flow, table, clock, is_done):
    flow.start()
    clock.shift(31)
    table.lose(after=1, is_done=is_done)
    flow.start()
    assert len(flow.messages()) == 2


@pytest.mark.parametrize("is_done", [False, True])
def test_table_losing_one_connection_late_in_a_life_leaves_the_late_code_alive(
    flow, table, clock, is_done
):
    flow.start()
    late_code = flow.code()
    clock.shift(240)
    table.lose(is_done=is_done)
    response = flow.start()
    assert len(flow.messages()) == 2
    assert flow.answer(response, late_code) is True


def test_table_back_again_texts(flow, sns, table):
    table.fail(DOWN["throttled"])
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$"):
        flow.start()
    table.recover()
    flow.start()
    assert len(sns.requests) == 1


def test_text_service_hanging_is_asked_once_and_the_code_works(flow, sns, clock):
    sns.renew(aws.HANGING)
    started = time.monotonic()
    first = flow.start()
    assert time.monotonic() - started < 4
    # Nobody knows whether it left: neither "sent" nor "not sent" would be true.
    assert first[PUBLIC]["delivery"] == "delayed"
    assert int(first[PUBLIC]["textedAt"]) >= int(time.time()) - 5
    again = flow.start()
    assert len(sns.requests) == 1
    assert drawn(again) == drawn(first)
    assert flow.answer(again, flow.code()) is True


@pytest.mark.parametrize(
    ("refusal", "delivery"),
    [
        (aws.sns_error("OptedOut", "opted out"), "opted_out"),
        (aws.sns_error("AuthorizationError", "not allowed", 403), "misconfigured"),
        (aws.sns_error("Throttling", "too many"), "throttled"),
        (aws.sns_error("InternalError", "broken", 500), "provider_down"),
    ],
)
def test_text_refused_frees_the_cooldown_says_why_and_stays_counted(flow, sns, refusal, delivery):
    sns.renew(refusal, aws.TEXT_SENT)
    first = flow.start()
    assert first[PUBLIC]["delivery"] == delivery
    again = flow.start()
    assert again[PUBLIC]["delivery"] == "sent"
    assert len(sns.requests) == 2
    assert (state(flow).sends_last_hour, state(flow).sends_last_day) == (2, 2)
    assert flow.answer(again, flow.code()) is True


def test_text_refused_is_counted_with_the_reason(flow, sns, capsys):
    sns.renew(aws.sns_error("OptedOut", "opted out"))
    flow.start()
    (line,) = emf.lines(capsys.readouterr().out)
    assert (line["event"], line["Reason"]) == ("text_not_sent", "opted_out")
    assert emf.metrics(line)["Blocked"] == 1


def test_text_service_unreachable_says_so_and_frees_the_cooldown(flow, monkeypatch, table):
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", "http://127.0.0.1:9")
    for _ in range(2):
        assert flow.start()[PUBLIC]["delivery"] == "provider_down"
    assert state(flow).sends_last_hour == 2


def test_text_blocked_is_answered_even_if_it_cannot_be_counted(flow, table, sns):
    table.fail(DOWN["throttled"], item="blocked")
    table.write(f"phone#{flow.name}", failures=10, last_failure=int(time.time()))
    assert flow.start()[PUBLIC]["delivery"] == "not_sent"
    assert sns.requests == []


def test_text_refused_again_and_again_ends_at_the_phones_limit(flow, sns):
    sns.renew(aws.sns_error("InternalError", "broken", 500))
    for _ in range(8):
        flow.start()
    assert len(sns.requests) == 5


def test_text_is_not_begun_when_the_time_is_spent(flow, sns, parameters, secrets_manager):
    """A cold start whose other services are slow: the text could end after Cognito's patience."""
    parameters.renew(Reply(aws.clients_read(aws.CLIENT_ID).body, delay=0.6))
    secrets_manager.renew(Reply(aws.KEY_READ.body, delay=0.8))
    response = flow.start()
    assert sns.requests == []
    assert response[PUBLIC]["delivery"] == "provider_down"
    flow.start()
    assert len(sns.requests) == 1


def test_key_unreadable_texts_nothing_and_counts_nothing(flow, sns, table, secrets_manager):
    secrets_manager.renew(aws_error("InternalServiceError", status=500))
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$"):
        flow.start()
    assert (sns.requests, table.requests) == ([], [])


def test_key_and_clients_are_read_once_per_process(flow, make_phone, secrets_manager, parameters):
    for _ in range(3):
        flow.other(make_phone()).start()
    assert (len(secrets_manager.requests), len(parameters.requests)) == (1, 1)


@pytest.mark.parametrize("name", VARIABLES)
def test_variable_missing_is_named_and_nothing_texted(flow, sns, monkeypatch, name):
    monkeypatch.delenv(name)
    with pytest.raises(environment.WrongEnvironment, match=name):
        flow.start()
    assert sns.requests == []


@pytest.mark.parametrize("value", ["0", "601", "five", "-1"])
def test_lifetime_out_of_range_is_named_and_nothing_texted(flow, sns, monkeypatch, value):
    monkeypatch.setenv("CODE_LIFETIME_SECONDS", value)
    with pytest.raises(environment.WrongEnvironment, match="CODE_LIFETIME_SECONDS"):
        flow.start()
    assert sns.requests == []


def test_site_host_with_a_scheme_is_refused_and_nothing_texted(flow, sns, monkeypatch):
    monkeypatch.setenv("SITE_HOST", "https://example.com")
    with pytest.raises(ValueError, match="host"):
        flow.start()
    assert sns.requests == []


# Secrets


def test_sent_text_is_logged_as_metrics_that_lead_to_it(flow, capsys):
    response = flow.start()
    (line,) = emf.lines(capsys.readouterr().out)
    used = {"HourPercentUsed": 0, "DayPercentUsed": 0, "CountryPercentUsed": 0}
    # The alarm on codes that do not come back divides by what is sent, and needs its zero there.
    codes = {"CodesSent": 1, "Verified": 0, "Proven": 0}
    assert emf.metrics(line) == {"Sent": 1, "Parts": 1, "LongCodes": 0, **codes, **used}
    assert line["phone"] == f"+•••••••••{flow.phone[-2:]}"
    assert line["challenge_id"] == drawn(response).id
    assert (line["sender"], line["message_id"], line["country"]) == ("sns", "message-1", "US")
    assert 0 <= line["milliseconds"] < 4000


def test_whole_flow_at_debug_shows_code_and_phone_in_the_text_only(
    flow, make_phone, clock, table, parameters, secrets_manager, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    responses = [flow.start()]
    code = flow.code()
    assert flow.answer(responses[0], wrong(code)) is False
    clock.shift(31)
    responses += [flow.start(), flow.start()]
    assert flow.answer(responses[-1], code) is True
    assert flow.answer(responses[-1], code) is False
    output = capfd.readouterr()
    seen = {
        "logs": logged(caplog),
        "output": output.out + output.err,
        "responses": repr(responses),
        "table": repr(table.ask("Scan")),
        "calls": repr(
            [one.body for each in (table, parameters, secrets_manager) for one in each.requests]
        ),
    }
    assert len(flow.messages()) == 2
    assert [line["event"] for line in emf.lines(output.out)] == [
        "text_sent",
        "code_refused",
        "text_sent",
        "text_not_sent",
        "code_verified",
        "code_refused",
    ]
    for where, text in seen.items():
        assert not holds_code(code, text), where
        assert flow.phone[2:] not in text, where
        assert flow.phone[:-4] not in text, where
        assert aws.CODE_KEY not in text, where


def test_refused_text_at_debug_shows_code_and_phone_nowhere_else(flow, sns, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    sns.renew(aws.sns_error("InvalidParameter", f"Invalid parameter: {flow.phone} 123456"))
    response = flow.start()
    output = capfd.readouterr()
    seen = logged(caplog) + output.out + output.err + repr(response)
    assert not holds_code(flow.code(), seen)
    assert flow.phone[2:] not in seen


@pytest.mark.parametrize("name", ["throttled", "denied", "hung up"])
def test_failure_of_the_table_shows_no_phone_in_the_error(flow, table, name):
    table.fail(DOWN[name])
    with pytest.raises(TABLE_FAILURES) as raised:
        flow.start()
    assert flow.phone[2:] not in f"{raised.value!r} {raised.value}"


def test_process_at_debug_shows_neither_code_nor_phone_nor_key(flow, project, capfd):
    """The runtime sets the root logger before it imports the function."""
    script = (
        "import logging\n"
        "logging.basicConfig(level=logging.DEBUG)\n"
        "import json, sys\n"
        "from lambdas.triggers import create_auth_challenge, keys, verify_auth_challenge_response\n"
        "from lambdas.triggers.challenge import Challenge\n"
        "start, answer = json.load(sys.stdin)\n"
        "made = create_auth_challenge.handler(start, None)['response']\n"
        "private = made['privateChallengeParameters']\n"
        "attributes = answer['request']['userAttributes']\n"
        "user = answer['userPoolId'] + ' ' + attributes['sub']\n"
        "code = Challenge.from_private_parameters(private).code(keys.code_key(), user=user)\n"
        "answer['request'] |= {'privateChallengeParameters': private, 'challengeAnswer': code}\n"
        "sys.exit(not verify_auth_challenge_response.handler(answer, None)['response']"
        "['answerCorrect'])\n"
    )
    start = flow.start_event()
    answer = flow.answer_event({PRIVATE: {}}, "")
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project,
        env=os.environ | {"AWS_DEFAULT_REGION": "eu-west-1"},
        input=json.dumps([start, answer]),
        capture_output=True,
        text=True,
        check=True,
    )
    seen = done.stdout + done.stderr
    assert "code_verified" in done.stdout
    assert "DEBUG" in done.stderr
    assert not holds_code(flow.code(), seen)
    assert flow.phone[2:] not in seen
    assert aws.CODE_KEY not in seen

"""Answers are counted, compared and taken once, in every session of a person."""

import time

import pytest

from lambdas.triggers import senders, verify_auth_challenge_response
from lambdas.triggers.senders import end_user_messaging
from tests.codes import wrong
from tests.lambdas import emf
from tests.lambdas.flow import Flow, drawn, failures, in_parallel, is_correct
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.cloud

MINUTE = 60


# Right


def test_right_code_is_correct_and_the_rest_of_the_event_stays(flow, texted):
    asked = flow.answer_event(texted, flow.code())
    answered = verify_auth_challenge_response.handler(flow.answer_event(texted, flow.code()), None)
    assert answered == asked | {"response": {"answerCorrect": True}}


def test_right_code_with_fields_that_came_later_is_correct(flow, texted, event):
    later = event("verify_later_fields")
    asked = flow.answer_event(texted, flow.code())
    asked["request"] = later["request"] | asked["request"]
    assert is_correct(later | asked) is True


@pytest.mark.parametrize("spelling", [" {0} {1} ", "{0}-{1}", "\u2068{0}\u00a0{1}\u2069\n"])
def test_right_code_in_another_spelling_is_correct(flow, texted, spelling):
    code = flow.code()
    assert flow.answer(texted, spelling.format(code[:3], code[3:])) is True


@pytest.mark.parametrize("zero", ["\uff10", "\u0660", "\u0966"])
def test_right_code_in_another_script_is_correct(flow, texted, zero):
    typed = "".join(chr(ord(zero) + int(digit)) for digit in flow.code())
    assert flow.answer(texted, typed) is True


@pytest.mark.parametrize("wrong_answers", [1, 2])
def test_right_code_after_wrong_ones_is_correct_and_clears_them(flow, texted, wrong_answers):
    for _ in range(wrong_answers):
        assert flow.answer(texted, wrong(flow.code())) is False
    assert failures(flow) == wrong_answers
    assert flow.answer(texted, flow.code()) is True
    assert failures(flow) == 0


def test_right_code_from_another_session_of_the_same_person_is_correct(flow, texted):
    """A second tab: one code, whichever of them it is typed into."""
    second = flow.start()
    assert flow.answer(second, flow.code()) is True


# Wrong


def test_wrong_code_is_not_correct_and_the_rest_of_the_event_stays(flow, texted):
    asked = flow.answer_event(texted, wrong(flow.code()))
    answered = verify_auth_challenge_response.handler(
        flow.answer_event(texted, wrong(flow.code())), None
    )
    assert answered == asked | {"response": {"answerCorrect": False}}


@pytest.mark.parametrize("position", range(6))
def test_neighbour_of_the_code_is_not_correct(flow, texted, position):
    code = flow.code()
    digit = str((int(code[position]) + 1) % 10)
    assert flow.answer(texted, code[:position] + digit + code[position + 1 :]) is False


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " ",
        "{code_but_one}",
        "{code}0",
        "0{code}",
        "{code}{code}",
        "{code}x",
        "x{code}",
        "+{code}",
        "abcdef",
        "{code}\ud800",
        "\ud83d",
        "12345",
        "123456789",
        "\u2460\u2461\u2462\u2463\u2464\u2465",
        "1" * 100_000,
        "{code}{spaces}",
        None,
        True,
        123456,
        ["{code}"],
        {"code": "123456"},
    ],
)
def test_answer_that_cannot_be_a_code_costs_no_try_and_no_call(flow, texted, table, answer):
    code = flow.code()
    if isinstance(answer, str):
        answer = (
            answer.replace("{code_but_one}", code[:-1])
            .replace("{code}", code)
            .replace("{spaces}", " " * 100_000)
        )
    elif isinstance(answer, list):
        answer = [code]
    for _ in range(4):
        assert flow.answer(texted, answer) is False
    assert table.calls == []
    assert flow.answer(texted, code) is True


def test_code_as_a_number_is_not_correct(flow, texted, table):
    assert flow.answer(texted, int(flow.code())) is False
    assert table.calls == []


def test_answer_missing_is_not_correct_and_costs_nothing(flow, texted, table):
    asked = flow.answer_event(texted, "")
    del asked["request"]["challengeAnswer"]
    assert is_correct(asked) is False
    assert table.calls == []


@pytest.mark.parametrize(("age", "correct"), [(297, True), (300, False), (86_400, False)])
def test_right_code_works_until_its_end_only(flow, texted, clock, age, correct):
    clock.shift(age)
    assert flow.answer(texted, flow.code()) is correct


def test_end_that_is_put_off_by_the_caller_changes_nothing(flow, texted, clock):
    """The table knows the end too."""
    texted["privateChallengeParameters"]["expiresAt"] = str(int(time.time()) + 3600)
    clock.shift(301)
    assert flow.answer(texted, flow.code()) is False


def test_three_tries_are_shared_by_all_sessions_that_nothing_was_texted_for(flow, texted):
    sessions = [flow.start() for _ in range(3)]
    for response in sessions:
        assert flow.answer(response, wrong(flow.code())) is False
    for response in sessions:
        assert flow.answer(response, flow.code()) is False
    assert failures(flow) == 3
    assert flow.answer(texted, flow.code()) is True


def test_tries_of_whoever_asked_are_the_same_in_every_round(flow, texted):
    other = flow.start()
    for _ in range(3):
        assert flow.answer(other, wrong(flow.code())) is False
    for answers in (1, 2):
        assert flow.answer(texted, wrong(flow.code())) is False
        texted = flow.next_round(texted, wrong_answers=answers)
    assert flow.answer(texted, flow.code()) is True


def test_parallel_answers_to_many_sessions_are_counted_three_times_for_all_of_them(flow, texted):
    sessions = [texted, *(flow.start() for _ in range(5))]
    guess = wrong(flow.code())
    in_parallel(30, lambda n: flow.answer(sessions[1 + n % 5], guess))
    assert failures(flow) == 3
    in_parallel(30, lambda n: flow.answer(sessions[n % 6], guess))
    assert failures(flow) == 6
    for response in sessions:
        assert flow.answer(response, flow.code()) is False


def test_same_code_texted_again_has_three_tries_of_its_own(flow, texted, clock):
    for _ in range(3):
        flow.answer(texted, wrong(flow.code()))
    clock.shift(31)
    again = flow.start()
    assert len(flow.messages()) == 2
    for _ in range(2):
        assert flow.answer(again, wrong(flow.code())) is False
    assert flow.answer(texted, flow.code()) is False
    assert flow.answer(again, flow.code()) is True


def test_right_code_after_three_wrong_ones_is_not_correct(flow, texted):
    for _ in range(3):
        flow.answer(texted, wrong(flow.code()))
    assert flow.answer(texted, flow.code()) is False


def test_parallel_wrong_answers_are_counted_three_times(flow, texted):
    assert set(in_parallel(20, lambda _: flow.answer(texted, wrong(flow.code())))) == {False}
    assert failures(flow) == 3
    assert flow.answer(texted, flow.code()) is False


def test_parallel_right_answers_win_once(flow, texted):
    assert in_parallel(12, lambda _: flow.answer(texted, flow.code())).count(True) == 1


def test_used_code_is_dead_in_every_session(flow, texted):
    second = flow.start()
    assert flow.answer(texted, flow.code()) is True
    assert flow.answer(texted, flow.code()) is False
    assert flow.answer(second, flow.code()) is False


def test_used_code_again_is_no_failure_of_its_owner(flow, texted):
    for expected in (True, False, False):
        assert flow.answer(texted, flow.code()) is expected
    assert failures(flow) == 0


def test_used_code_stays_dead_after_the_next_start(flow, texted):
    old_code = flow.code()
    assert flow.answer(texted, old_code) is True
    after = flow.start()
    assert len(flow.messages()) == 2
    assert flow.answer(texted, old_code) is False
    assert flow.answer(after, flow.code()) is True


def test_tenth_failure_in_a_row_holds_the_right_code_too(flow, texted, table, clock):
    table.write(f"phone#{flow.name}", failures=9)
    assert flow.answer(texted, wrong(flow.code())) is False
    assert flow.answer(texted, flow.code()) is False
    clock.shift(15 * MINUTE + 1)
    after = flow.start()
    assert flow.answer(after, flow.code()) is True


@pytest.mark.parametrize(
    ("before", "reason", "seconds"), [(9, "held", 15 * MINUTE), (99, "locked", 0)]
)
def test_hold_is_recorded_when_it_begins_and_no_more(
    flow, texted, table, capsys, before, reason, seconds
):
    table.write(f"phone#{flow.name}", failures=before)
    capsys.readouterr()
    for _ in range(2):
        flow.answer(texted, wrong(flow.code()))
    output = capsys.readouterr().out
    [line] = [each for each in emf.lines(output) if each["event"] == "hold_began"]
    assert emf.metrics(line) == {"Holds": 1}
    assert (line["Reason"], line["seconds"]) == (reason, seconds)
    assert line["failures"] == before + 1
    assert line["reference"] == drawn(texted).reference
    assert line["phone"] == f"+•••••••••{flow.phone[-2:]}"
    assert flow.phone[2:] not in output


def test_hold_that_a_right_code_ends_at_once_is_not_recorded(flow, texted, table, capsys):
    table.write(f"phone#{flow.name}", failures=9)
    assert flow.answer(texted, flow.code()) is True
    assert "hold_began" not in capsys.readouterr().out


def test_hundredth_failure_locks_for_good(flow, texted, table, clock):
    table.write(f"phone#{flow.name}", failures=99)
    assert flow.answer(texted, wrong(flow.code())) is False
    clock.shift(380 * 86_400)
    assert flow.answer(flow.start(), flow.code()) is False
    assert len(flow.messages()) == 1
    item = table.ask("GetItem", Key={"pk": {"S": f"phone#{flow.name}"}})["Item"]
    assert "ttl" not in item


# Two codes: the newest and the one before it, whose text was late


@pytest.fixture
def two(flow, texted, clock):
    """Two flows of one person and their codes, the older first."""
    codes = [flow.code()]
    clock.shift(240)
    responses = [texted, flow.start()]
    codes.append(flow.code())
    assert len(set(codes)) == 2
    return list(zip(responses, codes, strict=True))


@pytest.mark.parametrize("flow_of", [0, 1], ids=["old flow", "new flow"])
@pytest.mark.parametrize("code_of", [0, 1], ids=["old code", "new code"])
def test_late_and_new_code_work_in_either_flow_and_end_both(flow, two, flow_of, code_of):
    assert flow.answer(two[flow_of][0], two[code_of][1]) is True
    assert failures(flow) == 0
    for response, _ in two:
        for _, code in two:
            assert flow.answer(response, code) is False


def test_late_code_works_until_its_own_end_and_the_new_one_longer(flow, two, clock):
    (old, old_code), (_, new_code) = two
    clock.shift(60)
    for response, _ in two:
        assert flow.answer(response, old_code) is False
    assert flow.answer(old, new_code) is True


def test_ends_that_flows_tell_change_nothing(flow, two):
    """Only the table's are believed."""
    (old, old_code), (new, _) = two
    old["privateChallengeParameters"]["expiresAt"] = "1"
    assert flow.answer(old, wrong(old_code)) is False
    new["privateChallengeParameters"]["expiresAt"] = "1"
    assert flow.answer(new, old_code) is True


def test_parallel_wrong_answers_to_two_codes_are_counted_three_times_for_each_asker(flow, two):
    got = in_parallel(60, lambda n: flow.answer(two[n % 2][0], wrong(two[n % 2][1])))
    assert set(got) == {False}
    assert failures(flow) == 6
    for response, code in two:
        assert flow.answer(response, code) is False


def test_parallel_right_answers_to_two_codes_win_once(flow, two):
    got = in_parallel(24, lambda n: flow.answer(*two[n % 2]))
    assert got.count(True) == 1


def test_late_code_of_six_digits_works_where_six_are_asked_for(
    flow, make_phone, clock, monkeypatch
):
    """Under attack the next code has eight digits: one of six is not an answer there."""
    monkeypatch.setenv("FAILURES_PER_POOL_5_MINUTES", "1")
    old = flow.start()
    old_code = flow.code()
    clock.shift(240)
    other = flow.other(make_phone())
    other.answer(other.start(), "123456")
    new = flow.start()
    assert drawn(new).code_length == 8
    assert flow.answer(new, old_code) is False
    assert failures(flow) == 0
    assert flow.answer(old, old_code) is True


def test_wrong_answers_before_a_right_one_are_no_attack(flow, make_phone, monkeypatch):
    monkeypatch.setenv("FAILURES_PER_POOL_5_MINUTES", "3")
    for _ in range(6):
        mistype(flow.other(make_phone()))
    assert drawn(flow.start()).code_length == 6


def test_wrong_answers_of_others_stay_counted_after_a_right_one(flow, make_phone, monkeypatch):
    """Its owner types the code rightly at once: what a stranger guessed before is an attack."""
    monkeypatch.setenv("FAILURES_PER_POOL_5_MINUTES", "6")
    for _ in range(3):
        victim = flow.other(make_phone())
        strangers, own = victim.start(), victim.start()
        for _ in range(2):
            victim.answer(strangers, wrong(victim.code()))
        assert victim.answer(own, victim.code()) is True
    # It takes back what the right answers counted.
    mistype(flow.other(make_phone()))
    assert drawn(flow.start()).code_length == 8


def test_answers_that_cannot_be_codes_take_no_failure_back(flow, make_phone, monkeypatch):
    monkeypatch.setenv("FAILURES_PER_POOL_5_MINUTES", "4")
    victim = flow.other(make_phone())
    guessed = victim.start()
    for _ in range(3):
        victim.answer(guessed, wrong(victim.code()))
    for _ in range(4):
        attacker = flow.other(make_phone())
        response = attacker.start()
        for _ in range(2):
            attacker.answer(response, "x")
        later = attacker.next_round(response, wrong_answers=2)
        assert attacker.answer(later, attacker.code()) is True
    mistype(flow.other(make_phone()))
    assert drawn(flow.start()).code_length == 8


def mistype(person: Flow) -> None:
    """Sign in with one wrong answer before the right one."""
    response = person.start()
    assert person.answer(response, wrong(person.code())) is False
    assert person.answer(person.next_round(response), person.code()) is True


def test_late_right_answer_takes_two_round_trips(flow, two, table):
    table.forget()
    table.delay = 0.25
    flow.answer(two[1][0], two[0][1])
    assert table.round_trips() == [["phone", "pool"], ["block", "phone"]]


def test_late_answer_of_an_unknown_user_asks_the_table_the_same(flow, texted, table, clock):
    """Numbers that nobody has get a second challenge, too, in requests of the same length."""
    started = flow.start_event()
    started["request"] |= {"userNotFound": True, "userAttributes": {}}
    unknown = flow.start(started)
    asked = []
    clock.shift(240)
    for response, event in ((texted, flow.start_event()), (unknown, started)):
        table.renew()
        flow.start(event)
        answered = flow.answer_event(response, "123456")
        answered["request"] |= {
            name: event["request"][name]
            for name in ("userNotFound", "userAttributes")
            if name in event["request"]
        }
        assert is_correct(answered) is False
        bodies = [request.body for request in table.requests if b'"phone#' in request.body]
        asked.append([len(body) for body in bodies])
    assert asked[0] == asked[1]
    assert len(asked[0]) == 2


# Somebody else


def test_another_sub_is_not_correct(flow, texted):
    asked = flow.answer_event(texted, flow.code())
    asked["request"]["userAttributes"]["sub"] = "b82f6c0e-1173-4d29-a5e8-6f40d3c29b17"
    assert is_correct(asked) is False


def test_another_pool_is_not_correct(flow, texted):
    asked = flow.answer_event(texted, flow.code()) | {"userPoolId": "eu-west-1_Example02"}
    assert is_correct(asked) is False


def test_another_phone_is_not_correct(flow, texted, make_phone):
    """Whoever brings a challenge of their own, and its code, to another account gets nothing."""
    asked = flow.answer_event(texted, flow.code())
    asked["request"]["userAttributes"]["phone_number"] = make_phone()
    assert is_correct(asked) is False


def test_challenge_and_code_of_somebody_else_are_not_correct(flow, texted, make_phone):
    victim = flow.other(make_phone())
    victim.start()
    assert victim.answer(texted, flow.code()) is False
    assert failures(victim) == 0


@pytest.mark.parametrize("attributes", [None, {}, {"sub": ""}, {"sub": None}])
def test_user_without_sub_and_phone_is_not_correct(flow, texted, attributes):
    asked = flow.answer_event(texted, flow.code())
    asked["request"]["userAttributes"] = attributes
    assert is_correct(asked) is False


@pytest.mark.parametrize("name", ["sub", "phone_number"])
def test_user_without_a_sub_or_a_phone_is_not_correct(flow, texted, name):
    asked = flow.answer_event(texted, flow.code())
    del asked["request"]["userAttributes"][name]
    assert is_correct(asked) is False


def test_code_of_nobody_is_not_correct(flow, texted):
    asked = flow.answer_event(texted, "")
    asked["request"]["userAttributes"]["sub"] = ""
    flow.sub = ""
    asked["request"]["challengeAnswer"] = flow.derived(texted)
    assert is_correct(asked) is False


def test_unknown_user_is_not_correct(flow, texted):
    asked = flow.answer_event(texted, flow.code())
    asked["request"]["userNotFound"] = True
    assert is_correct(asked) is False
    asked["request"]["userAttributes"] = {}
    assert is_correct(asked) is False


def test_unknown_user_is_compared_with_no_code_even_of_a_challenge_of_theirs(flow):
    started = flow.start_event()
    started["request"] |= {"userNotFound": True}
    response = flow.start(started)
    asked = flow.answer_event(response, flow.derived(response))
    asked["request"]["userNotFound"] = True
    assert is_correct(asked) is False


@pytest.mark.parametrize("challenge_id", ["6" + "A" * 22, "8" + "A" * 22])
def test_challenge_that_was_never_drawn_is_not_correct(flow, texted, challenge_id):
    texted["privateChallengeParameters"]["challengeId"] = challenge_id
    assert flow.answer(texted, flow.derived(texted)) is False


@pytest.mark.parametrize("private", [None, {}, [], "challengeId", {"code": "435603"}])
def test_private_parameters_not_ours_are_not_correct(flow, texted, table, private):
    texted["privateChallengeParameters"] = private
    assert flow.answer(texted, flow.code()) is False
    assert table.calls == []


@pytest.mark.parametrize("name", ["challengeId", "expiresAt"])
@pytest.mark.parametrize("value", [None, "", "x", 0, "\ud800"])
def test_private_parameter_malformed_is_not_correct(flow, texted, table, name, value):
    texted["privateChallengeParameters"][name] = value
    assert flow.answer(texted, flow.code()) is False
    assert table.calls == []


@pytest.mark.parametrize("name", ["challengeId", "expiresAt"])
def test_private_parameter_missing_is_not_correct(flow, texted, name):
    del texted["privateChallengeParameters"][name]
    assert flow.answer(texted, flow.code()) is False


def test_private_parameters_missing_are_not_correct(flow, texted):
    asked = flow.answer_event(texted, flow.code())
    del asked["request"]["privateChallengeParameters"]
    assert is_correct(asked) is False


# Calls


def test_wrong_answer_takes_one_round_trip(flow, texted, table):
    table.delay = 0.25
    flow.answer(texted, wrong(flow.code()))
    assert table.round_trips() == [["phone", "pool"]]


def test_right_answer_takes_two_round_trips(flow, texted, table):
    table.delay = 0.25
    flow.answer(texted, flow.code())
    assert table.round_trips() == [["phone", "pool"], ["block", "phone"]]


def test_answer_of_an_unknown_user_takes_as_many_round_trips_as_a_wrong_one(flow, table):
    started = flow.start_event()
    started["request"] |= {"userNotFound": True, "userAttributes": {}}
    response = flow.start(started)
    table.forget()
    table.delay = 0.25
    asked = flow.answer_event(response, "123456")
    asked["request"] |= {"userNotFound": True, "userAttributes": {}}
    assert is_correct(asked) is False
    assert table.round_trips() == [["phone", "pool"]]


def test_key_and_clients_are_read_once_per_process(flow, texted, secrets_manager, parameters):
    for _ in range(3):
        flow.answer(texted, wrong(flow.code()))
    assert (len(secrets_manager.requests), len(parameters.requests)) == (1, 1)


# Which texts were answered


@pytest.fixture
def messaging(flow, wire, monkeypatch):
    """A service that sends, and wants to hear which texts were answered with their code."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", wire.url)
    monkeypatch.setenv("SMS_SENDERS", "end_user_messaging")
    monkeypatch.setenv("EUM_MESSAGE_FEEDBACK", "true")
    end_user_messaging._feedback_client.cache_clear()
    wire.will(Reply({"MessageId": "message-9", "MessageFeedbackStatus": "RECEIVED"}))
    yield wire
    end_user_messaging._feedback_client.cache_clear()


def code_in(messaging) -> str:
    bodies = [one.json["MessageBody"] for one in messaging.requests if "MessageBody" in one.json]
    return bodies[-1].rpartition("#")[2]


def test_right_answer_is_reported_once(flow, messaging):
    response = flow.start()
    code = code_in(messaging)
    assert flow.answer(response, wrong(code)) is False
    assert messaging.operations() == ["SendTextMessage"]
    assert flow.answer(response, code) is True
    assert flow.answer(response, code) is False
    assert messaging.operations() == ["SendTextMessage", "PutMessageFeedback"]
    assert messaging.requests[-1].json == {
        "MessageId": "message-9",
        "MessageFeedbackStatus": "RECEIVED",
    }


def test_right_answer_is_correct_though_the_report_fails(flow, messaging):
    response = flow.start()
    code = code_in(messaging)
    messaging.renew(aws_error("InternalServerException", status=500))
    assert flow.answer(response, code) is True


def test_right_answer_to_a_text_that_nobody_asks_after_is_not_reported(
    flow, messaging, monkeypatch, caplog
):
    monkeypatch.setenv("EUM_MESSAGE_FEEDBACK", "false")
    response = flow.start()
    assert flow.answer(response, code_in(messaging)) is True
    assert messaging.operations() == ["SendTextMessage"]
    assert "not reported" not in caplog.text


def test_right_answer_to_a_later_text_does_not_report_an_older_one(
    flow, messaging, monkeypatch, clock
):
    flow.start()
    clock.shift(301)
    monkeypatch.setenv("SMS_SENDERS", "sns")
    senders.configured.cache_clear()
    response = flow.start()
    assert flow.answer(response, flow.code()) is True
    assert "PutMessageFeedback" not in messaging.operations()


@pytest.mark.parametrize("which", [0, 1], ids=["late", "newest"])
def test_right_answer_reports_the_text_that_brought_the_code(flow, messaging, clock, which):
    response = flow.start()
    codes = [code_in(messaging)]
    clock.shift(240)
    messaging.renew(Reply({"MessageId": "message-10", "MessageFeedbackStatus": "RECEIVED"}))
    flow.start()
    codes.append(code_in(messaging))
    assert flow.answer(response, codes[which]) is True
    assert messaging.operations() == ["SendTextMessage", "PutMessageFeedback"]
    assert messaging.requests[-1].json["MessageId"] == ["message-9", "message-10"][which]


def test_text_that_cannot_be_noted_is_a_text_all_the_same(flow, messaging, table):
    table.fail(aws_error("ThrottlingException"), after=3)
    response = flow.start()
    table.recover()
    assert flow.answer(response, code_in(messaging)) is True

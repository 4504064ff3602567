"""Create with a real table behind it; the other services are servers of the test's own."""

import json
import logging
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lambdas.triggers import clients, create_auth_challenge, environment, errors, ledger
from lambdas.triggers.ledger import PhoneState
from tests.codes import wrong
from tests.lambdas import aws, emf
from tests.lambdas.flow import Event, Flow, Response, drawn, is_correct, warm_up
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.cloud

MINUTE, HOUR, DAY = 60, 3600, 86_400
REFERENCE = "[2-9A-HJKMNP-Z]{3}-[2-9A-HJKMNP-Z]{2}"
PUBLIC = "publicChallengeParameters"
PRIVATE = "privateChallengeParameters"
VARIABLES = [
    "ALLOWED_COUNTRIES",
    "APP_NAME",
    "CLIENT_IDS_PARAMETER",
    "CODE_KEY_SECRET_ID",
    "LEDGER_TABLE",
    "SITE_HOST",
]
METADATA = "6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030 1700000000 sent"
SLOW_TEXT = Reply(aws.TEXT_SENT.body, delay=0.1)
SHAPE = [
    (
        PUBLIC,
        [
            ("phone", str),
            ("expiresAt", str),
            ("resendAt", str),
            ("textedAt", str),
            ("now", str),
            ("triesLeft", str),
            ("codeLength", str),
            ("delivery", str),
            ("reference", str),
        ],
    ),
    (PRIVATE, [("challengeId", str), ("expiresAt", str)]),
    ("challengeMetadata", str),
]
DOWN = {
    "throttled": aws_error("ThrottlingException"),
    "over its throughput": aws_error("ProvisionedThroughputExceededException"),
    "denied": aws_error("AccessDeniedException"),
    "gone": aws_error("ResourceNotFoundException"),
    "broken": aws_error("InternalServerError", status=500),
    "empty": Reply({}),
    "unreadable": Reply(b"<html></html>"),
    "hung up": Reply(drop=True),
    "hanging": aws.HANGING,
}
TABLE_FAILURES = (errors.TryAgainLater, KeyError)


def in_parallel(count: int, call: Callable[[int], object]) -> list:
    warm_up()
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def shape(response: Response) -> object:
    """Keys and types of a response, in order."""
    if isinstance(response, dict):
        return [(key, shape(value)) for key, value in response.items()]
    return type(response)


def state(flow: Flow) -> PhoneState:
    return ledger.configured().show(flow.name, now=time.time())


def logged(caplog) -> str:
    """All that any formatter could write of what was logged."""
    return caplog.text + repr([vars(record) for record in caplog.records])


def holds_code(code: str, where: str) -> bool:
    """Whether the digits stand anywhere for themselves; longer numbers hold them by chance."""
    return re.search(rf"(?<!\d){code}(?!\d)", where) is not None


def _unknown(event: Event) -> None:
    event["request"] |= {"userNotFound": True, "userAttributes": {}}


def _nothing(event: Event) -> None:
    pass


# The text


def test_start_texts_the_code_of_the_challenge_once(flow, sns):
    response = flow.start()
    ((phone, _),) = aws.texts(sns)
    assert phone == flow.phone
    assert flow.code() == flow.derived(response)
    assert re.fullmatch(r"[0-9]{6}", flow.code())


def test_start_texts_a_code_that_works(flow):
    response = flow.start()
    assert flow.answer(response, flow.code()) is True


def test_text_names_app_site_and_minutes(flow, monkeypatch):
    monkeypatch.setenv("CODE_LIFETIME_SECONDS", "330")
    flow.start()
    (message,) = flow.messages()
    assert "your Example sign-in code" in message
    assert "5 min" in message
    assert message.endswith(f"\n@example.com #{flow.code()}")


@pytest.mark.parametrize(
    ("phone", "locale", "words"),
    [
        ("+12035550123", None, "sign-in code"),
        ("+12045550123", "de", "Login-Code"),
        ("+4915112340123", None, "Login-Code"),
        ("+4915112350123", "en-GB", "sign-in code"),
        ("+4915112360123", "\n{code}", "Login-Code"),
    ],
)
def test_text_is_in_the_language_of_the_person(flow, monkeypatch, phone, locale, words):
    monkeypatch.setenv("ALLOWED_COUNTRIES", "US,CA,DE")
    person = flow.other(phone)
    asked = person.start_event()
    if locale:
        asked["request"]["userAttributes"]["locale"] = locale
    person.start(asked)
    assert words in person.messages()[0]


def test_text_lives_as_long_as_the_variable_says(flow, monkeypatch, clock):
    monkeypatch.setenv("CODE_LIFETIME_SECONDS", "600")
    before = int(time.time())
    response = flow.start()
    assert before + 600 <= drawn(response).expires_at <= time.time() + 600
    clock.shift(595)
    assert flow.answer(response, flow.code()) is True


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


def test_response_private_parameters_are_id_and_end_only(flow):
    response = flow.start()
    assert response[PRIVATE] == drawn(response).private_parameters()


def test_response_metadata_is_id_and_what_is_public_anyway(flow):
    response = flow.start()
    challenge, public = drawn(response), response[PUBLIC]
    assert response["challengeMetadata"].split() == [
        challenge.id,
        str(challenge.expires_at),
        public["resendAt"],
        public["textedAt"],
        "sent",
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


@pytest.mark.parametrize(("wrong_answers", "tries_left"), [(1, "2"), (2, "1")])
def test_later_round_keeps_the_challenge_and_asks_nobody(
    flow, event, table, sns, secrets_manager, wrong_answers, tries_left
):
    asked = event("create_second_round")
    asked["request"]["session"] *= wrong_answers
    response = flow.start(asked)
    assert response[PRIVATE] == {
        "challengeId": "6Zk3vQ1rT8yLw0XnB5mJ2dA",
        "expiresAt": "1700000300",
    }
    assert response["challengeMetadata"] == METADATA
    assert int(response[PUBLIC].pop("now")) == pytest.approx(time.time(), abs=2)
    assert response[PUBLIC] == {
        "phone": "+•••••••••••",
        "expiresAt": "1700000300",
        "resendAt": "1700000030",
        "textedAt": "1700000000",
        "triesLeft": tries_left,
        "codeLength": "6",
        "delivery": "sent",
        "reference": "QKU-JF",
    }
    assert (sns.requests, table.requests, secrets_manager.requests) == ([], [], [])


def test_later_round_is_logged_by_its_challenge_only(flow, event, capsys):
    flow.start(event("create_second_round"))
    (line,) = emf.lines(capsys.readouterr().out)
    assert (line["event"], line["challenge_id"]) == ("asked_again", "6Zk3vQ1rT8yLw0XnB5mJ2dA")
    assert emf.metrics(line) == {}


def test_later_round_continues_what_the_first_returned(flow, event, sns):
    first = flow.start()
    asked = event("create_second_round")
    asked["request"]["session"][0]["challengeMetadata"] = first["challengeMetadata"]
    second = flow.start(asked)
    changed = {"triesLeft": "2", "now": second[PUBLIC]["now"]}
    assert second == first | {PUBLIC: first[PUBLIC] | changed}
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
        "6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300",
        "6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030",
        "6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 x 1700000000 sent",
        "6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030  sent",
        "6Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030 1700000000 sent ",
        "7Zk3vQ1rT8yLw0XnB5mJ2dA 1700000300 1700000030 1700000000 sent",
    ],
)
def test_later_round_without_a_challenge_of_ours_raises(flow, event, sns, table, metadata):
    asked = event("create_second_round")
    asked["request"]["session"][0]["challengeMetadata"] = metadata
    with pytest.raises(ValueError, match="no challenge of ours"):
        flow.start(asked)
    assert (sns.requests, table.requests) == ([], [])


# One event, one text


def test_same_event_again_texts_once_and_the_code_works(flow, sns):
    responses = [flow.start() for _ in range(3)]
    assert len(sns.requests) == 1
    assert len({drawn(response) for response in responses}) == 1
    assert flow.answer(responses[-1], flow.code()) is True


def test_same_event_overlapping_texts_once_and_the_code_works(flow, sns):
    sns.will(SLOW_TEXT, SLOW_TEXT)
    responses = in_parallel(3, lambda _: flow.start())
    assert len(sns.requests) == 1
    assert len({drawn(response) for response in responses}) == 1
    assert flow.answer(responses[-1], flow.code()) is True


def test_parallel_starts_for_one_phone_text_once(flow, sns):
    responses = in_parallel(30, lambda _: flow.start())
    assert len(sns.requests) == 1
    assert len({drawn(response) for response in responses}) == 1
    assert {response[PUBLIC]["delivery"] for response in responses} == {"sent"}


def test_parallel_starts_after_the_cooldown_text_the_same_code_once_more(flow, clock):
    first = flow.start()
    clock.shift(31)
    responses = in_parallel(30, lambda _: flow.start())
    assert len(flow.messages()) == 2
    assert {drawn(response) for response in responses} == {drawn(first)}
    assert flow.code() == flow.derived(first)


def test_same_event_overlapping_late_in_a_life_texts_once_and_leaves_the_late_code_alive(
    flow, clock
):
    flow.start()
    late_code = flow.code()
    clock.shift(240)
    responses = in_parallel(3, lambda _: flow.start())
    assert len(flow.messages()) == 2
    assert len({drawn(response) for response in responses}) == 1
    assert flow.answer(responses[-1], late_code) is True


def test_start_within_the_cooldown_texts_nothing_and_says_until_when(flow, sns, clock):
    first = flow.start()
    clock.shift(25)
    again = flow.start()
    assert len(sns.requests) == 1
    assert again[PUBLIC] | {"now": ""} == first[PUBLIC] | {"now": ""}
    assert int(again[PUBLIC]["now"]) - int(first[PUBLIC]["now"]) >= 25


def test_start_after_three_wrong_answers_says_that_nothing_left_and_when_to_ask(flow, sns, clock):
    first = flow.start()
    for _ in range(3):
        flow.answer(first, wrong(flow.code()))
    clock.shift(10)
    public = flow.start()[PUBLIC]
    assert len(sns.requests) == 1
    assert (public["delivery"], public["textedAt"]) == ("not_sent", "")
    assert public["resendAt"] == first[PUBLIC]["resendAt"]
    clock.shift(21)
    again = flow.start()[PUBLIC]
    assert len(sns.requests) == 2
    assert (again["delivery"], again["textedAt"] != "") == ("sent", True)


def test_start_within_the_cooldown_says_when_the_text_was_sent(flow, clock):
    first = flow.start()[PUBLIC]
    clock.shift(20)
    again = flow.start()[PUBLIC]
    assert again["textedAt"] == first["textedAt"]
    assert int(again["textedAt"]) <= time.time() - 20


def test_unknown_number_over_its_limits_is_told_what_a_member_is_told(flow, make_phone, clock):
    """Only what holds for every number may be told; the answers differ in nothing but ids."""

    def told(change) -> list[tuple[str, ...]]:
        person = flow.other(make_phone())
        said = []
        for seconds in (0, 10, 31, 61, 121, 301, 301):
            clock.shift(seconds)
            asked = person.start_event()
            change(asked)
            response = person.start(asked)
            for _ in range(3):
                answer = person.answer_event(response, wrong(person.derived(response)))
                change(answer)
                is_correct(answer)
            public = response[PUBLIC]
            since = [
                public[name] and str(round(int(public[name]) - time.time(), -1))
                for name in ("resendAt", "textedAt")
            ]
            said.append((public["delivery"], *since))
        return said

    assert told(_nothing) == told(_unknown)


@pytest.mark.parametrize("change", [_nothing, _unknown], ids=["member", "unknown"])
def test_start_over_the_budget_of_the_pool_says_so_to_everybody(
    flow, make_phone, monkeypatch, sns, clock, change
):
    monkeypatch.setenv("SENDS_PER_POOL_HOUR", "1")
    flow.other(make_phone()).start()
    person = flow.other(make_phone())
    for _ in range(2):
        asked = person.start_event()
        change(asked)
        public = person.start(asked)[PUBLIC]
        assert (public["delivery"], public["textedAt"]) == ("over_budget", "")
        assert int(public["resendAt"]) > time.time()
        clock.shift(5)
    assert len(sns.requests) == 1


def test_start_over_the_budget_of_the_pool_names_the_next_hour(flow, make_phone, monkeypatch):
    monkeypatch.setenv("SENDS_PER_POOL_HOUR", "1")
    flow.other(make_phone()).start()
    resend_at = int(flow.other(make_phone()).start()[PUBLIC]["resendAt"])
    assert resend_at == (int(time.time()) // HOUR + 1) * HOUR


def test_repetition_over_the_budget_keeps_the_time_of_the_first_text(
    flow, make_phone, monkeypatch, clock
):
    monkeypatch.setenv("SENDS_PER_POOL_HOUR", "1")
    first = flow.start()
    clock.shift(31)
    public = flow.start()[PUBLIC]
    assert (public["delivery"], public["textedAt"]) == ("over_budget", first[PUBLIC]["textedAt"])
    assert flow.answer(first, flow.code()) is True


@pytest.mark.parametrize("change", [_nothing, _unknown], ids=["member", "unknown"])
def test_pool_over_its_budget_is_said_even_where_the_block_is_too(
    flow, make_phone, monkeypatch, change
):
    """Otherwise members of a block that is used up would be told from strangers."""
    monkeypatch.setenv("SENDS_PER_POOL_HOUR", "1")
    monkeypatch.setenv("SENDS_PER_BLOCK_HOUR", "1")
    flow.start()
    neighbour = flow.other(flow.phone[:-4] + "0199")
    asked = neighbour.start_event()
    change(asked)
    assert neighbour.start(asked)[PUBLIC]["delivery"] == "over_budget"


def test_hold_says_until_when(flow, table):
    table.write(f"phone#{flow.name}", failures=10, last_failure=int(time.time()))
    public = flow.start()[PUBLIC]
    assert int(public["resendAt"]) == pytest.approx(time.time() + 15 * MINUTE, abs=2)


def test_start_after_the_code_texts_another(flow, sns, clock):
    first = flow.start()
    old_code = flow.code()
    clock.shift(301)
    second = flow.start()
    assert len(sns.requests) == 2
    assert drawn(second).id != drawn(first).id
    assert flow.answer(first, old_code) is False
    assert flow.answer(second, flow.code()) is True


# No text


def _unknown_with_attributes(event: Event) -> None:
    event["request"]["userNotFound"] = True


def _without_phone(event: Event) -> None:
    del event["request"]["userAttributes"]["phone_number"]


class Silent:
    """Somebody who gets no text: ``prepare`` makes it so, ``change`` puts it into an event."""

    def __init__(
        self,
        reason: str,
        metric: str = "Blocked",
        change=_nothing,
        says: str = "sent",
        **variables: int,
    ):
        self.reason = reason
        self.says = says
        self.metric = metric
        self.change = change
        self._variables = variables

    def prepare(self, flow: Flow, make_phone, table, clock, monkeypatch) -> Flow:
        for name, limit in self._variables.items():
            monkeypatch.setenv(name, str(limit))
        if self.reason in ("held", "locked"):
            failures = {"held": 10, "locked": 100}[self.reason]
            table.write(f"phone#{flow.name}", failures=failures, last_failure=int(time.time()))
        elif self.reason == "phone_hour":
            flow.start()
            clock.shift(6 * MINUTE)
        elif self.reason == "phone_day":
            flow.start()
            clock.shift(2 * HOUR)
        elif self.reason == "block":
            flow.other(flow.phone[:-4] + "0124").start()
        elif self._variables:
            flow.other(make_phone()).start()
        return flow


class Abroad(Silent):
    def prepare(self, flow: Flow, make_phone, table, clock, monkeypatch) -> Flow:
        return flow.other("+336" + flow.phone[-8:])


class NoMobile(Silent):
    def __init__(self, phone: str) -> None:
        super().__init__("not_mobile")
        self._phone = phone

    def prepare(self, flow: Flow, make_phone, table, clock, monkeypatch) -> Flow:
        return flow.other(self._phone)


SILENT = {
    "unknown user": Silent("unknown", change=_unknown),
    "unknown user with attributes": Silent("unknown", change=_unknown_with_attributes),
    "user without a phone": Silent("unknown", change=_without_phone),
    "country not allowed": Abroad("country_not_allowed"),
    "premium number": NoMobile("+499001234567"),
    "landline": NoMobile("+4930123456"),
    "held": Silent("held", "Held", says="not_sent"),
    "locked": Silent("locked", "Held", says="locked"),
    "phone's hour": Silent("phone_hour", says="not_sent", SENDS_PER_PHONE_HOUR=1),
    "phone's day": Silent("phone_day", says="not_sent", SENDS_PER_PHONE_DAY=1),
    "block's hour": Silent("block", SENDS_PER_BLOCK_HOUR=1),
    "country's hour": Silent("country", SENDS_PER_COUNTRY_HOUR=1),
    "pool's hour": Silent("pool", says="over_budget", SENDS_PER_POOL_HOUR=1),
    "pool's day": Silent("pool", says="over_budget", SENDS_PER_POOL_DAY=1),
}


@pytest.fixture(params=SILENT)
def silent(request: pytest.FixtureRequest) -> Silent:
    return SILENT[request.param]


@pytest.fixture
def person(silent, flow, make_phone, table, clock, monkeypatch) -> Flow:
    return silent.prepare(flow, make_phone, table, clock, monkeypatch)


def silent_start(person: Flow, silent: Silent) -> Response:
    asked = person.start_event()
    silent.change(asked)
    return person.start(asked)


def test_who_gets_no_text_gets_a_challenge_of_the_same_shape(silent, person, sns, capsys):
    before, texts = int(time.time()), len(sns.requests)
    capsys.readouterr()
    got = silent_start(person, silent)
    assert len(sns.requests) == texts
    assert shape(got) == SHAPE
    challenge, public = drawn(got), got[PUBLIC]
    assert challenge.expires_at == int(public["expiresAt"]) > before
    assert before < int(public["resendAt"]) <= before + DAY + 1
    assert (public["triesLeft"], public["codeLength"]) == ("3", "6")
    assert public["delivery"] == silent.says
    assert public["textedAt"] == "" if silent.says != "sent" else int(public["textedAt"]) >= before
    assert public["reference"] == challenge.reference
    assert got["challengeMetadata"].split() == [
        challenge.id,
        public["expiresAt"],
        public["resendAt"],
        public["textedAt"] or "-",
        silent.says,
    ]
    (line,) = emf.lines(capsys.readouterr().out)
    assert (line["event"], line["Reason"]) == ("text_not_sent", silent.reason)
    metrics = emf.metrics(line)
    assert metrics.pop(silent.metric) == 1
    assert metrics.keys() <= {"HourPercentUsed", "DayPercentUsed"}
    if silent.reason == "pool":
        assert max(metrics.values()) == 100
    assert (line["challenge_id"], line["reference"]) == (challenge.id, challenge.reference)


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(
            silent,
            id=name,
        )
        for name, silent in SILENT.items()
    ],
)
def test_who_gets_no_text_has_no_right_answer(silent, person):
    response = silent_start(person, silent)
    asked = person.answer_event(response, person.derived(response))
    silent.change(asked)
    assert is_correct(asked) is False


@pytest.mark.parametrize("attributes", [None, {}])
def test_user_without_attributes_gets_no_text(flow, sns, attributes):
    asked = flow.start_event()
    asked["request"]["userAttributes"] = attributes
    drawn(flow.start(asked))
    assert sns.requests == []


def test_unknown_user_again_gets_the_same_challenge_as_anybody_would(flow, clock):
    one, other = flow.start_event(), flow.start_event()
    _unknown(one)
    _unknown(other)
    first, second = flow.start(one), flow.start(other)
    assert second == first
    clock.shift(31)
    third = flow.start_event()
    _unknown(third)
    response = flow.start(third)
    assert drawn(response) == drawn(first)
    assert int(response[PUBLIC]["resendAt"]) == pytest.approx(time.time() + 60, abs=2)


def test_unknown_user_second_round_continues_the_challenge(flow, event, sns):
    asked = event("create_second_round")
    _unknown(asked)
    response = flow.start(asked)
    assert response["challengeMetadata"] == METADATA
    assert response[PUBLIC]["triesLeft"] == "2"
    assert sns.requests == []


@pytest.mark.parametrize("name", ["+447400123456", "b82f6c0e-1173-4d29-a5e8-6f40d3c29b17"])
def test_unknown_user_is_not_told_by_the_phone(flow, make_phone, name):
    """Cognito names an unknown user by a UUID: what is made of it must not differ from a phone."""
    asked = flow.start_event() | {"userName": name}
    _unknown(asked)
    phone = flow.start(asked)[PUBLIC]["phone"]
    assert phone == flow.other(make_phone()).start()[PUBLIC]["phone"]
    assert not re.search("[0-9a-f]", phone)


def test_code_texted_before_the_limit_was_reached_still_works(flow, monkeypatch, clock):
    monkeypatch.setenv("SENDS_PER_PHONE_HOUR", "1")
    flow.start()
    clock.shift(40)
    again = flow.start()
    assert len(flow.messages()) == 1
    assert flow.answer(again, flow.code()) is True


def test_text_and_no_text_take_as_long(flow, sns, make_phone, cold_pace):
    """Within one process, once it has sent some."""
    sns.renew(SLOW_TEXT)

    def seconds(event: Event) -> float:
        started = time.monotonic()
        flow.start(event)
        return time.monotonic() - started

    with_text = [seconds(flow.other(make_phone()).start_event()) for _ in range(6)]
    without = []
    for _ in range(5):
        asked = flow.other(make_phone()).start_event()
        _unknown(asked)
        without.append(seconds(asked))
    assert len(sns.requests) == 6
    ratio = statistics.median(without) / statistics.median(with_text[1:])
    assert 0.5 < ratio < 2


def test_first_answer_without_a_text_is_not_told_by_its_speed(flow, cold_pace):
    warm_up()
    asked = flow.start_event()
    _unknown(asked)
    started = time.monotonic()
    flow.start(asked)
    assert time.monotonic() - started > 0.1


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


@pytest.mark.parametrize("down", DOWN)
def test_table_failing_texts_nothing_and_raises(flow, sns, table, down):
    table.fail(DOWN[down])
    started = time.monotonic()
    with pytest.raises(TABLE_FAILURES):
        flow.start()
    assert time.monotonic() - started < 2
    assert sns.requests == []


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


# Under attack


def attack(flow: Flow, make_phone, monkeypatch) -> None:
    monkeypatch.setenv("FAILURES_PER_POOL_5_MINUTES", "2")
    victim = flow.other(make_phone())
    response = victim.start()
    for _ in range(2):
        victim.answer(response, wrong(victim.code()))


def test_under_attack_the_code_has_eight_digits_and_works(flow, make_phone, monkeypatch):
    attack(flow, make_phone, monkeypatch)
    response = flow.start()
    assert response[PUBLIC]["codeLength"] == "8"
    assert re.fullmatch(r"[0-9]{8}", flow.code())
    assert flow.answer(response, flow.code()[:6]) is False
    assert flow.answer(response, flow.code()) is True


def test_under_attack_the_same_event_overlapping_gets_one_challenge(
    flow, make_phone, monkeypatch, table
):
    attack(flow, make_phone, monkeypatch)
    table.delay = 0.05
    responses = in_parallel(3, lambda _: flow.start())
    assert len(flow.messages()) == 1
    assert len({drawn(response) for response in responses}) == 1


# Calls


def test_text_takes_three_calls_to_the_table(flow, table):
    table.delay = 0.02
    flow.start()
    assert table.round_trips() == [["phone"], ["block"], ["pool"]]


def test_no_text_within_the_cooldown_takes_one_call(flow, table, clock):
    flow.start()
    clock.shift(2)
    table.forget()
    flow.start()
    assert table.round_trips() == [["phone"]]


def test_start_on_the_heels_of_another_looks_again(flow, table):
    flow.start()
    table.forget()
    flow.start()
    assert table.round_trips() == [["phone"], ["phone"]]


def test_unknown_user_takes_a_look_at_the_pool_and_is_counted_outside_the_cooldown(
    flow, table, clock
):
    for calls in ([["phone"], ["pool"], ["blocked"]], [["phone"]]):
        clock.shift(2)
        table.forget()
        asked = flow.start_event()
        _unknown(asked)
        flow.start(asked)
        assert table.round_trips() == calls


def test_held_number_is_counted_in_one_more_call(flow, table):
    table.write(f"phone#{flow.name}", failures=10, last_failure=int(time.time()))
    table.forget()
    flow.start()
    assert table.round_trips() == [["phone"], ["blocked"]]


# Secrets


def test_sent_text_is_logged_as_metrics_that_lead_to_it(flow, capsys):
    response = flow.start()
    (line,) = emf.lines(capsys.readouterr().out)
    used = {"HourPercentUsed": 0, "DayPercentUsed": 0}
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

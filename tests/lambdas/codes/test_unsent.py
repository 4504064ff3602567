"""Somebody who gets no text is told what all others are told."""

import re
import statistics
import time

import pytest

from lambdas.triggers import keys
from tests.codes import wrong
from tests.lambdas import aws, emf
from tests.lambdas.flow import (
    METADATA,
    PUBLIC,
    SHAPE,
    Event,
    Flow,
    Response,
    as_member,
    as_unknown,
    drawn,
    is_correct,
    shape,
    warm_up,
)

pytestmark = pytest.mark.cloud

MINUTE, HOUR, DAY = 60, 3600, 86_400


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
        change=as_member,
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
    "unknown user": Silent("unknown", change=as_unknown),
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
    # Who asked has a mark, which no client sees.
    *facts, of, mark = got["challengeMetadata"].split()
    assert (of, len(mark)) == ("of", 8)
    assert facts == [
        "code",
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
    assert metrics.keys() <= {"HourPercentUsed", "DayPercentUsed", "CountryPercentUsed"}
    if silent.reason == "pool":
        assert max(metrics["HourPercentUsed"], metrics["DayPercentUsed"]) == 100
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
    as_unknown(one)
    as_unknown(other)
    first, second = flow.start(one), flow.start(other)
    # Only the first one asked for it.
    assert first["challengeMetadata"].startswith(f"{second['challengeMetadata']} of ")
    assert second[PUBLIC] == first[PUBLIC]
    clock.shift(31)
    third = flow.start_event()
    as_unknown(third)
    response = flow.start(third)
    assert drawn(response) == drawn(first)
    assert int(response[PUBLIC]["resendAt"]) == pytest.approx(time.time() + 60, abs=2)


def test_unknown_user_second_round_continues_the_challenge(flow, event, sns):
    asked = event("create_second_round")
    as_unknown(asked)
    response = flow.start(asked)
    assert response["challengeMetadata"] == METADATA
    assert response[PUBLIC]["triesLeft"] == "0"
    assert sns.requests == []


@pytest.mark.parametrize("name", ["+447400123456", "b82f6c0e-1173-4d29-a5e8-6f40d3c29b17"])
def test_unknown_user_is_not_told_by_the_phone(flow, make_phone, name):
    """Cognito names an unknown user by a UUID: what is made of it must not differ from a phone."""
    asked = flow.start_event() | {"userName": name}
    as_unknown(asked)
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
    sns.renew(aws.SLOW_TEXT)

    def seconds(event: Event) -> float:
        started = time.monotonic()
        flow.start(event)
        return time.monotonic() - started

    with_text = [seconds(flow.other(make_phone()).start_event()) for _ in range(6)]
    without = []
    for _ in range(5):
        asked = flow.other(make_phone()).start_event()
        as_unknown(asked)
        without.append(seconds(asked))
    assert len(sns.requests) == 6
    ratio = statistics.median(without) / statistics.median(with_text[1:])
    assert 0.5 < ratio < 2


def test_first_answer_without_a_text_is_not_told_by_its_speed(flow, cold_pace):
    warm_up()
    asked = flow.start_event()
    as_unknown(asked)
    started = time.monotonic()
    flow.start(asked)
    assert time.monotonic() - started > 0.1


@pytest.mark.parametrize("kind", ["member", "stranger", "untexted"])
@pytest.mark.parametrize("past", ["none", "held", "locked", "limited"])
def test_table_is_asked_as_often_whoever_has_a_number(flow, table, clock, monkeypatch, past, kind):
    """In both steps, by what the number has behind it. Limited: its texts of the hour are used."""
    flow = flow.other("+336" + flow.phone[-8:]) if kind == "untexted" else flow
    change = as_unknown if kind == "stranger" else as_member

    def changed(event: Event) -> Event:
        change(event)
        return event

    if past == "limited":
        monkeypatch.setenv("SENDS_PER_PHONE_HOUR", "1")
        flow.start(changed(flow.start_event()))
        clock.shift(6 * MINUTE)
    elif past in ("held", "locked"):
        nobody = keys.pseudonym("nobody", flow.start_event()["userName"])
        name = flow.name if kind == "member" else nobody
        failures = {"held": 10, "locked": 100}[past]
        table.write(f"phone#{name}", failures=failures, last_failure=int(time.time()))
    table.forget()
    response = flow.start(changed(flow.start_event()))
    told = {"none": "sent", "locked": "locked"}.get(past, "not_sent")
    assert response[PUBLIC]["delivery"] == told
    assert len(table.round_trips()) == 3
    table.forget()
    assert is_correct(changed(flow.answer_event(response, wrong(flow.derived(response))))) is False
    # At the same time, on a machine that is not busy.
    assert sorted(call.item for call in table.calls) == ["phone", "pool"]

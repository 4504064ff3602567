"""Several senders in order: made by hand for the rules, real ones for the whole way."""

import logging
import time

import pytest

from lambdas.triggers import senders
from lambdas.triggers.senders import FirstThatWorks, Reason, SendError, Sent, fallback
from tests.lambdas import aws
from tests.lambdas.senders import replies
from tests.wire import Reply

SHARED = [Reason.OPTED_OUT, Reason.LANDLINE]
OTHERS = [reason for reason in Reason if reason not in SHARED]
LATER = 1_000.0


class Scripted:
    """A sender that does what it is told, ``seconds`` later by ``clock``."""

    def __init__(self, name, outcome, *, clock=None, seconds=0.0, wants_feedback=False):
        self.wants_feedback = wants_feedback
        self.name, self._outcome = name, outcome
        self._clock, self._seconds = clock, seconds
        self.sent = []

    def send(self, text):
        self.sent.append(text)
        if self._clock:
            self._clock.now += self._seconds
        if isinstance(self._outcome, SendError):
            raise self._outcome
        return self._outcome


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def refusal(reason, *, certain=True):
    return SendError(reason, "Why", certain=certain)


def in_order(*outcomes, clock=None, seconds=0.0):
    clock = clock or Clock()
    made = [
        Scripted(f"sender-{number}", outcome, clock=clock, seconds=seconds)
        for number, outcome in enumerate(outcomes, 1)
    ]
    return FirstThatWorks(made, longest_attempt=2.5, clock=clock), made


def counts(made):
    return [len(sender.sent) for sender in made]


def test_first_that_takes_it_is_the_only_one(text):
    first, made = in_order("message-1", "message-2")
    assert first.send(text, deadline=LATER) == Sent("sender-1", "message-1")
    assert counts(made) == [1, 0]
    assert made[0].sent == [text]


@pytest.mark.parametrize("reason", OTHERS)
def test_refusal_that_another_may_not_share_goes_on(text, reason):
    first, made = in_order(refusal(reason), "message-2")
    assert first.send(text, deadline=LATER) == Sent("sender-2", "message-2")
    assert counts(made) == [1, 1]
    assert made[1].sent == [text]


@pytest.mark.parametrize("reason", SHARED)
def test_refusal_that_all_share_stops(text, reason):
    refused = refusal(reason)
    first, made = in_order(refused, "message-2")
    with pytest.raises(SendError) as raised:
        first.send(text, deadline=LATER)
    assert raised.value is refused
    assert counts(made) == [1, 0]


@pytest.mark.parametrize("reason", Reason)
def test_uncertain_failure_stops(text, reason):
    refused = refusal(reason, certain=False)
    first, made = in_order(refused, "message-2")
    with pytest.raises(SendError) as raised:
        first.send(text, deadline=LATER)
    assert raised.value is refused
    assert counts(made) == [1, 0]


def test_reasons_are_all_in_the_matrix():
    assert set(SHARED) == fallback._SHARED
    assert len(OTHERS) == 6


def test_all_refuse_the_first_is_raised(text):
    refusals = [refusal(reason) for reason in (Reason.SANDBOX, Reason.THROTTLED, Reason.OPTED_OUT)]
    first, made = in_order(*refusals)
    with pytest.raises(SendError) as raised:
        first.send(text, deadline=LATER)
    assert raised.value is refusals[0]
    assert counts(made) == [1, 1, 1]


def test_text_that_may_have_left_in_the_end_is_what_is_raised(text):
    refusals = [refusal(Reason.SANDBOX), refusal(Reason.PROVIDER_DOWN, certain=False)]
    first, made = in_order(*refusals, "message-3")
    with pytest.raises(SendError) as raised:
        first.send(text, deadline=LATER)
    assert raised.value is refusals[1]
    assert counts(made) == [1, 1, 0]


@pytest.mark.parametrize(("deadline", "expected"), [(3.5, [1, 1]), (3.49, [1, 0])])
def test_next_one_has_a_turn_only_if_it_can_end_in_time(text, deadline, expected):
    first, made = in_order(refusal(Reason.SANDBOX), refusal(Reason.SANDBOX), seconds=1.0)
    with pytest.raises(SendError):
        first.send(text, deadline=deadline)
    assert counts(made) == expected


def test_time_is_looked_at_before_each_turn(text):
    refusals = [refusal(Reason.SANDBOX)] * 4
    first, made = in_order(*refusals, seconds=1.0)
    with pytest.raises(SendError):
        first.send(text, deadline=4.6)
    assert counts(made) == [1, 1, 1, 0]


def test_first_one_has_its_turn_whatever_the_time(text):
    first, _ = in_order("message-1")
    assert first.send(text, deadline=-1.0).message_id == "message-1"


def test_clock_is_the_monotonic_one_by_default(text):
    made = [Scripted("sender-1", refusal(Reason.SANDBOX)), Scripted("sender-2", "message-2")]
    first = FirstThatWorks(made, longest_attempt=2.5)
    assert first.send(text, deadline=time.monotonic() + 3).sender == "sender-2"
    with pytest.raises(SendError):
        first.send(text, deadline=time.monotonic() + 2)


def test_sent_cannot_be_changed():
    with pytest.raises(AttributeError):
        Sent("sns", "message-1").sender = "pinpoint"


@pytest.mark.parametrize("wanted", [True, False])
def test_sent_tells_whether_its_sender_wants_feedback(text, wanted):
    made = [
        Scripted("sender-1", refusal(Reason.SANDBOX), wants_feedback=not wanted),
        Scripted("sender-2", "message-2", wants_feedback=wanted),
    ]
    first = FirstThatWorks(made, longest_attempt=2.5)
    sent = first.send(text, deadline=time.monotonic() + LATER)
    assert sent == Sent("sender-2", "message-2", wants_feedback=wanted)


def test_refusals_are_logged_for_operators_to_count(text, caplog):
    caplog.set_level(logging.INFO)
    first, _ = in_order(
        refusal(Reason.SANDBOX), refusal(Reason.PROVIDER_DOWN, certain=False), "message-3"
    )
    with pytest.raises(SendError):
        first.send(text, deadline=LATER)
    found = [(r.levelname, r.sender, r.reason, r.detail, r.certain) for r in caplog.records]
    assert found == [
        ("WARNING", "sender-1", "sandbox", "Why", True),
        ("WARNING", "sender-2", "provider_down", "Why", False),
    ]
    shown = caplog.text + repr([vars(record) for record in caplog.records])
    assert not replies.secrets_in(shown)


def test_success_is_not_logged(text, caplog):
    caplog.set_level(logging.DEBUG)
    first, _ = in_order("message-1")
    first.send(text, deadline=LATER)
    assert caplog.records == []


def deadline():
    return time.monotonic() + 10


@pytest.fixture
def all_three(service, given):
    given(SMS_SENDERS="sns,end_user_messaging,pinpoint")
    return service


def hosts(service):
    """Which service each request was signed for."""
    return [request.headers["authorization"].split("/")[3] for request in service.requests]


def test_whole_way_first(all_three, text):
    all_three.will(replies.sent("sns"))
    assert senders.configured().send(text, deadline=deadline()) == Sent("sns", "message-1")
    assert hosts(all_three) == ["sns"]


def test_whole_way_second(all_three, text):
    all_three.will(aws.sns_error("Throttling", ""), replies.sent("end_user_messaging"))
    sent = senders.configured().send(text, deadline=deadline())
    assert sent == Sent("end_user_messaging", "message-1")
    assert hosts(all_three) == ["sns", "sms-voice"]


def test_whole_way_third(all_three, text):
    spent = replies.refusal(
        "end_user_messaging",
        "ServiceQuotaExceededException",
        Reason="MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT",
    )
    all_three.will(aws.sns_error("AuthorizationError", "", 403), spent, replies.sent("pinpoint"))
    sent = senders.configured().send(text, deadline=deadline())
    assert sent == Sent("pinpoint", "message-1")
    assert hosts(all_three) == ["sns", "sms-voice", "mobiletargeting"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(drop=True),
        Reply(b"garbage"),
        Reply(b"", 504),
        Reply(b"<PublishResponse></PublishResponse>"),
    ],
)
def test_whole_way_uncertain_is_one_request(all_three, text, reply):
    all_three.will(reply, replies.sent("end_user_messaging"))
    with pytest.raises(SendError) as raised:
        senders.configured().send(text, deadline=deadline())
    assert not raised.value.certain
    assert hosts(all_three) == ["sns"]


def test_whole_way_hanging_is_one_request(all_three, text):
    all_three.will(aws.HANGING, replies.sent("end_user_messaging"))
    with pytest.raises(SendError, match="ReadTimeoutError"):
        senders.configured().send(text, deadline=deadline())
    assert hosts(all_three) == ["sns"]


def test_whole_way_opted_out_is_one_request(service, given, text):
    given(SMS_SENDERS="end_user_messaging,sns")
    opted_out = replies.refusal(
        "end_user_messaging", "ConflictException", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT"
    )
    service.will(opted_out, replies.sent("sns"))
    with pytest.raises(SendError) as raised:
        senders.configured().send(text, deadline=deadline())
    assert raised.value.reason == Reason.OPTED_OUT
    assert hosts(service) == ["sms-voice"]


def test_whole_way_unreachable_leaves_time_for_another(all_three, deaf, given, monkeypatch, text):
    given(AWS_ENDPOINT_URL_SNS=deaf)
    all_three.will(replies.sent("end_user_messaging"))
    started = time.monotonic()
    sent = senders.configured().send(text, deadline=started + 3.8)
    assert sent.sender == "end_user_messaging"
    assert time.monotonic() - started < 1.2

"""What is written down of a sign-in, step by step, and that it stays as it was written."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.events import sign_ins
from accounts.models import SignInEvent, User
from tests.clock import seconds_later
from tests.login_steps import RESEND, answer, ask
from tests.wire import Reply, aws_error

pytestmark = pytest.mark.django_db

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)


def steps() -> list[tuple[str, str]]:
    """The kind and reason of every event, in the order in which they were written."""
    return list(SignInEvent.objects.order_by("pk").values_list("kind", "reason"))


STARTED, SENT, SUCCEEDED = ("started", ""), ("sent", ""), ("succeeded", "")


# One event


def test_references_are_drawn_without_signs_that_look_alike():
    drawn = {sign_ins.draw_reference() for _ in range(300)}
    assert len(drawn) > 290
    assert all(re.fullmatch(r"[2-9A-HJKMNP-Z]{3}-[2-9A-HJKMNP-Z]{2}", each) for each in drawn)


@pytest.mark.parametrize(
    "typed", ["K7F-2Q", "k7f2q", " K7F 2Q ", "k7f-2q", "K7F\u20132Q", "k 7 f 2 q", "K7F\u20112Q"]
)
def test_reference_is_read_in_any_spelling(typed):
    assert sign_ins.read_reference(typed) == "K7F-2Q"


@pytest.mark.parametrize("typed", ["", "K7F-2", "K7F-2QQ", "K7F-2O", "+1K7F2Q", "Alice", "٣٤٥٦٧"])
def test_what_is_no_reference_is_none(typed):
    assert sign_ins.read_reference(typed) is None


def test_phone_key_is_the_same_for_a_number_alone_and_depends_on_the_secret(phone, settings):
    key = sign_ins.phone_key(phone)
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    assert sign_ins.phone_key(phone) == key
    assert sign_ins.phone_key(phone[:-1] + "4") != key
    settings.SECRET_KEY = "another" * 10
    assert sign_ins.phone_key(phone) != key


def test_event_holds_the_device_the_network_and_the_number_masked():
    request = RequestFactory(headers={"user-agent": IPHONE}).get("/", REMOTE_ADDR="203.0.113.77")
    request.COOKIES["device"] = "the-cookie-of-a-browser"
    sign_ins.record("sent", request, phone="+12015550123", reference="K7F-2Q", attempt="a1")
    event = SignInEvent.objects.get()
    assert (event.phone, event.country) == ("+1••••••••23", "US")
    assert (event.device, event.network) == ("iPhone", "203.0.113.0/24")
    assert re.fullmatch(r"[0-9a-f]{64}", event.browser)
    everything = repr(vars(event))
    assert "2015550123" not in everything
    assert "the-cookie" not in everything
    assert "203.0.113.77" not in everything
    assert abs(event.at - timezone.now()) < timedelta(seconds=5)


def test_event_that_no_browser_asked_for_has_no_device(phone):
    sign_ins.record("number_changed", None, phone=phone)
    event = SignInEvent.objects.get()
    assert (event.device, event.browser, event.network) == ("", "", "")


# Events are only added


def test_event_is_not_changed_by_the_code_nor_past_it(phone):
    sign_ins.record("failed", None, phone=phone, reason="wrong_code")
    event = SignInEvent.objects.get()
    event.reason = "expired"
    with pytest.raises(TypeError, match="never changed"):
        event.save()
    for change in (
        lambda: SignInEvent.objects.update(reason="expired"),
        lambda: SignInEvent.objects.bulk_update([event], ["reason"]),
        lambda: connection.cursor().execute("UPDATE accounts_signinevent SET kind = 'sent'"),
    ):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            change()
    assert steps() == [("failed", "wrong_code")]


def test_events_outlive_their_user(phone):
    user = User.objects.for_identity("sub-1", phone)
    sign_ins.record("succeeded", None, phone=phone, user=user)
    user.delete()
    assert SignInEvent.objects.get().user_id is not None


# Every step of a sign-in


def test_first_sign_in_leaves_started_sent_and_succeeded(client, pool, phone):
    client.get("/accounts/login/", headers={"user-agent": IPHONE})
    ask(client, phone)
    with seconds_later(12):
        answer(client, pool.code())
    assert steps() == [STARTED, SENT, SUCCEEDED]
    first, sent, last = SignInEvent.objects.order_by("pk")
    assert last.seconds in (12, 13)
    assert (first.seconds, sent.seconds) == (None, None)
    assert {event.attempt for event in (first, sent, last)} == {first.attempt} != {""}
    assert sent.reference == last.reference != ""
    assert last.user == User.objects.get()
    assert not last.crossed
    assert {event.phone_key for event in (first, sent, last)} == {sign_ins.phone_key(phone)}


def test_wrong_codes_and_the_end_of_the_tries_are_told_apart(client, pool, known):
    ask(client, known.phone)
    for offset in (1, 1, 2, 3):
        answer(client, pool.wrong_code(offset))
    assert steps() == [
        STARTED,
        SENT,
        # The same wrong code again does not count as a try.
        ("failed", "wrong_code"),
        ("failed", "wrong_code"),
        ("failed", "over"),
    ]
    assert set(SignInEvent.objects.values_list("user", flat=True)) == {known.pk}


def test_seconds_count_from_the_last_text(client, pool, known):
    ask(client, known.phone)
    with seconds_later(60):
        client.post(RESEND)
        assert client.post(RESEND).status_code == 429
    with seconds_later(70):
        answer(client, pool.code())
    assert steps() == [STARTED, SENT, ("resent", ""), SUCCEEDED]
    last = SignInEvent.objects.get(kind="succeeded")
    assert last.seconds in (10, 11)
    assert last.reference == SignInEvent.objects.get(kind="resent").reference


def test_code_that_is_too_old_is_a_failure(client, pool, known):
    ask(client, known.phone)
    with seconds_later(301):
        answer(client, pool.code())
    assert steps() == [STARTED, SENT, ("failed", "expired")]


def test_cognito_that_fails_is_a_failure(client, pool, known):
    pool.fails("InitiateAuth", aws_error("InternalErrorException", status=500))
    ask(client, known.phone)
    assert steps() == [STARTED, ("failed", "unavailable")]
    ask(client, known.phone)
    pool.fails("RespondToAuthChallenge", aws_error("InternalErrorException", status=500))
    answer(client, pool.code())
    assert steps()[2:] == [STARTED, SENT, ("failed", "unavailable")]


def test_token_that_is_no_good_is_a_failure(client, pool, known):
    ask(client, known.phone)
    pool.mint = lambda sub, **claims: "not.a.token"
    answer(client, pool.code())
    assert steps() == [STARTED, SENT, ("failed", "token_refused")]


def test_what_gets_no_text_says_why(client, pool, known, settings):
    User.objects.update(is_active=False)
    ask(client, known.phone)
    assert steps() == [STARTED, ("blocked", "shut_out")]
    User.objects.update(is_active=True)
    pool.fails("InitiateAuth", aws_error("NotAuthorizedException", "User is disabled."))
    ask(Client(), known.phone)
    assert steps()[2:] == [STARTED, ("blocked", "refused")]
    settings.ACCOUNTS_SIGN_UP = "closed"
    pool.fails("InitiateAuth", aws_error("UserNotFoundException", "User does not exist."))
    ask(Client(), known.phone[:-1] + "9")
    assert steps()[4:] == [STARTED, ("blocked", "unknown")]


def test_text_that_the_sender_refused_is_blocked_for_its_reason(client, pool, known):
    now = int(time.time())
    challenge = {"expiresAt": str(now + 300), "resendAt": str(now + 30), "triesLeft": "3"}
    refused = {**challenge, "codeLength": "6", "delivery": "landline", "reference": "K7F-2Q"}
    pool.fails(
        "InitiateAuth",
        Reply(
            {
                "ChallengeName": "CUSTOM_CHALLENGE",
                "Session": "s" * 60,
                "ChallengeParameters": {"USERNAME": known.sub, **refused},
            }
        ),
    )
    ask(client, known.phone)
    assert steps() == [STARTED, ("blocked", "landline")]
    # The triggers' own reference, which stands in their log, from the first step on.
    assert {event.reference for event in SignInEvent.objects.all()} == {"K7F-2Q"}


def test_start_that_cognito_does_not_answer_has_one_reference_which_the_page_shows(
    client,
    pool,
    known,
):
    pool.fails("InitiateAuth", Reply({}, 500))
    page = ask(client, known.phone)
    [reference] = {event.reference for event in SignInEvent.objects.all()}
    assert reference in page.content.decode()
    assert steps() == [STARTED, ("failed", "unavailable")]


def test_start_is_written_with_the_time_at_which_it_began(client, pool, known):
    before = timezone.now()
    pool.says = {"textedAt": "1700000000", "now": "1700000002"}
    ask(client, known.phone)
    started, sent = SignInEvent.objects.order_by("at")
    assert (started.kind, sent.kind) == ("started", "sent")
    assert before < started.at < sent.at


def test_text_that_left_before_this_request_is_blocked_by_the_cooldown(client, pool, known):
    pool.says = {"textedAt": "1700000000", "now": "1700000020"}
    ask(client, known.phone)
    assert steps() == [STARTED, ("blocked", "cooldown")]


def test_budget_that_is_used_up_is_seen_by_operators_at_once(client, pool, known, caplog):
    pool.says = {"delivery": "over_budget"}
    ask(client, known.phone)
    assert steps() == [STARTED, ("blocked", "pool")]
    assert [r.levelname for r in caplog.records if "budget of texts" in r.message] == ["ERROR"]


def test_network_that_asks_for_too_much_is_blocked_before_it_starts(
    client,
    pool,
    known,
    settings,
):
    settings.ACCOUNTS_SENDS = "1/hour"
    ask(client, known.phone)
    ask(Client(), known.phone)
    assert steps() == [STARTED, SENT, ("blocked", "network")]


# Asked for here, typed there


def test_code_typed_on_the_device_that_asked_for_it_is_not_crossed(client, pool, known):
    client.get("/accounts/login/")
    ask(client, known.phone)
    answer(client, pool.code())
    assert not SignInEvent.objects.get(kind="succeeded").crossed


@pytest.mark.parametrize(
    ("minutes_ago", "is_crossed"), [(2, True), (61, False)], ids=["now", "reused reference"]
)
def test_code_asked_for_by_another_browser_is_crossed(phone, minutes_ago, is_crossed):
    request = RequestFactory().get("/")
    request.COOKIES["device"] = "one-browser"
    other = RequestFactory().get("/")
    other.COOKIES["device"] = "another-browser"
    SignInEvent.objects.create(
        kind="sent",
        reference="K7F-2Q",
        browser="f" * 64,
        at=datetime.now(UTC) - timedelta(minutes=minutes_ago),
    )
    sign_ins.record("sent", request, phone=phone, reference="K7F-2Q")
    for typed_on, expected in (
        (request, is_crossed),
        (other, True),
        (RequestFactory().get("/"), False),
    ):
        crossed = sign_ins.asked_elsewhere(typed_on, "K7F-2Q")
        sign_ins.record("succeeded", typed_on, crossed=crossed)
        assert SignInEvent.objects.latest("pk").crossed is expected


@pytest.mark.parametrize("is_asked_for", [True, False], ids=["without a cookie", "by nobody"])
def test_code_of_a_text_that_no_browser_is_known_for_is_not_crossed(is_asked_for):
    request = RequestFactory().get("/")
    request.COOKIES["device"] = "one-browser"
    if is_asked_for:
        sign_ins.record("sent", RequestFactory().get("/"), reference="K7F-2Q")
    crossed = sign_ins.asked_elsewhere(request, "K7F-2Q")
    sign_ins.record("succeeded", request, crossed=crossed)
    assert SignInEvent.objects.get(kind="succeeded").crossed is False


def test_attempt_is_shown_with_what_others_did_about_its_text():
    now = timezone.now()
    made = [
        SignInEvent.objects.create(
            kind=kind, attempt=attempt, reference=reference, at=now + timedelta(seconds=second)
        )
        for kind, attempt, reference, second in (
            ("started", "a1", "AAA-AA", 0),
            ("sent", "a1", "K7F-2Q", 1),
            ("sent", "a2", "K7F-2Q", 20),
            ("resent", "a1", "BBB-BB", 40),
            ("succeeded", "a2", "K7F-2Q", 50),
            ("sent", "a9", "CCC-CC", 30),
            ("sent", "a8", "K7F-2Q", 90_000),
        )
    ]
    wanted = [made[n] for n in (0, 1, 2, 3, 4)]
    assert sign_ins.attempt_of(made[0]) == wanted
    assert sign_ins.attempt_of(made[3]) == wanted
    assert sign_ins.attempt_of(made[4]) == wanted
    assert sign_ins.attempt_of(made[6]) == [made[6]]


def test_event_of_no_attempt_stands_alone(phone):
    for _ in range(2):
        sign_ins.record("signed_out", None, phone=phone)
    event = SignInEvent.objects.first()
    assert sign_ins.attempt_of(event) == [event]

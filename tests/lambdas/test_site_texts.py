"""Texts that the site asks for, on a real table; the other services are servers of the test's."""

import json
import logging
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from lambdas.triggers import errors, keys, ledger, site_texts
from lambdas.triggers.challenge import Challenge
from tests.codes import wrong
from tests.lambdas import aws, emf
from tests.lambdas.flow import Flow, drawn, id_of, warm_up
from tests.wire import aws_error

pytestmark = pytest.mark.cloud

MINUTE, HOUR = 60, 3600


class Site:
    """The site, on behalf of one user who wants the number of ``flow``."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.phone = flow.phone
        self.user = str(uuid.uuid4())

    def prove(self, **changes: object) -> dict:
        asked = {"action": "prove", "phone": self.phone, "user": self.user, "language": "en"}
        return site_texts.handler(asked | changes, None)

    def check(self, proof: dict, code: object, **changes: object) -> bool:
        asked = {
            "action": "check",
            "phone": self.phone,
            "user": self.user,
            "challenge_id": proof["challenge_id"],
            "expires_at": proof["expires_at"],
            "code": code,
        }
        reply = site_texts.handler(asked | changes, None)
        assert list(reply) == ["is_correct"]
        return reply["is_correct"]

    def tell(self, message: str = "number_changed", **changes: object) -> str:
        asked = {"action": "tell", "phone": self.phone, "message": message, "language": "en"}
        reply = site_texts.handler(asked | changes, None)
        assert list(reply) == ["delivery"]
        return reply["delivery"]

    def derived(self, proof: dict) -> str:
        challenge = Challenge(id_of(proof), proof["expires_at"])
        return challenge.code(keys.proof_key(), user=self.user)

    def confirm(self, **changes: object) -> dict:
        return self.prove(purpose="confirm", **changes)

    def confirmed(self, proof: dict, code: object, **changes: object) -> bool:
        return self.check(proof, code, purpose="confirm", **changes)


@pytest.fixture
def site(flow) -> Site:
    return Site(flow)


def failures(flow: Flow) -> int:
    return ledger.configured().show(flow.name, now=time.time()).failures


# Prove


def test_proof_texts_a_code_of_its_own_wording_bound_to_the_site(site, flow):
    proof = site.prove()
    [message] = flow.messages()
    assert message.startswith(f"{flow.code()} is your code to change your number at Example. ")
    assert message.endswith(f"\n\n@example.com #{flow.code()}")
    assert flow.code() == site.derived(proof)


def test_proof_answers_with_what_a_page_needs(site):
    before = int(time.time())
    proof = site.prove()
    assert before + 300 <= proof.pop("expires_at") <= time.time() + 300
    assert before + 30 <= proof.pop("resend_at") <= time.time() + 31
    assert before <= proof.pop("texted_at") <= proof.pop("now") <= time.time()
    challenge = Challenge(id_of(proof), 0)
    del proof["challenge_id"]
    assert proof == {
        "tries_left": 3,
        "code_length": 6,
        "delivery": "sent",
        "open_at": 0,
        "reference": challenge.reference,
        "channels": "",
    }


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "Ändern"), ("pt-BR", "mudar"), ("xx", "change"), (None, "change")],
)
def test_proof_is_in_the_language_of_the_page(site, flow, language, words):
    site.prove(language=language)
    assert words in flow.messages()[0]


def test_right_code_proves_once(site, flow):
    proof = site.prove()
    assert site.check(proof, f" {flow.code()[:3]} {flow.code()[3:]}") is True
    assert site.check(proof, flow.code()) is False


def test_right_code_many_times_at_once_proves_once(site, flow):
    proof, code = site.prove(), flow.code()
    warm_up()
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: site.check(proof, code), range(8)))
    assert got.count(True) == 1


def test_wrong_codes_are_counted_with_those_of_sign_ins(site, flow, table):
    """Who asked for the text has tries of their own, and a hold is for all."""
    proof = site.prove()
    started, other = flow.start(), site.prove()
    assert (proof["tries_left"], other["tries_left"]) == (3, 3)
    for _ in range(2):
        assert site.check(other, wrong(flow.code())) is False
    assert flow.answer(started, wrong(flow.derived(started))) is False
    assert failures(flow) == 3
    assert site.check(other, flow.code()) is False
    assert flow.answer(started, flow.derived(started)) is False
    table.write(f"phone#{flow.name}", failures=9)
    assert site.check(proof, wrong(flow.code())) is False
    assert site.check(proof, flow.code()) is False


def test_wrong_codes_of_strangers_leave_the_tries_of_whoever_asked(site, flow):
    proof = site.prove()
    started = flow.start()
    for _ in range(4):
        flow.answer(started, wrong(flow.derived(started)))
    assert site.check(proof, flow.code()) is True


def test_wrong_codes_in_another_session_leave_those_of_a_confirmation(site, flow):
    mine, other = site.confirm(), site.confirm()
    for _ in range(4):
        site.confirmed(other, wrong(flow.code()))
    assert site.confirm()["delivery"] == "not_sent"
    assert site.confirmed(mine, flow.code()) is True


def test_right_code_clears_the_failures(site, flow):
    proof = site.prove()
    site.check(proof, wrong(flow.code()))
    assert site.check(proof, flow.code()) is True
    assert failures(flow) == 0


def test_code_that_proves_does_not_sign_in(site, flow):
    """Not even the user who asked, whose number it is, in the same challenge."""
    flow.sub = site.user
    proof, started = site.prove(), flow.start()
    assert drawn(started).id == id_of(proof)
    assert len(flow.messages()) == 1
    assert flow.code() != flow.derived(started)
    assert flow.answer(started, flow.code()) is False
    assert site.check(proof, flow.code()) is True


def test_code_that_signs_in_does_not_prove(site, flow):
    flow.sub = site.user
    started, proof = flow.start(), site.prove()
    assert drawn(started).id == id_of(proof)
    assert site.check(proof, flow.code()) is False
    assert flow.answer(started, flow.code()) is True


def test_late_codes_of_either_kind_do_what_they_are_for_and_nothing_else(site, flow, clock):
    flow.sub = site.user
    proof, proof_code = site.prove(), flow.code()
    clock.shift(240)
    started, sign_in_code = flow.start(), flow.code()
    assert flow.answer(started, proof_code) is False
    assert site.check(proof, sign_in_code) is False
    assert site.check(proof, proof_code) is True
    assert flow.answer(started, sign_in_code) is False


def test_code_of_one_user_proves_nothing_for_another(site, flow):
    proof = site.prove()
    stranger = Site(flow)
    assert stranger.check(proof, flow.code()) is False
    assert site.check(proof, flow.code()) is True


def test_code_of_one_number_proves_no_other(site, flow, make_phone):
    proof = site.prove()
    assert site.check(proof, flow.code(), phone=make_phone()) is False


def test_code_works_until_its_end(site, flow, clock):
    proof = site.prove()
    clock.shift(301)
    assert site.check(proof, flow.code()) is False
    assert site.check(proof, flow.code(), expires_at=int(time.time()) + 300) is False


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", None, 123456, ["123456"]])
def test_code_that_cannot_be_one_costs_no_try(site, flow, table, code):
    proof = site.prove()
    table.forget()
    assert site.check(proof, code) is False
    assert table.calls == []


def test_proof_and_sign_in_share_cooldown_and_texts_of_the_hour(site, flow, clock):
    site.prove()
    flow.start()
    again = site.prove()
    assert len(flow.messages()) == 1
    clock.shift(31)
    later = site.prove()
    assert len(flow.messages()) == 2
    assert id_of(later) == id_of(again)
    state = ledger.configured().show(flow.name, now=time.time())
    assert state.sends_last_hour == 2


@pytest.mark.parametrize(
    ("failures", "variables", "delivery"),
    [
        (10, {}, "not_sent"),
        (100, {}, "locked"),
        (0, {"SENDS_PER_POOL_HOUR": "1"}, "over_budget"),
        (0, {"ALLOWED_COUNTRIES": "DE"}, "sent"),
    ],
    ids=["held", "locked", "over a budget", "country"],
)
def test_who_gets_no_text_gets_a_proof_that_has_no_right_answer(
    site, flow, table, make_phone, monkeypatch, failures, variables, delivery
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    real = Site(flow.other("+4915112380123")).prove()
    texts = len(flow.messages())
    if failures:
        table.write(f"phone#{flow.name}", failures=failures, last_failure=int(time.time()))
    proof = site.prove()
    assert len(flow.messages()) == texts
    assert proof.keys() == real.keys()
    assert (proof["delivery"], proof["tries_left"]) == (delivery, 3)
    assert (proof["texted_at"] is None) is (delivery != "sent")
    assert site.check(proof, site.derived(proof)) is False


# Confirm


def test_confirmation_is_texted_in_the_words_of_a_sign_in_and_works_once(site, flow):
    proof = site.confirm()
    assert "is your Example sign-in code" in flow.messages()[0]
    assert site.confirmed(proof, wrong(flow.code())) is False
    assert site.confirmed(proof, flow.code()) is True
    assert site.confirmed(proof, flow.code()) is False


def test_confirmation_is_texted_whatever_strangers_did_to_the_number(site, flow, table):
    """Held by wrong codes, and with its texts of the day used up."""
    table.write(f"phone#{flow.name}", failures=100, last_failure=int(time.time()))
    assert site.prove()["delivery"] == "locked"
    proof = site.confirm()
    assert proof["delivery"] == "sent"
    assert site.confirmed(proof, flow.code()) is True
    assert failures(flow) == 100


def test_confirmation_costs_the_number_none_of_its_texts(site, flow):
    site.confirm()
    assert flow.start()["publicChallengeParameters"]["delivery"] == "sent"
    assert len(flow.messages()) == 2
    assert ledger.configured().show(flow.name, now=time.time()).sends_last_day == 1


def test_confirmation_has_the_limits_of_a_number(site, flow, clock):
    texted = 0
    for _ in range(12):
        texted += site.confirm()["texted_at"] is not None
        clock.shift(301)
    assert texted == len(flow.messages()) == 5
    clock.shift(HOUR)
    for _ in range(4):
        proof = site.confirm()
        for _ in range(3):
            site.confirmed(proof, wrong(flow.code()))
        clock.shift(301)
    assert site.confirm()["delivery"] == "not_sent"


@pytest.mark.parametrize("other", ["user", "purpose"])
def test_code_of_a_confirmation_is_right_nowhere_else(site, flow, other):
    proof = site.confirm()
    if other == "user":
        assert Site(flow).confirmed(proof, flow.code()) is False
    else:
        assert site.check(proof, flow.code()) is False
        flow.sub = site.user
        started = flow.start()
        confirmation, sign_in = (message.rpartition("#")[2] for message in flow.messages())
        assert flow.answer(started, confirmation) is False
        assert site.confirmed(proof, sign_in) is False
        assert site.confirmed(proof, confirmation) is True


def test_purpose_that_is_none_is_refused(site, table, sns):
    table.forget()
    for purpose in ("sign_in", "", None, []):
        with pytest.raises(ValueError, match="Wanted: a purpose"):
            site.prove(purpose=purpose)
    assert (table.calls, sns.requests) == ([], [])


def test_text_refused_says_why(site, sns):
    sns.renew(aws.sns_error("OptedOut", "opted out"))
    assert site.prove()["delivery"] == "opted_out"


def test_proof_takes_no_more_calls_than_a_sign_in(site, flow, table):
    table.delay = 0.02
    proof = site.prove()
    assert table.round_trips() == [["phone"], ["block"], ["pool"]]
    table.forget()
    site.check(proof, flow.code())
    assert table.round_trips() == [["phone", "pool"], ["block", "phone"]]


# Tell


@pytest.mark.parametrize(
    ("message", "words"),
    [("number_changed", "has a new phone number"), ("invited", "You are invited to Example")],
)
def test_notice_is_texted_without_a_code(site, flow, message, words):
    assert site.tell(message) == "sent"
    [body] = flow.messages()
    assert words in body
    assert not re.search(r"\d|#", body)


def test_notice_of_a_recovery_has_the_word_of_its_page(site, flow):
    assert site.tell("recovery_started", word="K7F2Q9XM") == "sent"
    [body] = flow.messages()
    assert body.endswith("/stop/K7F2Q9XM")


@pytest.mark.parametrize("word", [None, "", "K7F2", "K7F2Q9XM/../x", "k7f2q9xm"])
def test_notice_with_a_word_that_is_none_is_refused(site, flow, word):
    with pytest.raises(ValueError, match="Wanted: word"):
        site.tell("recovery_started", word=word)
    assert flow.messages() == []


def test_notice_costs_no_code_and_a_hold_does_not_silence_it(site, flow, table):
    table.write(f"phone#{flow.name}", failures=10, last_failure=int(time.time()))
    assert site.tell() == "sent"
    state = ledger.configured().show(flow.name, now=time.time())
    assert (state.sends_last_day, state.failures) == (0, 10)


def test_notices_to_one_number_are_few_a_day(site, clock):
    assert [site.tell() for _ in range(6)] == ["sent"] * 5 + ["notices"]
    clock.shift(25 * HOUR)
    assert site.tell() == "sent"


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"SENDS_PER_POOL_DAY": "1"}, "pool"),
        ({"SENDS_PER_COUNTRY_HOUR": "1"}, "country"),
        ({"SENDS_PER_BLOCK_HOUR": "1"}, "block"),
        ({"ALLOWED_COUNTRIES": "DE"}, "country_not_allowed"),
    ],
)
def test_notice_keeps_within_the_budgets(site, flow, monkeypatch, capsys, variables, reason):
    site.tell()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ledger.limits.configured.cache_clear()
    ledger.configured.cache_clear()
    capsys.readouterr()
    assert site.tell() == reason
    assert len(flow.messages()) == 1
    [line] = emf.lines(capsys.readouterr().out)
    assert (line["event"], line["Reason"], line["purpose"]) == (
        "text_not_sent",
        reason,
        "number_changed",
    )


def test_notice_goes_to_no_number_that_is_no_mobile_one(site, flow):
    assert site.tell(phone="+18005550123") == "country_not_allowed"
    assert site.tell(phone="+4930123456") == "not_mobile"
    assert flow.messages() == []


def test_notices_do_not_speak_against_their_block(site, flow, table):
    """Nobody can answer them, so no answer is missing."""
    site.tell()
    block = ledger.block_name(flow.phone[:-4])
    [item] = [one for one in table.ask("Scan")["Items"] if f"block#{block}" in one["pk"]["S"]]
    assert item["score"]["N"] == "0"
    assert item["sends"]["N"] == "1"


def test_notice_refused_by_the_sender_says_why_and_is_counted(site, sns):
    sns.renew(aws.sns_error("OptedOut", "opted out"))
    assert site.tell() == "opted_out"
    sent, blocked = ledger.configured().overview.read(1, now=time.time())
    assert sent == []
    assert [(each.reason, each.count) for each in blocked] == [("opted_out", 1)]


# What is refused, and what breaks


@pytest.mark.parametrize("action", [None, "", "Prove", "send", 1, ["prove"]])
def test_action_unknown_is_refused(site, table, sns, action):
    with pytest.raises(ValueError, match="prove, send_by, check, tell"):
        site.prove(action=action)
    assert (table.requests, sns.requests) == ([], [])


@pytest.mark.parametrize(
    "changes",
    [
        {"phone": None},
        {"phone": ""},
        {"phone": "2015550123"},
        {"phone": "+1201555 0123"},
        {"phone": "+12015550123\n"},
        {"phone": 12015550123},
        {"user": None},
        {"user": ""},
        {"user": "a b"},
    ],
    ids=str,
)
def test_event_that_lacks_something_is_refused_without_quoting_it(site, table, sns, changes):
    with pytest.raises(ValueError, match=f"Wanted: {next(iter(changes))}") as raised:
        site.prove(**changes)
    assert "555" not in str(raised.value)
    assert (table.requests, sns.requests) == ([], [])


@pytest.mark.parametrize(
    "changes",
    [{"challenge_id": "x"}, {"challenge_id": None}, {"expires_at": "soon"}, {"expires_at": None}],
    ids=str,
)
def test_check_of_what_is_no_challenge_is_refused(site, table, changes):
    proof = {"challenge_id": "6" + "A" * 22, "expires_at": 2_000_000_000}
    with pytest.raises(ValueError, match="challenge_id"):
        site.check(proof, "123456", **changes)
    assert table.requests == []


@pytest.mark.parametrize("message", [None, "", "sign_in", "change_number", "anything"])
def test_notice_unknown_is_refused(site, table, message):
    with pytest.raises(ValueError, match="invited, number_changed"):
        site.tell(message)
    assert table.requests == []


@pytest.mark.parametrize("action", ["prove", "check", "tell"])
def test_table_failing_texts_nothing_and_says_nothing_of_aws(site, table, sns, action):
    table.fail(aws_error("AccessDeniedException", "User arn:aws:iam::1:role/x"))
    proof = {"challenge_id": "6" + "A" * 22, "expires_at": 2_000_000_000}
    calls = {
        "prove": site.prove,
        "check": lambda: site.check(proof, "123456"),
        "tell": site.tell,
    }
    with pytest.raises(errors.TryAgainLater, match=r"^Try again later$"):
        calls[action]()
    assert sns.requests == []


def test_key_unreadable_texts_nothing(site, sns, secrets_manager):
    secrets_manager.renew(aws_error("InternalServiceError", status=500))
    with pytest.raises(errors.TryAgainLater):
        site.prove()
    assert sns.requests == []


# Secrets


def test_lines_lead_from_the_reference_to_the_message_and_show_no_code_or_phone(
    site, flow, table, caplog, capfd
):
    caplog.set_level(logging.DEBUG)
    proof = site.prove()
    code = flow.code()
    site.check(proof, wrong(code))
    site.check(proof, code)
    site.tell()
    output = capfd.readouterr()
    lines = emf.lines(output.out)
    assert [(line["event"], line.get("reference")) for line in lines] == [
        ("text_sent", proof["reference"]),
        ("proof_refused", proof["reference"]),
        ("number_proven", proof["reference"]),
        ("text_sent", None),
    ]
    assert lines[0]["message_id"] == "message-1"
    assert [line["purpose"] for line in lines] == ["change_number"] * 3 + ["number_changed"]
    logged = caplog.text + repr([vars(record) for record in caplog.records])
    seen = logged + output.out + output.err + json.dumps(table.ask("Scan")) + repr(proof)
    assert not re.search(rf"(?<!\d){code}(?!\d)", seen)
    assert flow.phone[2:] not in seen

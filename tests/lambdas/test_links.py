"""The link in the mail of a sign-in: on a real table, with Cognito and SES at the wire."""

import re
from collections.abc import Iterator

import pytest

from lambdas.triggers import ledger, links, site_texts
from lambdas.triggers.challenge import Challenge
from tests.codes import wrong
from tests.lambdas import aws
from tests.lambdas.flow import Flow, drawn, failures, in_parallel
from tests.wire import Reply, WireServer

pytestmark = pytest.mark.cloud

POOL = "eu-west-1_Example01"
ADDRESS = "ada@example.org"
_LINK = re.compile(r"https://example\.com/accounts/login/link/([A-Z0-9]{5})/([A-Za-z0-9_-]{27})/")


class _Server(WireServer):
    """Cognito, which has one account, and SES."""

    account: dict[str, str]

    def answer(self, request):
        reply = super().answer(request)
        if request.operation != "AdminGetUser":
            return reply
        return aws.account_read(request.json["Username"], self.account)


@pytest.fixture(scope="module")
def _server() -> Iterator[_Server]:
    server = _Server()
    yield server
    server.close()


class Mailbox:
    """The mails to somebody whose code is asked for."""

    def __init__(self, flow: Flow, server: WireServer) -> None:
        self._flow = flow
        self._server = server

    def ask(self, **changes: object) -> dict:
        asked = {"action": "send_by", "channel": "email", "user_name": self._flow.sub}
        return site_texts.handler(asked | changes, None)

    def text(self) -> str:
        mails = [each for each in self._server.requests if each.operation != "AdminGetUser"]
        return mails[-1].json["Content"]["Simple"]["Body"]["Text"]["Data"]

    def code(self) -> str:
        return re.match("[0-9]+", self.text())[0]

    def word(self) -> str:
        return _LINK.search(self.text())[2]

    def open(self, word: object = None, **changes: object) -> str:
        asked = {
            "action": "open_link",
            "phone": self._flow.phone,
            "user": self._flow.sub,
            "word": self.word() if word is None else word,
        }
        reply = site_texts.handler(asked | changes, None)
        assert list(reply) == ["code"]
        return reply["code"]


@pytest.fixture
def mailbox(flow, _server, clock, monkeypatch) -> Mailbox:
    _server.renew(Reply({"MessageId": "mail-1"}))
    _server.account = {
        "sub": flow.sub,
        "phone_number": flow.phone,
        "email": ADDRESS,
        "email_verified": "true",
        "locale": "en",
    }
    for name in ("COGNITO_IDENTITY_PROVIDER", "SESV2"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", _server.url)
    monkeypatch.setenv("USER_POOL_ID", POOL)
    monkeypatch.setenv("EMAIL_SENDER", "login@example.com")
    return Mailbox(flow, _server)


@pytest.fixture
def started(flow, mailbox, clock) -> dict:
    """A sign-in whose code was mailed."""
    response = flow.start()
    clock.shift(31)
    mailbox.ask()
    return response


def test_mail_has_a_link_with_the_reference_and_without_the_code(started, mailbox):
    reference, word = _LINK.search(mailbox.text()).groups()
    assert reference == drawn(started).reference.replace("-", "")
    assert mailbox.code() not in f"{reference}{word}"
    assert drawn(started).id not in word


def test_word_is_an_answer_of_the_flow_that_asked_once(started, flow, mailbox):
    assert flow.answer(started, mailbox.word()) is True
    assert flow.answer(started, mailbox.word()) is False
    assert flow.answer(started, mailbox.code()) is False


def test_word_is_worth_nothing_once_the_code_was_used(started, flow, mailbox):
    assert flow.answer(started, mailbox.code()) is True
    assert flow.answer(started, mailbox.word()) is False
    assert mailbox.open() == ""


def test_word_is_counted_as_a_try_and_three_wrong_answers_end_it(started, flow, mailbox):
    right = mailbox.word()
    assert flow.answer(started, f"{right[:-1]}{'A' if right[-1] != 'A' else 'B'}") is False
    assert failures(flow) == 1
    assert flow.answer(started, wrong(flow.code())) is False
    assert flow.answer(started, wrong(flow.code())) is False
    assert flow.answer(started, right) is False


def test_word_is_too_old_with_its_code(started, flow, mailbox, clock):
    clock.shift(300)
    assert flow.answer(started, mailbox.word()) is False
    assert mailbox.open() == ""


def test_many_presses_at_once_sign_in_once(started, flow, mailbox):
    word = mailbox.word()
    assert in_parallel(3, lambda _: flow.answer(started, word)).count(True) == 1


def test_word_of_somebody_else_or_of_another_sign_in_is_wrong(started, flow, mailbox, clock):
    word = mailbox.word()
    other = flow.other(f"{flow.phone[:-4]}7788")
    assert other.answer(other.start(), word) is False
    clock.shift(300)
    assert flow.answer(flow.start(), word) is False


def test_late_mail_still_signs_in_after_another_was_asked_for(flow, mailbox, clock):
    first = flow.start()
    clock.shift(31)
    mailbox.ask()
    word = mailbox.word()
    clock.shift(220)
    later = flow.start()
    assert drawn(later) != drawn(first)
    assert flow.answer(later, word) is True


def test_word_confirms_nothing_and_proves_no_number(started, flow, mailbox):
    for purpose in ("confirm", "change_number"):
        asked = {"phone": flow.phone, "user": flow.sub, "purpose": purpose, "language": "en"}
        proof = site_texts.handler({"action": "prove", **asked}, None)
        found = {name: proof[name] for name in ("challenge_id", "expires_at")}
        # Nor is one that was made for it.
        challenge_id = proof["challenge_id"].partition(".")[0]
        own = links.word_of(flow.sub, Challenge(challenge_id, proof["expires_at"]))
        for word in (mailbox.word(), own):
            checked = {"action": "check", **asked, **found, "code": word}
            assert site_texts.handler(checked, None) == {"is_correct": False}


def test_other_browser_is_shown_the_code_once(started, flow, mailbox):
    assert mailbox.open() == mailbox.code()
    assert mailbox.open() == ""
    # The browser that asked goes on all the same, with the one or the other.
    assert flow.answer(started, mailbox.code()) is True


def test_many_who_open_it_at_once_are_shown_one_code(started, mailbox):
    ledger.configured()
    assert sorted(in_parallel(6, lambda _: mailbox.open())) == [""] * 5 + [mailbox.code()]


@pytest.mark.parametrize("junk", ["", "A" * 27, "123456", None, 7, "é" * 27, {"a": 1}])
def test_nothing_else_is_shown_a_code(started, mailbox, junk):
    assert mailbox.open(junk if junk is not None else 0) == ""


def test_code_of_another_person_is_not_shown(started, flow, mailbox):
    word = mailbox.word()
    assert mailbox.open(word, user="somebody-else") == ""
    assert mailbox.open(word, phone=f"{flow.phone[:-4]}7788") == ""


def test_code_that_is_held_back_or_of_a_held_number_is_not_shown(started, flow, mailbox, table):
    table.write(f"phone#{flow.name}", failures=100)
    assert mailbox.open() == ""


def test_browser_that_is_known_has_its_own_link(flow, mailbox):
    mailbox.ask(is_known=True)
    assert mailbox.open() == mailbox.code() != flow.start()


def test_word_is_in_no_log(started, mailbox, capsys):
    word = mailbox.word()
    mailbox.open()
    said = capsys.readouterr().out
    assert "link_opened" in said
    assert word not in said
    assert mailbox.code() not in said


def test_links_are_tried_twenty_times_at_most(started, mailbox):
    for _ in range(20):
        assert mailbox.open("A" * 27) == ""
    assert mailbox.open() == ""

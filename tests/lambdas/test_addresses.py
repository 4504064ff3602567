"""Codes that prove an e-mail address, on a real table, with SES at the wire."""

import re
import uuid
from collections.abc import Iterator

import pytest

from lambdas.triggers import ledger, manage_ledger, site_texts
from tests.codes import wrong
from tests.lambdas.flow import Flow
from tests.wire import Reply, WireServer, aws_error

pytestmark = pytest.mark.cloud

ADDRESS = "ada@example.org"
OTHER = "eve@example.net"
DAY = 24 * 60 * 60


@pytest.fixture(scope="module")
def _ses() -> Iterator[WireServer]:
    server = WireServer()
    yield server
    server.close()


@pytest.fixture
def ses(_ses, monkeypatch) -> WireServer:
    _ses.renew(Reply({"MessageId": "mail-1"}))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", _ses.url)
    monkeypatch.setenv("EMAIL_SENDER", "login@example.com")
    return _ses


class Person:
    """Somebody who is signed in, as the site names them."""

    def __init__(self, flow: Flow, ses: WireServer, user: str = "") -> None:
        self.flow = flow
        self.phone = flow.phone
        self.user = user or str(uuid.uuid4())
        self._ses = ses

    def prove(self, address: str = ADDRESS, **changes: object) -> dict:
        return site_texts.handler(
            {
                "action": "prove",
                "phone": self.phone,
                "user": self.user,
                "language": "en",
                "purpose": "address",
                "channel": "email",
                "address": address,
            }
            | changes,
            None,
        )

    def check(self, proof: dict, code: str, address: str = ADDRESS, **changes: object) -> bool:
        asked = {
            "action": "check",
            "phone": self.phone,
            "user": self.user,
            "purpose": "address",
            "address": address,
            "challenge_id": proof["challenge_id"],
            "expires_at": proof["expires_at"],
            "code": code,
        }
        return site_texts.handler(asked | changes, None)["is_correct"]

    def mails(self) -> list[tuple[str, str, str]]:
        """Address, subject and code of each mail."""
        found = []
        for request in self._ses.requests:
            content = request.json["Content"]["Simple"]
            [address] = request.json["Destination"]["ToAddresses"]
            code = re.match("[0-9]+", content["Body"]["Text"]["Data"])[0]
            found.append((address, content["Subject"]["Data"], code))
        return found

    def code(self) -> str:
        return self.mails()[-1][2]


@pytest.fixture
def person(flow, ses) -> Person:
    return Person(flow, ses)


def test_code_goes_to_the_address_alone_and_is_right_once(person):
    proof = person.prove()
    [(address, subject, code)] = person.mails()
    assert (address, subject) == (ADDRESS, "Your e-mail address at Example")
    assert person.flow.messages() == []
    assert proof["delivery"] == "sent"
    assert person.check(proof, wrong(code)) is False
    assert person.check(proof, code) is True
    assert person.check(proof, code) is False


def test_code_proves_no_other_address_and_nobody_else(person, flow, ses):
    proof = person.prove()
    code = person.code()
    assert person.check(proof, code, OTHER) is False
    assert Person(flow, ses).check(proof, code) is False
    assert person.check(proof, code) is True


def test_code_of_an_address_confirms_nothing_and_signs_nobody_in(person, flow):
    started = flow.start()
    proof = person.prove()
    for purpose in ("confirm", "change_number"):
        assert person.check(proof, person.code(), purpose=purpose) is False
    assert flow.answer(started, person.code()) is False


def test_other_address_within_the_wait_gets_no_code(person, clock):
    person.prove()
    assert person.prove(OTHER)["delivery"] == "sent"
    assert [address for address, *_ in person.mails()] == [ADDRESS]
    clock.shift(31)
    proof = person.prove(OTHER)
    (_, _, first), (address, _, second) = person.mails()
    assert address == OTHER
    assert person.check(proof, first, OTHER) is False
    assert person.check(proof, second, OTHER) is True


def test_person_mails_few_addresses_an_hour_and_a_day(person, clock):
    for number in range(40):
        person.prove(f"victim{number}@example.org")
        clock.shift(301)
    assert len(person.mails()) <= 10
    assert person.prove()["delivery"] == "not_sent"


@pytest.mark.parametrize(
    "written", ["{}", "ADA@example.org", "a.d.a@example.org", "ada+{n}@example.org"]
)
def test_mailbox_gets_few_mails_a_day_whoever_asks(flow, ses, make_phone, clock, written):
    ses.requests.clear()
    for number in range(8):
        somebody = Person(flow.other(make_phone()), ses)
        somebody.prove(written.replace("{}", ADDRESS).format(n=number))
    assert len(ses.requests) == 5
    clock.shift(DAY)
    Person(flow.other(make_phone()), ses).prove()
    assert len(ses.requests) == 6


def test_wrong_codes_are_counted_over_all_addresses_and_hold_codes_of_addresses_alone(
    person, flow, clock
):
    for number in range(4):
        proof = person.prove(f"a{number}@example.org")
        for _ in range(3):
            person.check(proof, "000000", f"a{number}@example.org")
        clock.shift(301)
    assert person.prove()["delivery"] == "not_sent"
    # Neither a sign-in nor a confirmation is held by it.
    started = flow.start()
    assert flow.answer(started, flow.code()) is True
    assert person.prove(purpose="confirm", channel="text")["delivery"] == "sent"


def test_operator_s_unlock_counts_for_addresses_too(person, table):
    name = ledger.address_proofs_name(person.phone, f"{person.user} {ADDRESS}")
    table.write(f"phone#{name}", failures=100)
    assert person.prove()["delivery"] == "locked"
    manage_ledger.handler({"action": "unlock", "phone": person.phone, "user": person.user}, None)
    assert person.prove()["delivery"] == "sent"
    assert len(person.mails()) == 1


def test_mails_spend_the_budgets_of_texts(person, flow, monkeypatch):
    monkeypatch.setenv("SENDS_PER_BLOCK_HOUR", "1")
    flow.start()
    person.prove()
    assert person.mails() == []


def test_refusal_of_the_service_is_told(person, ses):
    ses.renew(aws_error("MessageRejected", "Address is on the suppression list"))
    assert person.prove()["delivery"] == "misconfigured"


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "ada",
        "@example.org",
        "ada@example",
        "ada@exa mple.org",
        "a,b@example.org",
        "Ada <ada@example.org>",
        "ada@example.org\nBcc: eve@example.net",
        "ada@example.org\n",
        "a@b@example.org",
        ".ada@example.org",
        "ada@-example.org",
        "ada@[127.0.0.1]",
        f"{'a' * 65}@example.org",
        "ädä@example.org",
        7,
        None,
    ],
)
def test_what_is_no_single_address_is_refused_before_anything_is_counted(person, table, junk):
    table.forget()
    with pytest.raises(ValueError, match="Wanted: address"):
        person.prove(junk)
    assert table.requests == []
    assert person.mails() == []


@pytest.mark.parametrize("channel", ["text", "voice", "whatsapp"])
def test_address_is_proven_by_mail_alone(person, channel):
    with pytest.raises(ValueError, match="Wanted: a channel"):
        person.prove(channel=channel)


def test_stack_without_mail_proves_none(person, monkeypatch):
    monkeypatch.setenv("EMAIL_SENDER", "")
    with pytest.raises(ValueError, match="Wanted: a channel"):
        person.prove()


def test_address_is_in_no_log(person, capsys, caplog):
    with caplog.at_level("DEBUG"):
        proof = person.prove()
        person.check(proof, person.code())
    assert ADDRESS not in capsys.readouterr().out
    assert not [
        each
        for each in caplog.records
        if ADDRESS in each.getMessage() and "botocore" not in each.name
    ]

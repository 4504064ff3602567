"""Sign-ins whose code goes elsewhere than to the number: on a real table, services at the wire."""

import re
import uuid
from collections.abc import Iterator

import pytest

from lambdas.triggers import (
    countries,
    ledger,
    links,
    manage_ledger,
    second_numbers,
    senders,
    site_texts,
)
from tests.codes import wrong
from tests.lambdas import aws, emf
from tests.lambdas.flow import Flow, in_parallel
from tests.wire import Reply, WireServer, aws_error

pytestmark = pytest.mark.cloud

POOL = "eu-west-1_Example01"
ADDRESS = "ada@example.org"
NOBODY = "+10000000"
WAYS = ["by_mail", "by_second"]
every_way = pytest.mark.parametrize("way", WAYS)


class _Services(WireServer):
    """Cognito, which knows ``accounts`` by sub, and SES, which answers ``refusal`` if any."""

    def forget(self) -> None:
        self.renew()
        self.accounts: dict[str, dict[str, str]] = {}
        self.disabled: set[str] = set()
        self.refusal: Reply | None = None
        self.mails: list[tuple[str, str]] = []

    def answer(self, request) -> Reply:
        with self._lock:
            self.requests.append(request)
        if request.operation == "AdminGetUser":
            return self._account(request.json)
        if self.refusal:
            return self.refusal
        content = request.json["Content"]["Simple"]["Body"]["Text"]["Data"]
        [address] = request.json["Destination"]["ToAddresses"]
        self.mails.append((address, content))
        return Reply({"MessageId": "mail-1"})

    def _account(self, asked: dict) -> Reply:
        attributes = self.accounts.get(asked["Username"])
        if attributes is None:
            return aws_error("UserNotFoundException", "User does not exist.")
        name = asked["Username"]
        return aws.account_read(name, attributes, is_enabled=name not in self.disabled)


@pytest.fixture(scope="module")
def _services() -> Iterator[_Services]:
    server = _Services()
    yield server
    server.close()


@pytest.fixture
def services(_services, monkeypatch) -> _Services:
    _services.forget()
    for name in ("COGNITO_IDENTITY_PROVIDER", "SESV2"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", _services.url)
    monkeypatch.setenv("USER_POOL_ID", POOL)
    monkeypatch.setenv("EMAIL_SENDER", "login@example.com")
    return _services


class Person:
    """Somebody with a number, as the site names them."""

    def __init__(self, flow: Flow, services: _Services, second: str) -> None:
        self.flow, self.phone, self.sub = flow, flow.phone, flow.sub
        self.second = second
        self._services = services

    def has_everything(self) -> "Person":
        """Give the account a verified address and a second number."""
        self._services.accounts[self.sub] = {
            "sub": self.sub,
            "phone_number": self.phone,
            "email": ADDRESS,
            "email_verified": "true",
            "locale": "en",
        }
        second_numbers.keep(self.sub, self.second)
        return self

    def named(self, way: str) -> dict[str, object]:
        more = {"channel": "email"} if way == "by_mail" else {"second": self.second}
        return {"phone": self.phone, "user": self.sub, "purpose": way, "language": "en", **more}

    def prove(self, way: str, **changes: object) -> dict:
        return site_texts.handler({"action": "prove"} | self.named(way) | changes, None)

    def check(self, way: str, proof: dict, code: str, **changes: object) -> bool:
        answered = {name: proof[name] for name in ("challenge_id", "expires_at")}
        asked = {"action": "check", "code": code} | self.named(way) | answered | changes
        return site_texts.handler(asked, None)["is_correct"]

    def sent(self, way: str) -> list[tuple[str, str]]:
        """Where codes went, and the codes, oldest first."""
        if way == "by_mail":
            return [(to, re.match("[0-9]+", body)[0]) for to, body in self._services.mails]
        texts = aws.texts(self.flow._sns)
        return [(to, body.rpartition("#")[2]) for to, body in texts if "#" in body]

    def code(self, way: str) -> str:
        return self.sent(way)[-1][1]


@pytest.fixture
def person(flow, services, make_phone) -> Person:
    """Somebody who has a verified address and a second number."""
    return Person(flow, services, make_phone()).has_everything()


@pytest.fixture
def somebody(flow, services, make_phone) -> Person:
    """Somebody with an account, and neither of both."""
    other = Person(flow.other(make_phone()), services, NOBODY)
    services.accounts[other.sub] = {"sub": other.sub, "phone_number": other.phone}
    return other


@pytest.fixture
def nobody(flow, services, make_phone) -> Person:
    """A number that is nobody's."""
    return Person(flow.other(make_phone()), services, NOBODY)


def told(proof: dict) -> dict:
    """What may be compared: times of one moment, and nothing drawn by chance."""
    ignored = ("challenge_id", "reference")
    times = ("expires_at", "resend_at", "texted_at")
    said = {name: value for name, value in proof.items() if name not in (*ignored, *times)}
    since = {name: proof[name] and proof[name] - proof["now"] for name in times}
    return {**said, **since, "now": 0}


def nearly(one: dict, other: dict) -> bool:
    """Tell whether two answers are the same, but for a second that went by between them."""
    return all(
        abs(value - other[name]) <= 1
        if isinstance(value, int) and not isinstance(value, bool)
        else value == other[name]
        for name, value in one.items()
    )


@pytest.mark.parametrize(("way", "where"), [("by_mail", ADDRESS), ("by_second", None)])
def test_code_goes_there_alone_and_is_right_once(person, way, where):
    proof = person.prove(way)
    [(to, code)] = person.sent(way)
    assert to == (where or person.second)
    assert [phone for phone, _ in aws.texts(person.flow._sns)] == ([] if where else [to])
    assert proof["delivery"] == "sent"
    assert person.check(way, proof, wrong(code)) is False
    assert person.check(way, proof, code) is True
    assert person.check(way, proof, code) is False


@every_way
def test_code_signs_in_so_and_proves_nothing_else(person, way):
    started = person.flow.start()
    proof = person.prove(way)
    code = person.code(way)
    assert person.flow.answer(started, code) is False
    other = WAYS[1 - WAYS.index(way)]
    for purpose in ("confirm", "change_number", "second_number", "address", other):
        more = {"purpose": purpose, "address": ADDRESS, "second": person.second}
        assert person.check(way, proof, code, **more) is False
    assert person.check(way, proof, code) is True


@every_way
@pytest.mark.parametrize("who", ["somebody", "nobody"])
def test_whoever_has_no_such_address_is_told_what_a_member_is(person, way, who, clock, request):
    other = request.getfixturevalue(who)
    started: list[tuple[dict, dict]] = []

    def both_ask() -> None:
        started.append((person.prove(way), other.prove(way)))
        assert nearly(*map(told, started[-1])), started[-1]

    def both_answer() -> None:
        one, two = started[-1]
        assert person.check(way, one, "000000") is other.check(way, two, "000000") is False

    both_ask()
    both_ask()
    both_answer()
    clock.shift(31)
    for _ in range(4):
        both_ask()
        for _ in range(3):
            both_answer()
        clock.shift(305)
    both_ask()
    assert started[-1][0]["delivery"] == "not_sent"
    assert {to for to, _ in person.sent(way)} <= {ADDRESS, person.second}


@every_way
@pytest.mark.parametrize("who", ["somebody", "nobody"])
def test_code_that_went_nowhere_is_never_right(way, who, request):
    other = request.getfixturevalue(who)
    proof = other.prove(way)
    assert other.sent(way) == []
    purpose = site_texts.purposes.OF_SITE[way]
    made_for = f"{POOL} {other.sub}" if way == "by_mail" else f"{other.sub} {NOBODY}"
    challenge_id = proof["challenge_id"].partition(".")[0]
    challenge = site_texts.Challenge.parse(challenge_id, str(proof["expires_at"]))
    code = challenge.code(purpose.key(), user=made_for)
    assert other.check(way, proof, code) is False


@every_way
@pytest.mark.parametrize("who", ["person", "somebody", "nobody"])
def test_table_is_asked_as_often_by_a_wrong_code_whoever_has_the_number(way, who, table, request):
    asker = request.getfixturevalue(who)
    proof = asker.prove(way)
    table.forget()
    asker.check(way, proof, "000000")
    assert sorted(call.item for call in table.calls) == ["phone", "pool"]


@every_way
def test_sign_in_costs_the_writes_that_the_docs_count(person, way, table):
    table.forget()
    proof = person.prove(way)
    assert len(table.calls) == 4
    table.forget()
    assert person.check(way, proof, person.code(way)) is True
    assert len(table.calls) == 4


def test_mail_goes_to_no_address_that_cognito_has_not_verified(person, services):
    services.accounts[person.sub]["email_verified"] = "false"
    assert person.prove("by_mail")["delivery"] == "sent"
    assert services.mails == []


def test_mail_goes_to_no_account_that_is_disabled_or_has_another_number(
    person, services, clock, make_phone
):
    services.disabled.add(person.sub)
    person.prove("by_mail")
    services.disabled.clear()
    services.accounts[person.sub]["phone_number"] = make_phone()
    clock.shift(31)
    person.prove("by_mail")
    assert services.mails == []


def test_text_goes_to_no_number_that_was_not_proven_for_the_account(person, make_phone, clock):
    theirs = make_phone()
    second_numbers.keep(str(uuid.uuid4()), theirs)
    assert person.prove("by_second", second=theirs)["delivery"] == "sent"
    assert person.sent("by_second") == []
    clock.shift(31)
    person.prove("by_second")
    assert [to for to, _ in person.sent("by_second")] == [person.second]


def test_right_code_makes_a_number_the_second_one_and_ends_the_one_before(
    person, make_phone, clock
):
    before, new = person.second, make_phone()
    asked = {"purpose": "second_number", "phone": new}
    proof = person.prove("by_second", **asked)
    [(to, code)] = person.sent("by_second")
    assert to == new
    assert person.check("by_second", proof, wrong(code), **asked) is False
    assert second_numbers.is_kept(person.sub, new) is False
    assert person.check("by_second", proof, code, **asked) is True
    assert second_numbers.is_kept(person.sub, new) is True
    assert second_numbers.is_kept(person.sub, before) is False
    assert second_numbers.is_kept(str(uuid.uuid4()), new) is False


def test_code_to_a_number_that_was_removed_is_worth_nothing(person, clock):
    site_texts.handler({"action": "forget_second_number", "user": person.sub}, None)
    assert person.prove("by_second")["delivery"] == "sent"
    assert person.sent("by_second") == []
    # Harmless when repeated.
    site_texts.handler({"action": "forget_second_number", "user": person.sub}, None)


def test_code_of_the_number_before_does_not_sign_in(person, make_phone):
    proof = person.prove("by_second")
    code = person.code("by_second")
    assert person.check("by_second", proof, code, second=make_phone()) is False
    assert person.check("by_second", proof, code) is True


@every_way
def test_many_at_once_are_one_message_and_one_right_answer(person, way):
    senders.configured(senders.Channel.EMAIL)
    site_texts.site_ways.pool_accounts._client()
    in_parallel(8, lambda _: person.prove(way))
    [(_, code)] = person.sent(way)
    proof = person.prove(way)
    assert in_parallel(20, lambda _: person.check(way, proof, code)).count(True) == 1


@every_way
def test_parallel_guesses_share_their_count(person, way):
    proof = person.prove(way)
    guesses = [wrong(person.code(way), n) for n in range(1, 13)]
    assert not any(in_parallel(12, lambda n: person.check(way, proof, guesses[n])))
    assert person.check(way, proof, person.code(way)) is False
    purpose = site_texts.purposes.OF_SITE[way]
    made_for = f"{POOL} {person.sub}" if way == "by_mail" else f"{person.sub} {person.second}"
    state = ledger.configured().show(purpose.ledger_name(person.phone, made_for), now=0)
    assert state.failures == 3


@every_way
def test_strangers_hold_neither_a_known_browser_nor_codes_to_the_number(person, way, clock):
    for _ in range(4):
        proof = person.prove(way)
        for n in range(3):
            person.check(way, proof, f"00000{n}")
        clock.shift(305)
    assert person.prove(way)["delivery"] == "not_sent"
    proof = person.prove(way, is_known=True)
    assert proof["delivery"] == "sent"
    assert person.check(way, proof, person.code(way), is_known=True) is True
    started = person.flow.start()
    assert person.flow.answer(started, person.flow.code()) is True


@every_way
def test_operator_s_unlock_counts_for_it_too(person, way, table):
    for known in (False, True):
        found = site_texts.purposes.OF_KNOWN if known else site_texts.purposes.OF_SITE
        name = found[way].ledger_name(person.phone, person.sub)
        table.write(f"phone#{name}", failures=100)
        assert person.prove(way, is_known=known)["delivery"] == "locked"
    manage_ledger.handler({"action": "unlock", "phone": person.phone, "user": person.sub}, None)
    for known in (False, True):
        assert person.prove(way, is_known=known)["delivery"] == "sent"


def test_texts_to_a_second_number_spend_the_budget_of_its_own_block(request, monkeypatch, clock):
    monkeypatch.setenv("SENDS_PER_BLOCK_HOUR", "1")
    person = request.getfixturevalue("person")
    person.flow.start()
    person.prove("by_second")
    assert len(person.sent("by_second")) == 2
    clock.shift(31)
    assert person.prove("by_second")["delivery"] == "sent"
    assert len(person.sent("by_second")) == 2


def test_used_code_speaks_for_the_block_of_the_second_number(person, table):
    proof = person.prove("by_second")
    person.check("by_second", proof, person.code("by_second"))
    named = ledger.block_name(countries.block_of(person.second))
    written = [each for each in table.requests if named in each.body.decode()]
    assert any("score :worth" in each.body.decode() for each in written)


@every_way
def test_stranger_is_not_told_that_a_sender_refused_and_a_known_browser_is(
    person, way, services, sns, monkeypatch
):
    services.refusal = aws_error("MessageRejected", "Address is on the suppression list")
    sns.renew(aws.sns_error("OptedOut", "The phone has opted out"))
    assert person.prove(way)["delivery"] == "sent"
    assert person.prove(way, is_known=True)["delivery"] in ("misconfigured", "opted_out")


def test_owner_of_the_second_number_stops_its_texts(person, clock):
    person.prove("by_second")
    [(to, text)] = aws.texts(person.flow._sns)
    word = re.search(r"/no/([A-Z0-9]{5})\n", text)[1]
    asked = {"action": "stop", "phone": to, "word": word}
    assert site_texts.handler(asked, None)["is_done"] is False
    asked["second_of"] = [{"phone": person.phone, "user": person.sub}]
    assert site_texts.handler({**asked, "word": "AAAAA"}, None)["is_done"] is False
    assert site_texts.handler(asked, None)["is_done"] is True
    clock.shift(3600)
    assert person.prove("by_second")["delivery"] == "sent"
    assert len(person.sent("by_second")) == 1
    site_texts.handler({**asked, "lift": True}, None)
    clock.shift(3600)
    person.prove("by_second")
    assert len(person.sent("by_second")) == 2


@pytest.mark.parametrize("junk", [7, "x", [{}], [{"phone": "x", "user": "y"}], [{}] * 4])
def test_what_names_no_accounts_is_refused(junk):
    asked = {"action": "stop", "phone": "+12015550123", "word": "AAAAA", "second_of": junk}
    with pytest.raises(ValueError, match="Wanted"):
        site_texts.handler(asked, None)


def test_link_of_the_mail_is_an_answer_where_it_was_asked_for(person, services):
    proof = person.prove("by_mail")
    [(_, body)] = services.mails
    word = re.search(r"/accounts/login/link/[A-Z0-9]{5}/([\w-]{27})/", body)[1]
    assert links.is_word(word)
    assert person.check("by_mail", proof, word[::-1]) is False
    assert person.check("by_mail", proof, word) is True
    assert person.check("by_mail", proof, person.code("by_mail")) is False


def test_link_of_the_mail_shows_its_code_elsewhere_once(person, services):
    person.prove("by_mail")
    word = re.search(r"/([\w-]{27})/", services.mails[0][1])[1]
    asked = {"action": "open_link", "phone": person.phone, "user": person.sub, "word": word}
    assert site_texts.handler(asked, None) == {"code": person.code("by_mail")}
    assert site_texts.handler(asked, None) == {"code": ""}


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "by_mail", "channel": "text"},
        {"purpose": "by_mail"},
        {"purpose": "by_second", "second": "x", "channel": "text"},
        {"purpose": "by_second", "channel": "email"},
        {"purpose": "second_number", "channel": "email"},
    ],
)
def test_another_channel_or_number_is_refused(person, changes):
    asked = {"action": "prove", "phone": person.phone, "user": person.sub, **changes}
    with pytest.raises(ValueError, match="Wanted"):
        site_texts.handler(asked, None)


@every_way
def test_address_number_and_code_are_in_no_log(person, way, capsys, caplog):
    with caplog.at_level("DEBUG"):
        proof = person.prove(way)
        person.check(way, proof, person.code(way))
    written = capsys.readouterr().out
    assert emf.lines(written)
    for secret in (ADDRESS, person.second, person.phone, person.code(way)):
        assert secret not in written


def test_no_number_is_in_the_table(person, table):
    person.prove("by_second")
    assert table.requests
    for asked in table.requests:
        assert person.second.encode() not in asked.body
        assert person.phone.encode() not in asked.body

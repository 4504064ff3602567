"""The code of a sign-in by another channel: on a real table, with the services at the wire."""

import base64
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lambdas.triggers import ledger, pool_accounts, pre_token_generation, senders, site_texts
from tests.codes import wrong
from tests.lambdas import aws, emf
from tests.lambdas.flow import PUBLIC, Flow, as_unknown, drawn, failures, id_of, state, warm_up
from tests.wire import Reply, WireServer, aws_error

pytestmark = pytest.mark.cloud

POOL = "eu-west-1_Example01"
ADDRESS = "ada@example.org"
CHANNELS = ["voice", "whatsapp", "email"]
every_channel = pytest.mark.parametrize("channel", CHANNELS)


def codes_read(ssml: str) -> list[str]:
    """The codes that a call reads."""
    read = re.findall("<prosody[^>]*>(.*?)</prosody>", ssml)
    return [re.sub("<[^>]*>", "", each) for each in read]


class Services:
    """Cognito, and the services of the channels: one server, which knows them by their paths."""

    def __init__(self, server: WireServer) -> None:
        self.server = server
        self.accounts: dict[str, dict[str, str]] = {}
        self.disabled: set[str] = set()
        self.refusal: Reply | None = None
        self.sent: list[tuple[str, str, str]] = []

    def answer(self, request) -> Reply:
        if request.operation == "AdminGetUser":
            return self._account(request.json)
        if self.refusal:
            return self.refusal
        body = request.json
        if request.operation == "SendVoiceMessage":
            first, second = codes_read(body["MessageBody"])
            assert first == second
            self.sent.append(("voice", body["DestinationPhoneNumber"], first))
        elif request.path == "/v1/whatsapp/send":
            content = json.loads(base64.b64decode(body["message"]))
            code = content["template"]["components"][0]["parameters"][0]["text"]
            self.sent.append(("whatsapp", content["to"], code))
        else:
            text = body["Content"]["Simple"]["Body"]["Text"]["Data"]
            [address] = body["Destination"]["ToAddresses"]
            code = re.match("[0-9]+", text)
            self.sent.append(("email", address, code[0] if code else text))
        return Reply({"MessageId": "message-1", "messageId": "message-1"})

    def _account(self, asked: dict) -> Reply:
        assert asked["UserPoolId"] == POOL
        attributes = self.accounts.get(asked["Username"])
        if attributes is None:
            return aws_error("UserNotFoundException", "User does not exist.")
        name = asked["Username"]
        return aws.account_read(name, attributes, is_enabled=name not in self.disabled)


class _Server(WireServer):
    services: Services

    def answer(self, request):
        with self._lock:
            self.requests.append(request)
        return self.services.answer(request)


@pytest.fixture(scope="module")
def _server() -> Iterator[_Server]:
    server = _Server()
    yield server
    server.close()


@pytest.fixture
def services(_server, monkeypatch, flow) -> Services:
    _server.renew()
    _server.services = made = Services(_server)
    for name in ("COGNITO_IDENTITY_PROVIDER", "PINPOINT_SMS_VOICE_V2", "SOCIALMESSAGING", "SESV2"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", _server.url)
    monkeypatch.setenv("USER_POOL_ID", POOL)
    monkeypatch.setenv("VOICE_SENDERS", "end_user_messaging")
    monkeypatch.setenv("VOICE_ORIGINATION_IDENTITY", "+12065550100")
    monkeypatch.setenv("WHATSAPP_NUMBER_ID", "phone-number-id-1")
    monkeypatch.setenv("WHATSAPP_TEMPLATE", "code")
    monkeypatch.setenv("EMAIL_SENDER", "login@example.com")
    made.accounts[flow.sub] = {
        "sub": flow.sub,
        "phone_number": flow.phone,
        "email": ADDRESS,
        "email_verified": "true",
        "locale": "en",
    }
    return made


def send_by(channel: str, flow: Flow, **changes: object) -> dict:
    asked = {"action": "send_by", "channel": channel, "user_name": flow.sub}
    return site_texts.handler(asked | changes, None)


@every_channel
def test_code_is_the_same_by_every_channel_and_works_in_the_flow_that_waits(
    flow, services, clock, channel
):
    started = flow.start()
    clock.shift(31)
    reply = send_by(channel, flow)
    where = ADDRESS if channel == "email" else flow.phone
    assert services.sent == [(channel, where, flow.code())]
    assert reply["delivery"] == "sent"
    assert id_of(reply) == drawn(started).id
    assert flow.answer(started, services.sent[0][2]) is True


def test_sign_in_says_which_channels_there_are(flow, services):
    assert flow.start()[PUBLIC]["channels"] == "voice whatsapp email"


def test_sign_in_without_other_channels_says_none(flow):
    assert flow.start()[PUBLIC]["channels"] == ""


def test_tries_are_three_over_all_channels(flow, services, clock):
    started = flow.start()
    assert flow.answer(started, wrong(flow.code())) is False
    clock.shift(31)
    send_by("voice", flow)
    for _ in range(2):
        assert flow.answer(started, wrong(flow.code())) is False
    assert failures(flow) == 3
    assert flow.answer(started, flow.code()) is False


def test_cooldown_is_one_over_all_channels_and_grows(flow, services, clock):
    flow.start()
    for channel in CHANNELS:
        assert send_by(channel, flow)["delivery"] == "sent"
    assert services.sent == []
    clock.shift(31)
    send_by("voice", flow)
    clock.shift(31)
    send_by("whatsapp", flow)
    assert [channel for channel, *_ in services.sent] == ["voice"]
    clock.shift(30)
    send_by("email", flow)
    assert [channel for channel, *_ in services.sent] == ["voice", "email"]
    assert state(flow).sends_last_hour == 3
    assert len(flow.messages()) == 1


def test_many_at_once_are_one_call(flow, services, clock):
    flow.start()
    clock.shift(31)
    warm_up()
    senders.configured(senders.Channel.VOICE)
    pool_accounts._client()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: send_by("voice", flow), range(8)))
    assert len(services.sent) == 1


@every_channel
@pytest.mark.parametrize("budget", ["SENDS_PER_BLOCK_HOUR", "SENDS_PER_COUNTRY_HOUR"])
def test_every_channel_spends_the_budgets_of_texts(
    flow, services, clock, monkeypatch, channel, budget
):
    monkeypatch.setenv(budget, "1")
    flow.start()
    clock.shift(31)
    assert send_by(channel, flow)["delivery"] == "sent"
    assert services.sent == []


def test_budget_of_the_pool_is_told(flow, services, clock, monkeypatch):
    monkeypatch.setenv("SENDS_PER_POOL_HOUR", "1")
    flow.start()
    clock.shift(31)
    assert send_by("voice", flow)["delivery"] == "over_budget"
    assert services.sent == []


def test_number_that_is_held_is_not_called(flow, services, clock, table):
    flow.start()
    table.write(f"phone#{flow.name}", failures=10, last_failure=int(time.time()))
    clock.shift(31)
    assert send_by("voice", flow)["delivery"] == "not_sent"
    assert services.sent == []


def test_code_that_is_too_old_is_drawn_again_and_works_in_the_flow_that_waits(
    flow, services, clock
):
    started = flow.start()
    clock.shift(250)
    reply = send_by("voice", flow)
    assert id_of(reply) != drawn(started).id
    assert flow.answer(started, services.sent[0][2]) is True


def test_longer_code_of_a_pool_under_attack_works_in_the_flow_that_waits(
    flow, services, clock, monkeypatch
):
    started = flow.start()
    clock.shift(250)
    monkeypatch.setattr(ledger.pool.Pool, "is_under_attack", lambda *_: True)
    reply = send_by("voice", flow)
    assert reply["code_length"] == len(services.sent[0][2]) == 8
    assert flow.answer(started, services.sent[0][2]) is True


def test_browser_that_is_known_has_its_calls_counted_in_its_own_lane(flow, services, clock):
    flow.start()
    send_by("voice", flow, is_known=True)
    [(_, where, code)] = services.sent
    assert where == flow.phone
    assert code != flow.code()
    assert state(flow).sends_last_hour == 1


@every_channel
def test_tokens_say_nothing_of_a_code_that_went_another_way(flow, services, clock, event, channel):
    started = flow.start()
    clock.shift(31)
    send_by(channel, flow)
    assert flow.answer(started, flow.code()) is True
    asked = event("pre_token_generation")
    asked["request"]["userAttributes"] |= {"phone_number": flow.phone, "sub": flow.sub}
    response = pre_token_generation.handler(asked, None)["response"]
    assert response["claimsAndScopeOverrideDetails"] is None


# Strangers


@every_channel
def test_stranger_is_told_what_a_member_is(flow, services, clock, make_phone, channel):
    """The account that is unknown, the one that is disabled, and the one without a mail."""
    others = [flow.other(make_phone()) for _ in range(3)]
    nobody, disabled, without = others
    services.accounts[disabled.sub] = services.accounts[flow.sub] | {"sub": disabled.sub}
    services.disabled.add(disabled.sub)
    services.accounts[without.sub] = {"sub": without.sub, "phone_number": without.phone}

    def asked(who: Flow) -> dict:
        event = who.start_event()
        if who in (nobody, disabled):
            as_unknown(event)
        first = who.start(event)[PUBLIC]
        clock.shift(31)
        second = send_by(channel, who)
        clock.shift(31)
        third = send_by(channel, who)
        shown = [first["delivery"]]
        for reply in (second, third):
            # The clock runs on while this is asked.
            times = (reply[name] for name in ("expires_at", "resend_at", "texted_at"))
            shown += [round((at - int(first["now"])) / 10) for at in times]
            shown += [reply[name] for name in ("delivery", "channels", "code_length")]
            shown.append(reply["reference"] == first["reference"])
        return shown

    told = [asked(who) for who in (flow, *others)]
    assert told == [told[0]] * 4
    reached = {where for _, where, _ in services.sent}
    mine = {ADDRESS} if channel == "email" else {flow.phone, without.phone}
    assert reached == mine


def test_mail_goes_to_no_address_that_cognito_has_not_verified(flow, services, clock):
    services.accounts[flow.sub]["email_verified"] = "false"
    flow.start()
    clock.shift(31)
    assert send_by("email", flow)["delivery"] == "sent"
    assert services.sent == []


def test_site_cannot_say_where_a_code_goes(flow, services, clock, make_phone):
    flow.start()
    clock.shift(31)
    send_by("voice", flow, phone=make_phone(), address="eve@example.net")
    assert [where for _, where, _ in services.sent] == [flow.phone]


# Refusals


@every_channel
def test_channel_that_refuses_says_why_and_another_one_can_be_asked_at_once(
    flow, services, clock, channel
):
    flow.start()
    clock.shift(31)
    services.refusal = aws_error("AccessDeniedException")
    assert send_by(channel, flow)["delivery"] == "misconfigured"
    services.refusal = None
    other = CHANNELS[CHANNELS.index(channel) - 1]
    send_by(other, flow)
    assert [each for each, *_ in services.sent] == [other]


@pytest.mark.parametrize("channel", ["text", "", "pigeon", None, ["voice"]])
def test_channel_that_is_none_is_refused_before_anything_is_counted(flow, services, table, channel):
    table.forget()
    with pytest.raises(ValueError, match="Wanted: a channel"):
        send_by(channel, flow)
    assert table.calls == []


def test_channel_that_is_switched_off_is_refused(flow, services, monkeypatch):
    monkeypatch.setenv("VOICE_SENDERS", "")
    with pytest.raises(ValueError, match=r"Wanted: a channel \(whatsapp, email\)"):
        send_by("voice", flow)


@every_channel
def test_log_has_the_channel_and_neither_code_phone_nor_address(
    flow, services, clock, capsys, channel
):
    flow.start()
    capsys.readouterr()
    clock.shift(31)
    send_by(channel, flow)
    printed = capsys.readouterr().out
    lines = [emf.read(each) for each in printed.splitlines()]
    assert [each["channel"] for each in lines if each["event"] == "text_sent"] == [channel]
    for secret in (flow.code(), flow.phone[1:], ADDRESS):
        assert secret not in printed


# Confirmations


@pytest.mark.parametrize("channel", ["voice", "whatsapp"])
def test_confirmation_comes_by_call_or_whatsapp_too(flow, services, clock, channel):
    asked = {
        "action": "prove",
        "purpose": "confirm",
        "phone": flow.phone,
        "user": flow.sub,
        "language": "en",
    }
    first = site_texts.handler(asked, None)
    assert first["channels"] == "voice whatsapp"
    clock.shift(31)
    again = site_texts.handler(asked | {"channel": channel}, None)
    assert services.sent == [(channel, flow.phone, flow.code())]
    assert id_of(again) == id_of(first)


@pytest.mark.parametrize(("purpose", "channel"), [("confirm", "email"), ("change_number", "voice")])
def test_mail_confirms_no_phone_and_a_new_number_is_texted_alone(flow, services, purpose, channel):
    asked = {"action": "prove", "purpose": purpose, "phone": flow.phone, "user": flow.sub}
    assert site_texts.handler(asked, None)["channels"] in ("", "voice whatsapp")
    with pytest.raises(ValueError, match="Wanted: a channel"):
        site_texts.handler(asked | {"channel": channel}, None)


def test_call_is_in_the_language_of_the_account(flow, services, clock):
    services.accounts[flow.sub]["locale"] = "de"
    flow.start()
    clock.shift(31)
    send_by("voice", flow)
    calls = services.server.requests
    [call] = [each.json for each in calls if each.operation == "SendVoiceMessage"]
    assert call["VoiceId"] == "VICKI"
    assert "Noch einmal" in call["MessageBody"]


def test_cognito_that_fails_sends_and_counts_nothing(flow, services, table, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", "http://127.0.0.1:1")
    table.forget()
    with pytest.raises(Exception, match="again"):
        send_by("voice", flow)
    assert (table.calls, services.sent) == ([], [])


def warn(flow: Flow) -> str:
    asked = {"action": "tell", "message": "recovery_started", "word": "K7F2Q9XM"}
    return site_texts.handler(asked | {"user_name": flow.sub}, None)["delivery"]


def test_recovery_is_told_to_the_verified_address(flow, services):
    assert warn(flow) == "sent"
    [(channel, address, body)] = services.sent
    assert (channel, address) == ("email", ADDRESS)
    assert body.endswith("/stop/K7F2Q9XM")


@pytest.mark.parametrize(
    "changes", [{"email_verified": "false"}, {"email": ""}, {"phone_number": ""}], ids=str
)
def test_recovery_is_told_to_no_address_that_is_not_verified(flow, services, changes):
    services.accounts[flow.sub] |= changes
    assert warn(flow) == "no_address"
    assert services.sent == []


def test_recovery_is_mailed_to_nobody_where_mail_is_off(flow, services, monkeypatch):
    monkeypatch.delenv("EMAIL_SENDER")
    assert warn(flow) == "no_address"
    assert services.server.requests == []

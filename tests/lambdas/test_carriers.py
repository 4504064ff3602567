"""The type of a number: asked of the service at the wire, against the model of its API."""

import time

import botocore.session
import pytest
from botocore.validate import ParamValidator

from lambdas.triggers import carriers, ledger, site_texts
from lambdas.triggers.errors import TryAgainLater
from tests.codes import wrong
from tests.lambdas import emf
from tests.lambdas.flow import in_parallel
from tests.wire import Reply, WireServer, aws_error

pytestmark = pytest.mark.cloud

_SERVICE = botocore.session.get_session().get_service_model("pinpoint-sms-voice-v2")
LOOKUP = _SERVICE.operation_model("CarrierLookup")


def of_type(kind: str) -> Reply:
    return Reply({"E164PhoneNumber": "+12015550123", "PhoneNumberType": kind})


@pytest.fixture
def service(flow, wire: WireServer, monkeypatch):
    monkeypatch.setenv("CARRIER_LOOKUP", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2", wire.url)
    carriers._client.cache_clear()
    wire.will(of_type("VOIP"))
    yield wire
    carriers._client.cache_clear()


def look_up(flow) -> str:
    asked = {"action": "look_up", "phone": flow.phone, "user": flow.sub}
    answer = site_texts.handler(asked, None)
    assert list(answer) == ["type"]
    return answer["type"]


def sign_in(flow) -> None:
    assert flow.answer(flow.start(), flow.code())


def test_types_are_those_of_the_service():
    shape = LOOKUP.output_shape.members["PhoneNumberType"]
    assert set(shape.enum) == carriers._TYPES


def test_number_is_asked_about_once_its_code_was_right_in_the_form_of_the_service(flow, service):
    sign_in(flow)
    assert look_up(flow) == "VOIP"
    [request] = service.requests
    assert request.operation == "CarrierLookup"
    assert request.json == {"PhoneNumber": flow.phone}
    assert not ParamValidator().validate(request.json, LOOKUP.input_shape).has_errors()


def test_number_without_a_right_code_costs_nothing(flow, service, clock):
    assert look_up(flow) == ""
    response = flow.start()
    flow.answer(response, wrong(flow.code()))
    assert look_up(flow) == ""
    assert flow.answer(response, flow.code())
    clock.shift(601)
    assert look_up(flow) == ""
    assert service.requests == []


def test_of_many_questions_after_one_code_one_is_asked(flow, service, clock):
    sign_in(flow)
    carriers._client()
    got = in_parallel(12, lambda _: look_up(flow))
    assert sorted(got) == [""] * 11 + ["VOIP"]
    clock.shift(400)
    sign_in(flow)
    assert look_up(flow) == "VOIP"
    assert len(service.requests) == 2


def test_right_code_in_the_lane_of_known_browsers_counts_too(flow, service, table, clock):
    name = ledger.known_name(flow.phone, flow.sub)
    table.write(f"phone#{name}", used_at=int(time.time() * 1000))
    assert look_up(flow) == "VOIP"


def test_type_of_a_later_version_is_another_one(flow, service):
    service.renew(of_type("SATELLITE"))
    sign_in(flow)
    assert look_up(flow) == "OTHER"


def test_service_that_fails_is_said_and_the_next_code_may_ask_again(flow, service, clock, capsys):
    service.renew(aws_error("ThrottlingException"))
    sign_in(flow)
    with pytest.raises(TryAgainLater):
        look_up(flow)
    [line] = [x for x in emf.lines(capsys.readouterr().out) if x["event"] == "carrier_not_asked"]
    assert line["Reason"] == "throttled"
    service.renew(of_type("MOBILE"))
    clock.shift(400)
    sign_in(flow)
    assert look_up(flow) == "MOBILE"


def test_nobody_is_asked_where_it_is_switched_off(flow, service, monkeypatch):
    monkeypatch.setenv("CARRIER_LOOKUP", "false")
    sign_in(flow)
    with pytest.raises(ValueError, match="CarrierLookup is off"):
        look_up(flow)
    assert service.requests == []


def test_line_of_the_log_has_the_type_and_no_number(flow, service, capsys):
    sign_in(flow)
    capsys.readouterr()
    look_up(flow)
    output = capsys.readouterr().out
    [line] = emf.lines(output)
    assert (line["event"], line["outcome"]) == ("carrier_asked", "VOIP")
    assert flow.phone[1:] not in output

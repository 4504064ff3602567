import dataclasses
import logging

import pytest

from lambdas.triggers.environment import WrongEnvironment
from lambdas.triggers.senders import Reason, aws, end_user_messaging
from tests.lambdas.senders import replies
from tests.wire import Reply, aws_error

SENT = Reply({"MessageId": "message-1"})
REPORTED = Reply({"MessageId": "message-1", "MessageFeedbackStatus": "RECEIVED"})


def asked(service, text):
    service.will(SENT)
    assert end_user_messaging.from_environment().send(text) == "message-1"
    (request,) = service.requests
    assert request.operation == "SendTextMessage"
    return request.json


def plain(text, **more):
    return {
        "DestinationPhoneNumber": text.phone,
        "MessageBody": replies.BODY,
        "MessageType": "TRANSACTIONAL",
        "TimeToLive": 300,
        **more,
    }


def test_plain_text_is_transactional_short_lived_and_nothing_more(service, text):
    assert asked(service, text) == plain(text)


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [(-1, 5), (0, 5), (4, 5), (5, 5), (600, 600), (259_200, 259_200), (259_201, 259_200)],
)
def test_lifetime_is_what_the_service_takes(service, text, lifetime, seconds):
    short = dataclasses.replace(text, lifetime=lifetime)
    assert asked(service, short)["TimeToLive"] == seconds


@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("EUM_ORIGINATION_IDENTITY", "OriginationIdentity", "+12065550100"),
        ("EUM_ORIGINATION_IDENTITY", "OriginationIdentity", "pool-" + "0" * 32),
        # RCS, where a phone knows it.
        ("EUM_ORIGINATION_IDENTITY", "OriginationIdentity", "rcs-" + "0" * 32),
        (
            "EUM_ORIGINATION_IDENTITY",
            "OriginationIdentity",
            "arn:aws:sms-voice:eu-west-1:123456789012:sender-id/Example/GB",
        ),
        ("EUM_CONFIGURATION_SET", "ConfigurationSetName", "sign-in_texts"),
        ("EUM_PROTECT_CONFIGURATION_ID", "ProtectConfigurationId", "protect-0123abcd"),
        ("EUM_MAX_PRICE", "MaxPrice", "0.50"),
        ("EUM_MAX_PRICE", "MaxPrice", ".00001"),
        ("EUM_MAX_PRICE", "MaxPrice", "99.99999"),
    ],
)
def test_option_is_passed_on(service, given, text, name, member, value):
    given(**{name: value})
    assert asked(service, text) == plain(text, **{member: value})


@pytest.mark.parametrize(
    ("value", "more"),
    [("true", {"MessageFeedbackEnabled": True}), ("false", {}), ("", {}), (" ", {})],
)
def test_feedback_is_asked_for_when_wanted(service, given, text, value, more):
    given(EUM_MESSAGE_FEEDBACK=value)
    assert asked(service, text) == plain(text, **more)
    assert end_user_messaging.from_environment().wants_feedback == bool(more)


def test_text_to_india_names_its_registration(service, given, indian_text):
    given(IN_ENTITY_ID="1101", IN_TEMPLATE_ID="1107")
    registered = {"IN_ENTITY_ID": "1101", "IN_TEMPLATE_ID": "1107"}
    assert asked(service, indian_text) == plain(
        indian_text, DestinationCountryParameters=registered
    )


def test_text_elsewhere_names_no_registration(service, given, text):
    given(IN_ENTITY_ID="1101", IN_TEMPLATE_ID="1107")
    assert asked(service, text) == plain(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("EUM_ORIGINATION_IDENTITY", value) for value in ("a b", "a" * 257, "a.b", "ä")],
        *[("EUM_CONFIGURATION_SET", value) for value in ("a b", "a" * 257, "+1")],
        *[("EUM_PROTECT_CONFIGURATION_ID", value) for value in ("a b", "a" * 257, "+1")],
        *[("EUM_MAX_PRICE", value) for value in ("1", "100.0", "0.000001", "0.0", ".", "1,5")],
        *[("EUM_MAX_PRICE", value) for value in ("-1.0", "1.", "\u0660.\u0665", "$0.5")],
        *[("EUM_MESSAGE_FEEDBACK", value) for value in ("yes", "1", "TRUE", "no")],
        ("IN_ENTITY_ID", "11 01"),
    ],
)
def test_variable_out_of_range_is_named(given, name, value):
    given(**{name: value})
    with pytest.raises(WrongEnvironment, match=name):
        end_user_messaging.from_environment()


CONFLICT, QUOTA = "ConflictException", "ServiceQuotaExceededException"
INVALID, DENIED = "ValidationException", "AccessDeniedException"


@pytest.mark.parametrize(
    ("code", "why", "reason"),
    [
        (CONFLICT, "DESTINATION_PHONE_NUMBER_OPTED_OUT", Reason.OPTED_OUT),
        (CONFLICT, "DESTINATION_PHONE_NUMBER_NOT_VERIFIED", Reason.SANDBOX),
        (CONFLICT, "NO_ORIGINATION_IDENTITIES_FOUND", Reason.MISCONFIGURED),
        (
            CONFLICT,
            "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
            Reason.BLOCKED_COUNTRY,
        ),
        (
            CONFLICT,
            "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE",
            Reason.LANDLINE,
        ),
        (QUOTA, "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", Reason.SPEND_LIMIT),
        (QUOTA, "MONTHLY_SPEND_LIMIT_REACHED_FOR_VOICE", Reason.SPEND_LIMIT),
        (QUOTA, "MONTHLY_SPEND_LIMIT_REACHED_FOR_NOTIFY", Reason.SPEND_LIMIT),
        (QUOTA, "MONTHLY_SPEND_LIMIT_REACHED_FOR_RCS", Reason.SPEND_LIMIT),
        (QUOTA, "DAILY_NOTIFY_TIER_MESSAGE_LIMIT", Reason.SPEND_LIMIT),
        (INVALID, "DESTINATION_COUNTRY_BLOCKED", Reason.BLOCKED_COUNTRY),
        (INVALID, "COUNTRY_NOT_ENABLED", Reason.BLOCKED_COUNTRY),
        (INVALID, "INTERNATIONAL_SENDING_NOT_SUPPORTED", Reason.BLOCKED_COUNTRY),
        (INVALID, "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY", Reason.MISCONFIGURED),
        (INVALID, "PRICE_OVER_THRESHOLD", Reason.SPEND_LIMIT),
        (INVALID, "SENDER_ID_NOT_REGISTERED", Reason.MISCONFIGURED),
        (INVALID, "SENDER_ID_NOT_SUPPORTED", Reason.MISCONFIGURED),
        (INVALID, "SENDER_ID_REQUIRES_REGISTRATION", Reason.MISCONFIGURED),
        (DENIED, "INSUFFICIENT_ACCOUNT_REPUTATION", Reason.MISCONFIGURED),
        (DENIED, "ACCOUNT_DISABLED", Reason.MISCONFIGURED),
    ],
)
def test_refusal_with_a_reason_has_ours(refused, code, why, reason):
    error = refused(end_user_messaging.from_environment(), said(code, Reason=why))
    assert (error.reason, error.detail, error.certain) == (reason, f"{code} {why}", True)
    assert end_user_messaging.REASONS[why] == reason


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (CONFLICT, 400, Reason.MISCONFIGURED),
        (QUOTA, 400, Reason.SPEND_LIMIT),
        (INVALID, 400, Reason.MISCONFIGURED),
        (DENIED, 400, Reason.MISCONFIGURED),
        ("ThrottlingException", 400, Reason.THROTTLED),
        ("ResourceNotFoundException", 400, Reason.MISCONFIGURED),
        ("InternalServerException", 500, Reason.PROVIDER_DOWN),
    ],
)
@pytest.mark.parametrize("why", ["", "SOMETHING_NEW"])
def test_refusal_with_no_reason_that_is_known_has_that_of_its_code(
    refused, code, status, reason, why
):
    more = {"Reason": why} if why else {}
    error = refused(end_user_messaging.from_environment(), said(code, status, **more))
    # The model lets only some refusals give one.
    assert error.detail in (code, f"{code} {why}")
    assert (error.reason, error.certain) == (reason, True)
    assert end_user_messaging.REASONS[code] == reason


def test_table_holds_no_refusal_without_a_test():
    (by_reason,) = test_refusal_with_a_reason_has_ours.pytestmark
    tested = {row[1] for row in by_reason.args[1]}
    for mark in test_refusal_with_no_reason_that_is_known_has_that_of_its_code.pytestmark:
        if mark.args[0] != "why":
            tested |= {row[0] for row in mark.args[1]}
    assert tested == set(end_user_messaging.REASONS)


@pytest.mark.parametrize("why", ["CANNOT_PARSE", "INVALID_PARAMETER", "FIELD_VALIDATION_FAILED"])
@pytest.mark.parametrize(
    ("blamed", "reason"),
    [
        (["DestinationPhoneNumber"], Reason.LANDLINE),
        (["MessageBody", "DestinationPhoneNumber"], Reason.LANDLINE),
        (["OriginationIdentity"], Reason.MISCONFIGURED),
        ([], Reason.MISCONFIGURED),
    ],
)
def test_invalid_parameter_is_told_by_the_field(refused, why, blamed, reason):
    fields = [{"Name": name, "Message": replies.PHONE} for name in blamed]
    error = refused(end_user_messaging.from_environment(), said(INVALID, Reason=why, Fields=fields))
    assert (error.reason, error.detail) == (reason, f"{INVALID} {why}")


def said(code: str, status: int = 400, **more) -> Reply:
    return replies.refusal("end_user_messaging", code, status, **more)


def test_receipt_is_reported(service):
    service.will(REPORTED)
    assert end_user_messaging.report_received("message-1") is None
    (request,) = service.requests
    assert request.operation == "PutMessageFeedback"
    assert request.json == {"MessageId": "message-1", "MessageFeedbackStatus": "RECEIVED"}


def test_receipts_share_a_client(service):
    service.will(REPORTED)
    end_user_messaging.report_received("message-1")
    made = end_user_messaging._feedback_client()
    end_user_messaging.report_received("message-2")
    assert end_user_messaging._feedback_client() is made
    assert [request.json["MessageId"] for request in service.requests] == ["message-1", "message-2"]


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (aws_error("ResourceNotFoundException"), "ResourceNotFoundException"),
        (aws_error("InternalServerException", status=500), "InternalServerException"),
        (Reply(drop=True), "ConnectionClosedError"),
        (Reply(b"\xff"), "UnicodeDecodeError"),
    ],
)
def test_receipt_that_cannot_be_reported_is_logged_and_nothing_more(service, caplog, reply, detail):
    service.will(reply)
    end_user_messaging.report_received("message-1")
    assert len(service.requests) == 1
    (record,) = [record for record in caplog.records if record.name.startswith("lambdas")]
    assert (record.levelname, record.detail) == ("WARNING", detail)


def test_receipt_waits_no_longer_than_a_text():
    limits = end_user_messaging._feedback_client().meta.config
    assert limits.connect_timeout + limits.read_timeout <= aws.LONGEST_ATTEMPT


@pytest.mark.parametrize("message_id", [None, 7, "", b"x"])
def test_receipt_of_nothing_is_logged_and_nothing_more(service, caplog, message_id):
    service.will(aws_error("ValidationException"))
    caplog.set_level(logging.WARNING)
    end_user_messaging.report_received(message_id)
    assert "not reported" in caplog.text


def test_receipt_with_a_wrong_region_is_logged_and_nothing_more(service, given, caplog):
    given(SMS_REGION="nowhere")
    end_user_messaging.report_received("message-1")
    assert [record.detail for record in caplog.records] == ["WrongEnvironment"]
    assert service.requests == []

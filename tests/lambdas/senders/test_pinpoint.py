import pytest

from lambdas.triggers.environment import WrongEnvironment
from lambdas.triggers.senders import Reason, pinpoint
from tests.lambdas.senders import replies
from tests.wire import Reply

REGISTERED = {"EntityId": "1101", "TemplateId": "1107"}


def message(service, text):
    service.will(
        replies.pinpoint_result(
            {"DeliveryStatus": "SUCCESSFUL", "StatusCode": 200, "MessageId": "message-1"},
            text.phone,
        )
    )
    assert pinpoint.from_environment().send(text) == "message-1"
    (request,) = service.requests
    assert request.path == f"/v1/apps/{replies.PROJECT_ID}/messages"
    asked = request.json
    sms = asked["MessageConfiguration"].pop("SMSMessage")
    assert asked == {
        "Addresses": {text.phone: {"ChannelType": "SMS"}},
        "MessageConfiguration": {},
    }
    return sms


def plain(**more):
    return {"Body": replies.BODY, "MessageType": "TRANSACTIONAL", **more}


def test_plain_text_is_transactional_and_nothing_more(service, text):
    assert message(service, text) == plain()


@pytest.mark.parametrize(
    ("name", "member", "value"),
    [
        ("PINPOINT_ORIGINATION_NUMBER", "OriginationNumber", "+12065550100"),
        ("PINPOINT_ORIGINATION_NUMBER", "OriginationNumber", "123"),
        ("PINPOINT_ORIGINATION_NUMBER", "OriginationNumber", "1" * 15),
        ("PINPOINT_KEYWORD", "Keyword", "KEYWORD_123456789012"),
        ("PINPOINT_KEYWORD", "Keyword", "K" * 30),
        ("PINPOINT_SENDER_ID", "SenderId", "Example"),
        ("PINPOINT_SENDER_ID", "SenderId", "My-Site-123"),
    ],
)
def test_option_is_passed_on(service, given, text, name, member, value):
    given(**{name: value})
    assert message(service, text) == plain(**{member: value})


def test_text_to_india_names_its_registration(service, given, indian_text):
    given(IN_ENTITY_ID="1101", IN_TEMPLATE_ID="1107")
    assert message(service, indian_text) == plain(**REGISTERED)


def test_text_elsewhere_names_no_registration(service, given, text):
    given(IN_ENTITY_ID="1101", IN_TEMPLATE_ID="1107")
    assert message(service, text) == plain()


@pytest.mark.parametrize("value", ["", " "])
def test_project_missing_is_named(given, value):
    given(PINPOINT_PROJECT_ID=value)
    with pytest.raises(WrongEnvironment, match="PINPOINT_PROJECT_ID is not set"):
        pinpoint.from_environment()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("PINPOINT_PROJECT_ID", value) for value in ("a/b", "a b", "a" * 65, "../x")],
        *[("PINPOINT_ORIGINATION_NUMBER", value) for value in ("12", "1" * 16, "phone", "++123")],
        *[("PINPOINT_KEYWORD", value) for value in ("K" * 31, "two words", "K-1")],
        *[("PINPOINT_SENDER_ID", value) for value in ("ABCDEFGHIJKL", "12345", "My Site")],
        ("IN_ENTITY_ID", "11 01"),
    ],
)
def test_variable_out_of_range_is_named(given, name, value):
    given(**{name: value})
    with pytest.raises(WrongEnvironment, match=name):
        pinpoint.from_environment()


@pytest.mark.parametrize(
    ("status", "reason", "certain"),
    [
        ("OPT_OUT", Reason.OPTED_OUT, True),
        ("THROTTLED", Reason.THROTTLED, True),
        ("TEMPORARY_FAILURE", Reason.PROVIDER_DOWN, True),
        ("PERMANENT_FAILURE", Reason.LANDLINE, True),
        ("UNKNOWN_FAILURE", Reason.PROVIDER_DOWN, False),
        ("TIMEOUT", Reason.PROVIDER_DOWN, False),
        ("SOMETHING_NEW", Reason.PROVIDER_DOWN, False),
        ("successful", Reason.PROVIDER_DOWN, False),
    ],
)
def test_refusal_with_http_200_has_its_reason(refused, status, reason, certain):
    result = {"DeliveryStatus": status, "MessageId": "message-1"}
    error = refused(pinpoint.from_environment(), replies.pinpoint_result(result))
    assert (error.reason, error.detail, error.certain) == (reason, status, certain)
    assert pinpoint.REFUSED.get(status) == (reason if certain else None)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        ("PERMANENT_FAILURE", 400, Reason.LANDLINE),
        ("PERMANENT_FAILURE", 401, Reason.MISCONFIGURED),
        ("PERMANENT_FAILURE", 403, Reason.MISCONFIGURED),
        ("PERMANENT_FAILURE", 404, Reason.MISCONFIGURED),
        ("PERMANENT_FAILURE", 410, Reason.LANDLINE),
        ("OPT_OUT", 403, Reason.OPTED_OUT),
        ("THROTTLED", 429, Reason.THROTTLED),
        ("TEMPORARY_FAILURE", 503, Reason.PROVIDER_DOWN),
    ],
)
def test_refusal_tells_the_status_of_what_lies_behind(refused, status, code, reason):
    result = {"DeliveryStatus": status, "StatusCode": code, "StatusMessage": replies.PHONE}
    error = refused(pinpoint.from_environment(), replies.pinpoint_result(result))
    assert (error.reason, error.detail, error.certain) == (reason, f"{status} {code}", True)


@pytest.mark.parametrize("code", [12015550123, 600, 99, 0, -1, None])
def test_refusal_with_a_status_that_is_none_leaves_it_out(refused, code):
    result = {"DeliveryStatus": "PERMANENT_FAILURE", "StatusCode": code}
    error = refused(pinpoint.from_environment(), replies.pinpoint_result(result))
    assert error.detail == "PERMANENT_FAILURE"


@pytest.mark.parametrize("status", ["SUCCESSFUL", "DUPLICATE"])
@pytest.mark.parametrize(("more", "found"), [({"MessageId": "message-1"}, "message-1"), ({}, "")])
def test_success_is_sent_with_or_without_an_id(service, text, status, more, found):
    service.will(replies.pinpoint_result({"DeliveryStatus": status, **more}))
    assert pinpoint.from_environment().send(text) == found


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("BadRequestException", 400, Reason.MISCONFIGURED),
        ("ForbiddenException", 403, Reason.MISCONFIGURED),
        ("NotFoundException", 404, Reason.MISCONFIGURED),
        ("MethodNotAllowedException", 405, Reason.MISCONFIGURED),
        ("PayloadTooLargeException", 413, Reason.MISCONFIGURED),
        ("TooManyRequestsException", 429, Reason.THROTTLED),
        ("InternalServerErrorException", 500, Reason.PROVIDER_DOWN),
    ],
)
def test_refusal_has_its_reason(refused, code, status, reason):
    reply = Reply({"Message": "It says why"}, status, headers={"x-amzn-errortype": code})
    error = refused(pinpoint.from_environment(), reply)
    assert (error.reason, error.detail, error.certain) == (reason, code, True)
    assert pinpoint.REASONS[code] == reason


def test_table_holds_no_refusal_without_a_test():
    (mark,) = test_refusal_has_its_reason.pytestmark
    assert {row[0] for row in mark.args[1]} == set(pinpoint.REASONS)

import pytest

from lambdas.triggers.environment import WrongEnvironment
from lambdas.triggers.senders import Reason, sns
from tests.lambdas import aws
from tests.lambdas.senders import replies

TRANSACTIONAL = {"AWS.SNS.SMS.SMSType": ("String", "Transactional")}


def attributes(request) -> dict[str, tuple[str, str]]:
    fields, found = aws.published(request), {}
    for number in range(1, 20):
        entry = f"MessageAttributes.entry.{number}"
        if f"{entry}.Name" in fields:
            value = (fields[f"{entry}.Value.DataType"], fields[f"{entry}.Value.StringValue"])
            found[fields[f"{entry}.Name"]] = value
    return found


def asked(service, text):
    service.will(aws.TEXT_SENT)
    assert sns.from_environment().send(text) == "message-1"
    (request,) = service.requests
    return request


def test_plain_text_is_transactional_and_nothing_more(service, text):
    assert aws.published(asked(service, text)) == {
        "Action": "Publish",
        "Version": "2010-03-31",
        "PhoneNumber": replies.PHONE,
        "Message": replies.BODY,
        "MessageAttributes.entry.1.Name": "AWS.SNS.SMS.SMSType",
        "MessageAttributes.entry.1.Value.DataType": "String",
        "MessageAttributes.entry.1.Value.StringValue": "Transactional",
    }


@pytest.mark.parametrize("price", ["0.50", "1", "99", "0.00001", "12.5"])
def test_max_price_is_a_number(service, given, text, price):
    given(SNS_MAX_PRICE=price)
    expected = {**TRANSACTIONAL, "AWS.SNS.SMS.MaxPrice": ("Number", price)}
    assert attributes(asked(service, text)) == expected


@pytest.mark.parametrize("sender_id", ["Example", "A", "ABCDEFGHIJ1", "My-Site"])
def test_sender_id_is_passed_on(service, given, text, sender_id):
    given(SNS_SENDER_ID=sender_id)
    expected = {**TRANSACTIONAL, "AWS.SNS.SMS.SenderID": ("String", sender_id)}
    assert attributes(asked(service, text)) == expected


@pytest.mark.parametrize("number", ["12345", "+12065550100", "12345678901234"])
def test_origination_number_is_passed_on(service, given, text, number):
    given(SNS_ORIGINATION_NUMBER=number)
    expected = {**TRANSACTIONAL, "AWS.MM.SMS.OriginationNumber": ("String", number)}
    assert attributes(asked(service, text)) == expected


def test_text_to_india_names_its_registration(service, given, indian_text):
    given(IN_ENTITY_ID="1101", IN_TEMPLATE_ID="1107")
    assert attributes(asked(service, indian_text)) == {
        **TRANSACTIONAL,
        "AWS.MM.SMS.EntityId": ("String", "1101"),
        "AWS.MM.SMS.TemplateId": ("String", "1107"),
    }


def test_text_elsewhere_names_no_registration(service, given, text):
    given(IN_ENTITY_ID="1101", IN_TEMPLATE_ID="1107")
    assert attributes(asked(service, text)) == TRANSACTIONAL


def test_text_to_india_without_registration_goes_as_it_is(service, indian_text):
    assert attributes(asked(service, indian_text)) == TRANSACTIONAL


def test_blank_variables_are_none(service, given, text):
    given(SNS_MAX_PRICE="", SNS_SENDER_ID=" ", SNS_ORIGINATION_NUMBER="", IN_ENTITY_ID="")
    assert attributes(asked(service, text)) == TRANSACTIONAL


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("SNS_MAX_PRICE", value) for value in ("0", "0.0", "-1", "100", "1,5", ".5", "$1", "1.")],
        *[("SNS_MAX_PRICE", value) for value in ("0.000001", "1e1", "NaN", "\u0665")],
        *[("SNS_SENDER_ID", value) for value in ("ABCDEFGHIJKL", "12345", "My Site", "Ünit")],
        *[("SNS_ORIGINATION_NUMBER", value) for value in ("1234", "1" * 15, "+1 206", "abcde")],
        *[("IN_ENTITY_ID", value) for value in ("1" * 51, "11 01", "a/b")],
        *[("IN_TEMPLATE_ID", value) for value in ("1" * 51, "11 07", "a/b")],
    ],
)
def test_variable_out_of_range_is_named(given, name, value):
    given(**{name: value})
    with pytest.raises(WrongEnvironment, match=name) as raised:
        sns.from_environment()
    assert f" {value} " not in f" {raised.value} "


@pytest.mark.parametrize("name", ["IN_ENTITY_ID", "IN_TEMPLATE_ID"])
def test_half_a_registration_is_none(given, name):
    given(**{name: "1101"})
    with pytest.raises(WrongEnvironment, match="IN_ENTITY_ID and IN_TEMPLATE_ID"):
        sns.from_environment()


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("OptedOut", 400, Reason.OPTED_OUT),
        ("OptedOutException", 400, Reason.OPTED_OUT),
        ("InvalidParameter", 400, Reason.MISCONFIGURED),
        ("ParameterValueInvalid", 400, Reason.MISCONFIGURED),
        ("ValidationException", 400, Reason.MISCONFIGURED),
        ("AuthorizationError", 403, Reason.MISCONFIGURED),
        ("InvalidSecurity", 403, Reason.MISCONFIGURED),
        ("NotFound", 404, Reason.MISCONFIGURED),
        ("InternalError", 500, Reason.PROVIDER_DOWN),
    ],
)
def test_refusal_has_its_reason(refused, code, status, reason):
    error = refused(sns.from_environment(), aws.sns_error(code, "It says why", status))
    assert (error.reason, error.detail, error.certain) == (reason, code, True)
    assert sns.REASONS[code] == reason


def test_table_holds_no_refusal_without_a_test():
    (mark,) = test_refusal_has_its_reason.pytestmark
    assert {row[0] for row in mark.args[1]} == set(sns.REASONS)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Invalid parameter: PhoneNumber Reason: +1201 is not valid to publish to", "landline"),
        ("Invalid parameter: PhoneNumber Reason: does not meet the E164 format", "landline"),
        ("Invalid parameter: PhoneNumber Reason: Phone number is opted out", "opted_out"),
        ("Invalid parameter: AWS.SNS.SMS.SenderID", "misconfigured"),
        ("Invalid parameter: Message too long", "misconfigured"),
        ("", "misconfigured"),
    ],
)
def test_invalid_parameter_is_told_by_its_message(refused, message, reason):
    error = refused(sns.from_environment(), aws.sns_error("InvalidParameter", message))
    assert (error.reason, error.detail, error.certain) == (reason, "InvalidParameter", True)

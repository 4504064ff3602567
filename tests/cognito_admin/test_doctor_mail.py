"""Mail and carriers before the doctor: SES as its API is modelled, settings against the stack."""

import shlex
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from cognito_admin.aws_account import Account
from cognito_admin.doctor import mail, site
from cognito_admin.doctor.context import Context
from cognito_admin.stack import Stack
from tests.cognito_admin import aws_cli
from tests.wire import Reply, Request, WireServer

SES = get_session().get_service_model("sesv2")
PRODUCTION = {"ProductionAccessEnabled": True, "SendingEnabled": True}
VERIFIED, WAITING = {"VerifiedForSendingStatus": True}, {"VerifiedForSendingStatus": False}
SENDS = {"SendingOptions": {"SendingEnabled": True}}
# The older of SES's two APIs answers in XML.
SENT_AGAIN = (
    b"<VerifyEmailIdentityResponse><VerifyEmailIdentityResult/></VerifyEmailIdentityResponse>"
)


class Ses(WireServer):
    """SES: ``account``, identities and configuration sets by their names. It takes any change."""

    def __init__(self) -> None:
        super().__init__()
        self.account: dict[str, Any] = PRODUCTION
        self.identities: dict[str, dict[str, Any]] = {"example.com": VERIFIED}
        self.sets: dict[str, dict[str, Any]] = {"mail": SENDS}

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        if request.method != "GET":
            return Reply({}) if request.path != "/" else Reply(SENT_AGAIN)
        kind, _, name = request.path.removeprefix("/v2/email/").partition("/")
        named = name.replace("%40", "@")
        if kind == "account":
            return modelled("GetAccount", self.account)
        if kind == "identities":
            return modelled("GetEmailIdentity", self.identities.get(named))
        assert kind == "configuration-sets"
        return modelled("GetConfigurationSet", self.sets.get(named))


def modelled(operation: str, reply: dict[str, Any] | None) -> Reply:
    """A reply as the API of SES describes it; None where there is no such thing."""
    model = SES.operation_model(operation)
    if reply is None:
        assert "NotFoundException" in {shape.name for shape in model.error_shapes}
        return Reply({"message": "None"}, 404, {"x-amzn-errortype": "NotFoundException"})
    report = ParamValidator().validate(reply, model.output_shape)
    assert not report.has_errors(), report.generate_report()
    return Reply(reply)


@pytest.fixture
def ses():
    with Ses() as made:
        yield made


def context(endpoint: str | None = None, **parameters: str) -> Context:
    made = Context(Account("us-east-1", endpoint), "local")
    outputs = {"AccountsEmail": "true" if parameters.get("EmailSender") else "false"}
    made.stack = Stack("local", outputs, {"SiteHost": "www.example.com", **parameters}, {}, [])
    return made


def of_mail(ses: Ses, **parameters: str) -> Context:
    sender = {"EmailSender": "Example <login@mail.example.com>", "SmsRegion": "eu-west-1"}
    return context(ses.url, **sender, **parameters)


def the_one(found):
    (finding,) = found
    return finding


def tried(case: Context, repair: str) -> None:
    """Run the first command of a repair as a shell would, in the region that mails leave from."""
    words = shlex.split(repair.partition(";")[0])
    assert words[0] == "aws"
    aws_cli.run(case.texting.client, words[1:])


def test_stack_without_mail_is_well_and_asks_nothing(ses):
    case = context(ses.url)
    assert the_one(mail.mail(case)).level == "ok"
    assert list(mail.mail_sandbox(case)) == []
    assert ses.requests == []


@pytest.mark.parametrize("identity", ["login@mail.example.com", "mail.example.com", "example.com"])
def test_mail_from_an_address_that_is_verified_itself_or_by_its_domain_is_well(ses, identity):
    ses.identities = {"login@mail.example.com": WAITING} | {identity: VERIFIED}
    case = of_mail(ses, EmailConfigurationSet="mail")
    assert the_one(mail.mail(case)).level == "ok"
    assert the_one(mail.mail_sandbox(case)).level == "ok"
    assert all("/eu-west-1/ses/" in each.headers["authorization"] for each in ses.requests)


@pytest.mark.parametrize(
    ("identities", "says", "repair"),
    [
        ({}, "knows neither", "create-email-identity --region eu-west-1 --email-identity mail.ex"),
        ({"example.org": VERIFIED}, "knows neither", "create-email-identity"),
        ({"example.com": WAITING}, "has not verified example.com", "DkimAttributes.Tokens"),
        ({"login@mail.example.com": WAITING}, "has not verified login@", "the link in the mail"),
    ],
)
def test_mail_from_an_address_that_is_not_verified_is_a_danger(ses, identities, says, repair):
    ses.identities = identities
    found = the_one(mail.mail(of_mail(ses)))
    assert (found.level, says in found.text) == ("danger", True)
    assert repair in found.repair


@pytest.mark.parametrize(
    ("account", "says", "repair"),
    [
        ({"SendingEnabled": False}, "mail is paused", "put-account-sending-attributes"),
        (
            {"SendingEnabled": False, "EnforcementStatus": "SHUTDOWN"},
            "AWS has stopped",
            "in the console",
        ),
    ],
)
def test_account_whose_mail_is_stopped_is_a_danger(ses, account, says, repair):
    ses.account = account
    found = the_one(mail.mail(of_mail(ses)))
    assert (found.level, says in found.text) == ("danger", True)
    assert repair in found.repair


def test_sandbox_of_ses_is_a_danger_with_the_request_to_leave_it(ses):
    ses.account = {"ProductionAccessEnabled": False, "SendingEnabled": True}
    case = of_mail(ses)
    found = the_one(mail.mail_sandbox(case))
    assert (found.check, found.level) == ("mail sandbox", "danger")
    tried(case, found.repair)
    asked = ses.requests[-1]
    assert (asked.path, asked.json["WebsiteURL"]) == (
        "/v2/email/account/details",
        "https://www.example.com",
    )
    assert "create-email-identity --region eu-west-1 --email-identity ADDRESS" in found.repair


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        ({}, "no configuration set mail"),
        ({"mail": {"SendingOptions": {"SendingEnabled": False}}}, "is paused"),
    ],
)
def test_configuration_set_that_sends_nothing_is_a_danger(ses, sets, says):
    ses.sets = sets
    case = of_mail(ses, EmailConfigurationSet="mail")
    found = the_one(mail.mail(case))
    assert (found.level, says in found.text) == ("danger", True)
    tried(case, found.repair)


@pytest.mark.parametrize(
    "wrong",
    [
        {"identities": {}},
        {"identities": {"login@mail.example.com": WAITING}},
        {"identities": {"example.com": WAITING}},
        {"account": {"SendingEnabled": False}},
    ],
)
def test_commands_that_repair_mail_are_known_to_aws(ses, wrong):
    for name, value in wrong.items():
        setattr(ses, name, value)
    case = of_mail(ses)
    found = the_one(mail.mail(case))
    ses.requests.clear()
    tried(case, found.repair)
    assert len(ses.requests) == 1


@pytest.mark.parametrize(
    ("sender", "on", "username", "level"),
    [
        ("", False, "phone", "ok"),
        ("login@example.com", True, "phone", "ok"),
        ("", True, "phone", "danger"),
        ("login@example.com", False, "phone", "warning"),
        # Addresses come with the accounts there, and nobody adds one.
        ("login@example.com", False, "attribute", "ok"),
    ],
)
def test_page_for_addresses_goes_with_the_mail_of_the_stack(settings, sender, on, username, level):
    settings.ACCOUNTS_EMAIL = on
    settings.COGNITO_USERNAME = username
    found = the_one(site.addresses(context(EmailSender=sender)))
    assert found.level == level
    assert level == "ok" or f"ACCOUNTS_EMAIL={str(not on).lower()}" in found.repair


@pytest.mark.parametrize(
    ("may_ask", "asks", "level", "repair"),
    [
        ("", False, "ok", ""),
        ("true", True, "ok", ""),
        ("false", True, "danger", 'CarrierLookup = "true"'),
        ("true", False, "warning", "ACCOUNTS_CARRIER_LOOKUP=true"),
    ],
)
def test_site_and_stack_agree_about_carriers(settings, may_ask, asks, level, repair):
    settings.ACCOUNTS_CARRIER_LOOKUP = asks
    settings.TEXTS_FUNCTION = "phone-login-texts-local"
    found = the_one(site.carriers(context(CarrierLookup=may_ask)))
    assert found.level == level
    assert repair in found.repair

"""Texts: ask AWS whether they would arrive (DryRun). Nothing is sent."""

from collections.abc import Iterator
from typing import Any

import phonenumbers
from botocore.exceptions import ClientError
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from cognito_admin.doctor.context import Context, Finding, danger, not_checked, ok, warning

_REQUEST_PRODUCTION = "Request production access, in the console (docs/deploy.md)"
_REGISTER = (
    "aws pinpoint-sms-voice-v2 create-registration --registration-type TYPE, one of those that "
    "aws pinpoint-sms-voice-v2 describe-registration-type-definitions names (docs/deploy.md)"
)
# A number that may text there is toll-free under these, and a long code elsewhere.
_TOLL_FREE = ("US", "CA", "PR")
# The lowest price of a text in any country, in US dollars, rounded down.
_CHEAPEST_TEXT = 0.006
_DAYS = 30
# By the reason of a DryRun: what it means, and the repair.
_REASONS = {
    "NO_ORIGINATION_IDENTITIES_FOUND": (
        "there is no number or sender id to text from",
        (
            "aws pinpoint-sms-voice-v2 request-sender-id --iso-country-code {country} --sender-id "
            "NAME, or request-phone-number where the country takes no sender ids (docs/deploy.md)"
        ),
    ),
    "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": (
        "the number or sender id may not text there",
        (
            "aws pinpoint-sms-voice-v2 request-phone-number --iso-country-code {country} "
            "--message-type TRANSACTIONAL --number-capabilities SMS --number-type {kind}"
        ),
    ),
    "SENDER_ID_NOT_REGISTERED": (
        "the sender id is not registered there",
        _REGISTER,
    ),
    "SENDER_ID_REQUIRES_REGISTRATION": (
        "the country wants the sender id registered",
        _REGISTER,
    ),
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": (
        "a protect configuration blocks the country",
        (
            "aws pinpoint-sms-voice-v2 update-protect-configuration-country-rule-set "
            "--protect-configuration-id {protect} --number-capability SMS "
            """--country-rule-set-updates '{{"{country}":{{"ProtectStatus":"ALLOW"}}}}'"""
        ),
    ),
    "DESTINATION_COUNTRY_BLOCKED": (
        "AWS does not text there from this account",
        "leave {country} out of AllowedCountries",
    ),
    "PRICE_OVER_THRESHOLD": (
        "a text costs more than EumMaxPrice",
        "a higher EumMaxPrice in deploy.toml",
    ),
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": (
        "the month's money is spent",
        "aws pinpoint-sms-voice-v2 set-text-message-spend-limit-override --monthly-limit N",
    ),
}


def sandbox(context: Context) -> Iterator[Finding]:
    """The account may text every number, not only verified ones."""
    if _sends_by(context, "sns"):
        is_inside = context.texting.client("sns").get_sms_sandbox_account_status()["IsInSandbox"]
        yield _sandbox(
            context, is_inside, "SNS", "aws sns create-sms-sandbox-phone-number --phone-number"
        )
    if _sends_by(context, "end_user_messaging"):
        attributes = _texting(context).describe_account_attributes()["AccountAttributes"]
        tier = next((a["Value"] for a in attributes if a["Name"] == "ACCOUNT_TIER"), "")
        yield _sandbox(
            context,
            tier == "SANDBOX",
            "End User Messaging",
            "aws pinpoint-sms-voice-v2 create-verified-destination-number "
            "--destination-phone-number",
        )


def _sandbox(context: Context, is_inside: bool, service: str, verify: str) -> Finding:
    if not is_inside:
        return ok("sandbox", f"{service} texts every number")
    verify = context.in_texting_region(verify)
    return danger(
        "sandbox",
        f"{service} is in the sandbox: it texts verified numbers only",
        f"{_REQUEST_PRODUCTION}; until then for each tester: {verify} +…",
    )


def spend_limit(context: Context) -> Iterator[Finding]:
    """The spend limit of the month covers SendsPerPoolDay."""
    texts = int(context.parameter("SendsPerPoolDay") or 2000) * _DAYS
    wanted = max(1, int(texts * _CHEAPEST_TEXT))
    if _sends_by(context, "sns"):
        reply = context.texting.client("sns").get_sms_attributes(attributes=["MonthlySpendLimit"])
        limit = float(reply["attributes"].get("MonthlySpendLimit") or 1)
        yield _spend_limit(
            "SNS",
            limit,
            wanted,
            texts,
            context.in_texting_region(
                f"aws sns set-sms-attributes --attributes MonthlySpendLimit={wanted}"
            ),
        )
    if _sends_by(context, "end_user_messaging"):
        limits = _texting(context).describe_spend_limits()["SpendLimits"]
        one = next(each for each in limits if each["Name"] == "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT")
        may_be = f" (at most {one['MaxLimit']} until AWS Support raises it)"
        yield _spend_limit(
            "End User Messaging",
            one["EnforcedLimit"],
            wanted,
            texts,
            context.in_texting_region(
                "aws pinpoint-sms-voice-v2 set-text-message-spend-limit-override"
            )
            + f" --monthly-limit {min(wanted, one['MaxLimit'])}"
            + (may_be if one["MaxLimit"] < wanted else ""),
        )


def _spend_limit(service: str, limit: float, wanted: int, texts: int, repair: str) -> Finding:
    if limit >= wanted:
        return ok("spend limit", f"{service} may spend {limit:g} USD a month")
    return warning(
        "spend limit",
        f"{service} stops at {limit:g} USD a month; {texts} texts (SendsPerPoolDay) cost over "
        f"{wanted} USD",
        repair,
    )


def countries(context: Context) -> Iterator[Finding]:
    """Ask for each country whether a text to it would leave."""
    if not (_sends_by(context, "sns") or _sends_by(context, "end_user_messaging")):
        yield not_checked("countries", "Pinpoint cannot be asked without sending")
        return
    good = []
    for country in filter(None, context.parameter("AllowedCountries").split(",")):
        example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
        if example is None:
            yield not_checked("countries", f"{country}: no number is known to ask about")
            continue
        number = phonenumbers.format_number(example, PhoneNumberFormat.E164)
        finding = _would_text(context, country, number)
        if finding:
            yield finding
        else:
            good.append(country)
    if good:
        yield ok("countries", f"texts to {', '.join(good)} would leave")


def india(context: Context) -> Iterator[Finding]:
    """Texts to India carry the registration that its operators ask for."""
    if "IN" not in context.parameter("AllowedCountries").split(","):
        return
    missing = [name for name in ("InEntityId", "InTemplateId") if not context.parameter(name)]
    if missing:
        yield danger(
            "india",
            f"without {' and '.join(missing)} texts to India are dropped",
            context.deploy_with(f'{missing[0]} = "…"'),
        )
    else:
        yield ok("india", "the registration is given")


def _would_text(context: Context, country: str, number: str) -> Finding | None:
    request: dict[str, Any] = {
        "DestinationPhoneNumber": number,
        "MessageBody": "Would this text leave?",
        "MessageType": "TRANSACTIONAL",
        "DryRun": True,
    }
    if _sends_by(context, "end_user_messaging"):
        for name, parameter in {
            "OriginationIdentity": "EumOriginationIdentity",
            "ConfigurationSetName": "EumConfigurationSet",
            "ProtectConfigurationId": "EumProtectConfigurationId",
            "MaxPrice": "EumMaxPrice",
        }.items():
            if value := context.parameter(parameter):
                request[name] = value
    elif number_or_id := context.parameter("SnsOriginationNumber") or context.parameter(
        "SnsSenderId"
    ):
        request["OriginationIdentity"] = number_or_id
    try:
        _texting(context).send_text_message(**request)
    except ClientError as error:
        reason = str(error.response.get("Reason", ""))
        if reason == "DESTINATION_PHONE_NUMBER_NOT_VERIFIED":
            return not_checked("countries", f"{country}: the sandbox hides what would happen")
        if reason not in _REASONS:
            raise
        text, repair = _REASONS[reason]
        protect = context.parameter("EumProtectConfigurationId") or "ID"
        kind = "TOLL_FREE" if country in _TOLL_FREE else "LONG_CODE"
        repair = context.in_texting_region(
            repair.format(country=country, protect=protect, kind=kind)
        )
        return danger("countries", f"{country}: {text}", repair)
    return None


def _sends_by(context: Context, sender: str) -> bool:
    return sender in (context.parameter("SmsSenders") or "sns").split(",")


def _texting(context: Context) -> Any:
    return context.texting.client("pinpoint-sms-voice-v2")


CHECKS = (sandbox, spend_limit, countries, india)

"""What Cognito makes of an update of a pool or client: it resets what is left out."""

from typing import Any

from tests.fakes.cognito_front.messages import Message, read_object, with_body
from tests.fakes.cognito_front.pools import DEFAULT_SESSION_MINUTES, invalid

# What an update resets, unless it says so itself.
DEFAULTS: dict[str, dict[str, Any]] = {
    "UpdateUserPool": {
        "Policies": {"PasswordPolicy": {"MinimumLength": 8, "TemporaryPasswordValidityDays": 7}},
        "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False},
        "MfaConfiguration": "OFF",
        "DeletionProtection": "INACTIVE",
        "AutoVerifiedAttributes": [],
        **dict.fromkeys(("SmsVerificationMessage", "SmsAuthenticationMessage"), ""),
        **dict.fromkeys(("EmailVerificationMessage", "EmailVerificationSubject"), ""),
        **{
            name: {}
            for name in (
                *("LambdaConfig", "VerificationMessageTemplate", "UserAttributeUpdateSettings"),
                *("DeviceConfiguration", "EmailConfiguration", "SmsConfiguration"),
                *("UserPoolTags", "UserPoolAddOns", "AccountRecoverySetting"),
            )
        },
    },
    "UpdateUserPoolClient": {
        "RefreshTokenValidity": 30,
        "AuthSessionValidity": DEFAULT_SESSION_MINUTES,
        "PreventUserExistenceErrors": "LEGACY",
        "EnableTokenRevocation": True,
        "AllowedOAuthFlowsUserPoolClient": False,
        "EnablePropagateAdditionalUserContextData": False,
        "TokenValidityUnits": {},
        "DefaultRedirectURI": "",
        **dict.fromkeys(("AccessTokenValidity", "IdTokenValidity"), None),
        **{
            name: []
            for name in (
                *("ReadAttributes", "WriteAttributes", "ExplicitAuthFlows", "CallbackURLs"),
                *("SupportedIdentityProviders", "LogoutURLs", "AllowedOAuthFlows"),
                "AllowedOAuthScopes",
            )
        },
    },
}


def as_cognito_updates(operation: str, request: Message) -> Message:
    """Return the request with what Cognito makes of all that it leaves out."""
    data = read_object(request.body)
    passwords = data.get("Policies", {}).get("PasswordPolicy", {})
    if "TemporaryPasswordValidityDays" in passwords and "UnusedAccountValidityDays" in data.get(
        "AdminCreateUserConfig", {}
    ):
        raise invalid("Please use TemporaryPasswordValidityDays in PasswordPolicy instead of it")
    if data.get("MfaConfiguration", "OFF") != "OFF" and not data.get("SmsConfiguration"):
        raise invalid("SMS configuration is required when MFA is on for the pool")
    data = {**DEFAULTS[operation], **data}
    if days := passwords.get("TemporaryPasswordValidityDays"):
        # One setting under two names.
        data["AdminCreateUserConfig"] = {
            **data["AdminCreateUserConfig"],
            "UnusedAccountValidityDays": days,
        }
    return with_body(request, data)

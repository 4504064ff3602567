"""PreTokenGeneration (V2_0): say in the tokens how somebody signed in.

    amr                  methods of RFC 8176, such as ["sms"] or ["mfa", "pwd", "sms"]
    sign_in_reference    the reference of the code (K7F-2Q), which finds the lines in the logs

Tokens of our clients are given after a whole plan and after nothing else, so the plan says the
methods. Where the site has proven somebody itself, it says them, signed. A token that was refreshed
says none: nobody knows with which plan it began. That a sign-in has just ended is read from the
ledger, since Cognito's own word for it is the same for one of the two ways to refresh.
"""

import logging
import time
from typing import Any

from . import clients, errors, ledger, plans, statements
from .challenge import Challenge
from .plans import Role

log = logging.getLogger(__name__)

# Not that of a new password, which Cognito may ask for by itself.
_FRESH = "TokenGeneration_Authentication"
# Seconds. The steps after the code take no longer: a session of Cognito lives as long.
_JUST_NOW = 15 * 60
# The name of the site's word in ClientMetadata.
_STATED = "methods"


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return Cognito's event, with claims for the tokens of a sign-in that has just ended.

    Fails without claims: a backend that demands them refuses, and everybody else can go on.
    """
    try:
        with errors.hiding_aws_errors():
            claims = _claims(event)
    except Exception as error:
        log.error("Tokens say nothing: %s", type(error).__name__)  # noqa: TRY400 - may quote claims
        claims = {}
    if claims:
        added = {"claimsToAddOrOverride": claims}
        event["response"] = {
            "claimsAndScopeOverrideDetails": {
                "idTokenGeneration": added,
                "accessTokenGeneration": dict(added),
            }
        }
    return event


def _claims(event: dict[str, Any]) -> dict[str, Any]:
    if event.get("triggerSource") != _FRESH:
        return {}
    role = clients.allowed.roles().get(event["callerContext"].get("clientId"))
    if role is None:
        return {}
    attributes = event["request"]["userAttributes"]
    if role is Role.SITE:
        stated = (event["request"].get("clientMetadata") or {}).get(_STATED)
        sub, now = attributes.get("sub", ""), time.time()
        methods = statements.methods_in(stated, pool=event["userPoolId"], sub=sub, now=now)
        return {"amr": methods} if methods else {}
    phone = attributes.get("phone_number")
    used = _code_just_used(phone, role, attributes.get("sub", "")) if phone else None
    methods = plans.methods(plans.of_user(plans.of_client(role)[1], attributes))
    if used is None or not methods:
        return {}
    return {"amr": methods, "sign_in_reference": used.reference}


def _code_just_used(phone: str, role: plans.Role, sub: str) -> Challenge | None:
    is_known = role is plans.Role.KNOWN
    name = ledger.known_name(phone, sub) if is_known else ledger.phone_name(phone)
    used = ledger.configured().last_used(name)
    return used[0] if used and time.time() - used[1] < _JUST_NOW else None

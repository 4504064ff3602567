"""Second factors of Cognito's own: the rounds after Define has granted tokens.

The emulator holds who has which factor, and the secrets of authenticator apps. It texts and mails
no second code, so those are drawn here: ``sent`` holds them.
"""

import base64
import hmac
import json
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes.cognito_front.pools import Pools, Refusal, invalid
from tests.fakes.cognito_front.triggers import Flow

SMS, EMAIL, APP = "SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA"
CHOICE, SETUP = "SELECT_MFA_TYPE", "MFA_SETUP"
ROUNDS = (SMS, EMAIL, APP, CHOICE, SETUP)
_ANSWERS = {SMS: "SMS_MFA_CODE", EMAIL: "EMAIL_OTP_CODE", APP: "SOFTWARE_TOKEN_MFA_CODE"}
_CODE_SECONDS = 180
# Tests move it.
now = time.monotonic


@dataclass(frozen=True)
class Sent:
    """A code that the pool itself texted or mailed."""

    factor: str
    to: str
    code: str


class Factors:
    """``api`` is a client of the emulator with every right.

    ``follow_ours`` says whether they are asked for after CUSTOM_CHALLENGE as well, which AWS's
    guide and its support tell differently.
    """

    def __init__(self, api: Any, pools: Pools, *, follow_ours: bool = True) -> None:
        self._api = api
        self._pools = pools
        self.follow_ours = follow_ours
        self.sent: list[Sent] = []
        self._used: set[tuple[str, str]] = set()
        self._mailed: set[str] = set()

    def prefer(self, data: dict[str, Any]) -> None:
        """Note what the emulator does not: who gets codes by e-mail."""
        change = data.get("EmailMfaSettings")
        if change is not None:
            act = self._mailed.add if change.get("Enabled") else self._mailed.discard
            act(str(data.get("Username")))

    def wanted(self, flow: Flow) -> str:
        """Return the round that comes before the tokens, "" where none does."""
        pool = self._api.get_user_pool_mfa_config(UserPoolId=flow.client["UserPoolId"])
        mode = pool.get("MfaConfiguration", "OFF")
        if mode == "OFF" or not self.follow_ours:
            return ""
        enabled, preferred = self._of_user(flow)
        if preferred:
            return preferred
        if len(enabled) > 1:
            return CHOICE
        if enabled:
            return enabled[0]
        return SETUP if mode == "ON" else ""

    def ask(self, flow: Flow, name: str) -> tuple[Flow, dict[str, str]]:
        """Return the flow and the public parameters of a round."""
        named = {"USER_ID_FOR_SRP": flow.user.username}
        if name == CHOICE:
            enabled, _ = self._of_user(flow)
            return flow, named | {"MFAS_CAN_CHOOSE": json.dumps(enabled)}
        if name == SETUP:
            return flow, named | {"MFAS_CAN_SETUP": json.dumps([APP])}
        if name == APP:
            return flow, named | {"FRIENDLY_DEVICE_NAME": "app"}
        code = f"{secrets.randbelow(10**6):06d}"
        to = flow.user.attributes["phone_number" if name == SMS else "email"]
        self.sent.append(Sent(name, to, code))
        delivered = {
            "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS" if name == SMS else "EMAIL",
            "CODE_DELIVERY_DESTINATION": _masked(to),
        }
        flow = replace(flow, factor_code=code, factor_until=now() + _CODE_SECONDS)
        return flow, named | delivered

    def choose(self, flow: Flow, responses: dict[str, Any]) -> str:
        """Return the factor that was chosen. Raises Refusal."""
        enabled, _ = self._of_user(flow)
        if responses.get("ANSWER") not in enabled:
            raise invalid("Invalid answer for SELECT_MFA_TYPE")
        return str(responses["ANSWER"])

    def check(self, flow: Flow, responses: dict[str, Any]) -> None:
        """Raise Refusal where an answer is not right. The Session of a wrong one serves again."""
        if flow.awaits == SETUP:
            if not flow.has_set_up:
                raise invalid("Software token MFA is not set up for the user")
            return
        code = responses.get(_ANSWERS[flow.awaits])
        if not (code and isinstance(code, str)):
            raise invalid(f"Missing required parameter {_ANSWERS[flow.awaits]}")
        if flow.awaits == APP:
            self._check_app(flow, code)
            return
        if now() >= flow.factor_until:
            raise Refusal(
                "Invalid code provided, please request a code again.", code="ExpiredCodeException"
            )
        if not hmac.compare_digest(code, flow.factor_code):
            raise Refusal("Invalid code or auth state for the user.", code="CodeMismatchException")

    def _check_app(self, flow: Flow, code: str) -> None:
        used = (flow.user.username, code)
        if used in self._used:
            raise Refusal(
                "Your software token has already been used once.", code="ExpiredCodeException"
            )
        self._pools.tokens(
            flow.client, flow.user.username, {}, challenge=APP, answers={_ANSWERS[APP]: code}
        )
        self._used.add(used)

    def begin_setup(self, flow: Flow) -> tuple[Flow, str]:
        """Return the flow and the secret of an authenticator app."""
        tokens = self._pools.tokens(flow.client, flow.user.username, {})
        reply = self._api.associate_software_token(AccessToken=tokens["AccessToken"])
        return replace(flow, setup_token=tokens["AccessToken"]), reply["SecretCode"]

    def end_setup(self, flow: Flow, code: Any) -> Flow:
        """Return the flow in which MFA_SETUP may be answered. Raises Refusal."""
        if not flow.setup_token:
            raise invalid("No software token was associated in this session")
        try:
            self._api.verify_software_token(AccessToken=flow.setup_token, UserCode=str(code))
        except ClientError as error:
            details = error.response["Error"]
            raise Refusal(details["Message"], code=details["Code"]) from error
        return replace(flow, has_set_up=True)

    def _of_user(self, flow: Flow) -> tuple[list[str], str]:
        found = self._api.admin_get_user(
            UserPoolId=flow.client["UserPoolId"], Username=flow.user.username
        )
        mailed = [EMAIL] if flow.user.username in self._mailed else []
        enabled = [*(found.get("UserMFASettingList") or []), *mailed]
        return enabled, found.get("PreferredMfaSetting") or ""


def code_of(secret: str, *, later: int = 0) -> str:
    """Return what an authenticator app shows now, or so many half minutes later (RFC 6238)."""
    step = int(time.time()) // 30 + later
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return str(int.from_bytes(digest[start : start + 4], "big") % 2**31)[-6:].zfill(6)


def _masked(to: str) -> str:
    return f"{to[0]}{'*' * 7}{to[-4:]}"

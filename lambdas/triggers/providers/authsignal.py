"""Authsignal, by its server API: https://docs.authsignal.com/api-reference/server-api/overview.

Variables, besides those of the package:

    PROVIDER_ACTION      the action's code in the portal, up to 64 letters, digits, _ and -
    PROVIDER_METHODS     the methods that are believed, with commas: SMS, PASSKEY …
    PROVIDER_RETURN_URL  where its page leads back to; /accounts/login/return/ of the site
"""

import base64
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from .. import environment, http_json, keys
from ..senders import Reason
from .contract import ProviderError, Question

_STATES = {
    "ALLOW",
    "BLOCK",
    "CHALLENGE_REQUIRED",
    "CHALLENGE_FAILED",
    "CHALLENGE_SUCCEEDED",
    "REVIEW_REQUIRED",
    "REVIEW_FAILED",
    "REVIEW_SUCCEEDED",
}
# It says so of a token that it did not make, or that is too old.
_UNKNOWN_TOKEN = {400, 404, 422}
_LONGEST = 20_000
# It stands between spaces in the metadata of a challenge.
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
# Codes to a phone: they prove the number that they went to, and no other.
_TO_A_PHONE = {"SMS", "WHATSAPP"}


@dataclass(frozen=True)
class Options:
    """The variables above and the address of the API, without a slash at its end."""

    url: str
    action: str
    methods: frozenset[str]
    return_url: str


class Authsignal:
    """``api_key`` is the secret key of the tenant's server API."""

    def __init__(self, api_key: str, options: Options) -> None:
        basic = base64.b64encode(f"{api_key}:".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}"}
        self._options = options

    def ask(
        self, *, user: str, phone: str, key: str, attempt: str, within: float
    ) -> Question | None:
        """See ``contract.Provider``."""
        action = quote(self._options.action, safe="")
        body = {
            "idempotencyKey": key,
            "phoneNumber": phone,
            "redirectUrl": f"{self._options.return_url}?{urlencode({'attempt': attempt})}",
        }
        path = f"/users/{quote(user, safe='')}/actions/{action}"
        reply = _dict(self._call("POST", path, body, within))
        if reply.get("state") not in _STATES:
            raise _unreadable("NoState")
        if reply["state"] == "BLOCK":
            return None
        return Question(
            key=_key(reply),
            url=_text(reply, "url"),
            token=_text(reply, "token"),
            is_enrolled=reply.get("isEnrolled") is True,
        )

    def confirms(self, token: str, *, user: str, phone: str, key: str, within: float) -> bool:
        """See ``contract.Provider``. A code is believed only where it went to ``phone``."""
        deadline = time.monotonic() + within
        action = self._options.action
        body = {"token": token, "userId": user, "action": action}
        reply = self._call("POST", "/validate", body, within, refusals=_UNKNOWN_TOKEN)
        if reply is None:
            return False
        found = _dict(reply)
        # Its documentation calls the action by one name, and its libraries read the other.
        actions = {found[name] for name in ("action", "actionCode") if name in found}
        method = found.get("verificationMethod")
        is_ours = (
            found.get("isValid") is True
            and found.get("state") == "CHALLENGE_SUCCEEDED"
            and found.get("userId") == user
            and actions == {action}
            and found.get("idempotencyKey") == key
            and method in self._options.methods
        )
        if not is_ours or method not in _TO_A_PHONE:
            return is_ours
        return self._codes_go_to(phone, user, within=deadline - time.monotonic())

    def _codes_go_to(self, phone: str, user: str, *, within: float) -> bool:
        """Tell whether this is the one number to which the provider sends this person's codes.

        People who have enrolled nothing may be let enroll another number on the provider's page.
        """
        found = self._call("GET", f"/users/{quote(user, safe='')}/authenticators", None, within)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise _unreadable("NoList")
        numbers = {
            str(each.get("phoneNumber"))
            for each in found
            if each.get("verificationMethod") in _TO_A_PHONE
        }
        return numbers == {phone}

    def _call(
        self,
        method: str,
        path: str,
        body: Any,
        within: float,
        *,
        refusals: set[int] | frozenset[int] = frozenset(),
    ) -> Any:
        """Return the JSON of a good reply, None for a status that is one of ``refusals``."""
        try:
            reply = http_json.call(
                method, self._options.url + path, body, headers=self._headers, within=within
            )
        except http_json.NoReplyError as error:
            raise ProviderError(Reason.PROVIDER_DOWN, str(error)) from None
        if reply.status == 200:
            if reply.body is None:
                raise _unreadable("Empty")
            return reply.body
        if reply.status in refusals:
            return None
        if reply.status == 429:
            raise ProviderError(Reason.THROTTLED, "HTTP 429")
        reason = Reason.PROVIDER_DOWN if reply.status >= 500 else Reason.MISCONFIGURED
        raise ProviderError(reason, f"HTTP {reply.status}")


def from_environment() -> Authsignal:
    """Return the provider of the variables. Raises WrongEnvironment and botocore's errors."""
    text = environment.text
    methods = environment.matching(
        "PROVIDER_METHODS", r"[A-Z_]+(,[A-Z_]+)*", hint="methods such as SMS,PASSKEY"
    )
    action = environment.matching(
        "PROVIDER_ACTION", r"[A-Za-z0-9_-]{1,64}", hint="up to 64 letters, digits, _ and -"
    )
    # Of Verify's own variables there is no host: it asks for nothing that leads back.
    host = environment.matching("SITE_HOST", r"\S+", hint="a host") or "localhost"
    options = Options(
        url=text("PROVIDER_URL").rstrip("/"),
        action=action or "signIn",
        methods=frozenset((methods or "SMS").split(",")),
        return_url=text("PROVIDER_RETURN_URL", f"https://{host}/accounts/login/return/"),
    )
    return Authsignal(keys.read_secret("PROVIDER_SECRET_ID"), options)


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unreadable("NoObject")
    return value


def _text(reply: dict[str, Any], name: str) -> str:
    value = reply.get(name)
    if not (isinstance(value, str) and 0 < len(value) <= _LONGEST):
        raise _unreadable(f"No {name}")
    return value


def _key(reply: dict[str, Any]) -> str:
    key = _text(reply, "idempotencyKey")
    if not _KEY.fullmatch(key):
        raise _unreadable("No idempotencyKey")
    return key


def _unreadable(detail: str) -> ProviderError:
    return ProviderError(Reason.PROVIDER_DOWN, detail)

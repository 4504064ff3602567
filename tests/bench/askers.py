"""Ways to ask for a code and to type a wrong one: on a site, and straight at Cognito.

Each returns the seconds of its steps, and all that the answers told, without what is drawn by
chance.
"""

import base64
import hashlib
import hmac
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests
from botocore.exceptions import BotoCoreError, ClientError

from tests.alike import told
from tests.site import Browser, Site

LOGIN, CODE = "/accounts/login/", "/accounts/login/code/"
NUMBER, PAGE, WRONG = "number", "its page", "wrong code"
_networks = itertools.count()


@dataclass
class Asked:
    """``steps`` are seconds by step; ``told`` is in a form that can be compared."""

    steps: dict[str, float] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


class Busy(Exception):
    """The machine was too busy for a trigger's five seconds, or an answer was lost."""


class Way(Protocol):
    title: str
    sign_up: str

    def ask(self, phone: str) -> Asked: ...


class OnSite:
    """A browser on a site, each time a new one, from a network of its own."""

    def __init__(self, site: Site, *, sign_up: str) -> None:
        self.title = f"on the site, sign-up {sign_up}"
        self.sign_up = sign_up
        self._site = site

    def ask(self, phone: str) -> Asked:
        number = next(_networks)
        browser = Browser(
            self._site, address=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        )
        browser.get(LOGIN)
        found = Asked()
        for step, send in (
            (NUMBER, lambda: browser.post(LOGIN, phone=phone)),
            (PAGE, lambda: browser.get(CODE)),
            (WRONG, lambda: browser.post(CODE, code="000000")),
        ):
            began = time.perf_counter()
            try:
                answer: requests.Response = send()
            except requests.RequestException as error:
                raise Busy from error
            found.steps[step] = time.perf_counter() - began
            if answer.status_code == 503:
                raise Busy
            if step == NUMBER and answer.status_code != 302:
                # A number that is no number takes no time, and would hide all differences.
                raise RuntimeError(f"The site did not take a number: {answer.status_code}")
            cookies = [_cookie(each) for each in answer.raw.headers.getlist("Set-Cookie")]
            found.told.append(
                json.dumps(told(answer.status_code, answer.headers, cookies, answer.text))
            )
        return found


class AtCognito:
    """Somebody who has the secret of the site's app client, and calls Cognito without the site.

    Nobody signs up there: the pool lets nobody.
    """

    title, sign_up = "straight at Cognito", "closed"

    def __init__(self, api: Any, *, client_id: str, client_secret: str) -> None:
        self._api = api
        self._id, self._secret = client_id, client_secret

    def ask(self, phone: str) -> Asked:
        found = Asked()
        began = time.perf_counter()
        reply = self._call(
            found,
            NUMBER,
            "initiate_auth",
            AuthFlow="CUSTOM_AUTH",
            AuthParameters=self._named(phone),
        )
        if reply:
            self._call(
                found,
                WRONG,
                "respond_to_auth_challenge",
                ChallengeName=reply["ChallengeName"],
                Session=reply["Session"],
                ChallengeResponses={
                    **self._named(reply["ChallengeParameters"]["USERNAME"]),
                    "ANSWER": "000000",
                },
            )
        assert time.perf_counter() > began
        return found

    def _call(self, found: Asked, step: str, operation: str, **parameters: Any) -> Any:
        began = time.perf_counter()
        try:
            reply = getattr(self._api, operation)(ClientId=self._id, **parameters)
        except BotoCoreError as error:
            raise Busy from error
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotAuthorizedException":
                raise Busy from error
            found.steps[step] = time.perf_counter() - began
            found.told.append(str(error))
            return None
        found.steps[step] = time.perf_counter() - began
        found.told.append(_shape(reply))
        return reply

    def _named(self, name: str) -> dict[str, str]:
        digest = hmac.digest(self._secret.encode(), (name + self._id).encode(), hashlib.sha256)
        return {"USERNAME": name, "SECRET_HASH": base64.b64encode(digest).decode()}


def _cookie(header: str) -> tuple[str, int, object]:
    """Return a cookie without its value, and without when it ends, which Max-Age says as well."""
    first, _, rest = header.partition(";")
    name, _, value = first.partition("=")
    kept = sorted(each.strip() for each in rest.split(";") if "expires=" not in each.lower())
    return name, len(value), kept


def _shape(reply: Any) -> str:
    """Return a reply without what is drawn by chance; times in tens of seconds from its own."""
    shown = dict(reply["ChallengeParameters"])
    for name in ("USERNAME", "reference", "challenge"):
        if name in shown:
            shown[name] = len(shown[name])
    now = int(shown.pop("now"))
    for name in ("expiresAt", "resendAt", "textedAt"):
        if shown.get(name):
            shown[name] = round((int(shown[name]) - now) / 10)
    headers = sorted(reply["ResponseMetadata"]["HTTPHeaders"])
    return json.dumps(
        [reply["ChallengeName"], len(reply["Session"]), sorted(shown.items()), headers]
    )

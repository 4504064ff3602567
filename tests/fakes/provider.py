"""A provider at the wire: Authsignal's server API, its page and its browser client.

Made from https://docs.authsignal.com (track action, validate challenge, the pre-built UI) and from
the types of its published libraries. It was never compared with the service itself.
"""

import base64
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.wire import Reply, Request, WireServer

SECRET_KEY = "a-secret-of-the-tests"
ACTION = "signIn"

_PAGE = """<!doctype html><html lang="en"><title>Provider</title><h1>Is it you?</h1>
<p><a href="/confirm?{query}">It is me</a></p><p><a href="/cancel?{query}">Cancel</a></p>"""
_CLOSING = """<!doctype html><title>Provider</title><script>
opener.postMessage(JSON.stringify({{event: "AUTHSIGNAL_CLOSE_POPUP", token: {token}}}), "*");
</script>"""
# The part of the published interface that a page needs, written here.
_CLIENT = """
var authsignal = {
  Authsignal: class {
    constructor({tenantId}) {
      if (!tenantId) throw new Error("tenantId is required");
    }
    launch(url, {mode}) {
      if (mode !== "window") throw new Error(mode);
      const opened = open(`${url}&mode=popup`, "", "width=400,height=500");
      return new Promise((resolve) => {
        addEventListener("message", (event) => {
          if (event.origin !== new URL(url).origin) return;
          opened.close();
          resolve({token: JSON.parse(event.data).token});
        });
      });
    }
  },
};
"""


@dataclass
class Action:
    """An action that was tracked."""

    user: str
    code: str
    key: str
    return_url: str
    state: str = "CHALLENGE_REQUIRED"
    method: str = "SMS"


@dataclass
class Person:
    """Somebody whom the provider knows."""

    phone: str
    enrolled: dict[str, str] = field(default_factory=dict)


class ProviderServer(WireServer):
    """``faults`` are replies in place of its own, by the start of a path.

    ``texts`` has the numbers that it texted; it does so when its page is opened. ``blocked`` are
    users whom its rules block. ``expired`` tokens are no longer known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.forget()

    def forget(self) -> None:
        """Begin as if nothing had been asked."""
        self.renew()
        self.actions: dict[str, Action] = {}
        self.people: dict[str, Person] = {}
        self.tokens: dict[str, Action] = {}
        self.faults: dict[str, Reply] = {}
        self.texts: list[str] = []
        self.blocked: set[str] = set()
        self.key_of_its_own = False

    def asked(self, part: str) -> list[Request]:
        """Return the requests whose path has ``part``."""
        return [request for request in self.requests if part in request.path]

    def newest(self) -> Action:
        """Return the action that was tracked last."""
        return list(self.actions.values())[-1]

    def confirm(self, action: Action | None = None, *, method: str = "SMS") -> str:
        """Answer a question as its person does, and return the validation token."""
        action = action or self.newest()
        action.state, action.method = "CHALLENGE_SUCCEEDED", method
        person = self.people[action.user]
        person.enrolled.setdefault(method, person.phone)
        return self.token(action)

    def token(self, action: Action) -> str:
        """Return a token of an action, in whatever state that is."""
        claims = {"iat": 1700000000, "other": {"userId": action.user}}
        parts = [{"alg": "HS256", "typ": "JWT"}, claims]
        words = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in parts]
        token = ".".join([*(word.rstrip("=") for word in words), secrets.token_urlsafe(32)])
        self.tokens[token] = action
        return token

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
        path, query = urlsplit(request.path).path, parse_qs(urlsplit(request.path).query)
        for start, fault in self.faults.items():
            if path.startswith(start):
                return fault
        if path.startswith("/v1/"):
            return self._api(request, path.removeprefix("/v1"))
        return self._page(path, {name: values[0] for name, values in query.items()})

    def _api(self, request: Request, path: str) -> Reply:
        basic = base64.b64encode(f"{SECRET_KEY}:".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return Reply({"error": "unauthorized"}, 401)
        if found := re.fullmatch(r"/users/([^/]+)/actions/([A-Za-z0-9_-]{1,64})", path):
            return self._track(found[1], found[2], request.json)
        if found := re.fullmatch(r"/users/([^/]+)/authenticators", path):
            return self._authenticators(found[1])
        if path == "/validate":
            return self._validate(request.json)
        return Reply({"error": "not_found"}, 404)

    def _track(self, user: str, code: str, body: dict[str, Any]) -> Reply:
        person = self.people.setdefault(user, Person(body["phoneNumber"]))
        key = body.get("idempotencyKey") or secrets.token_hex(16)
        if self.key_of_its_own:
            key = f"its-own-{key}"
        action = self.actions.setdefault(key, Action(user, code, key, body["redirectUrl"]))
        token = self.token(action)
        return Reply(
            {
                "state": "BLOCK" if user in self.blocked else "CHALLENGE_REQUIRED",
                "idempotencyKey": key,
                "url": f"{self.url}/page?token={token}",
                "token": token,
                "isEnrolled": bool(person.enrolled),
            }
        )

    def _authenticators(self, user: str) -> Reply:
        return Reply(
            [
                {"userAuthenticatorId": method, "verificationMethod": method, "phoneNumber": phone}
                for method, phone in self.people[user].enrolled.items()
            ]
        )

    def _validate(self, body: dict[str, Any]) -> Reply:
        action = self.tokens.get(body["token"])
        if action is None:
            return Reply({"error": "invalid_token"}, 400)
        is_theirs = body["userId"] == action.user and body["action"] == action.code
        return Reply(
            {
                "isValid": is_theirs and action.state == "CHALLENGE_SUCCEEDED",
                "state": action.state,
                "userId": action.user,
                "actionCode": action.code,
                "idempotencyKey": action.key,
                "verificationMethod": action.method,
            }
        )

    def _page(self, path: str, query: dict[str, str]) -> Reply:
        html = {"content-type": "text/html"}
        if path == "/client.js":
            return Reply(
                _CLIENT.encode(),
                headers={"content-type": "text/javascript", "access-control-allow-origin": "*"},
            )
        action = self.tokens.get(query.get("token", ""))
        if action is None:
            return Reply(b"<h1>This link is too old</h1>", 404, html)
        if path == "/page":
            self.texts.append(self.people[action.user].phone)
            return Reply(_PAGE.format(query=urlencode(query)).encode(), headers=html)
        token = self.confirm(action) if path == "/confirm" else self.token(action)
        if query.get("mode") == "popup":
            return Reply(_CLOSING.format(token=json.dumps(token)).encode(), headers=html)
        joined = "&" if "?" in action.return_url else "?"
        return Reply(
            b"", 302, {"location": f"{action.return_url}{joined}{urlencode({'token': token})}"}
        )

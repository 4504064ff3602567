"""A user pool at the wire: its users, their groups, and the functions of the stack."""

import dataclasses
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.wire import Reply, Request, WireServer, aws_error

OUTAGE = aws_error("InternalErrorException", "Something went wrong", 500)
THROTTLED = aws_error("TooManyRequestsException", "Rate exceeded")
DAY = 24 * 60 * 60
# As the function of the ledger tells of a number that nobody asked about.
NOTHING_HELD = {
    "failures": 0,
    "held_until": 0,
    "is_locked": False,
    "sends_last_hour": 0,
    "sends_last_day": 0,
}

# Operations on a user that leave nothing for a test to look at but the call.
_TAKEN = (
    "AdminAddUserToGroup",
    "AdminConfirmSignUp",
    "AdminRemoveUserFromGroup",
    "AdminSetUserPassword",
    "AdminUserGlobalSignOut",
)


class Refusal(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.reply = aws_error(code, message)


class UserPool(WireServer):
    """Users by sub, their groups, and functions by the action that they are asked for.

    ``faults`` are replies that take the place of the right one, by operation or action; "" is any
    function. A list of them is used up. ``delays`` are seconds, by operation. ``held`` is what the
    ledger holds, and ``stop_words`` those of the newest texts, by phone. ``unlisted`` are subs that
    ListUsers leaves out. ``generation`` is a part of every pagination token: a new one makes the
    old ones too old. With ``everybody`` each sub that is asked about is a user.
    """

    def __init__(self) -> None:
        super().__init__()
        self.everybody = False
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, list[str]] = {}
        self.held: defaultdict[str, dict[str, Any]] = defaultdict(NOTHING_HELD.copy)
        self.functions: dict[str, Callable[[dict[str, Any]], Any]] = {
            "show": lambda asked: self.held[asked["phone"]],
            "unlock": lambda asked: self.held[asked["phone"]],
            "tell": lambda _: {"delivery": "sent"},
            "stop": self._stop,
        }
        self.stop_words: dict[str, str] = {}
        self.unlisted: set[str] = set()
        self.faults: dict[str, Reply | list[Reply]] = {}
        self.delays: dict[str, float] = {}
        self.generation = 0
        self._lost: set[str] = set()

    def connect(self, settings: Any) -> None:
        """Let the site of this process take this for AWS."""
        settings.AWS_ENDPOINT_URL = self.url

    # What a test prepares

    def add(
        self,
        sub: str,
        phone: str | None,
        *,
        verified: bool = True,
        status: str = "FORCE_CHANGE_PASSWORD",
        enabled: bool = True,
        days_old: float = 2,
    ) -> str:
        """Let a user be there already, and return the sub."""
        created = time.time() - days_old * DAY
        attributes = {"sub": sub, "phone_number_verified": str(verified).lower()}
        if phone is not None:
            attributes["phone_number"] = phone
        self.users[sub] = {
            "Username": sub,
            "attributes": attributes,
            "UserCreateDate": created,
            "UserLastModifiedDate": created,
            "Enabled": enabled,
            "UserStatus": status,
        }
        return sub

    def register(self, phone: str, *, verified: bool = True) -> str:
        """Let somebody who reads English have an account already, and return the sub.

        Whoever had the number before has none.
        """
        if owner := self._sub_with(phone):
            del self.users[owner]["attributes"]["phone_number"]
        sub = self.add(str(uuid.uuid4()), phone, verified=verified)
        self.change(sub, locale="en")
        return sub

    def change(self, sub: str, **changes: Any) -> None:
        """Change ``phone_number`` or another attribute in lower case, or a part of the user."""
        for name, value in changes.items():
            user = self.users[sub]
            (user["attributes"] if name.islower() else user)[name] = value

    def fails(self, operation: str, *replies: Reply) -> None:
        """Give these replies to the next calls of an operation, which do nothing."""
        waiting = self.faults.setdefault(operation, [])
        assert isinstance(waiting, list)
        waiting.extend(replies)

    def loses_the_answer_to(self, operation: str) -> None:
        """Do what the next call asks for, and hang up before saying so."""
        self._lost.add(operation)

    def _stop(self, asked: dict[str, Any]) -> dict[str, Any]:
        until = 0 if asked["lift"] else int(time.time()) + DAY
        return {"is_done": asked["word"] == self.stop_words.get(asked["phone"]), "until": until}

    # What a test looks at

    def sub_of(self, phone: str) -> str:
        sub = self._sub_with(phone)
        assert sub
        return sub

    def attributes(self, sub: str) -> dict[str, str]:
        found: dict[str, str] = self.users[sub]["attributes"]
        return found

    def calls(self, operation: str) -> list[Any]:
        """What was asked for, of an operation or as an action of a function."""
        return [request.json for request in self.requests if _name_of(request) == operation]

    def forget_calls(self) -> None:
        self.requests.clear()

    def asked_about(self) -> list[str]:
        """The subs that were asked for one by one, in order."""
        return [asked["Username"] for asked in self.calls("AdminGetUser")]

    # Requests

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            name = _name_of(request)
            if fault := self._fault_of(name) or (not request.operation and self._fault_of("")):
                return fault
            try:
                reply = self._answer(name, request)
            except Refusal as refusal:
                return refusal.reply
            if name in self._lost:
                self._lost.discard(name)
                return Reply(drop=True)
            return dataclasses.replace(reply, delay=self.delays.get(name, 0.0))

    def _fault_of(self, name: str) -> Reply | None:
        fault = self.faults.get(name)
        if isinstance(fault, list):
            return fault.pop(0) if fault else None
        return fault

    def _answer(self, name: str, request: Request) -> Reply:
        if not request.operation:
            return Reply(self.functions[name](request.json))
        is_signed = request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 ")
        if name.startswith("Admin") and not is_signed:
            raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        return self._do(name, request.json)

    def _do(self, operation: str, asked: dict[str, Any]) -> Reply:
        if operation == "ListUsers":
            return self._list(asked)
        if operation == "AdminCreateUser":
            return self._create(asked)
        return self._do_to(self._find(asked["Username"]), operation, asked)

    def _do_to(self, user: dict[str, Any], operation: str, asked: dict[str, Any]) -> Reply:
        sub = user["attributes"]["sub"]
        if operation == "AdminGetUser":
            return Reply(shown(user, "UserAttributes"))
        if operation == "AdminListGroupsForUser":
            return Reply({"Groups": [{"GroupName": each} for each in self.groups.get(sub, [])]})
        if operation == "AdminDeleteUser":
            del self.users[sub]
        elif operation == "AdminUpdateUserAttributes":
            self._update(user, {each["Name"]: each["Value"] for each in asked["UserAttributes"]})
        elif operation == "AdminSetUserPassword" and asked["Permanent"]:
            user["UserStatus"] = "CONFIRMED"
        elif operation in ("AdminEnableUser", "AdminDisableUser"):
            user["Enabled"] = operation == "AdminEnableUser"
        elif operation not in _TAKEN:
            raise Refusal("InvalidParameterException", f"Unknown operation {operation}")
        return Reply({})

    def _update(self, user: dict[str, Any], given: dict[str, str]) -> None:
        left = user["attributes"] | given
        user["attributes"] = {name: value for name, value in left.items() if value}

    def _create(self, asked: dict[str, Any]) -> Reply:
        phone = asked["Username"]
        assert asked["MessageAction"] == "SUPPRESS"
        given = {each["Name"]: each["Value"] for each in asked["UserAttributes"]}
        assert given["phone_number"] == phone
        assert set(given) <= {"phone_number", "locale"}
        if self._sub_with(phone):
            raise Refusal("UsernameExistsException", "User account already exists")
        user = self.users[self.add(str(uuid.uuid4()), phone, verified=False, days_old=0)]
        self._update(user, given)
        return Reply({"User": shown(user, "Attributes")})

    def _find(self, name: str) -> dict[str, Any]:
        """Return a user by sub or phone."""
        if sub := name if name in self.users else self._sub_with(name):
            return self.users[sub]
        if self.everybody:
            return self.users[self.add(name, None)]
        raise Refusal("UserNotFoundException", "User does not exist.")

    def _sub_with(self, phone: str) -> str | None:
        for sub, user in self.users.items():
            if user["attributes"].get("phone_number") == phone:
                return sub
        return None

    def _list(self, asked: dict[str, Any]) -> Reply:
        generation, _, start = asked.get("PaginationToken", f"{self.generation}-0").partition("-")
        if int(generation) != self.generation:
            return aws_error("InvalidParameterException", "Invalid pagination token.")
        listed = [user for sub, user in self.users.items() if sub not in self.unlisted]
        if wanted := asked.get("Filter"):
            name, value = re.fullmatch(r'(\w+) = "([^"\\]*)"', wanted).groups()
            listed = [user for user in listed if user["attributes"].get(name) == value]
        end = int(start) + asked.get("Limit", 60)
        page = {"Users": [shown(user, "Attributes") for user in listed[int(start) : end]]}
        if end < len(listed):
            page["PaginationToken"] = f"{self.generation}-{end}"
        return Reply(page)


def _name_of(request: Request) -> str:
    """The operation of Cognito, or the action that a function of the site is asked for."""
    return request.operation or request.json["action"]


def shown(user: dict[str, Any], attributes: str) -> dict[str, Any]:
    shown = {name: value for name, value in user.items() if name != "attributes"}
    shown[attributes] = [{"Name": n, "Value": v} for n, v in user["attributes"].items()]
    return shown

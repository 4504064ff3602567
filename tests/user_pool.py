"""A user pool at the wire: it lists users, tells of one, and can be told to fail."""

import time
from typing import Any

from tests.wire import Reply, Request, WireServer, aws_error

OUTAGE = aws_error("InternalErrorException", "Something went wrong", 500)
THROTTLED = aws_error("TooManyRequestsException", "Rate exceeded")
UNKNOWN = aws_error("UserNotFoundException", "User does not exist.")
DAY = 24 * 60 * 60


class UserPool(WireServer):
    """Users by sub. ``faults`` are replies by operation that take the place of the right one; a
    list of them is used up.

    ``generation`` is a part of every pagination token: a new one makes the old ones too old.
    """

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, list[str]] = {}
        self.unlisted: set[str] = set()
        self.faults: dict[str, Reply | list[Reply]] = {}
        self.generation = 0

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

    def change(self, sub: str, **changes: Any) -> None:
        """Change ``phone_number`` or another attribute in lower case, or a part of the user."""
        for name, value in changes.items():
            user = self.users[sub]
            (user["attributes"] if name.islower() else user)[name] = value

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        operation, asked = request.operation, request.json
        fault = self.faults.get(operation)
        if isinstance(fault, list):
            fault = fault.pop(0) if fault else None
        if fault:
            return fault
        if operation == "ListUsers":
            return self._list(asked)
        user = self.users.get(asked.get("Username"))
        if user is None:
            return UNKNOWN
        if operation == "AdminGetUser":
            return Reply(_shown(user, "UserAttributes"))
        if operation == "AdminListGroupsForUser":
            names = self.groups.get(asked["Username"], [])
            return Reply({"Groups": [{"GroupName": name} for name in names]})
        if operation == "AdminDeleteUser":
            del self.users[user["Username"]]
        if operation == "AdminUpdateUserAttributes":
            for each in asked["UserAttributes"]:
                user["attributes"][each["Name"]] = each["Value"]
                if not each["Value"]:
                    del user["attributes"][each["Name"]]
        if operation == "AdminSetUserPassword" and asked["Permanent"]:
            user["UserStatus"] = "CONFIRMED"
        return Reply({})

    def _list(self, asked: dict[str, Any]) -> Reply:
        generation, _, start = asked.get("PaginationToken", f"{self.generation}-0").partition("-")
        if int(generation) != self.generation:
            return aws_error("InvalidParameterException", "Invalid pagination token.")
        listed = [user for sub, user in self.users.items() if sub not in self.unlisted]
        end = int(start) + asked["Limit"]
        page = {"Users": [_shown(user, "Attributes") for user in listed[int(start) : end]]}
        if end < len(listed):
            page["PaginationToken"] = f"{self.generation}-{end}"
        return Reply(page)

    def asked_about(self) -> list[str]:
        """The subs that were asked for one by one, in order."""
        return [each.json["Username"] for each in self.requests if each.operation == "AdminGetUser"]


def _shown(user: dict[str, Any], attributes: str) -> dict[str, Any]:
    shown = {name: value for name, value in user.items() if name != "attributes"}
    shown[attributes] = [{"Name": n, "Value": v} for n, v in user["attributes"].items()]
    return shown

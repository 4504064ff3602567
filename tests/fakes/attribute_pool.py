"""A user pool at the wire whose user names are not phones: accounts hold them, or share one."""

import uuid
from typing import Any

from tests.fakes.sign_in_pool import SignInPool
from tests.fakes.user_pool import Refusal, shown
from tests.wire import Reply


class AttributePool(SignInPool):
    """Names are e-mail addresses (``by_email``: Cognito's own name is the sub) or plain ones.

    A phone is no name: only ListUsers finds by it, and nothing keeps it unique. ``required`` are
    attributes that an account must have.
    """

    def __init__(self, *, by_email: bool = False) -> None:
        super().__init__()
        self.by_email = by_email
        self.required: set[str] = set()

    def connect(self, settings: Any) -> None:
        super().connect(settings)
        settings.COGNITO_USERNAME = "attribute"

    def hold(
        self,
        phone: str | None,
        *,
        verified: bool = True,
        status: str = "CONFIRMED",
        enabled: bool = True,
        name: str = "",
    ) -> str:
        """Let an account with this number be there already, and return the sub."""
        sub = self.add(str(uuid.uuid4()), phone, verified=verified, status=status, enabled=enabled)
        self.change(
            sub, Username=sub if self.by_email else name or f"member-{sub[:8]}", locale="en"
        )
        return sub

    def _sub_with(self, phone: str) -> str | None:
        return next((sub for sub, user in self.users.items() if user["Username"] == phone), None)

    def _create(self, asked: dict[str, Any]) -> Reply:
        name = asked["Username"]
        given = {each["Name"]: each["Value"] for each in asked["UserAttributes"]}
        assert asked["MessageAction"] == "SUPPRESS"
        assert len(asked["TemporaryPassword"]) >= 40
        if self.by_email and "@" not in name:
            raise Refusal("InvalidParameterException", "Username should be an email.")
        if missing := self.required - given.keys():
            message = (
                f"Attributes did not conform to the schema: {missing}: The attribute is required"
            )
            raise Refusal("InvalidParameterException", message)
        if self._sub_with(name):
            raise Refusal("UsernameExistsException", "User account already exists")
        sub = self.hold(None, verified=False, status="FORCE_CHANGE_PASSWORD", name=name)
        self._update(self.users[sub], given)
        return Reply({"User": shown(self.users[sub], "Attributes")})

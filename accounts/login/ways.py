"""Ways in which a person can sign in, for themselves and for operators. Strangers are told none."""

from dataclasses import dataclass

from accounts.conf import conf
from accounts.models import User


@dataclass(frozen=True)
class Ways:
    """``password``, ``code`` and ``question`` are steps of the plan; ``passkeys`` are counted.

    ``authenticator`` is None where Cognito was not asked whether there is an app.
    """

    password: bool
    code: bool
    question: bool
    authenticator: bool | None
    passkeys: int


def of(user: User, *, has_app: bool | None = None) -> Ways:
    """Return the ways of a person. One query."""
    plan = conf.sign_in_plan
    working = user.passkeys.filter(copied_at=None)
    return Ways(
        password="password" in plan,
        code="code" in plan and user.phone is not None,
        question="question" in plan,
        authenticator=has_app if "authenticator" in plan else False,
        passkeys=working.count() if conf.passkeys else 0,
    )

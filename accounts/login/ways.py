"""Ways in which a person can sign in, for themselves and for operators. Strangers are told none."""

from dataclasses import dataclass

from accounts import phones
from accounts.conf import conf
from accounts.login import other_way
from accounts.models import User


@dataclass(frozen=True)
class Ways:
    """``password``, ``code`` and ``question`` are steps of the plan; ``passkeys`` are counted.

    ``second_number`` is masked, "" for none. ``authenticator`` is None where Cognito was not asked
    whether there is an app.
    """

    password: bool
    code: bool
    question: bool
    authenticator: bool | None
    passkeys: int
    second_number: str


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
        second_number=_second_number(user),
    )


def _second_number(user: User) -> str:
    is_there = user.second_phone and other_way.is_offered("second_number")
    return phones.mask(user.second_phone) if is_there else ""

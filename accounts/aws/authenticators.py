"""Authenticator apps, whose codes the triggers ask for after ours.

A function of the stack draws the secret of an app and checks its codes, since it has the key. An
app counts once its salt is an attribute of the user in Cognito (``cognito.Gateway``).
"""

from dataclasses import dataclass, field

from django.views.decorators.debug import sensitive_variables

from accounts.aws import functions


@dataclass(frozen=True)
class App:
    """An app that is being set up. ``secret`` is what it must know, in base 32."""

    salt: str
    secret: str = field(repr=False)


@sensitive_variables()
def draw(user_sub: str) -> App:
    """Return an app for a user. Nothing changes yet. Raises FunctionError."""
    return functions.ask(
        "TEXTS_FUNCTION",
        {"action": "new_authenticator", "user": user_sub},
        lambda answer: App(salt=_text(answer["salt"]), secret=_text(answer["secret"])),
    )


@sensitive_variables()
def check(user_sub: str, salt: str, code: str) -> bool:
    """Tell whether an app shows ``code`` now. It is so once. Raises FunctionError."""
    return functions.ask(
        "TEXTS_FUNCTION",
        {"action": "check_authenticator", "user": user_sub, "salt": salt, "code": code},
        lambda answer: answer["is_correct"] is True,
    )


def _text(value: object) -> str:
    if not (isinstance(value, str) and 0 < len(value) <= 100):
        raise TypeError(type(value))
    return value

"""Backup codes, which a function of the triggers' stack draws, counts and takes."""

from django.views.decorators.debug import sensitive_variables

from accounts.aws import functions


@sensitive_variables()
def draw(user_sub: str) -> list[str]:
    """Return ten codes in place of all earlier ones. Nobody says them again.

    Raises FunctionError.
    """

    def read(answer: dict[str, list[str]]) -> list[str]:
        codes = [str(code)[:20] for code in answer["codes"]]
        if not codes:
            raise ValueError("No codes")
        return codes

    return functions.ask("TEXTS_FUNCTION", {"action": "new_backup_codes", "user": user_sub}, read)


def left(user_sub: str) -> int:
    """Return how many are left. Raises FunctionError."""
    return functions.ask(
        "TEXTS_FUNCTION",
        {"action": "backup_codes", "user": user_sub},
        lambda answer: int(answer["left"]),
    )


@sensitive_variables()
def check(user_sub: str, code: str, *, is_known: bool) -> bool:
    """Tell whether ``code`` is one of the user's. It is so once. Raises FunctionError.

    ``is_known``: the browser is known to the account. Strangers are counted apart.
    """
    return functions.ask(
        "TEXTS_FUNCTION",
        {"action": "check_backup_code", "user": user_sub, "code": code, "is_known": is_known},
        lambda answer: answer["is_correct"] is True,
    )


def forget(user_sub: str) -> None:
    """Forget all of them, and the wrong answers. Raises FunctionError."""
    functions.ask(
        "LEDGER_FUNCTION", {"action": "forget_backup_codes", "user": user_sub}, lambda reply: None
    )

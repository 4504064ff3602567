"""Secret questions of people: which one is theirs, and its answer, which only the triggers keep."""

from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables

from accounts.aws import functions


@dataclass(frozen=True)
class SecretQuestion:
    """``question`` is its name, whose words the page has."""

    question: str
    is_answered: bool


def show(user_sub: str) -> SecretQuestion:
    """Return a user's question. Raises FunctionError."""
    return functions.ask("TEXTS_FUNCTION", {"action": "question", "user": user_sub}, _question)


@sensitive_variables("answer")
def keep(user_sub: str, answer: str) -> bool:
    """Keep an answer in place of an earlier one. False for one that cannot be any.

    Raises FunctionError.
    """
    return functions.ask(
        "TEXTS_FUNCTION",
        {"action": "keep_answer", "user": user_sub, "answer": answer},
        lambda reply: reply["is_kept"] is True,
    )


def forget(user_sub: str) -> None:
    """Forget the answer and the wrong ones: the next sign-in asks for another.

    Raises FunctionError.
    """
    functions.ask(
        "LEDGER_FUNCTION", {"action": "forget_answer", "user": user_sub}, lambda reply: None
    )


def _question(reply: dict[str, Any]) -> SecretQuestion:
    if not isinstance(reply["is_answered"], bool):
        raise TypeError(type(reply["is_answered"]))
    return SecretQuestion(str(reply["question"]), reply["is_answered"])

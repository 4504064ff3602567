"""A secret question, which is answered, or whose answer is chosen."""

from dataclasses import dataclass
from typing import Any, Self

from accounts.aws.challenges.base import Challenge


@dataclass(frozen=True, kw_only=True)
class QuestionChallenge(Challenge):
    """``question`` is its name, whose words the page has; ``is_to_choose``: none is kept yet."""

    kind = "question"

    question: str
    is_to_choose: bool

    @classmethod
    def read(cls, parameters: dict[str, Any], *, session: str, username: str) -> Self:
        """See ``Challenge.read``."""
        basis = Challenge.read(parameters, session=session, username=username)
        return cls(
            **vars(basis),
            question=str(parameters["question"]),
            is_to_choose=parameters["task"] == "choose",
        )

    @property
    def proves_more(self) -> bool:
        """See ``Challenge.proves_more``. Not an answer that is chosen only now."""
        return not self.is_to_choose

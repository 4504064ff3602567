"""The contract of every provider: a question for a person, and the check of its answer."""

from dataclasses import dataclass, field
from typing import Protocol

from ..senders import Reason


class ProviderError(Exception):
    """The provider did not answer, or not as it should. It never quotes what was sent.

    ``reason`` says whose fault it is, and ``detail`` is the status or the kind of error.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"The provider failed: {reason} ({detail})")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Question:
    """A challenge that the provider has ready. It is begun by whoever opens ``url``.

    ``token`` begins it in the provider's browser client, and ``key`` is its name.
    """

    key: str
    url: str = field(repr=False)
    token: str = field(repr=False)
    is_enrolled: bool


class Provider(Protocol):
    """A provider. ``user`` is the sub of somebody, ``within`` in seconds.

    To ask must text nothing: Cognito may have the same question asked three times, and the person
    sees the last one alone. Texts and e-mails leave once the person opens it.
    """

    def ask(
        self, *, user: str, phone: str, key: str, attempt: str, within: float
    ) -> Question | None:
        """Return a question, None for a person whom the provider blocks. Raises ProviderError.

        Asked with the same ``key`` again, it returns the same question, with a fresh token. Its
        page leads back to the site with ``attempt`` in the query.
        """

    def confirms(self, token: str, *, user: str, phone: str, key: str, within: float) -> bool:
        """Tell whether the token proves the question of this key. Raises ProviderError."""

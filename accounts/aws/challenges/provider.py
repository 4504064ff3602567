"""A challenge of another company, on its own page or by its browser client."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from accounts.aws.challenges.base import Challenge
from accounts.conf import conf


@dataclass(frozen=True, kw_only=True)
class ProviderChallenge(Challenge):
    """``url`` is the provider's page, "" where nothing was asked; ``token`` is for its client.

    ``is_enrolled`` is None where that is not told. ``delivery`` is "sent", or why nothing was asked
    (``Delivery`` in lambdas/triggers/codes/sending.py), and ``resend_at`` when it may be again.
    """

    kind = "provider"
    sealed: ClassVar[tuple[str, ...]] = ("session", "url", "token")

    url: str = field(repr=False)
    token: str = field(repr=False)
    resend_at: int
    delivery: str
    is_enrolled: bool | None = None

    @property
    def proves_more(self) -> bool:
        """See ``Challenge.proves_more``. Not where the person enrols only now."""
        return self.is_enrolled is True

    @property
    def host(self) -> str:
        """The host of the provider's page."""
        return urlsplit(self.url).netloc

    @classmethod
    def read(cls, parameters: dict[str, Any], *, session: str, username: str) -> Self:
        """See ``Challenge.read``. A page of another host than the setting's is a ValueError."""
        url = str(parameters["url"])
        if url and not url.startswith(f"{conf.provider_page}/"):
            raise ValueError("The page is not the provider's")
        return cls(
            session=session,
            username=username,
            expires_at=int(parameters["expiresAt"]),
            resend_at=int(parameters["resendAt"]),
            tries_left=int(parameters["triesLeft"]),
            delivery=str(parameters["delivery"]),
            reference=str(parameters.get("reference") or "")[:8],
            url=url,
            token=str(parameters["token"]),
            is_enrolled={"true": True, "false": False}.get(str(parameters.get("isEnrolled"))),
        )

"""The half-finished sign-in in the browser's session: the only reader and writer of its key."""

import dataclasses
import math
import time
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest

from accounts.aws.challenges import KINDS, Challenge, CodeChallenge
from accounts.login import sealing

_KEY = "accounts.pending"
# As long as Cognito's session at its longest; then the number leaves a browser that may be shared.
_KEPT = 15 * 60
# How long somebody whose code was right may think about ending another device's session.
_PROVEN_FOR = 5 * 60

Purpose = Literal["login", "confirm", "number", "second", "email", "recovery"]
# Other ways to sign in than by a code by text to the number.
Way = Literal["", "passkey", "backup_code", "email", "second_number", "recovery"]


class Superseded(Exception):
    """The session ended while the request was at work, most likely by a sign-in in another tab."""


@dataclass(frozen=True)
class Pending:
    """``attempt`` names this sign-in in the page's form. ``challenge`` is None once it is over.

    ``sub`` is the identity that asked, where it was known before the code was. ``wrong_answer``
    is a digest of the last wrong code. ``reference`` is what support finds this sign-in by, and
    ``texted_at`` when its last text was asked for. ``proven`` is the id of the user whose code was
    right, while they are asked whether to end another device's session, and ``methods`` is how they
    signed in, ``passkey`` with which one; ``way`` is another one than a code by text.
    ``further_step`` is what Cognito asked for after the right code. ``proven_more``: an answer was
    right that takes more than the number.
    ``dormant`` is the id of an account that a code alone does not open, while its person is asked,
    and ``has_asked`` whether operators know. ``address`` is the e-mail address that is to be
    proven. ``is_used_up``: it is over since the code was used, or wrong codes were typed,
    elsewhere; ``is_number_refused``: since the number is of an internet phone service. Times are in
    seconds since the epoch.
    """

    attempt: str
    phone: str
    next_url: str
    challenge: Challenge | None
    sub: str | None = None
    wrong_answer: str = ""
    reference: str = ""
    texted_at: float = 0.0
    stored_at: float = 0.0
    purpose: Purpose = "login"
    proven: int | None = None
    proven_at: float = 0.0
    further_step: str = ""
    methods: str = ""
    passkey: int | None = None
    way: Way = ""
    proven_more: bool = False
    dormant: int | None = None
    has_asked: bool = False
    address: str = ""
    is_used_up: bool = False
    is_number_refused: bool = False

    @property
    def code(self) -> CodeChallenge | None:
        """The challenge where it is a code, None where it is of another kind or over."""
        return self.challenge if isinstance(self.challenge, CodeChallenge) else None

    def seconds_to_resend(self) -> int:
        """Return how long the person must wait before another text."""
        if self.code is None:
            return 0
        return max(0, math.ceil(self.code.resend_at - time.time()))

    def seconds_left(self) -> int:
        """Return how long the challenge may be answered."""
        if self.challenge is None:
            return 0
        return max(0, math.ceil(self.challenge.expires_at - time.time()))

    def minutes_left(self) -> int:
        """Return how long the challenge may be answered, in minutes begun."""
        return math.ceil(self.seconds_left() / 60)

    def is_proven(self) -> bool:
        """Tell whether the code was right, and the question about other devices is still open."""
        return self.proven is not None and time.time() - self.proven_at < _PROVEN_FOR

    def is_texted(self) -> bool:
        """Tell whether a text has left, as far as anybody may know."""
        return self.code is not None and self.code.is_sent

    def is_expired(self) -> bool:
        """Tell whether no answer is taken any more."""
        return self.challenge is None or time.time() >= self.challenge.expires_at


def load(request: HttpRequest) -> Pending | None:
    """Return what is pending in this browser, None where nothing is or where it is too old."""
    return _read(request.session.get(_KEY))


def reload(request: HttpRequest) -> Pending | None:
    """Read what another request of this browser may have written since this one began."""
    session = request.session
    if session.session_key is None:
        return load(request)
    fresh = type(session)(session.session_key)
    return _read(fresh.get(_KEY))


def store(request: HttpRequest, pending: Pending) -> None:
    """Write at once, not when the response leaves. Raises Superseded."""
    session = request.session
    data = dataclasses.asdict(dataclasses.replace(pending, stored_at=time.time()))
    if pending.challenge:
        kept = data["challenge"]
        data["challenge"] = {**kept, "kind": pending.challenge.kind} | {
            name: sealing.seal(kept[name], purpose=_KEY) for name in pending.challenge.sealed
        }
    session[_KEY] = data
    try:
        session.save()
    except UpdateError as error:
        # The middleware would answer a bare 400 page, so it must find nothing to save.
        session.modified = False
        raise Superseded from error
    if request.COOKIES.get(settings.SESSION_COOKIE_NAME) == session.session_key:
        session.modified = False


def forget(request: HttpRequest) -> None:
    """Drop it, to be written with the session that takes the place of this one."""
    request.session.pop(_KEY, None)


def _read(data: Any) -> Pending | None:
    if data is None:
        return None
    try:
        challenge = data["challenge"] and _opened(data["challenge"])
        pending = Pending(**{**data, "challenge": challenge})
        is_old = time.time() - pending.stored_at >= _KEPT
    except (TypeError, KeyError):
        # Written by another version of this code, or sealed with a key that is gone: the person
        # starts again.
        return None
    return None if is_old else pending


def _opened(data: Any) -> Challenge:
    fields = {**data}
    kind = KINDS[fields.pop("kind")]
    for name in kind.sealed:
        opened = sealing.unseal(str(fields[name]), purpose=_KEY)
        if opened is None:
            raise KeyError(name)
        fields[name] = opened
    return kind(**fields)

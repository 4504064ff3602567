"""An invented challenge, for numbers that Cognito refuses: it looks as a real one would.

The stack's parameters decide how long a code lives, how many digits it has and when another text
may be asked for. The site does not know them, so it looks at the real challenges that pass by, and
at the time that they take.
"""

import random
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TypeVar

from django.core.cache import cache

from accounts import gil
from accounts.aws.challenges import Challenge, CodeChallenge
from accounts.events import sign_ins

AnyChallenge = TypeVar("AnyChallenge", bound=Challenge)
# Where the references of invented challenges are kept, and of those that they stand for. Seconds.
_INVENTED, _REAL, _KEPT = "accounts.decoys.invented.", "accounts.decoys.real.", 3600
# Seconds that a text may take: a function has no more.
_SAID_WITHIN = 5


@dataclass(frozen=True)
class _Usual:
    """The first text to a number. Times are in seconds; these are the stack's defaults."""

    lifetime: int = 300
    cooldown: int = 30
    tries: int = 3
    length: int = 6
    channels: str = ""


class Pace:
    """The seconds that the last real calls took, so that one that is not made takes as long."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=50)

    def note(self, since: float) -> None:
        """Keep how long a call took that began then, by the monotonic clock."""
        self._took.append(time.monotonic() - since)

    def wait(self, since: float) -> None:
        """Return when a call that began then could have ended; at once where none was seen."""
        if self._took:
            left = since + random.choice(self._took) - time.monotonic()  # noqa: S311 - no secret
            with gil.current.left():
                time.sleep(max(0.0, left))


class Decoys:
    """Invented challenges, after the real ones that this process has seen."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know the defaults alone, as a process that has just started."""
        self._usual, self._has_seen, self._other_kind_at = _Usual(), False, 0.0
        self._starts, self.answers = Pace(), Pace()
        self.creations, self.adoptions = Pace(), Pace()

    @property
    def are_like_real_ones(self) -> bool:
        """Whether a real challenge was seen, and how long one takes, and lately none but codes.

        Under pressure the triggers ask for work first, perhaps in some countries alone.
        """
        return self._has_seen and time.time() - self._other_kind_at > _KEPT

    def learn(self, challenge: Challenge, since: float | None = None) -> None:
        """Look at a challenge that was asked for then, for the first time in a sign-in.

        Without ``since`` its time is not noted, as nobody waited for it.
        """
        if not isinstance(challenge, CodeChallenge):
            self._other_kind_at = time.time()
            return
        if challenge.said_at is None:
            # One of ours.
            return
        self._usual = replace(
            self._usual, length=challenge.code_length, channels=challenge.channels
        )
        cooldown = challenge.resend_at - challenge.said_at
        # One that was texted for another sign-in has less of everything.
        age = challenge.said_at - (challenge.texted_at or challenge.said_at)
        is_new = challenge.is_texted_now and age < _SAID_WITHIN
        if is_new and since is not None:
            self._starts.note(since)
        # Later texts have longer ones, and may repeat a code that has lived a while.
        if is_new and (not self._has_seen or cooldown <= self._usual.cooldown):
            lifetime = challenge.expires_at - challenge.said_at
            tries = challenge.tries_left
            self._usual = replace(self._usual, lifetime=lifetime, cooldown=cooldown, tries=tries)
            self._has_seen = True

    def draw(self, since: float, *, name: str = "") -> CodeChallenge:
        """Return a challenge that nobody can answer, when one that was asked for then would come.

        Its answers take as long as real ones where the caller waits for ``answers``. All that are
        drawn for a ``name`` have one reference, as all who share a code do.
        """
        # Before the wait: it asks the cache.
        reference = _reference(name) if name else ""
        self._starts.wait(since)
        now, usual = int(time.time()), self._usual
        return CodeChallenge(
            session="",
            username="",
            expires_at=now + usual.lifetime,
            resend_at=now + usual.cooldown,
            tries_left=usual.tries,
            code_length=usual.length,
            channels=usual.channels,
            reference=reference,
        )


def stands_for(name: str, real: Challenge) -> None:
    """Note which challenge of the triggers an invented one for ``name`` stands for."""
    cache.set(_REAL + name, real.reference, _KEPT)


def as_invented(name: str, challenge: AnyChallenge) -> AnyChallenge:
    """Return the challenge with the reference of the one that was invented in its place, if any."""
    if challenge.reference != cache.get(_REAL + name):
        return challenge
    return replace(challenge, reference=_reference(name))


def _reference(name: str) -> str:
    return str(cache.get_or_set(_INVENTED + name, sign_ins.draw_reference, _KEPT))


# Those of this process. Which thread learns first makes no difference.
current = Decoys()

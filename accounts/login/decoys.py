"""An invented challenge, for pools that tell who is unknown: it looks as a real one would.

The stack's parameters decide how long a code lives, how many digits it has and when another text
may be asked for. The site does not know them, so it looks at the real challenges that pass by.
"""

import time
from dataclasses import dataclass, replace

from accounts.aws.challenges import Challenge, CodeChallenge

# Seconds that a text may take: a function has no more.
_SAID_WITHIN = 5


@dataclass(frozen=True)
class _Usual:
    """The first text to a number. Times are in seconds; these are the stack's defaults."""

    lifetime: int = 300
    cooldown: int = 30
    tries: int = 3
    length: int = 6


class Decoys:
    """What is usual, as far as this process has seen."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know the defaults alone, as a process that has just started."""
        self._usual, self._has_seen = _Usual(), False

    def learn(self, challenge: Challenge) -> None:
        """Look at a challenge that was handed out for the first time in a sign-in."""
        if not isinstance(challenge, CodeChallenge) or challenge.said_at is None:
            # Of another kind, or one of ours.
            return
        self._usual = replace(self._usual, length=challenge.code_length)
        cooldown = challenge.resend_at - challenge.said_at
        # One that was texted for another sign-in has less of everything.
        age = challenge.said_at - (challenge.texted_at or challenge.said_at)
        is_new = challenge.is_texted_now and age < _SAID_WITHIN
        # Later texts have longer ones, and may repeat a code that has lived a while.
        if is_new and (not self._has_seen or cooldown <= self._usual.cooldown):
            lifetime = challenge.expires_at - challenge.said_at
            tries = challenge.tries_left
            self._usual = replace(self._usual, lifetime=lifetime, cooldown=cooldown, tries=tries)
            self._has_seen = True

    def draw(self) -> CodeChallenge:
        """Return a challenge that nobody can answer."""
        now, usual = int(time.time()), self._usual
        return CodeChallenge(
            session="",
            username="",
            expires_at=now + usual.lifetime,
            resend_at=now + usual.cooldown,
            tries_left=usual.tries,
            code_length=usual.length,
        )


# Those of this process. Which thread learns first makes no difference.
current = Decoys()

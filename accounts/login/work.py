"""A proof of work before a text, on networks that ask for texts and hardly type codes.

It is the task of the triggers (lambdas/triggers/kinds/proof.py), asked for by the site: it alone
sees network addresses, and a start at Cognito carries nothing to the trigger that would ask. Many
people may share one address, so this is no limit: the text leaves as soon as the work is done.
Whether work is asked for says nothing of the number.
"""

import hashlib
import hmac
import logging
import secrets
import time

from django.http import HttpRequest

from accounts.aws.challenges import Challenge, ProofChallenge
from accounts.conf import conf
from accounts.login import known_browsers, throttle
from accounts.login.pending import Purpose
from accounts.models import User

log = logging.getLogger(__name__)

# As in the triggers: some tenths of a second for most phones. Seconds for it to be done, and tries.
_LARGEST, _LIVES, _TRIES = 50_000, 5 * 60, 3
# Steps of a plan that ask everybody for as much.
_AS_MUCH = {"proof", "captcha", "password"}


def is_wanted(purpose: Purpose, request: HttpRequest, user: User | None, *, first: bool) -> bool:
    """Count a text that is asked for, and tell whether it costs work.

    A sign-in does, in a browser that is not known to the account of ``user``. Another text to the
    same number is counted alone: it has the number's own pause.
    """
    if not throttle.only_asks(request) or not first or purpose != "login":
        return False
    if _AS_MUCH & set(conf.sign_in_plan) or (user and known_browsers.is_known(request, user)):
        return False
    log.warning("A network asks for texts and hardly types codes, so it has to work for them")
    return True


def draw() -> ProofChallenge:
    """Return a task. It has no session at Cognito, by which it is known to be ours."""
    salt, number = secrets.token_hex(12), secrets.randbelow(_LARGEST + 1)
    return ProofChallenge(
        session="",
        username="",
        expires_at=int(time.time()) + _LIVES,
        tries_left=_TRIES,
        digest=_digest(salt, str(number)),
        salt=salt,
        largest=_LARGEST,
    )


def is_done(challenge: Challenge, answer: str) -> bool:
    """Tell whether a challenge is a task of ours, and the answer is the number behind it."""
    return (
        isinstance(challenge, ProofChallenge)
        and not challenge.session
        and hmac.compare_digest(_digest(challenge.salt, answer), challenge.digest)
    )


def _digest(salt: str, number: str) -> str:
    return hashlib.sha256(f"{salt}{number}".encode()).hexdigest()

"""Challenges that passkeys answer: drawn without a row, good for one browser, minutes and answer.

A challenge is on every page of the phone, so it must cost nothing there: it carries its time and a
keyed digest of both and of the browser's CSRF cookie. A sign-in changes that cookie, and with it
every challenge before. Only one that was answered right is written down, so that it is so once.
"""

import hmac
import secrets
import time
from typing import Literal

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.login import ceremonies
from accounts.models import UsedChallenge
from accounts.models.statements import insert

Purpose = Literal["create", "sign in"]

# Seconds. A page that stays open longer asks for another one.
LIVES = 10 * 60
_NONCE, _TIME, _DIGEST = 16, 5, 32


def draw(request: HttpRequest, purpose: Purpose, *, of: str = "") -> str:
    """Return a challenge for the browser of a request (base64url).

    ``of`` is whose it is, where that is known.
    """
    drawn = secrets.token_bytes(_NONCE) + int(time.time()).to_bytes(_TIME, "big")
    return ceremonies.encoded(drawn + _mac(request, purpose, of, drawn))


def is_ours(request: HttpRequest, challenge: str, purpose: Purpose, *, of: str = "") -> bool:
    """Tell whether ``draw`` returned it for this browser a short while ago."""
    raw = ceremonies.decoded(challenge)
    drawn, mac = raw[: _NONCE + _TIME], raw[_NONCE + _TIME :]
    if not hmac.compare_digest(mac, _mac(request, purpose, of, drawn)):
        return False
    age = time.time() - int.from_bytes(drawn[_NONCE:], "big")
    # Another machine of the site may have drawn it, with a clock a little ahead.
    return -60 < age < LIVES


def take(challenge: str) -> bool:
    """Use it up. Of any number of answers to one, one does."""
    digest = salted_hmac("accounts.passkeys.used", challenge, algorithm="sha256").hexdigest()
    row = UsedChallenge(digest=digest, used_at=timezone.now())
    return bool(insert([row], ignore_conflicts=True))


def _mac(request: HttpRequest, purpose: Purpose, of: str, drawn: bytes) -> bytes:
    # Makes the cookie where there is none yet; the middleware sends it with the page.
    get_token(request)
    about = f"{purpose}|{of}|{request.META['CSRF_COOKIE']}|{drawn.hex()}"
    return salted_hmac("accounts.passkeys.challenge", about, algorithm="sha256").digest()[:_DIGEST]

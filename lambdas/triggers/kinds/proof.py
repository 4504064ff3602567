"""A proof of work, by the scheme of ALTCHA: find the number behind a digest, by trying all.

It costs a browser some seconds and a sender of thousands of requests real time, and it needs no
third party. ``challenge`` is the SHA-256 of the salt with the number behind it, in hexadecimal
digits; the answer is the number. ALTCHA signs its challenges, since a browser brings them back:
here Cognito keeps the number from Create to Verify. The salt makes tables of digests useless.
"""

import hashlib
import hmac
import re
import secrets
import time

from .. import environment, keys, ledger, telemetry
from ..codes.pace import milliseconds_since
from ..limits import configured
from . import Answered, Asked, Made

_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)


def make(asked: Asked) -> Made:
    """Draw a salt and a number, the same way for a known and an unknown name."""
    largest = environment.number("PROOF_WORK", 50_000, low=1_000, high=10_000_000)
    salt, number = secrets.token_hex(12), secrets.randbelow(largest + 1)
    now = int(time.time())
    expires_at = str(now + configured().code_lifetime_seconds)
    return Made(
        public={
            "algorithm": "SHA-256",
            "challenge": hashlib.sha256(f"{salt}{number}".encode()).hexdigest(),
            "salt": salt,
            "maxnumber": str(largest),
            "expiresAt": expires_at,
        },
        private={"salt": salt, "number": str(number), "expiresAt": expires_at},
        metadata="",
    )


def is_right(answered: Answered) -> bool:
    """Compare the number, and take it once.

    It is not counted: a wrong one guesses at nobody's secret, and costs its sender the work.
    """
    is_found = _is_found(answered)
    telemetry.record(
        "proof_found" if is_found else "proof_not_found",
        metrics={"ProofsFound" if is_found else "ProofsNotFound": 1},
        phone=answered.phone,
        milliseconds=milliseconds_since(answered.started),
    )
    return is_found


def _is_found(answered: Answered) -> bool:
    private, answer = answered.private, answered.answer
    if not (isinstance(answer, str) and _NUMBER.fullmatch(answer)):
        return False
    if answered.now >= int(private["expiresAt"]):
        return False
    if not hmac.compare_digest(answer, private["number"]):
        return False
    # Of many answers at once to one session, one goes on.
    name = keys.pseudonym("proof", private["salt"])
    return ledger.configured().guesses.take(name, now=answered.now)

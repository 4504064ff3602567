"""A statement of the site that it has proven who somebody is, by a passkey for one.

Nothing is sent. The challenge is drawn for this sign-in, and the answer is signed with SITE_KEY,
which no client's secret replaces. It says by which methods (RFC 8176) the person has signed in.
"""

import secrets

from .. import keys, ledger, statements, telemetry
from ..codes.pace import milliseconds_since
from . import Answered, Asked, Made


def make(asked: Asked) -> Made:
    """Draw a challenge, the same way for a known and an unknown name."""
    challenge = secrets.token_urlsafe(16)
    return Made(public={"challenge": challenge}, private={"challenge": challenge}, metadata="")


def is_right(answered: Answered) -> bool:
    """Read the statement, and take it once.

    It is not counted: nobody guesses a signature.
    """
    is_stated = _is_stated(answered)
    telemetry.record(
        "statement_taken" if is_stated else "statement_refused",
        metrics={"StatementsTaken" if is_stated else "StatementsRefused": 1},
        phone=answered.phone,
        milliseconds=milliseconds_since(answered.started),
    )
    return is_stated


def _is_stated(answered: Answered) -> bool:
    sub, challenge = answered.attributes.get("sub"), answered.private["challenge"]
    stated = statements.says_proven(
        answered.answer,
        pool=answered.pool,
        sub=sub if isinstance(sub, str) else "",
        challenge=challenge,
        now=answered.now,
    )
    # Of many answers at once to one session, one goes on.
    name = keys.pseudonym("statement", challenge)
    return stated and ledger.configured().guesses.take(name, now=answered.now)

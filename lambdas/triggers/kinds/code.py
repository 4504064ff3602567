"""A code by text: drawn and texted once for a sign-in, and handed out again after a wrong answer.

The public parameters tell an honest client when the code was texted, and when to ask again.
``codes.sending`` says what they keep to themselves.
"""

import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .. import ledger, links, phones, senders, telemetry
from ..challenge import LENGTH_UNDER_ATTACK, Challenge, read_digits
from ..codes import checking, purposes, sending
from ..codes.pace import milliseconds_since
from ..codes.recipients import Recipient
from ..codes.sending import StartedChallenge
from . import Answered, Asked, Made

log = logging.getLogger(__name__)

# Reads in this thread cost the text no time.
_aside = ThreadPoolExecutor(1)
_METADATA = re.compile(
    r"(?P<id>\S+) (?P<expires_at>\d+) (?P<resend_at>\d+)"
    r" (?P<texted_at>\d+|-) (?P<delivery>[a-z_]+)( (?P<open_at>\d+))?( of (?P<mark>[0-9a-f]{8}))?",
    re.ASCII,
)


def make(asked: Asked) -> Made:
    """Text a code, or return the challenge of this sign-in again."""
    elsewhere: dict[str, str] = {}
    if asked.earlier:
        result = _read_metadata(asked.earlier[-1])
        tries_left: int | None = _tries_left(asked.recipient, result.challenge)
        telemetry.record(
            "asked_again",
            metrics={},
            challenge_id=result.challenge.id,
            reference=result.challenge.reference,
        )
    else:
        recipient = asked.recipient()
        result, elsewhere = _sent(recipient, asked.started)
        tries_left = result.tries_left
    challenge = result.challenge
    return Made(
        public={
            # Not even its last digits: for an unknown name they would be invented, and tell.
            "phone": phones.HIDDEN_PHONE,
            "expiresAt": str(challenge.expires_at),
            "resendAt": str(result.resend_at),
            "textedAt": _written(result.texted_at),
            # The clocks of phones and of other machines may be wrong by minutes.
            "now": str(int(time.time())),
            "codeLength": str(challenge.code_length),
            "delivery": result.delivery,
            "openAt": _written(result.open_at or None),
            "reference": challenge.reference,
            **elsewhere,
            # By which the site may have the code sent as well.
            "channels": " ".join(senders.other_channels()),
        },
        private=challenge.private_parameters(),
        metadata=" ".join(
            [
                challenge.id,
                str(challenge.expires_at),
                str(result.resend_at),
                _written(result.texted_at) or "-",
                result.delivery,
                *([str(result.open_at)] if result.open_at else []),
                *(["of", challenge.mark] if challenge.mark else []),
            ]
        ),
        tries_left=tries_left,
    )


def is_right(answered: Answered) -> bool:
    """Count the answer, then compare it, then take the code for good."""
    challenge = Challenge.from_private_parameters(answered.private)
    is_correct = challenge is not None and _is_correct(challenge, answered)
    telemetry.record(
        "code_verified" if is_correct else "code_refused",
        # Both, since a share of answers is watched, and one that was never written is no zero.
        metrics={"Verified": int(is_correct), "Failed": int(not is_correct)},
        phone=answered.phone,
        challenge_id=challenge.id if challenge else "",
        reference=challenge.reference if challenge else "",
        milliseconds=milliseconds_since(answered.started),
    )
    return is_correct


def _is_correct(challenge: Challenge, answered: Answered) -> bool:
    # The site may have had a code sent since, and under attack that one is longer than the flow's.
    lengths = (challenge.code_length, LENGTH_UNDER_ATTACK)
    if len(read_digits(answered.answer)) not in lengths and not links.is_word(answered.answer):
        # It cannot be a code, so it is neither counted nor compared.
        return False
    recipient = answered.recipient()
    if recipient.phone is None:
        # Counted like any other answer, and never right.
        recipient.purpose.book().answers.count(recipient.name, challenge, now=answered.now)
        return False
    return checking.accept(
        recipient.phone,
        challenge,
        answered.answer,
        recipient.purpose,
        user=recipient.user,
        now=answered.now,
        wrong_before=answered.wrong_before,
    )


def _sent(recipient: Recipient, started: float) -> tuple[StartedChallenge, dict[str, str]]:
    """Text a code; tell a known browser of wrong codes that other ones typed for the number."""
    phone = recipient.phone
    if phone is None or recipient.purpose is not purposes.KNOWN_SIGN_IN:
        return sending.send(recipient, recipient.purpose, started=started), {}
    elsewhere = _aside.submit(_wrong_elsewhere, phone)
    result = sending.send(recipient, recipient.purpose, started=started)
    return result, {"wrongElsewhere": str(elsewhere.result())}


def _tries_left(recipient: Callable[[], Recipient], challenge: Challenge) -> int | None:
    """Return how many answers of this sign-in may still be right, None where that is not known."""
    # Fails open: only the page is less exact.
    try:
        who = recipient()
        return who.purpose.book().tries_left(who.name, challenge, now=time.time())
    except Exception as error:
        log.warning("The tries that are left are not known: %s", type(error).__name__)
        return None


def _wrong_elsewhere(phone: str) -> int:
    # Fails open: only a notice is lost.
    try:
        return ledger.configured().show(ledger.phone_name(phone), now=time.time()).failures
    except Exception as error:
        log.warning("Wrong codes elsewhere are not known: %s", type(error).__name__)
        return 0


def _written(seconds: int | None) -> str:
    return "" if seconds is None else str(seconds)


def _read_metadata(metadata: str) -> StartedChallenge:
    found = _METADATA.fullmatch(metadata)
    parts = ("id", "expires_at", "mark")
    challenge = Challenge.parse(*(found[part] for part in parts)) if found else None
    if found is None or challenge is None:
        raise ValueError("The history of this flow holds no challenge of ours")
    texted_at = None if found["texted_at"] == "-" else int(found["texted_at"])
    return StartedChallenge(
        challenge,
        int(found["resend_at"]),
        found["delivery"],
        texted_at,
        int(found["open_at"] or 0),
    )

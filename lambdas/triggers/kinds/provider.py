"""A challenge of another company: it gives a URL and a token, and proves the answer to us.

Each sign-in has a question of its own, never one of another sign-in: whoever holds its URL or token
could finish what somebody else had proven. So Cognito's second asking gets another question. That
costs nothing, since the provider texts nobody before the person opens the question, and each counts
as a text to the number, to its block, its country and the pool.

Whether somebody has enrolled is told only after a step that proved who it is.
"""

import logging
import re
import time
from dataclasses import dataclass

from .. import countries, keys, ledger, limits, phones, providers, telemetry
from ..challenge import Challenge
from ..codes import pace, sending
from ..codes.pace import ANSWER_WITHIN, milliseconds_since
from ..codes.recipients import Recipient
from ..codes.sending import Delivery
from ..codes.unsent import NoRecipient
from ..errors import TryAgainLater
from ..ledger import Reservation
from ..plans import KINDS
from ..providers import ProviderError, Question, decoys
from ..senders import SendError
from . import Answered, Asked, Made

_NAME = "provider"
_METADATA = re.compile(
    r"(?P<id>\S+) (?P<expires_at>\d+) (?P<resend_at>\d+) (?P<delivery>[a-z_]+) (?P<key>\S{1,200})",
    re.ASCII,
)
_NO_KEY = "-"
# Longer ones Cognito itself takes, up to 131,072 characters.
_TOKEN = re.compile(r"[\x21-\x7e]{1,20000}")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Round:
    """The part that all rounds of a sign-in share. ``key`` is "" where nobody was asked."""

    challenge: Challenge
    resend_at: int
    delivery: str
    key: str


def make(asked: Asked) -> Made:
    """Ask the provider, or make it look so. Raises TryAgainLater where it fails."""
    recipient = asked.recipient()
    if asked.earlier:
        this, question = _again(_read_metadata(asked.earlier[-1]), recipient, asked.started)
    else:
        this, question = _first(recipient, asked.started)
    challenge, is_there = this.challenge, this.delivery == Delivery.SENT
    telemetry.record(
        "provider_asked",
        metrics={"CodesSent": 1, "Verified": 0} if question and not asked.earlier else {},
        outcome=this.delivery,
        phone=phones.mask(recipient.phone or ""),
        challenge_id=challenge.id,
        reference=challenge.reference,
        milliseconds=milliseconds_since(asked.started),
    )
    if question:
        token, url = question.token, question.url
        decoys.current.learn(token, url)
    else:
        token, url = decoys.current.make() if is_there else ("", "")
    return Made(
        public={
            "url": url,
            "token": token,
            "isEnrolled": _enrolled(question, is_proven=asked.is_proven) if is_there else "",
            "expiresAt": str(challenge.expires_at),
            "resendAt": str(this.resend_at),
            "triesLeft": str(KINDS[_NAME].tries - len(asked.earlier)),
            "delivery": this.delivery,
            "reference": challenge.reference,
        },
        private={**challenge.private_parameters(), "providerKey": this.key},
        metadata=" ".join(
            [
                challenge.id,
                str(challenge.expires_at),
                str(this.resend_at),
                this.delivery,
                this.key or _NO_KEY,
            ]
        ),
    )


def is_right(answered: Answered) -> bool:
    """Count the answer, have the provider check it, then take the question for good."""
    challenge = Challenge.from_private_parameters(answered.private)
    is_correct = challenge is not None and _is_confirmed(challenge, answered)
    telemetry.record(
        "provider_confirmed" if is_correct else "provider_refused",
        # Both, since a share of answers is watched, and one that was never written is no zero.
        metrics={"Verified": int(is_correct), "Failed": int(not is_correct)},
        phone=answered.phone,
        challenge_id=challenge.id if challenge else "",
        reference=challenge.reference if challenge else "",
        milliseconds=milliseconds_since(answered.started),
    )
    return is_correct


def _first(recipient: Recipient, started: float) -> tuple[_Round, Question | None]:
    if recipient.why_not is NoRecipient.DRY_RUN:
        # A key that cannot be read shows here.
        providers.configured()
    questions: list[Question] = []
    challenge = Challenge.draw(now=time.time(), lifetime=limits.configured().code_lifetime_seconds)

    def deliver(phone: str, reservation: Reservation) -> SendError | None:
        try:
            question = _ask(phone, recipient, challenge, challenge.id, started)
        except ProviderError as error:
            # Nothing has left, whatever became of the question.
            return SendError(error.reason, error.detail, certain=True)
        questions.extend([question] if question else [])
        return None

    result = sending.send(recipient, recipient.purpose, started=started, deliver=deliver)
    if result.delivery not in set(Delivery):
        raise TryAgainLater("Try again later")
    question = questions[0] if questions else None
    key = question.key if question else ""
    # Its page has nothing to wait for.
    is_reserved = result.delivery == Delivery.RESERVED
    delivery = str(Delivery.SENT) if is_reserved else result.delivery
    return _Round(challenge, result.resend_at, delivery, key), question


def _again(this: _Round, recipient: Recipient, started: float) -> tuple[_Round, Question | None]:
    """Return the same question after a wrong answer. It was counted when it was asked first."""
    if not this.key or recipient.phone is None:
        pace.of("provider").wait(started)
        return this, None
    try:
        question = _ask(recipient.phone, recipient, this.challenge, this.key, started)
    except ProviderError:
        raise TryAgainLater("Try again later") from None
    pace.of("provider").learn(time.monotonic() - started)
    key = question.key if question else ""
    return _Round(this.challenge, this.resend_at, this.delivery, key), question


def _ask(
    phone: str, recipient: Recipient, challenge: Challenge, key: str, started: float
) -> Question | None:
    try:
        return providers.configured().ask(
            user=_sub(recipient),
            phone=phone,
            key=key,
            attempt=challenge.reference,
            within=_left(started),
        )
    except ProviderError as error:
        _log(error)
        raise


def _is_confirmed(challenge: Challenge, answered: Answered) -> bool:
    token = answered.answer
    if not (isinstance(token, str) and _TOKEN.fullmatch(token)):
        # It cannot be a token, so it is neither counted nor shown to the provider.
        return False
    if answered.now >= challenge.expires_at:
        return False
    recipient = answered.recipient()
    book = recipient.purpose.book()
    if not book.guesses.count(recipient.name, now=answered.now):
        return False
    key = answered.private.get("providerKey")
    if recipient.phone is None or not (isinstance(key, str) and key):
        pace.of("provider").wait(answered.started)
        return False
    try:
        is_confirmed = providers.configured().confirms(
            token,
            user=_sub(recipient),
            phone=recipient.phone,
            key=key,
            within=_left(answered.started),
        )
    except ProviderError as error:
        _log(error)
        raise TryAgainLater("Try again later") from None
    pace.of("provider").learn(time.monotonic() - answered.started)
    if not is_confirmed:
        return False
    if not book.guesses.take(keys.pseudonym(_NAME, key), now=answered.now):
        return False
    book.guesses.clear(recipient.name, used_at=answered.now)
    block = ledger.block_name(countries.block_of(recipient.phone))
    book.budgets.credit(block, recipient.country, answered.now)
    # No answer to a code follows, with which that is settled otherwise.
    book.budgets.settle(answered.now)
    return True


def _enrolled(question: Question | None, *, is_proven: bool) -> str:
    if not is_proven:
        return ""
    return "true" if question and question.is_enrolled else "false"


def _sub(recipient: Recipient) -> str:
    return recipient.user.rpartition(" ")[2]


def _left(started: float) -> float:
    return ANSWER_WITHIN - (time.monotonic() - started)


def _log(error: ProviderError) -> None:
    log.error("The provider failed: %s (%s)", error.reason, error.detail)


def _read_metadata(metadata: str) -> _Round:
    found = _METADATA.fullmatch(metadata)
    challenge = Challenge.parse(found["id"], found["expires_at"]) if found else None
    if found is None or challenge is None:
        raise ValueError("The history of this flow holds no challenge of ours")
    key = "" if found["key"] == _NO_KEY else found["key"]
    return _Round(challenge, int(found["resend_at"]), found["delivery"], key)

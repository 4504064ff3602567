"""A secret question, whose answer is kept as a slow hash.

After a step that proves who it is, somebody without an answer is asked to choose one. Before such a
step nobody is: a stranger could choose it.
"""

import time

from .. import ledger, secret_answers, telemetry
from ..codes.pace import milliseconds_since
from . import Answered, Asked, Made

_TO_CHOOSE, _TO_ANSWER = "choose", "answer"


def make(asked: Asked) -> Made:
    """Ask the question that belongs to the name, known or not."""
    recipient = asked.recipient()
    name = secret_answers.name_of_recipient(recipient)
    task = _TO_ANSWER
    if asked.is_proven:
        book = ledger.configured()
        if book.kept_answers.read(name, now=time.time()) is None:
            task = _TO_CHOOSE
    return Made(
        public={"question": secret_answers.question_of(name), "task": task},
        private={"task": task},
        metadata="",
    )


def is_right(answered: Answered) -> bool:
    """Count the answer, then compare it; or keep it, where one is to be chosen."""
    is_chosen = answered.private.get("task") == _TO_CHOOSE
    is_correct = _is_correct(answered, is_chosen=is_chosen)
    verified = "answer_chosen" if is_chosen else "answer_verified"
    telemetry.record(
        verified if is_correct else "answer_refused",
        metrics={"AnswersVerified" if is_correct else "AnswersRefused": 1},
        phone=answered.phone,
        milliseconds=milliseconds_since(answered.started),
    )
    return is_correct


def _is_correct(answered: Answered, *, is_chosen: bool) -> bool:
    answer = secret_answers.read(answered.answer)
    if not answer:
        # It cannot be an answer, so it is neither counted nor compared.
        return False
    recipient, book, now = answered.recipient(), ledger.configured(), answered.now
    name = secret_answers.name_of_recipient(recipient)
    if not book.guesses.count(name, now=now):
        return False
    if is_chosen:
        if not secret_answers.sub_of(recipient):
            return False
        is_right = book.kept_answers.keep(name, secret_answers.kept(answer), now=now, is_first=True)
    else:
        is_right = secret_answers.fits(answer, book.kept_answers.read(name, now=now))
    if is_right:
        book.guesses.clear(name)
    return is_right

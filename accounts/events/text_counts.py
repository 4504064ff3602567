"""Counts of texts for the admin's front page: the triggers know of those that never reached us."""

import logging
import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from accounts.aws import functions, ledger

log = logging.getLogger(__name__)

# The triggers know of 31.
DAYS = 30
# The name of the thread that asks them.
THREAD = "text-counts"

_ANSWER, _IS_ASKED = "accounts.events.text_counts", "accounts.events.text_counts.asked"
# All in seconds.
_ANSWER_KEPT = 5 * 60
_TROUBLE_KEPT = 30
_ASKED_AGAIN_AFTER = 30
_PATIENCE = 0.5


@dataclass(frozen=True)
class TextCounts:
    """Texts that the triggers sent and blocked in the last thirty days, whoever asked for them.

    ``asked_at`` is None while they have not answered; ``trouble`` says why they did not.
    """

    texts: ledger.Overview = field(default_factory=lambda: ledger.Overview([], []))
    asked_at: datetime | None = None
    trouble: str = ""

    @property
    def since(self) -> date:
        """The first of the thirty days, which are of UTC."""
        return ((self.asked_at or timezone.now()) - timedelta(days=DAYS - 1)).astimezone(UTC).date()


def read() -> TextCounts:
    """Return what the triggers said within the last five minutes, or say in half a second.

    Asked in a thread of its own, whose answer the next reader finds where it came too late for
    this one.
    """
    known: TextCounts | None = cache.get(_ANSWER)
    if known is None and cache.add(_IS_ASKED, True, timeout=_ASKED_AGAIN_AFTER):
        asking = threading.Thread(target=_ask, name=THREAD, daemon=True)
        asking.start()
        asking.join(_PATIENCE)
        known = cache.get(_ANSWER)
    return known or TextCounts()


def _ask() -> None:
    try:
        answer = TextCounts(ledger.overview(DAYS), timezone.now())
        cache.set(_ANSWER, answer, timeout=_ANSWER_KEPT)
    except functions.FunctionError as error:
        log.warning("The triggers did not say what they blocked: %s", error)
        cache.set(_ANSWER, TextCounts(trouble=str(error)), timeout=_TROUBLE_KEPT)
    finally:
        cache.delete(_IS_ASKED)

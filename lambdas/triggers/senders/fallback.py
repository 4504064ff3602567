"""Several senders in order, and still at most one text."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .contract import Message, Reason, Sender, SendError

# Facts about the phone, which the next sender would only find out again.
_SHARED = {Reason.OPTED_OUT, Reason.LANDLINE}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sent:
    """A text that a sender took, and the sender's name.

    ``wants_feedback``: it wants to hear of this ``message_id`` when the code was typed.
    """

    sender: str
    message_id: str
    wants_feedback: bool = False


class FirstThatWorks:
    """Send with the first sender that takes the text.

    The next one has a turn only if it is certain that nothing has left, if it may do better, and
    if there is time for one more attempt of ``longest_attempt`` seconds.
    """

    def __init__(
        self,
        senders: Sequence[Sender],
        *,
        longest_attempt: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.names = tuple(sender.name for sender in senders)
        self._senders = tuple(senders)
        self._longest_attempt = longest_attempt
        self._clock = clock

    def send(self, message: Message, *, deadline: float) -> Sent:
        """Send ``message``; begin no further attempt that ``deadline`` (monotonic) may cut short.

        Raises SendError: the first refusal, or the last where that leaves a text on its way.
        """
        refusals: list[SendError] = []
        for sender in self._senders:
            if refusals and not self._goes_on_after(refusals[-1], deadline):
                break
            try:
                return Sent(sender.name, sender.send(message), sender.wants_feedback)
            except SendError as error:
                refusals.append(error)
                facts = {"reason": error.reason, "detail": error.detail, "certain": error.certain}
                log.warning("Sender refused", extra={"sender": sender.name, **facts})
        first, last = refusals[0], refusals[-1]
        raise first if last.certain else last

    def _goes_on_after(self, refusal: SendError, deadline: float) -> bool:
        return (
            refusal.certain
            and refusal.reason not in _SHARED
            and self._clock() + self._longest_attempt <= deadline
        )

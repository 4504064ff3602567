"""Base of every kind of operation, which is run here and in Cognito in four steps.

local_before    shut somebody out here, in the transaction that claims the operation
remote          ask Cognito or the ledger, outside of any transaction; may be repeated
local_after     let somebody in here, in the transaction that closes the operation
notify          send a text, at most once, if the operation asks for one
"""

import logging
from typing import Any

from accounts.aws import functions, sms
from accounts.models import Operation

log = logging.getLogger(__name__)

Remark = Operation.Remark


class Handler:
    """The steps of one kind. A subclass must have ``remote``, and may have the others.

    ``shuts_out``: ``local_before`` takes something away at once, and a refusal of a later try does
    not give it back. ``is_done_when_gone``: if Cognito does not know the user, the operation counts
    as done. ``user`` is None only for an invitation.
    """

    shuts_out = False
    is_done_when_gone = False

    def local_before(self, operation: Operation, user: Any) -> None:
        """Change rows here before Cognito is asked. Called in a transaction, once for each try."""

    def remote(self, operation: Operation, user: Any) -> str:
        """Ask Cognito or the ledger, and return a ``Remark`` or "".

        Called again after a failure. Raises CognitoError, FunctionError.
        """
        raise NotImplementedError

    def local_after(self, operation: Operation, user: Any) -> None:
        """Change rows here after Cognito has done its part. Called in a transaction, once."""

    def notify(self, operation: Operation) -> None:
        """Send a text about it, once. A text that fails is noted on the operation."""


def text(operation: Operation, phone: str, message: sms.Notice) -> None:
    """Text a notice, and note on the operation whether it was sent."""
    try:
        delivery = sms.tell(phone, message, language=operation.params.get("language", ""))
    except functions.FunctionError as error:
        delivery = f"{type(error).__name__}: {error}"
        log.warning("No text about %s: %s", operation, delivery)
    is_sent = delivery == "sent"
    Operation.objects.filter(pk=operation.pk).update(
        remark=Remark.TEXT_SENT if is_sent else Remark.TEXT_FAILED,
        error="" if is_sent else delivery[:400],
    )

"""A dry run: all the work of a trigger for nobody, so that faults show.

The doctor invokes the functions with a trigger source of its own. Cognito sets the source itself,
so no caller of Cognito can ask for a dry run. Nobody is texted, whatever the event says of a
number; no budget is spent and nothing is counted. One line in the log remains, and one item in the
ledger, which belongs to nobody and is always the same.
"""

import time
from dataclasses import replace
from typing import Any

from . import environment, keys, ledger, messages, senders
from .codes import recipients
from .codes.purposes import SIGN_IN
from .codes.recipients import Recipient
from .codes.unsent import NoRecipient
from .plans import Decision, Next, Plan

_NOBODY = "dry run"


def is_dry_run(event: dict[str, Any]) -> bool:
    """Tell whether the doctor made the event."""
    return str(event.get("triggerSource", "")).endswith("_DryRun")


def step(plan: Plan) -> Next:
    """Return the step of a plan that is tried: the text, where the plan has one."""
    kind = "code" if "code" in plan else plan[-1]
    return Next(Decision.CHALLENGE, kind)


def nobody() -> Recipient:
    """Return a recipient who gets no text. Raises the errors that a real text would raise."""
    senders.configured()
    recipient = recipients.from_phone(None, SIGN_IN, otherwise=_NOBODY, locale=None, user=_NOBODY)
    messages.code_message(
        "000000",
        purpose=SIGN_IN.wording,
        language=recipient.language,
        app_name=environment.text("APP_NAME"),
        site_host=environment.text("SITE_HOST"),
        minutes=1,
    )
    return replace(recipient, why_not=NoRecipient.DRY_RUN)


def answer() -> None:
    """Read the key and the table as for an answer. Raises the errors that would raise."""
    SIGN_IN.key()
    ledger.configured().texts.reserve(keys.pseudonym("nobody", _NOBODY), now=time.time())

"""A dry run: a trigger does for nobody all that it does for somebody, so that what fails is seen.

The doctor invokes the functions with a trigger source of its own. Cognito names the source itself,
so no caller of Cognito can ask for one. Nobody is texted, whatever the event says of a number; no
budget is spent and nothing is counted. What is left is one line in the log and one item in the
ledger, which belongs to nobody and is always the same.
"""

import time
from dataclasses import replace
from typing import Any

from . import environment, keys, ledger, messages, senders
from .codes import people, unsent
from .codes.people import Person
from .codes.purposes import SIGN_IN

_NOBODY = "dry run"


def is_dry_run(event: dict[str, Any]) -> bool:
    return str(event.get("triggerSource", "")).endswith("_DryRun")


def nobody() -> Person:
    """Return somebody to send a code to who gets no text. Raises what a real text would raise."""
    senders.configured()
    person = people.from_phone(None, SIGN_IN, otherwise=_NOBODY, locale=None, user=_NOBODY)
    messages.code_message(
        "000000",
        purpose=SIGN_IN.wording,
        language=person.language,
        app_name=environment.text("APP_NAME"),
        site_host=environment.text("SITE_HOST"),
        minutes=1,
    )
    return replace(person, why_not=unsent.DRY_RUN)


def answer() -> None:
    """Ask for all that an answer is counted and compared with. Raises what that would raise."""
    SIGN_IN.key()
    ledger.configured().texts.reserve(keys.pseudonym("nobody", _NOBODY), now=time.time())

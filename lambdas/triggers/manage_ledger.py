"""ManageLedger: show and clear the ledger of a number, and sum up its days, for operators.

The server key that names the ledger's items stays on this side of AWS, so the site asks this
function: ``{"action": "show" | "unlock", "phone": "+1…", "user": sub}``,
``{"action": "forget_answer" | "forget_backup_codes", "user": sub}`` or
``{"action": "overview", "days": 1 … 31}``. IAM decides who may invoke it.
"""

import time
from dataclasses import asdict
from typing import Any

from . import backup_codes, ledger, phones, secret_answers, telemetry
from .codes import purposes


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return the state of the number (``ledger.PhoneState``) after the action.

    ``user`` may be left out; with it, the codes to the user's known browsers and signed-in sessions
    are unlocked too, and answers to the secret question and by backup code. ``forget_answer``
    forgets the answer that was kept, and ``forget_backup_codes`` all backup codes; both return {}.
    ``overview`` returns ``{"sent": […], "blocked": […]}``, both of ``ledger.Count``. Raises
    ValueError where the event lacks something, and botocore's errors.
    """
    if event.get("action") == "overview":
        return _overview(event.get("days"))
    if event.get("action") == "forget_answer":
        return _forget_answer(event.get("user"))
    if event.get("action") == "forget_backup_codes":
        return _forget_backup_codes(event.get("user"))
    action, phone = event.get("action"), event.get("phone")
    if action not in ("show", "unlock") or not isinstance(phone, str) or not phone:
        raise ValueError("Wanted: an action (show, unlock, overview, forget_…) and a phone")
    book, name = ledger.configured(), ledger.phone_name(phone)
    if action == "unlock":
        book.unlock(name)
        if isinstance(user := event.get("user"), str) and user:
            book.unlock(ledger.confirmation_name(phone, user))
            book.unlock(ledger.known_name(phone, user))
            book.unlock(ledger.address_proofs_name(phone, user))
            for way in purposes.OTHER_WAYS:
                book.unlock(way.ledger_name(phone, user))
            book.unlock(secret_answers.name_of(user))
            backup_codes.unlock(user)
        telemetry.record("phone_unlocked", metrics={"Unlocked": 1}, phone=phones.mask(phone))
    return asdict(book.show(name, now=time.time()))


def _forget_backup_codes(user: Any) -> dict[str, Any]:
    if not (isinstance(user, str) and user):
        raise ValueError("Wanted: a user")
    backup_codes.forget(user)
    telemetry.record("backup_codes_forgotten", metrics={})
    return {}


def _forget_answer(user: Any) -> dict[str, Any]:
    if not (isinstance(user, str) and user):
        raise ValueError("Wanted: a user")
    name = secret_answers.name_of(user)
    book = ledger.configured()
    book.kept_answers.forget(name)
    book.unlock(name)
    telemetry.record("answer_forgotten", metrics={})
    return {}


def _overview(days: Any) -> dict[str, Any]:
    if type(days) is not int or not 1 <= days <= ledger.OVERVIEW_DAYS:
        raise ValueError(f"Wanted: days, from 1 to {ledger.OVERVIEW_DAYS}")
    sent, blocked = ledger.configured().overview.read(days, now=time.time())
    return {"sent": [asdict(each) for each in sent], "blocked": [asdict(each) for each in blocked]}

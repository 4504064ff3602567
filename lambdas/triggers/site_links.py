"""What SiteTexts does where the link of a mail is opened in another browser than asked for it."""

import time
from typing import Any

from . import keys, ledger, links, phones, pool_accounts, telemetry
from .codes import purposes
from .site_events import PHONE, matching, user_of

_WITH_LINKS = (
    purposes.SIGN_IN,
    purposes.KNOWN_SIGN_IN,
    purposes.BY_MAIL,
    purposes.KNOWN_BY_MAIL,
)


def _open_link(event: dict[str, Any]) -> dict[str, Any]:
    phone, now = matching(event, "phone", PHONE), time.time()
    user = f"{pool_accounts.pool()} {user_of(event)}"
    for purpose in _WITH_LINKS:
        name = purpose.ledger_name(phone, user)
        for challenge in purpose.book().answers.count_opened(name, now=now):
            if links.fits(event.get("word"), user, challenge, now=now):
                # Only then, and once: mails lie about, and addresses are kept in histories.
                used = keys.pseudonym("link", challenge.id)
                is_first = ledger.configured().guesses.take(used, now=now)
                _record(is_first, phone, challenge.reference)
                code = challenge.code(purpose.key(), user=user) if is_first else ""
                return {"code": code}
    _record(False, phone, "")
    return {"code": ""}


def _record(is_shown: bool, phone: str, reference: str) -> None:
    telemetry.record(
        "link_opened" if is_shown else "link_refused",
        metrics={},
        phone=phones.mask(phone),
        reference=reference,
    )


ACTIONS = {"open_link": _open_link}

"""The type of a number, as carriers know it: one question of End User Messaging, which costs money.

It is asked where CARRIER_LOOKUP is on, for the site alone, and once for each right code: nobody has
numbers looked up that are not theirs.
"""

import time
from functools import cache
from typing import Any

from . import environment, ledger, phones, telemetry
from .errors import TryAgainLater
from .senders import SendError, aws, end_user_messaging
from .site_events import PHONE, matching, user_of

# In the words of the service; another one is of a later version of it.
_TYPES = frozenset({"MOBILE", "LANDLINE", "VOIP", "PREPAID", "OTHER", "INVALID"})


def look_up(event: dict[str, Any]) -> dict[str, Any]:
    """Return ``{"type": …}``, "" where no code of the number was right a moment ago.

    Raises ValueError where it is switched off, and TryAgainLater where the service fails.
    """
    if environment.optional("CARRIER_LOOKUP") != "true":
        raise ValueError("Carriers are not asked: CarrierLookup is off")
    phone, user, now = matching(event, "phone", PHONE), user_of(event), time.time()
    names = (ledger.phone_name(phone), ledger.known_name(phone, user))
    if not any(ledger.configured().lookups.take(name, now=now) for name in names):
        return {"type": ""}
    try:
        reply = aws.call(
            _client(), "carrier_lookup", {"PhoneNumber": phone}, end_user_messaging.reason_of
        )
    except SendError as error:
        telemetry.record("carrier_not_asked", metrics={}, reason=error.reason)
        raise TryAgainLater("Try again later") from None
    found = reply.get("PhoneNumberType")
    kind = found if found in _TYPES else "OTHER"
    telemetry.record(
        "carrier_asked", metrics={"CarriersAsked": 1}, phone=phones.mask(phone), outcome=kind
    )
    return {"type": kind}


ACTIONS = {"look_up": look_up}


@cache
def _client() -> Any:
    return aws.client("pinpoint-sms-voice-v2")

"""Texts that were not sent: the line in the log, the metric, and the count for operators."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from .. import ledger, phones, telemetry
from ..ledger import Verdict
from ..senders import Reason


class NoRecipient(StrEnum):
    """Why nobody may be texted, before any limit or sender is asked."""

    UNKNOWN = "unknown"  # no account has the number
    NUMBER_UNPROVEN = "number_unproven"  # the account may have somebody else's number
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    NOT_MOBILE = "not_mobile"
    NO_ADDRESS = "no_address"  # a mail was asked for, and the account has no verified address
    NO_SECOND_NUMBER = "no_second_number"  # a code to one was asked for, and the account has none
    DRY_RUN = "dry_run"  # the recipient was made up


# The site has words for each (accounts/events/reasons.py).
WhyNot = NoRecipient | Verdict | Reason

# A second press raises no alarm.
_METRICS: dict[WhyNot, str] = {
    Verdict.COOLDOWN: "Repeated",
    Verdict.HELD: "Held",
    Verdict.LOCKED: "Held",
}


def record(
    reason: WhyNot,
    *,
    phone: str,
    country: str,
    now: float,
    metrics: Mapping[str, int] = MappingProxyType({}),
    **facts: str | int,
) -> None:
    """Say that a text was not sent, and count it for the operators. Masks ``phone``.

    A second press is not counted there, a dry run nowhere. ``now`` is in seconds since the epoch.
    """
    is_real = reason is not NoRecipient.DRY_RUN
    telemetry.record(
        "text_not_sent" if is_real else reason,
        metrics={_METRICS.get(reason, "Blocked"): 1, **metrics} if is_real else {},
        reason=reason,
        phone=phones.mask(phone),
        country=country,
        **facts,
    )
    if is_real and reason is not Verdict.COOLDOWN:
        ledger.configured().overview.count_blocked(country, reason, now=now)

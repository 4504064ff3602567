"""Texts that were not sent: the line in the log, the metric, and the count for operators."""

from collections.abc import Mapping
from types import MappingProxyType

from .. import ledger, phones, telemetry
from ..ledger import Verdict

# The reason of a dry run: its recipient was made up.
DRY_RUN = "dry_run"
# A second press raises no alarm.
_METRICS: dict[str, str] = {
    Verdict.COOLDOWN: "Repeated",
    Verdict.HELD: "Held",
    Verdict.LOCKED: "Held",
}


def record(
    reason: str,
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
    is_real = reason != DRY_RUN
    telemetry.record(
        "text_not_sent" if is_real else DRY_RUN,
        metrics={_METRICS.get(reason, "Blocked"): 1, **metrics} if is_real else {},
        reason=reason,
        phone=phones.mask(phone),
        country=country,
        **facts,
    )
    if is_real and reason != Verdict.COOLDOWN:
        ledger.configured().overview.count_blocked(country, reason, now=now)

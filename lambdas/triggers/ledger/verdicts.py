"""Verdicts on a text: whether it may be sent, and which limit says no."""

from enum import StrEnum


class Verdict(StrEnum):
    """Say what to do about a text. All but the first three name the limit that keeps it back."""

    SEND = "send"
    SEND_AGAIN = "send_again"
    WENT_FIRST = "went_first"  # it left from the share of people known before
    COOLDOWN = "cooldown"
    HELD = "held"
    LOCKED = "locked"
    PHONE_HOUR = "phone_hour"
    PHONE_DAY = "phone_day"
    NOTICES = "notices"
    STOPPED = "stopped"
    BLOCK = "block"
    BLOCK_UNUSED = "block_unused"  # codes of the block are not used
    COUNTRY = "country"
    COUNTRY_UNUSED = "country_unused"  # codes of the country are not used, or it is new
    PUMPING = "pumping"  # block and country both look as if somebody sold texts
    RESERVED = "reserved"  # the rest of the pool's budget is for people known before
    POOL = "pool"


# Only people with an account use these budgets: to tell that one is used up would tell who has an
# account.
NOT_TOLD = frozenset(
    {
        Verdict.BLOCK,
        Verdict.BLOCK_UNUSED,
        Verdict.COUNTRY,
        Verdict.COUNTRY_UNUSED,
        Verdict.PUMPING,
    }
)

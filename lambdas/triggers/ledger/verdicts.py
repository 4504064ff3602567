"""Verdicts on a text: whether it may be sent, and which limit says no."""

from enum import StrEnum


class Verdict(StrEnum):
    """Say what to do about a text. All but the first two name the limit that keeps it back."""

    SEND = "send"
    SEND_AGAIN = "send_again"
    COOLDOWN = "cooldown"
    HELD = "held"
    LOCKED = "locked"
    PHONE_HOUR = "phone_hour"
    PHONE_DAY = "phone_day"
    NOTICES = "notices"
    STOPPED = "stopped"
    BLOCK = "block"
    COUNTRY = "country"
    POOL = "pool"

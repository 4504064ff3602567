"""Phones as logs and strangers may see them."""

HIDDEN_PHONE = "+•••••••••••"


def mask(phone: str) -> str:
    """Return ``+14155552671`` as ``+•••••••••71``."""
    digits = phone.removeprefix("+")
    return "+" + "•" * max(0, len(digits) - 2) + digits[-2:]

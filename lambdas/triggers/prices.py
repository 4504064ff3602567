"""Prices of messages by channel and country, from a file with its date (prices.json).

They serve a budget, not a bill: each message counts with the price of its country and its parts.
"""

import json
from functools import cache
from pathlib import Path

MILLIONTHS = 1_000_000
_DEFAULT = "default"


@cache
def _prices(channel: str) -> dict[str, int]:
    """Return the prices of a channel in millionths of a US dollar."""
    found = json.loads(Path(__file__).with_name("prices.json").read_text(encoding="utf-8"))
    return {place: round(price * MILLIONTHS) for place, price in found["usd"][channel].items()}


def of(country: str, *, parts: int = 1, channel: str = "text") -> int:
    """Return what a message costs, in millionths of a US dollar.

    ``country`` is an ISO 3166 code. One that the file does not name has the channel's default.
    """
    prices = _prices(channel)
    return parts * prices.get(country, prices[_DEFAULT])

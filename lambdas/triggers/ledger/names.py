"""Names of the table's items, the windows in which they count, and how long they are kept.

Every ``now`` is in seconds since the epoch, every ``…_KEPT`` in seconds.
"""

from datetime import UTC, datetime

from .. import keys

HOUR, DAY = 60 * 60, 24 * 60 * 60
# Longer than any hold; a locked number is kept for ever. Names that belong to no number, of which
# strangers invent many, are kept as long: how soon a hold is forgotten would tell them apart.
PHONE_KEPT = 400 * DAY
WINDOW_KEPT = 2 * DAY
# Operators look back a month; some days to spare.
OVERVIEW_DAYS = 31
OVERVIEW_KEPT = (OVERVIEW_DAYS + 4) * DAY


def phone_name(phone: str) -> str:
    """Return the pseudonym of a number (E.164)."""
    return keys.pseudonym("phone", phone)


def confirmation_name(phone: str, user: str) -> str:
    """Return the name under which a signed-in user (sub) gets codes to a number (E.164).

    It has the limits of a number, and counts of its own: strangers, who are not signed in as the
    user, can neither use it up nor have it held.
    """
    return keys.pseudonym("confirmation", f"{user} {phone}")


def known_name(phone: str, sub: str) -> str:
    """Return the name under which known browsers of an account (sub) get codes to a number.

    One for all of them, with counts of its own: nobody else can use them up or have it held.
    """
    return keys.pseudonym("known browser", f"{sub} {phone}")


def address_proofs_name(phone: str, user: str) -> str:
    """Return the name under which a signed-in user gets codes to addresses that may become theirs.

    ``user`` is the sub and the address. One name for all addresses of an account, with counts of
    its own: another address brings no tries and no mails.
    """
    return keys.pseudonym("address proofs", f"{user.partition(' ')[0]} {phone}")


def other_way_name(phone: str, sub: str, way: str) -> str:
    """Return the name under which an account gets codes by another ``way`` than to its number.

    ``phone`` is the number that was typed, and ``sub`` may be nobody's. Each way has counts of its
    own, so that none tells what was asked for by another, or for another account.
    """
    return keys.pseudonym("other way", f"{way} {sub} {phone}")


def mailbox_name(address: str) -> str:
    """Return the pseudonym of the mailbox that an address leads to, whoever asks for mails to it.

    Without what many services ignore before the @: capitals, dots, and all from a plus sign on.
    """
    local, _, domain = address.lower().rpartition("@")
    bare = local.partition("+")[0].replace(".", "")
    return keys.pseudonym("mailbox", f"{bare}@{domain}")


def block_name(block: str) -> str:
    """Return the pseudonym of a block of numbers (``countries.block_of``)."""
    return keys.pseudonym("block", block)


def phone_item(name: str) -> str:
    """Return the key of a number's item, by its pseudonym."""
    return f"phone#{name}"


def block_item(block: str, now: float) -> str:
    """Return the key of a block's item of the day, by its pseudonym."""
    return f"block#{block}#{day(now)}"


def pool_item(now: float) -> str:
    """Return the key of the pool's item of the day."""
    return f"pool#{day(now)}"


def once_item(name: str) -> str:
    """Return the key of something that is good for one use, by its pseudonym."""
    return f"once#{name}"


def answer_item(name: str) -> str:
    """Return the key of an answer to a secret question, by its pseudonym."""
    return f"answer#{name}"


def backup_item(name: str) -> str:
    """Return the key of a person's backup codes, by their pseudonym."""
    return f"backup#{name}"


def second_item(name: str) -> str:
    """Return the key of what is kept of a person's second number, by their pseudonym."""
    return f"second#{name}"


def notice_item(name: str, now: float) -> str:
    """Return the key of a number's notices of the day, by its pseudonym."""
    return f"notice#{name}#{day(now)}"


def blocked_item(now: float) -> str:
    """Return the key of what operators read of the day: texts that were not sent, and sums."""
    return f"blocked#{day(now)}"


def day(now: float) -> str:
    """Return the UTC day, such as ``20261120``."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d}"


def hour(now: float) -> str:
    """Return the hour of the UTC day, such as ``09``."""
    return f"{datetime.fromtimestamp(now, UTC):%H}"


def quarter(now: float) -> int:
    """Return the number of the quarter of an hour."""
    return int(now) // 900


def slot(now: float) -> int:
    """Return the number of the five minutes."""
    return int(now) // 300


def milliseconds(now: float) -> int:
    """Return the whole milliseconds since the epoch."""
    return int(now * 1000)

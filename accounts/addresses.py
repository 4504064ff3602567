"""E-mail addresses: read what people type, and mask one for display. No I/O and no settings."""

import re

from django.utils.encoding import punycode

MAX_LENGTH = 254
# As the triggers take it (ADDRESS in lambdas/triggers/site_events.py), which check it as well.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(
    rf"(?=.{{6,{MAX_LENGTH}}}\Z)(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


def parse(typed: str) -> str:
    """Return an address with its domain in lower-case ASCII. Raises ValueError for anything else.

    The part before the @ stays as it was typed: capitals may make a difference there.
    """
    local, _, domain = typed.strip().rpartition("@")
    # UnicodeError, which this raises for what is no name of a host, is a ValueError.
    address = f"{local}@{punycode(domain.lower()).lower()}"
    if not _ADDRESS.fullmatch(address):
        raise ValueError("Not an e-mail address")
    return address


def mask(address: str) -> str:
    """Return an address as people may see it who need not know it, such as a…@example.com."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}" if local else ""

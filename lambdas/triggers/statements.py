"""Statements of the site, signed with a key that it shares with the triggers (SITE_KEY).

A client's secret signs none. The site has the other half: accounts/aws/statements.py.
"""

import hashlib
import hmac
import json
import re

from . import keys

# Seconds in which a statement counts; clocks may differ by the second figure.
_LIVES, _CLOCK = 60, 30
_KNOWN = re.compile(r"v1[.](?P<browser>[0-9a-f]{64})[.](?P<at>[0-9]{1,12})[.](?P<mac>[0-9a-f]{64})")


def says_known(statement: object, *, pool: str, sub: str, now: float) -> bool:
    """Tell whether the site states that a browser has signed in to the account ``sub`` before.

    ``v1.<digest of the browser>.<seconds since the epoch>.<mac>``. ``now`` is in seconds since the
    epoch. It may come twice: all that it opens is counted per account. Raises botocore's errors.
    """
    found = _KNOWN.fullmatch(statement) if isinstance(statement, str) else None
    if found is None or not sub or not is_fresh(int(found["at"]), now=now):
        return False
    return fits(found["mac"], "known browser", pool, sub, found["browser"], found["at"])


def is_fresh(stated_at: int, *, now: float) -> bool:
    """Tell whether a statement of that time still counts, or counts already."""
    return -_CLOCK <= now - stated_at <= _LIVES + _CLOCK


def fits(mac: str, *said: str) -> bool:
    """Tell whether the site has signed these words, the first of which is what they are about."""
    message = json.dumps(said).encode()
    return hmac.compare_digest(mac, hmac.new(keys.site_key(), message, hashlib.sha256).hexdigest())

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
_METHODS = "[a-z]{2,8}(-[a-z]{2,8}){0,5}"
_SIGNED = "(?P<at>[0-9]{1,12})[.](?P<mac>[0-9a-f]{64})"
_STATED = re.compile(rf"v1[.](?P<methods>{_METHODS})[.]{_SIGNED}")
_KNOWN = re.compile(rf"v1[.](?P<browser>[0-9a-f]{{64}})[.]{_SIGNED}")


def says_known(statement: object, *, pool: str, sub: str, now: float) -> bool:
    """Tell whether the site states that a browser has signed in to the account ``sub`` before.

    ``v1.<digest of the browser>.<seconds since the epoch>.<mac>``. ``now`` is in seconds since the
    epoch. It may come twice: all that it opens is counted per account. Raises botocore's errors.
    """
    found = _KNOWN.fullmatch(statement) if isinstance(statement, str) else None
    if found is None or not sub or not is_fresh(int(found["at"]), now=now):
        return False
    return fits(found["mac"], "known browser", pool, sub, found["browser"], found["at"])


def says_proven(statement: object, *, pool: str, sub: str, challenge: str, now: float) -> bool:
    """Tell whether the site states that it has proven the account ``sub``, for this challenge.

    ``v1.<methods of RFC 8176, with hyphens>.<seconds since the epoch>.<mac>``. Raises botocore's
    errors.
    """
    return bool(_methods(statement, "proven", pool, sub, challenge, sub=sub, now=now))


def methods_in(statement: object, *, pool: str, sub: str, now: float) -> list[str]:
    """Return the methods by which the site says that it has proven ``sub``, none where it does not.

    Of the same form, and signed apart: it answers no challenge.
    """
    return _methods(statement, "methods", pool, sub, sub=sub, now=now)


def _methods(statement: object, *said: str, sub: str, now: float) -> list[str]:
    found = _STATED.fullmatch(statement) if isinstance(statement, str) else None
    if found is None or not sub or not is_fresh(int(found["at"]), now=now):
        return []
    is_signed = fits(found["mac"], *said, found["methods"], found["at"])
    return found["methods"].split("-") if is_signed else []


def is_fresh(stated_at: int, *, now: float) -> bool:
    """Tell whether a statement of that time still counts, or counts already."""
    return -_CLOCK <= now - stated_at <= _LIVES + _CLOCK


def fits(mac: str, *said: str) -> bool:
    """Tell whether the site has signed these words, the first of which is what they are about."""
    message = json.dumps(said).encode()
    return hmac.compare_digest(mac, hmac.new(keys.site_key(), message, hashlib.sha256).hexdigest())

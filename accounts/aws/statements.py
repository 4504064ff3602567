"""Statements of the site to the triggers, signed with SITE_KEY, which no client's secret replaces.

The triggers' half is lambdas/triggers/statements.py.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Iterable

from accounts.conf import conf


def known_browser(*, sub: str, browser: str) -> str:
    """State that a browser (``devices.Device.browser``) has signed in to an account before."""
    at = str(int(time.time()))
    return f"v1.{browser}.{at}.{sign('known browser', conf.user_pool_id, sub, browser, at)}"


def proven(*, sub: str, challenge: str, methods: Iterable[str]) -> str:
    """State that this site has proven the account ``sub``, as the answer to a challenge."""
    return _with_methods("proven", conf.user_pool_id, sub, challenge, methods=methods)


def proven_by(*, sub: str, methods: Iterable[str]) -> str:
    """State for the tokens by which methods (RFC 8176) that was."""
    return _with_methods("methods", conf.user_pool_id, sub, methods=methods)


def _with_methods(*said: str, methods: Iterable[str]) -> str:
    at, named = str(int(time.time())), "-".join(methods)
    return f"v1.{named}.{at}.{sign(*said, named, at)}"


def sign(*said: str) -> str:
    """Return the signature of some words, the first of which is what they are about."""
    return hmac.new(conf.site_key.encode(), json.dumps(said).encode(), hashlib.sha256).hexdigest()

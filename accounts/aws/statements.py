"""Statements of the site to the triggers, signed with SITE_KEY, which no client's secret replaces.

The triggers' half is lambdas/triggers/statements.py.
"""

import hashlib
import hmac
import json
import time

from accounts.conf import conf


def known_browser(*, sub: str, browser: str) -> str:
    """State that a browser (``devices.Device.browser``) has signed in to an account before."""
    at = str(int(time.time()))
    return f"v1.{browser}.{at}.{sign('known browser', conf.user_pool_id, sub, browser, at)}"


def sign(*said: str) -> str:
    """Return the signature of some words, the first of which is what they are about."""
    return hmac.new(conf.site_key.encode(), json.dumps(said).encode(), hashlib.sha256).hexdigest()

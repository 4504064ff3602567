"""Sessions of browsers: how they are found, begun and ended.

``rows`` has the database's side, ``browser`` the request's, ``store`` is the SESSION_ENGINE and
``concurrency`` the policy for several devices of one person.
"""

from accounts.sessions.browser import (
    adopt,
    begin,
    elsewhere,
    end_elsewhere,
    for_request,
    newcomer_seen,
    touch,
)
from accounts.sessions.rows import by_browser, close, digest, end, end_all, lately_ended, live

__all__ = [
    "adopt",
    "begin",
    "by_browser",
    "close",
    "digest",
    "elsewhere",
    "end",
    "end_all",
    "end_elsewhere",
    "for_request",
    "lately_ended",
    "live",
    "newcomer_seen",
    "touch",
]

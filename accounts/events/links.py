"""Addresses of the rows behind the figures of the admin's front page.

The list of events (``accounts/admin/events``) reads what they ask for.
"""

import re
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse

from accounts.models import SignInEvent

Kind = SignInEvent.Kind

# Beside the kinds of events: several of them, or some of one.
GROUPS = {
    "attempts": Q(kind=Kind.STARTED, reason=""),
    "texts": Q(kind__in=(Kind.SENT, Kind.RESENT)),
}
# For rows whose reason or country is "", which in an address would mean any.
NONE = "-"
_SPAN = re.compile("([0-9]{1,11})-([0-9]{1,11})?")


def events(
    kind: str,
    since: datetime,
    until: datetime | None = None,
    *,
    reason: str | None = None,
    country: str | None = None,
) -> str:
    """Return the address of the events of a kind or group, from one time on to another."""
    asked = {"kind__exact": kind, "period": _span(since, until)}
    for name, value in (("reason", reason), ("country", country)):
        if value is not None:
            asked[name] = value or NONE
    return f"{reverse('admin:accounts_signinevent_changelist')}?{urlencode(asked)}"


def people(**asked: str) -> str:
    """Return the address of the list of people with a filter."""
    query = f"?{urlencode(asked)}" if asked else ""
    return f"{reverse('admin:accounts_user_changelist')}{query}"


def read_span(text: str) -> tuple[datetime, datetime | None] | None:
    """Return the times of an address, None where it says none."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    since, until = found.groups()
    return (
        datetime.fromtimestamp(int(since), UTC),
        datetime.fromtimestamp(int(until), UTC) if until else None,
    )


def _span(since: datetime, until: datetime | None) -> str:
    return f"{int(since.timestamp())}-{int(until.timestamp()) if until else ''}"

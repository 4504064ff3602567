"""Signs that several people share one account, from a week of its sign-ins."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import SignInEvent, User

_WEEK, _DAY = timedelta(days=7), timedelta(days=1)

# One person has a phone, a computer at home and perhaps one at work, and signs in on each about
# once in two weeks, often while the others are signed in. So the first mark of each sign is beyond
# that, and the second is where even a person of many devices does not get. A code that is asked
# for on one device and typed on another has been passed on, or two people were at it at once; it
# happens by itself so rarely that once is worth a look.
_SOME = {"devices": 4, "overlapping": 4, "crossing": 1}
_LIKELY = {"devices": 6, "overlapping": 8, "crossing": 3}
# Two different signs that are weak alone are strong together.
_STRONG = " OR ".join(f"{sign} >= {mark}" for sign, mark in _LIKELY.items())
_WEAK = " + ".join(f"CASE WHEN {sign} >= {mark} THEN 1 ELSE 0 END" for sign, mark in _SOME.items())

# Each sign-in does it, and Django takes eight times as long to put it together. ``overlaps`` is an
# operator of PostgreSQL, hence the quotes. ``kind`` is hidden from SQLite, which would rather read
# all sign-ins of the week by their kind than those of one user.
_MEASURE = f"""
    UPDATE accounts_user
    SET devices_in_week = devices, overlaps_in_week = overlapping, crossed_in_week = crossing,
        sharing_at = %(now)s,
        sharing = CASE WHEN {_STRONG} OR {_WEAK} > 1 THEN {User.Sharing.LIKELY}
                       WHEN {_WEAK} = 1 THEN {User.Sharing.SOME} ELSE {User.Sharing.NONE} END
    FROM (
        SELECT COUNT(DISTINCT NULLIF(browser, '')) AS devices,
               COUNT(CASE WHEN "overlaps" > 0 THEN 1 END) AS overlapping,
               COUNT(CASE WHEN crossed THEN 1 END) AS crossing
        FROM accounts_signinevent
        WHERE user_id = %(user)s AND at > %(week_ago)s AND kind || '' = %(kind)s
    ) AS week
    WHERE id = %(user)s AND (
        sharing_at IS NULL OR sharing_at <= %(day_ago)s
        OR devices_in_week <> devices
        OR overlaps_in_week <> overlapping
        OR crossed_in_week <> crossing
    )
"""  # noqa: S608 - numbers of our own


def measure(user: User) -> bool:
    """Sum up the sign-ins of the last seven days of ``user``, and what they say about sharing.

    What stands in the row already is not written again on the same day. Returns whether it was.
    """
    now, adapt = timezone.now(), connection.ops.adapt_datetimefield_value
    parameters: dict[str, Any] = {
        "user": user.pk,
        "kind": SignInEvent.Kind.SUCCEEDED,
        "now": adapt(now),
        "week_ago": adapt(now - _WEEK),
        "day_ago": adapt(now - _DAY),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MEASURE, parameters)
        return bool(cursor.rowcount)

"""Signs that several people share one account, from a week of its sign-ins."""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from accounts.models import SignInEvent, User

_WEEK, _DAY = timedelta(days=7), timedelta(days=1)

# One person has a phone, a computer at home and perhaps one at work, and signs in on each about
# once in two weeks, often while the others are signed in. So the first mark of each sign is beyond
# that, and the second is where even a person of many devices does not get. A code that is asked
# for on one device and typed on another has been passed on, or two people were at it at once; it
# happens by itself so rarely that once is worth a look.
_SOME = {"devices_in_week": 4, "overlaps_in_week": 4, "crossed_in_week": 1}
_LIKELY = {"devices_in_week": 6, "overlaps_in_week": 8, "crossed_in_week": 3}


# Each sign-in asks for it, and Django takes eight times as long to put it together. ``overlaps`` is
# an operator of PostgreSQL, hence the quotes.
_COUNTED = ("devices_in_week", "overlaps_in_week", "crossed_in_week")
_COUNT = """
    SELECT COUNT(DISTINCT NULLIF(browser, '')),
           COUNT(CASE WHEN "overlaps" > 0 THEN 1 END),
           COUNT(CASE WHEN crossed THEN 1 END)
    FROM accounts_signinevent WHERE user_id = %s AND kind = %s AND at > %s
"""


def measure(user: User) -> None:
    """Sum up the sign-ins of the last seven days of ``user``, and what they say about sharing.

    What stands in the row already is not written again on the same day. Two different signs that
    are weak alone are strong together.
    """
    now = timezone.now()
    since = connection.ops.adapt_datetimefield_value(now - _WEEK)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [user.pk, SignInEvent.Kind.SUCCEEDED, since])
        week = dict(zip(_COUNTED, cursor.fetchone(), strict=True))
    found = {**week, "sharing": _sharing(week)}
    is_fresh = user.sharing_at is not None and now - user.sharing_at < _DAY
    if is_fresh and all(getattr(user, name) == value for name, value in found.items()):
        return
    User.objects.filter(pk=user.pk).update(**found, sharing_at=now)


def _sharing(week: dict[str, int]) -> User.Sharing:
    weak = [sign for sign, mark in _SOME.items() if week[sign] >= mark]
    strong = [sign for sign, mark in _LIKELY.items() if week[sign] >= mark]
    if strong or len(weak) > 1:
        return User.Sharing.LIKELY
    return User.Sharing.SOME if weak else User.Sharing.NONE
